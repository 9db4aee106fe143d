"""Train one architecture on one data set and leave a run folder behind."""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from baselines import catalogue, recipes
from baselines.catalogue import Classifier
from baselines.data.dataset import Dataset, Labelled, channel_statistics
from baselines.runs import Run
from baselines.training.options import Options
from baselines.watching import Watch


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


def plan(
    arch: str,
    data: Dataset,
    *,
    seed: int,
    options: Mapping[str, Any] | None = None,
    source: Mapping[str, Any] | None = None,
) -> Run:
    """What is known of a run before it starts; ``options`` differ from the architecture's own."""
    channels, height, width = data.train.pixels.shape[1:]
    mean, deviation = channel_statistics(data.train.pixels)
    own = Options().changed(catalogue.architecture(arch).options)
    chosen = own.changed(recipes.tuned(arch, data.name)).changed(options or {})
    shape = {"channels": channels, "height": height, "width": width}
    return Run(arch, data.name, data.classes, **shape, mean=mean, deviation=deviation, seed=seed,
               options=chosen.as_json(), source=source or {}, metrics={})  # fmt: skip


def steps(run: Run, data: Dataset) -> int:
    """How often `Watch.step` will be called."""
    images = len(data.train)
    return run.training.total_epochs(images) * run.training.batches(images)


def train(run: Run, data: Dataset, out: Path, watch: Watch) -> Result:
    """What came of ``trained``."""
    result, _model = trained(run, data, out, watch)
    return result


def trained(run: Run, data: Dataset, out: Path, watch: Watch) -> tuple[Result, Classifier]:
    """Fit on the training images, look at the held-out ones once, save.

    The run folder is there from the start, so that an interrupted run can be resumed.
    """
    learner = catalogue.named(catalogue.architecture(run.arch).learner)
    run.save(out)
    started = time.perf_counter()
    model: Classifier = learner.fit(data, run, watch, out)
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
    model.save(out)
    replace(run, metrics=asdict(result)).save(out)
    return result, model


def accuracy(model: Classifier, images: Labelled) -> float:
    return float(np.mean(model.probabilities(images.pixels).argmax(axis=1) == images.labels))
