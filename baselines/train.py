"""Train one architecture on one data set and leave a run folder behind."""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from baselines import catalogue, recipes, runs
from baselines.catalogue import Classifier
from baselines.data.dataset import Dataset, Labelled, channel_statistics
from baselines.errors import CallError
from baselines.runs import Run
from baselines.training import effect
from baselines.training.options import Options
from baselines.watching import Watch


@dataclass(frozen=True)
class Result:
    """What `train --json` prints."""

    arch: str
    data: str
    published: bool  # the set of that name in catalogue.SETS; else a challenge's folder
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
    tuned: bool = True,
) -> Run:
    """What is known of a run before it starts; ``options`` differ from the architecture's own.

    Where ``source`` names a published set, settings that were ``tuned`` for the two come between.
    """
    refuse_seed(seed)
    channels, height, width = data.train.pixels.shape[1:]
    mean, deviation = channel_statistics(data.train.pixels)
    chosen = Options().changed(catalogue.architecture(arch).options)
    if tuned and is_published(source or {}):
        chosen = chosen.changed(recipes.tuned(arch, data.name))
    chosen = chosen.changed(options or {})
    shape = {"channels": channels, "height": height, "width": width}
    return Run(arch, data.name, data.classes, **shape, mean=mean, deviation=deviation, seed=seed,
               options=chosen.as_json(), source=source or {}, metrics={})  # fmt: skip


def is_published(source: Mapping[str, Any]) -> bool:
    """Whether the images are a published set's: a challenge's folder may bear its name, too."""
    return source.get("data") in catalogue.SETS and "side" not in source


def refuse_seed(seed: int) -> None:
    """Raises CallError for a seed that some library does not take."""
    if not 0 <= seed <= runs.LARGEST_SEED:
        raise CallError(f"--seed {seed} is none: choose a number from 0 to {runs.LARGEST_SEED}.")


def refuse_idle(run: Run, options: Mapping[str, Any]) -> None:
    """Raises CallError where one of the ``options`` that somebody asked for changes nothing."""
    learner = catalogue.architecture(run.arch).learner
    effect.refuse_idle(run.arch, learner, options, run.training)


def steps(run: Run, data: Dataset) -> int:
    """How often `Watch.step` will be called: a learner that has no batches says it itself."""
    images = len(data.train)
    learner = catalogue.named(catalogue.architecture(run.arch).learner)
    if hasattr(learner, "steps"):
        return int(learner.steps(run, images))
    return run.training.total_epochs(images) * run.training.batches(images)


def train(run: Run, data: Dataset, out: Path, watch: Watch) -> Result:
    """What came of ``trained``, of which nobody writes events."""
    runs.clear_events(out)
    result, _model = trained(run, data, out, watch)
    return result


def trained(
    run: Run, data: Dataset, out: Path, watch: Watch, *, resume: bool = False
) -> tuple[Result, Classifier]:
    """Fit on the training images, save, look at the held-out ones once.

    The run folder is there from the start, so that an interrupted run can be resumed. What an
    earlier run left there is removed, unless it is this one that is to ``resume``; its events are
    not, as those of this run may have begun.
    """
    if not resume:
        runs.clear(out)
    run.save(out)
    run, model = _fitted(run, data, out, watch)
    result = Result(
        arch=run.arch,
        data=data.name,
        published=is_published(run.source),
        test_accuracy=round(accuracy(model, data.test), 6),
        held_out=data.held_out,
        held_out_images=len(data.test),
        parameters=model.parameters,
        train_seconds=run.seconds,
        device=model.device,
    )
    replace(run, metrics=asdict(result)).save(out)
    return result, model


def _fitted(run: Run, data: Dataset, out: Path, watch: Watch) -> tuple[Run, Classifier]:
    """The model, saved before anything else can go wrong, and the run with its seconds."""
    learner = catalogue.named(catalogue.architecture(run.arch).learner)
    if run.seconds:  # trained to the end: it was interrupted while it was measured
        return run, learner.load(out, run)
    earlier = 0.0
    if runs.can_go_on(out):
        earlier = catalogue.named("baselines.training.checkpoints").seconds(out)
    started = time.perf_counter()
    model: Classifier = learner.fit(data, run, watch, out)
    run = replace(run, seconds=round(earlier + time.perf_counter() - started, 3))
    model.save(out)
    run.save(out)
    (out / runs.CHECKPOINT).unlink(missing_ok=True)
    return run, model


def accuracy(model: Classifier, images: Labelled) -> float:
    return float(np.mean(model.probabilities(images.pixels).argmax(axis=1) == images.labels))
