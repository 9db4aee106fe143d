"""What does the network say to every image, how surely, and how often is it right?"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

import scoring
from baselines import weights
from baselines.data.dataset import Labels, Pixels
from baselines.errors import BaselineError
from baselines.models.layers import FitInto
from baselines.transfer.views import View

POSITIONS = 2**18  # pixels in a batch: 256 images of 32x32, 5 of 224x224
RESIZING = View, FitInto  # layers that enlarge images to their `side`


@dataclass(frozen=True)
class Answers:
    """One row per image. Of the network's inside nothing is kept: maps would fill the memory."""

    labels: Labels
    logits: NDArray[np.float32]  # (N, K)
    said: Labels
    confidence: NDArray[np.float64]  # the probability of what it said
    loss: NDArray[np.float64]  # -log of the probability of the truth

    @property
    def right(self) -> NDArray[np.bool_]:
        matches: NDArray[np.bool_] = self.said == self.labels
        return matches

    def mistakes(self) -> NDArray[np.int64]:
        """Where the mistakes are, the worst first."""
        wrong = np.flatnonzero(~self.right)
        return wrong[np.argsort(-self.loss[wrong], kind="stable")]


@dataclass(frozen=True)
class Result:
    accuracy: float
    low: float
    high: float
    images: int
    parameters: int


def ask(network: nn.Module, pixels: Pixels, labels: Labels, classes: int) -> Answers:
    """The answers to all images, batch by batch."""
    inside = [each.side**2 for each in network.modules() if isinstance(each, RESIZING)]
    largest = max(pixels.shape[2] * pixels.shape[3], *inside, 1)
    step = max(1, min(256, POSITIONS // largest))
    batches = (slice(at, at + step) for at in range(0, len(pixels), step))
    parts = [_answer(network, pixels[at], labels[at], classes) for at in batches]
    logits, said, confidence, loss = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Answers(labels, logits, said, confidence, loss)


def result(network: nn.Module, given: Answers) -> Result:
    accuracy = float(given.right.mean())
    low, high = scoring.wilson(accuracy, len(given.labels))
    return Result(accuracy, low, high, len(given.labels), weights.count(network))


def floats(network: nn.Module, pixels: Pixels) -> Tensor:
    """Images as the network takes them, where it lives."""
    return torch.tensor(pixels, device=device(network)).float() / 255


def device(network: nn.Module) -> torch.device:
    tensors = (*network.parameters(), *network.buffers())
    return tensors[0].device if tensors else torch.device("cpu")


@torch.inference_mode()
def _answer(
    network: nn.Module, pixels: Pixels, labels: Labels, classes: int
) -> tuple[NDArray[Any], ...]:
    logits: Tensor = network(floats(network, pixels)).float().cpu()
    if logits.shape != (len(pixels), classes):
        raise BaselineError(
            f"The network answers {len(pixels)} images with numbers of the shape "
            f"{tuple(logits.shape)}; for {classes} classes it should be ({len(pixels)}, {classes})."
        )
    if not logits.isfinite().all():
        raise BaselineError("The network's scores are not all finite: its training went astray.")
    likelihood = logits.double().log_softmax(dim=1)
    sure, said = likelihood.max(dim=1)
    of_truth = likelihood.gather(1, torch.tensor(labels)[:, None])[:, 0]
    return logits.numpy(), said.numpy(), sure.exp().numpy(), -of_truth.numpy()
