"""A submission scored by an organiser's metric: the same strict reading, then a child process.

What the metric sees is written anew from the values that were read, not the participant's bytes: an
unusual quotation mark or a column order cannot reach it.
"""

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from scoring.custom import LIMITS, CustomMetric, Limits, check_metric, run
from scoring.decoding import MAX_BYTES
from scoring.evaluate import Report
from scoring.metrics import Accepts, Direction, Layout
from scoring.reading import read
from scoring.solutions import Solution, Split
from scoring.spec import Spec
from scoring.template import Template

RANKED_DEPTH = 100  # labels of a list that a metric gets to see


@dataclass(frozen=True)
class CustomSpec:
    """How a challenge with a metric of its own is scored; the metric's version is its hash."""

    metric: CustomMetric
    direction: Direction = "maximize"
    layout: Layout = "labels"
    parameters: Mapping[str, Any] = field(default_factory=dict, hash=False)
    max_bytes: int = MAX_BYTES
    limits: Limits = LIMITS

    @property
    def name(self) -> str:
        """As reports call the metric, beside the keys of the table."""
        return f"custom:{self.metric.version[:12]}"


@dataclass(frozen=True)
class SplitReport:
    """The scores of the two parts of a split, without that of all rows: a run of the metric less.

    `public_interval` is always None, as the metric's distribution is not known.
    """

    metric: str
    direction: Direction
    public: float
    private: float
    public_rows: int
    private_rows: int
    public_interval: tuple[float, float] | None = None


def solution_spec(layout: Layout | None) -> Spec | None:
    """With what a solution is read for this layout: as sets of labels, or one label per row."""
    return Spec("subset_accuracy") if layout == "sets" else None


def template(solution: Solution, spec: CustomSpec) -> Template:
    """What a file for this metric must look like; any finite number passes."""
    return solution.template(accepts(spec.layout), RANKED_DEPTH)


def accepts(layout: Layout) -> Accepts:
    """The form of a submission with this layout, as every metric of an organiser's takes it."""
    return Accepts(layout, "either")


def evaluate(submission: bytes, solution: Solution, spec: CustomSpec) -> Report:
    """Score a file on all, the public and the private rows, each in a process of its own.

    Raises InvalidSubmission for a file that cannot be read or that the metric refuses, MetricError
    for a failure of the metric, SpecError for a wrong parameter.
    """
    parts = _Parts.read(submission, solution, spec)
    score = parts.score("counted")
    if score is None:
        raise ValueError("a solution has rows that count")
    return Report(
        metric=spec.name,
        direction=spec.direction,
        score=score,
        public=parts.score("public"),
        private=parts.score("private"),
        rows=int(solution.counted.sum()),
        public_rows=solution.n_public,
        private_rows=solution.n_private,
        public_interval=None,
    )


def evaluate_split(submission: bytes, solution: Solution, spec: CustomSpec) -> SplitReport:
    """Score a file on the public and the private rows alone: two processes instead of three.

    Raises as `evaluate` does, and ValueError for a solution without both.
    """
    parts = _Parts.read(submission, solution, spec)
    public, private = parts.score("public"), parts.score("private")
    if public is None or private is None:
        raise ValueError("the solution has no split into public and private rows")
    return SplitReport(
        metric=spec.name,
        direction=spec.direction,
        public=public,
        private=private,
        public_rows=solution.n_public,
        private_rows=solution.n_private,
    )


def problems_with(submission: bytes, solution: Solution, spec: CustomSpec) -> list[str]:
    """What `check_metric` says with this file on all rows that count: for the organiser alone.

    Raises InvalidSubmission for a file that cannot be read.
    """
    truth, answers = _Parts.read(submission, solution, spec).tables("counted") or (b"", b"")
    return check_metric(
        spec.metric, truth, answers, solution.id_column, spec.parameters, spec.limits
    )


@dataclass(frozen=True)
class _Parts:
    """A file that was read, to be handed to the metric by parts of the solution."""

    values: NDArray[Any]
    form: Template
    solution: Solution
    spec: CustomSpec

    @classmethod
    def read(cls, submission: bytes, solution: Solution, spec: CustomSpec) -> Self:
        form = template(solution, spec)
        return cls(read(submission, form, spec.max_bytes), form, solution, spec)

    def tables(self, split: Split) -> tuple[bytes, bytes] | None:
        """Solution and submission of these rows as the metric gets them; None without any."""
        rows = self.solution.rows(split)
        if rows is None:
            return None
        at = np.arange(len(self.solution.ids))[rows]
        return solution_csv(self.solution, at), answers_csv(self.form, self.values, at)

    def score(self, split: Split) -> float | None:
        tables = self.tables(split)
        if tables is None:
            return None
        spec = self.spec
        return run(spec.metric, *tables, self.solution.id_column, spec.parameters, spec.limits)


def solution_csv(solution: Solution, rows: NDArray[np.intp]) -> bytes:
    """The solution's rows [n] as the metric gets them: ids and answers, without Usage."""
    columns = solution.answers.cells()
    names = list(solution.classes) if solution.has_class_columns else [solution.label_column]
    return _csv(
        [solution.id_column, *names],
        ([solution.ids[at], *(column[at] for column in columns)] for at in rows.tolist()),
    )


def answers_csv(form: Template, values: NDArray[Any], rows: NDArray[np.intp]) -> bytes:
    """The submission's rows [n], in the solution's order."""
    header = [name or "labels" for name in form.header]
    return _csv(header, ([form.ids[at], *_cells(form, values[at])] for at in rows.tolist()))


def _cells(form: Template, value: Any) -> list[str]:
    match form.layout:
        case "labels":
            return [form.classes[value]]
        case "score":
            return [repr(float(value))]
        case "probabilities":
            return [repr(float(number)) for number in value]
        case "ranked":
            return [" ".join(form.classes[code] for code in value if code >= 0)]
        case "sets":
            return [" ".join(form.classes[at] for at in np.flatnonzero(value).tolist())]


def _csv(header: list[str], rows: Iterable[list[str]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode()
