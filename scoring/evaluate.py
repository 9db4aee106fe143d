"""The one door: bytes in, Report out."""

from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.errors import SolutionError
from scoring.intervals import wilson
from scoring.metrics import METRICS, Direction, Metric
from scoring.solutions import Solution
from scoring.spec import Spec
from scoring.tables import read


@dataclass(frozen=True)
class Report:
    """The result; `public` and `private` are None when the solution has no split."""

    metric: str
    direction: Direction
    score: float
    public: float | None
    private: float | None
    rows: int
    public_rows: int
    private_rows: int
    public_interval: tuple[float, float] | None


def evaluate(submission: bytes, solution: Solution, spec: Spec) -> Report:
    """Score a file; raises InvalidSubmission (theirs) or SolutionError (the organiser's)."""
    metric = METRICS[spec.metric]
    values = read(submission, solution.template(metric.layout), spec.max_bytes)
    public = _value(metric, solution, values, solution.public, spec)
    private = _value(metric, solution, values, solution.private, spec)
    score = _value(metric, solution, values, solution.counted, spec)
    if score is None:
        raise SolutionError("No row of the solution counts: every one is Ignored.")
    return Report(
        metric=metric.key,
        direction=metric.direction,
        score=score,
        public=public,
        private=private,
        rows=int(solution.counted.sum()),
        public_rows=solution.n_public,
        private_rows=solution.n_private,
        public_interval=_interval(metric, public, solution.n_public),
    )


def _value(
    metric: Metric, solution: Solution, values: NDArray[Any], rows: NDArray[np.bool_], spec: Spec
) -> float | None:
    """The metric over the rows of one mask, which alone it sees."""
    if not rows.any():
        return None
    truth, answer = solution.codes[rows], values[rows]
    value = metric.function(truth, answer, len(solution.classes), **spec.parameters)
    if not isfinite(value):
        raise SolutionError(
            f"{metric.title} is not a finite number on these rows. Choose another metric or split."
        )
    return value


def _interval(metric: Metric, public: float | None, rows: int) -> tuple[float, float] | None:
    if public is None or metric.interval is None:
        return None
    return wilson(public, rows)
