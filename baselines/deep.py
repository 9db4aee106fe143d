"""Networks as learners: from a run's settings to trained weights, and back from its folder."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from baselines import weights
from baselines.catalogue import named, network_place
from baselines.data.dataset import Dataset, Pixels
from baselines.errors import CallError
from baselines.models.layers import Standardise
from baselines.models.task import Task
from baselines.runs import Run
from baselines.training import checkpoints
from baselines.training.device import Device, device
from baselines.training.loop import Trainer, answers
from baselines.training.options import Options
from baselines.watching import Watch


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
        logits = answers(self.network, self._on, torch.from_numpy(pixels), flips=self._flips)
        result: NDArray[np.float32] = logits.softmax(dim=1).numpy()
        return result

    def save(self, folder: Path) -> None:
        weights.save(self.network, folder)


def fit(data: Dataset, run: Run, watch: Watch, folder: Path | None = None) -> Deep:
    """Train from random weights, or go on from ``folder``'s checkpoint where there is one.

    The same seed on the same machine gives the same network.
    """
    options, trainer = run.training, begun(data, run)
    keep: Callable[[Trainer], None] | None = None
    if folder is not None:
        checkpoints.restore(trainer, folder)
        for _ in range(trainer.progress.step):
            watch.step()
        keep = checkpoints.keeper(folder)
    with _memory_in_words(options):
        network = trainer.fit(watch, keep)
    if folder is not None:
        checkpoints.remove(folder)
    return Deep(network.eval(), trainer.device, options.flips)


def begun(data: Dataset, run: Run) -> Trainer:
    """An untrained network, ready to learn from the training images."""
    torch.manual_seed(run.seed)
    return Trainer(new(run), _device(run), data.train, run.training, run.seed)


def load(folder: Path, run: Run) -> Deep:
    """The network of a run folder. Raises BaselineError where it is not this run's."""
    network, on = new(run), _device(run)
    weights.load(network, folder)
    return Deep(on.placed(network).eval(), on, run.training.flips)


def new(run: Run) -> nn.Module:
    """An untrained network that takes images in [0, 1] and gives a score per class."""
    build = named(network_place(run.arch))
    task = Task(run.channels, run.height, run.width, len(run.classes))
    try:
        body = build(task, **run.training.model)
    except TypeError as error:
        raise CallError(f"{run.arch} does not take that: {error}.") from error
    return nn.Sequential(Standardise(run.mean, run.deviation), body)


def _device(run: Run) -> Device:
    return device(bf16=run.training.bf16, channels_last=run.training.channels_last)


@contextmanager
def _memory_in_words(options: Options) -> Iterator[None]:
    """Out of memory as a sentence that names a batch size which may fit."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not _is_out_of_memory(error):
            raise
        size = options.batch_size
        raise CallError(
            f"A batch of {size} images does not fit into memory. "
            f"Try --batch-size {max(1, size // 2)}, or smaller images with --largest."
        ) from error


def _is_out_of_memory(error: Exception) -> bool:
    known = isinstance(error, torch.OutOfMemoryError | MemoryError)
    return known or "not enough memory" in str(error)  # the CPU's, a plain RuntimeError
