"""An organiser's own metric, in the convention of Kaggle's hosts, run where it can do no harm."""

from collections.abc import Mapping
from typing import Any

from scoring.custom.checking import check_metric
from scoring.custom.disclosure import shown
from scoring.custom.errors import MetricError
from scoring.custom.metric import CustomMetric
from scoring.custom.parameters import Parameter
from scoring.custom.process import LIMITS, Limits, Outcome, call
from scoring.errors import InvalidSubmission, Problem, ProblemCode

__all__ = [
    "LIMITS",
    "CustomMetric",
    "Limits",
    "MetricError",
    "Outcome",
    "Parameter",
    "call",
    "check_metric",
    "run",
]


def run(
    metric: CustomMetric,
    solution_csv: bytes,
    submission_csv: bytes,
    id_column: str,
    parameters: Mapping[str, Any],
    limits: Limits = LIMITS,
) -> float:
    """The score of one submission on one part of the solution: a finite float.

    Both tables hold the same rows in the same order, with the id column; `Usage` is taken out of
    the solution. Raises `InvalidSubmission`, whose sentence a participant may see, if the metric
    raises its ParticipantVisibleError; `MetricError`, for the host alone, for any other end
    without a finite float; `SpecError` for a wrong parameter.
    """
    outcome = call(metric, solution_csv, submission_csv, id_column, parameters, limits)
    if outcome.refusal is None:
        return outcome.value
    message = shown(outcome.refusal, solution_csv, id_column)
    raise InvalidSubmission((Problem(ProblemCode.METRIC_REFUSED, None, message),))
