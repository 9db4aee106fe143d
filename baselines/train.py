"""Train one architecture on one data set and leave a run folder behind."""

import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from baselines import catalogue
from baselines.catalogue import Classifier, Watch
from baselines.dataset import Dataset, Labelled, channel_statistics
from baselines.runs import Run


@dataclass(frozen=True)
class Result:
    """What `train --json` prints."""

    arch: str
    data: str
    test_accuracy: float
    held_out: str
    held_out_images: int
    parameters: int
    train_seconds: float
    device: str


def plan(arch: str, data: Dataset, *, seed: int, epochs: int | None) -> Run:
    """Everything about a run that is known before it starts."""
    channels, height, width = data.train.pixels.shape[1:]
    mean, deviation = channel_statistics(data.train.pixels)
    length = epochs or catalogue.recipe(arch).epochs(len(data.train))
    shape = {"channels": channels, "height": height, "width": width}
    return Run(arch, data.name, data.classes, **shape, mean=mean, deviation=deviation,
               seed=seed, epochs=length, metrics={})  # fmt: skip


def steps(run: Run, data: Dataset) -> int:
    """How often `Watch.step` will be called."""
    return run.epochs * catalogue.recipe(run.arch).batches(len(data.train))


def train(run: Run, data: Dataset, out: Path, watch: Watch) -> Result:
    """Fit on the training images, look at the held-out ones once, save."""
    started = time.perf_counter()
    model: Classifier = catalogue.named(catalogue.recipe(run.arch).learner).fit(data, run, watch)
    seconds = time.perf_counter() - started
    result = Result(
        arch=run.arch,
        data=data.name,
        test_accuracy=round(accuracy(model, data.test), 6),
        held_out=data.held_out,
        held_out_images=len(data.test),
        parameters=model.parameters,
        train_seconds=round(seconds, 3),
        device=model.device,
    )
    out.mkdir(parents=True, exist_ok=True)
    model.save(out)
    replace(run, metrics=asdict(result)).save(out)
    return result


def accuracy(model: Classifier, images: Labelled) -> float:
    return float(np.mean(model.probabilities(images.pixels).argmax(axis=1) == images.labels))
