"""python -m scoring check-metric, and `--metric FILE.py` of the other commands"""

import json
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

import scoring
from scoring.custom import CustomMetric, MetricError
from scoring.custom import check_metric as problems_of
from scoring.custom.evaluate import (
    CustomSpec,
    answers_csv,
    evaluate,
    solution_csv,
    template,
)
from scoring.metrics import Layout
from scoring.reading import read
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
        found = _problems(truth, spec, arguments.read_upload(submission, spec.max_bytes))
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


def _problems(truth: scoring.Solution, spec: CustomSpec, upload: bytes) -> list[str]:
    form = template(truth, spec)
    values = read(upload, form, spec.max_bytes)
    rows = np.flatnonzero(truth.counted)
    sample = solution_csv(truth, rows), answers_csv(form, values, rows)
    return problems_of(spec.metric, *sample, truth.id_column, spec.parameters)


def is_own(metric: str) -> bool:
    """Whether the metric is a file, and no key of the table."""
    return metric.endswith(".py")


def layout_of(layout: Layout | None) -> scoring.Spec | None:
    """For reading a solution: sets of labels, or one label per row."""
    return scoring.Spec("subset_accuracy") if layout == "sets" else None


def read_spec(
    path: Path, direction: scoring.Direction, layout: Layout | None, param: list[str] | None
) -> CustomSpec:
    """Raises MetricError, SpecError."""
    metric = CustomMetric.read(path.read_bytes())
    texts = arguments.read_parameters(param)
    annotations = {parameter.name: parameter.annotation for parameter in metric.parameters}
    values = {name: _typed(value, annotations.get(name, "")) for name, value in texts.items()}
    metric.arguments(values)
    return CustomSpec(metric, direction, layout or "labels", values)


def _typed(value: Any, annotation: str) -> Any:
    """A string for a string, JSON for all others: 1.5, true, [1, 2], null."""
    if annotation.startswith("str"):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value
