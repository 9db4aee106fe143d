"""python -m scoring compare"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

import scoring
from scoring.terminal import arguments, printing
from scoring.terminal.arguments import (
    AsJson,
    Classes,
    IdColumn,
    LabelColumn,
    LayoutName,
    MetricKey,
    Parameters,
    SolutionPath,
)


@arguments.says_what_is_wrong
def compare(
    submissions: Annotated[list[Path], typer.Argument(help="Two or more submissions.")],
    solution: SolutionPath,
    metric: MetricKey,
    param: Parameters = None,
    layout: LayoutName = None,
    id_column: IdColumn = None,
    label_column: LabelColumn = None,
    classes: Classes = None,
    as_json: AsJson = False,
) -> None:
    """Say which of several submissions differ, and which cannot be told apart."""
    # scipy's import takes 0.15 s, which score and check need not wait for
    from scoring.compare import compare as compare_submissions  # noqa: PLC0415

    spec = arguments.read_spec(metric, param, layout)
    truth = arguments.read_solution(solution, spec, id_column, classes, label_column)
    if len(set(submissions)) < len(submissions):
        raise scoring.SpecError("A submission is named twice.")
    files = {str(path): arguments.read_upload(path, spec.max_bytes) for path in submissions}
    try:
        found = compare_submissions(files, truth, spec)
    except scoring.InvalidSubmission as error:
        printing.problems(list(error.problems), error.more, as_json, "".join(error.__notes__))
        raise typer.Exit(arguments.REFUSED) from None
    if as_json:
        typer.echo(json.dumps(asdict(found)))
    else:
        printing.comparison(found)
