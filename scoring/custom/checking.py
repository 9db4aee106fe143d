"""What an organiser is told when a metric is saved: does it give one value, and always the same?"""

import csv
import io
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from scoring.custom.errors import MetricError
from scoring.custom.metric import CustomMetric
from scoring.custom.process import LIMITS, Limits, Outcome, call
from scoring.errors import SpecError

_TOLERANCE = 1e-9  # relative and absolute: sums of floats differ a little with their order
_MAX_QUOTE = 500  # characters of the metric's own words in a sentence

_Rows = list[list[str]]


@dataclass(frozen=True)
class _Sample:
    metric: CustomMetric
    solution: bytes
    submission: bytes
    id_column: str
    parameters: Mapping[str, Any]
    limits: Limits

    def call(self, *, hash_seed: int = 0, examples: bool = False) -> Outcome:
        return call(
            self.metric,
            self.solution,
            self.submission,
            self.id_column,
            self.parameters,
            self.limits,
            hash_seed=hash_seed,
            examples=examples,
        )


def check_metric(
    metric: CustomMetric,
    solution_csv: bytes,
    submission_csv: bytes,
    id_column: str,
    parameters: Mapping[str, Any],
    limits: Limits = LIMITS,
    *,
    any_column_order: bool = False,
) -> list[str]:
    """Run the metric on a sample of at least two rows and tell, in sentences, what is wrong.

    The sample must end in a finite float; the same one in a second process, where strings have
    other hashes; and, to 1e-9, with the rows of both tables in another order. The examples in the
    docstring of `score` must hold. `any_column_order` asks for the same value when the
    submission's columns are reversed, for a host that accepts them so. An empty list is good.

    The sentences quote the metric: they are for the organiser alone.
    """
    sample = _Sample(metric, solution_csv, submission_csv, id_column, parameters, limits)
    try:
        first = sample.call(examples=True)
        if first.refusal is not None:
            return [f"The metric refuses the sample: {_quote(first.refusal)}"]
        problems = _example_problems(first)
        second = sample.call(hash_seed=1)
        if not _same(second, first, tolerance=0.0):
            return [*problems, _difference("in a second run", second, first)]
        return problems + _order_problems(sample, first, any_column_order)
    except (MetricError, SpecError) as error:
        return [_failure(error)]
    except (ValueError, csv.Error):
        return ["The sample cannot be put into another order: it is not a plain table in UTF-8."]


def _order_problems(sample: _Sample, first: Outcome, any_column_order: bool) -> list[str]:
    if len(_rows(sample.solution)) < 3:
        return ["The sample has fewer than two rows, so their order cannot be tried."]
    other = _Sample(
        sample.metric,
        _rewritten(sample.solution, _other_rows),
        _rewritten(sample.submission, _other_rows),
        sample.id_column,
        sample.parameters,
        sample.limits,
    )
    problems = _compared(other, first, "with its rows in another order")
    if any_column_order:
        reversed_columns = _rewritten(sample.submission, lambda rows: [row[::-1] for row in rows])
        other = _Sample(
            sample.metric,
            sample.solution,
            reversed_columns,
            sample.id_column,
            sample.parameters,
            sample.limits,
        )
        problems += _compared(other, first, "with its columns in another order")
    return problems


def _compared(other: _Sample, first: Outcome, how: str) -> list[str]:
    outcome = other.call()
    return [] if _same(outcome, first, _TOLERANCE) else [_difference(how, outcome, first)]


def _rewritten(data: bytes, change: Callable[[_Rows], _Rows]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(change(_rows(data)))
    return text.getvalue().encode()


def _rows(data: bytes) -> _Rows:
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def _other_rows(rows: _Rows) -> _Rows:
    # not reversed: what compares neighbours would not notice
    return [rows[0], *rows[2::2], *rows[1::2]]


def _same(outcome: Outcome, first: Outcome, tolerance: float) -> bool:
    return outcome.refusal is None and math.isclose(
        outcome.value, first.value, rel_tol=tolerance, abs_tol=tolerance
    )


def _difference(how: str, outcome: Outcome, first: Outcome) -> str:
    if outcome.refusal is not None:
        return f"The metric refuses the same sample {how}: {_quote(outcome.refusal)}"
    return f"The metric gives the sample {first.value!r}, and {outcome.value!r} {how}."


def _example_problems(outcome: Outcome) -> list[str]:
    if not outcome.failed_examples:
        return []
    # doctest's report begins with a rule and the place, which say nothing here
    rule, _, report = outcome.failed_examples.partition("Failed example:")
    text = (report or rule).strip()[:_MAX_QUOTE]
    return [f"An example in the docstring of 'score' fails: {text}"]


def _failure(error: MetricError | SpecError) -> str:
    if isinstance(error, MetricError) and error.traceback:
        return f"{error} {_quote(error.traceback.strip().splitlines()[-1])}"
    return str(error)


def _quote(text: str) -> str:
    return text.strip()[-_MAX_QUOTE:]
