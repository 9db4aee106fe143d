"""Networks as learners: from a run's settings to trained weights, and back from its folder."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from baselines import weights
from baselines.catalogue import build
from baselines.data.dataset import Dataset, Labelled, Pixels
from baselines.errors import CallError
from baselines.models.layers import LooksFirst, Standardise
from baselines.models.task import Task
from baselines.runs import Run
from baselines.training import checkpoints, memory, rates
from baselines.training.answering import answers
from baselines.training.device import Device, device
from baselines.training.loop import Trainer
from baselines.watching import Watch

SHOWN = 1 << 22  # pixels of training images: as many as 4 096 of CIFAR-10


class Deep:
    """A trained network and where it lives."""

    def __init__(self, network: nn.Module, on: Device, flips: bool) -> None:
        self.network, self._on, self._flips = network, on, flips

    @property
    def device(self) -> str:
        return self._on.name

    @property
    def parameters(self) -> int:
        return weights.count(self.network)

    def probabilities(self, pixels: Pixels) -> NDArray[np.float32]:
        """In 32-bit floats, whatever it learnt with: an exported file answers alike."""
        with _image_in_words():
            images = torch.from_numpy(pixels)
            logits = answers(self.network, self._on.exact(), images, flips=self._flips)
        result: NDArray[np.float32] = logits.softmax(dim=1).numpy()
        return result

    def save(self, folder: Path) -> None:
        weights.save(self.network, folder)


def fit(data: Dataset, run: Run, watch: Watch, folder: Path | None = None) -> Deep:
    """Train from random weights, or go on from ``folder``'s checkpoint where there is one.

    The checkpoint stays: whoever saves the network removes it. The same seed on the same machine
    gives the same network. Raises CallError where it does not fit into memory or `deterministic`
    is more than one of its layers can do, BaselineError where the training diverges.
    """
    with _troubles_in_words(data, run):
        trainer = begun(data, run)
        keep: Callable[[Trainer], None] | None = None
        if folder is not None:
            checkpoints.restore(trainer, folder)
            for _ in range(trainer.progress.step):
                watch.step()
            keep = checkpoints.keeper(folder)
        network = trainer.fit(watch, keep)
    return Deep(network.eval(), trainer.device, run.training.flips)


def search_rate(data: Dataset, run: Run) -> rates.Search:
    """What the learning-rate finder finds for an untrained network. Raises as ``fit`` does."""
    with _troubles_in_words(data, run):
        return rates.search(begun(data, run))


def begun(data: Dataset, run: Run) -> Trainer:
    """An untrained network, ready to learn from the training images."""
    torch.manual_seed(run.seed)
    network = new(run)
    _show(network, data.train)
    return Trainer(network, _device(run), data.train, run.training, run.seed)


def load(folder: Path, run: Run) -> Deep:
    """The network of a run folder. Raises BaselineError where it is not this run's."""
    network, on = new(run), _device(run)
    weights.load(network, folder)
    return Deep(on.placed(network).eval(), on, run.training.flips)


def new(run: Run) -> nn.Module:
    """An untrained network that takes images in [0, 1] and gives a score per class."""
    task = Task(run.channels, run.height, run.width, len(run.classes))
    body = build(run.arch, task, run.training.model)
    return nn.Sequential(Standardise(run.mean, run.deviation), body)


def _show(network: nn.Module, images: Labelled) -> None:
    """Some training images to a network whose first filters come from them."""
    standardise, body = network.children()
    if isinstance(body, LooksFirst):
        height, width = images.pixels.shape[2:]
        few = images.some(max(1, SHOWN // (height * width))).pixels
        body.look_at(standardise(torch.from_numpy(few).float() / 255))


def _device(run: Run) -> Device:
    return device(bf16=run.training.bf16, channels_last=run.training.channels_last)


@contextmanager
def _troubles_in_words(data: Dataset, run: Run) -> Iterator[None]:
    """What torch cannot do here, as a sentence with a remedy."""

    size = min(run.training.batch_size, len(data.train))
    at_once = min(run.training.part or size, size)

    def steps(part: int) -> None:
        """Two, of two parts: the optimiser makes room for its own numbers after the first."""
        trainer = begun(data, replace(run, options={**run.options, "part": part}))
        pixels, labels = trainer.feed.take(trainer.kept[:size])
        for _ in range(2):
            trainer.learn_from(pixels[: 2 * part], labels[: 2 * part])

    try:
        with memory.in_words(at_once, steps):
            yield
    except RuntimeError as error:
        if "deterministic" not in str(error):
            raise
        raise CallError(
            f"{run.arch} has a layer that gives other numbers on every run on this device "
            f"({str(error).partition('.')[0]}). Leave --deterministic out."
        ) from error


@contextmanager
def _image_in_words() -> Iterator[None]:
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not memory.is_out(error):
            raise
        raise CallError(
            "Not even one image at a time fits into memory to be answered. Make room, or train "
            "on smaller images with --largest."
        ) from error
