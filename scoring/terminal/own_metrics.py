"""python -m scoring check-metric, and `--metric FILE.py` of the other commands"""

import json
from pathlib import Path
from typing import Annotated

import typer

import scoring
from scoring.custom import CustomMetric, MetricError
from scoring.custom.evaluate import CustomSpec, evaluate, problems_with
from scoring.custom.evaluate import solution_spec as layout_of
from scoring.metrics import Layout
from scoring.terminal import arguments, printing
from scoring.terminal.arguments import (
    AsJson,
    Classes,
    IdColumn,
    LabelColumn,
    LayoutName,
    Parameters,
    SolutionPath,
    SubmissionPath,
)

__all__ = ["check_metric", "evaluate", "is_own", "layout_of", "read_spec"]


@arguments.says_what_is_wrong
def check_metric(
    metric: Annotated[Path, typer.Argument(help="The Python file with `score`.")],
    solution: SolutionPath,
    submission: SubmissionPath,
    param: Parameters = None,
    layout: LayoutName = None,
    id_column: IdColumn = None,
    label_column: LabelColumn = None,
    classes: Classes = None,
    as_json: AsJson = False,
) -> None:
    """Try a metric of your own on a sample: convention, result, determinism, order of rows."""
    truth = arguments.read_solution(solution, layout_of(layout), id_column, classes, label_column)
    try:
        spec = read_spec(metric, "maximize", layout, param)
        found = problems_with(arguments.read_upload(submission, spec.max_bytes), truth, spec)
        version = spec.metric.version
    except MetricError as error:
        found, version = [str(error)], None
    except scoring.InvalidSubmission as error:
        printing.problems(list(error.problems), error.more, as_json)
        raise typer.Exit(arguments.REFUSED) from None
    if as_json:
        typer.echo(json.dumps({"ok": not found, "version": version, "problems": found}))
    else:
        printing.metric_problems(found, version)
    if found:
        raise typer.Exit(arguments.WRONG_CALL)


def is_own(metric: str) -> bool:
    """Whether the metric is a file, and no key of the table."""
    return metric.endswith(".py")


def read_spec(
    path: Path, direction: scoring.Direction, layout: Layout | None, param: list[str] | None
) -> CustomSpec:
    """Raises MetricError, SpecError."""
    metric = CustomMetric.read(path.read_bytes())
    values = metric.parse(arguments.read_parameters(param))
    metric.arguments(values)
    return CustomSpec(metric, direction, layout or "labels", values)
