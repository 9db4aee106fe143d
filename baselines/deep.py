"""One training loop for every network: one-cycle AdamW over images that lie on the device.

All images stay there as one uint8 tensor; a batch is an index into it. No loader, no workers.
"""

import pickle
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import AdamW, Optimizer
from torch.optim.lr_scheduler import OneCycleLR

from baselines.catalogue import Watch, named, recipe
from baselines.dataset import Dataset, Pixels
from baselines.errors import BaselineError
from baselines.networks import Standardise
from baselines.runs import Run

WEIGHT_DECAY = 0.01
LABEL_SMOOTHING = 0.05


class Deep:
    """A trained network and where it lives."""

    def __init__(self, network: nn.Module, device: str) -> None:
        self.network = network.to(device)
        self.device = device

    @property
    def parameters(self) -> int:
        return sum(weights.numel() for weights in self.network.parameters())

    @torch.inference_mode()
    def probabilities(self, pixels: Pixels) -> NDArray[np.float32]:
        self.network.eval()
        batches = torch.from_numpy(pixels).split(512)  # type: ignore[no-untyped-call]
        scores = [self.network(as_floats(batch.to(self.device))) for batch in batches]
        result: NDArray[np.float32] = torch.cat(scores).softmax(dim=1).cpu().numpy()
        return result

    def save(self, folder: Path) -> None:
        state = {name: values.cpu() for name, values in self.network.state_dict().items()}
        torch.save(state, folder / "model.pt")


def fit(data: Dataset, run: Run, watch: Watch) -> Deep:
    """Train from random weights; the same seed on the same machine gives the same network."""
    torch.manual_seed(run.seed)
    model, how = new(run), recipe(run.arch)
    images = torch.from_numpy(data.train.pixels).to(model.device)
    labels = torch.from_numpy(data.train.labels).to(model.device)
    steps = how.batches(len(labels))
    optimiser = AdamW(model.network.parameters(), how.learning_rate, weight_decay=WEIGHT_DECAY)
    schedule = OneCycleLR(optimiser, how.learning_rate, total_steps=run.epochs * steps)
    for _ in range(run.epochs):
        right = torch.zeros((), device=model.device)
        for batch in torch.randperm(len(labels)).to(model.device).tensor_split(steps):
            right += learn(model.network, optimiser, images[batch], labels[batch])
            schedule.step()
            watch.step()
        watch.epoch(right.item() / len(labels))
    return model


def learn(network: nn.Module, optimiser: Optimizer, images: Tensor, labels: Tensor) -> Tensor:
    """One update of the weights on one batch; returns how many were right before it."""
    network.train()
    scores: Tensor = network(as_floats(images))
    loss = functional.cross_entropy(scores, labels, label_smoothing=LABEL_SMOOTHING)
    optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    optimiser.step()
    return (scores.argmax(dim=1) == labels).sum()


def load(folder: Path, run: Run) -> Deep:
    """The network of a run folder; the file is read as numbers only, it cannot carry code."""
    model, path = new(run), folder / "model.pt"
    try:
        model.network.load_state_dict(torch.load(path, model.device, weights_only=True))
    except (OSError, EOFError, RuntimeError, pickle.UnpicklingError) as error:
        raise BaselineError(f"{path} is not this run's model. Train it again.") from error
    return model


def new(run: Run) -> Deep:
    """An untrained network that takes images in [0, 1] and gives a score per class."""
    body = named(recipe(run.arch).network)(run.channels, run.height, run.width, len(run.classes))
    device = "cuda" if torch.cuda.is_available() else "cpu"
    return Deep(nn.Sequential(Standardise(run.mean, run.deviation), body), device)


def as_floats(images: Tensor) -> Tensor:
    return images.float() / 255
