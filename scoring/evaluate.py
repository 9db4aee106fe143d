"""The one door: bytes in, Report out."""

from dataclasses import dataclass
from math import isfinite
from typing import Any

from numpy.typing import NDArray

from scoring import layouts
from scoring.errors import SolutionError
from scoring.intervals import wilson
from scoring.metrics import Accepts, Direction, Metric
from scoring.reading import read
from scoring.solutions import Solution, Split
from scoring.spec import Spec


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


@dataclass(frozen=True)
class Judged:
    """A file that was read: the form it has, and its values in the solution's order."""

    metric: Metric
    form: Accepts
    arguments: dict[str, Any]
    values: NDArray[Any]

    def call(self, solution: Solution, split: Split) -> tuple[NDArray[Any], NDArray[Any], int]:
        """Truth and answer of a split's rows, and the number of classes: what a metric takes."""
        truth = solution.truth(self.form.truth, split)
        return truth, self.values[solution.rows(split)], len(solution.classes)


def judge(submission: bytes, solution: Solution, spec: Spec) -> Judged:
    """Reads a file for a metric; raises InvalidSubmission (theirs) or SpecError."""
    arguments = spec.table_row.arguments(spec.parameters, solution.classes)
    form, template = layouts.template(solution, spec, submission, arguments)
    values = read(submission, template, spec.max_bytes)
    return Judged(spec.table_row, form, arguments, values)


def evaluate(submission: bytes, solution: Solution, spec: Spec) -> Report:
    """Score a file; raises InvalidSubmission (theirs) or SolutionError, SpecError (the host's)."""
    return report(judge(submission, solution, spec), solution)


def report(judged: Judged, solution: Solution) -> Report:
    """The scores of a file that was read; raises SolutionError."""
    score = value(judged, solution, "counted")
    if score is None:
        raise SolutionError("No row of the solution counts: every one is Ignored.")
    public = value(judged, solution, "public")
    return Report(
        metric=judged.metric.key,
        direction=judged.metric.direction,
        score=score,
        public=public,
        private=value(judged, solution, "private"),
        rows=int(solution.counted.sum()),
        public_rows=solution.n_public,
        private_rows=solution.n_private,
        public_interval=_interval(judged.metric, public, solution.n_public),
    )


def value(judged: Judged, solution: Solution, split: Split) -> float | None:
    """The metric over the rows of one split, which alone it sees; None where there are none."""
    if solution.rows(split) is None:
        return None
    found = judged.metric.function(*judged.call(solution, split), **judged.arguments)
    if not isfinite(found):
        raise SolutionError(
            f"{judged.metric.title} is not a finite number on these rows. "
            "Choose another metric or split."
        )
    return found


def _interval(metric: Metric, public: float | None, rows: int) -> tuple[float, float] | None:
    if public is None or metric.interval is None:
        return None
    return wilson(public, rows)
