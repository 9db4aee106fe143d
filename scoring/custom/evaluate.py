"""A submission scored by an organiser's metric: the same strict reading, then a child process.

What the metric sees is written anew from the values that were read, not the participant's bytes: an
unusual quotation mark or a column order cannot reach it.
"""

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.custom import LIMITS, CustomMetric, Limits, run
from scoring.decoding import MAX_BYTES
from scoring.evaluate import Report
from scoring.metrics import Accepts, Direction, Layout
from scoring.reading import read
from scoring.solutions import Solution, Split
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


def template(solution: Solution, spec: CustomSpec) -> Template:
    """What a file for this metric must look like; any finite number passes."""
    return solution.template(Accepts(spec.layout, "either"), RANKED_DEPTH)


def evaluate(submission: bytes, solution: Solution, spec: CustomSpec) -> Report:
    """Score a file on all, the public and the private rows, each in a process of its own.

    Raises InvalidSubmission for a file that cannot be read or that the metric refuses, MetricError
    for a failure of the metric, SpecError for a wrong parameter.
    """
    form = template(solution, spec)
    values = read(submission, form, spec.max_bytes)

    def value(split: Split) -> float | None:
        rows = solution.rows(split)
        if rows is None:
            return None
        at = np.arange(len(solution.ids))[rows]
        truth, answers = solution_csv(solution, at), answers_csv(form, values, at)
        return run(spec.metric, truth, answers, solution.id_column, spec.parameters, spec.limits)

    score = value("counted")
    if score is None:
        raise ValueError("a solution has rows that count")
    return Report(
        metric=f"custom:{spec.metric.version[:12]}",
        direction=spec.direction,
        score=score,
        public=value("public"),
        private=value("private"),
        rows=int(solution.counted.sum()),
        public_rows=solution.n_public,
        private_rows=solution.n_private,
        public_interval=None,
    )


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
