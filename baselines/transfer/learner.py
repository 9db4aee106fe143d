"""Transfer as a learner: from a run's settings to a trained network, and back from its folder."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from baselines import weights
from baselines.data import challenge
from baselines.data.dataset import Dataset, Pixels
from baselines.runs import Run
from baselines.training.answering import answers
from baselines.training.device import Device, device
from baselines.transfer import photos, recipe
from baselines.transfer.frozen import AT_ONCE
from baselines.transfer.options import TransferOptions
from baselines.transfer.views import View
from baselines.watching import Watch


class Transferred:
    """A network with a new head, behind the view that it wants to have of its images.

    Both together are ``network``: images of any size (N, 1 or 3, H, W) in [0, 1] in, logits out.
    """

    def __init__(self, body: nn.Module, options: TransferOptions, on: Device) -> None:
        self.network = seeing(body, options).to(on.name).eval()
        self.options, self._on = options, on

    @property
    def device(self) -> str:
        return self._on.name

    @property
    def parameters(self) -> int:
        return weights.count(self.network)

    @property
    def trainable(self) -> int:
        """How many of them were changed for the task."""
        changed = [each for each in self.network.parameters() if each.requires_grad]
        return sum(each.numel() for each in changed)

    def probabilities(self, pixels: Pixels) -> NDArray[np.float32]:
        """In 32-bit floats, whatever it learnt with: an exported file answers alike."""
        # a batch is bounded by images, as they are large once they passed the view
        batches = torch.from_numpy(pixels).split(AT_ONCE)  # type: ignore[no-untyped-call]
        on = self._on.exact()
        scores = torch.cat([answers(self.network, on, batch) for batch in batches])
        result: NDArray[np.float32] = scores.softmax(dim=1).numpy()
        return result

    def save(self, folder: Path) -> None:
        weights.save(self.network, folder)


def fit(data: Dataset, run: Run, watch: Watch, folder: Path | None = None) -> Transferred:
    """The four steps with the options of ``run``; ``folder`` has nothing to go on from."""
    del folder
    options, training = TransferOptions.of(run.training.model), run.training
    return transfer(data, options, run.seed, watch, device(bf16=training.bf16))


def steps(run: Run, images: int) -> int:
    """How often `Watch.step` will be called."""
    return recipe.steps(TransferOptions.of(run.training.model), images)


def transfer(
    data: Dataset, options: TransferOptions, seed: int, watch: Watch, on: Device | None = None
) -> Transferred:
    torch.manual_seed(seed)
    on = on or device()
    network = recipe.pretrained(options.base, options.weights)
    recipe.replace_head(network, len(data.classes))
    network = on.placed(network)
    recipe.train(network, data.train, options, on, watch)
    return Transferred(network.eval(), options, on)


def load(folder: Path, run: Run) -> Transferred:
    """The network of a run folder; needs neither the pre-trained weights nor the cache."""
    options, on = TransferOptions.of(run.training.model), device(bf16=run.training.bf16)
    body = new(run)
    weights.load(seeing(body, options), folder)
    return Transferred(on.placed(body).eval(), options, on)


def new(run: Run) -> nn.Module:
    """An untrained network with a head for the run's classes, as torchvision has it."""
    network = recipe.untrained(TransferOptions.of(run.training.model).base)
    recipe.replace_head(network, len(run.classes))
    return network


def seeing(body: nn.Module, options: TransferOptions) -> nn.Module:
    """A network with its view of the images in front of it."""
    return nn.Sequential(View(options.side), body)


def decode(pictures: Mapping[str, bytes], run: Run) -> Pixels:
    """New images, read as those were that the run was trained and measured on.

    These were photos, unless ``train`` loaded them as it does for any network.
    """
    by_photos = "side" in run.source or not run.source
    stack = photos.stack if by_photos else challenge.stack
    return stack(pictures, (run.width, run.height), run.channels == 1)
