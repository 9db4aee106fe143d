"""One pass of a screening: a model once more over all test images, and what it says of the model.

First over the images as they are, whose answers are kept in a private folder; then each further
one is held against those. A folder that is gone, or on another machine, is begun anew.
"""

import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings

from competitions.model_runs import images, working
from competitions.model_runs.claiming import read
from competitions.models import Screening
from scoring.sandbox import perturbation
from scoring.sandbox.contract import Ending, Job

ORDER = "order"
UNABLE = "The model did not run: {}"
FIRST = "first.npy"

Finding = dict[str, Any]


class Unscreened(Exception):
    """The model ended otherwise than done; the text is for the host."""


class Dropped(Exception):
    """Nobody waits for this pass any more."""


def run(
    screening: Screening, server: working.Server, is_over: Callable[[], bool]
) -> tuple[list[Finding], bool]:
    """The findings so far, and whether they are all.

    ``is_over`` is asked all the time. Raises Unscreened, ImagesError, Dropped.
    """
    model = read(screening.run_id)
    packed = images.packed(model.competition)
    job = working.job_of(model, packed.images)
    first = _kept(screening)
    if first is None:
        _keep(screening, _logits(job, server, is_over))
        return screening.findings, False
    known = {each["name"] for each in screening.findings}
    names = [ORDER, *perturbation.copies(job.contract.height, job.contract.width)]
    left = [name for name in names if name not in known]
    if left[0] == ORDER:
        other = _logits(replace(job, seed=job.seed + 1), server, is_over)
        found = perturbation.order_finding(first, other)
    else:
        other = _over_a_copy(left[0], folder(screening), job, server, is_over)
        found = perturbation.screen(first, {left[0]: other})[left[0]]
    told = {"name": left[0], "verdict": str(found.verdict), "sentence": found.sentence}
    return [*screening.findings, told], len(left) == 1


def folder(screening: Screening) -> Path:
    """Of this question alone: whoever asks anew gets another one. See serving.LEFT_OVER."""
    moment = int(screening.asked_at.timestamp() * 1e6)
    return Path(settings.VAR, f"screening-{screening.pk}-{moment}")


def forget(screening: Screening) -> None:
    """Away with what was kept for the passes to come."""
    shutil.rmtree(folder(screening), ignore_errors=True)


def _over_a_copy(
    name: str, place: Path, job: Job, server: working.Server, is_over: Callable[[], bool]
) -> working.Logits:
    def look() -> None:
        if is_over():
            raise Dropped

    with tempfile.TemporaryDirectory(prefix="copy-", dir=place) as there:
        copy = Path(there, f"{name}.npy")
        perturbation.write(name, job.images, copy, job.seed, look)
        return _logits(replace(job, images=copy), server, is_over)


def _logits(job: Job, server: working.Server, is_over: Callable[[], bool]) -> working.Logits:
    outcome, logits = server.run(job, cancelled=is_over)
    if outcome.ending is Ending.CANCELLED:
        raise Dropped
    if outcome.ending is not Ending.DONE or logits is None:
        raise Unscreened(UNABLE.format(outcome.message or outcome.ending))
    return logits


def _kept(screening: Screening) -> working.Logits | None:
    """The answers to the images as they are; mapped, so that they outlive their folder."""
    try:
        kept: working.Logits = np.load(folder(screening) / FIRST, mmap_mode="r")
    except FileNotFoundError:
        return None
    return kept


def _keep(screening: Screening, logits: working.Logits) -> None:
    """Whole or not at all: a worker may be killed at any moment."""
    place = folder(screening)
    place.mkdir(mode=0o700, exist_ok=True)
    handle, draft = tempfile.mkstemp(dir=place, suffix=".npy")
    with os.fdopen(handle, "wb") as file:
        np.save(file, logits)
    os.replace(draft, place / FIRST)
