"""python -m scoring check | score | split

Exit code 0: good. 1: the submission is refused. 2: the call or the organiser's file is wrong.
"""

import csv
import io
import json
import secrets
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, NoReturn, ParamSpec

import numpy as np
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

import scoring
from scoring.solutions import USAGE
from scoring.splits import given_commitment

REFUSED, WRONG_CALL = 1, 2

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Check and score submissions with the code of the site.",
)
console = Console(soft_wrap=True)
P = ParamSpec("P")

SolutionPath = Annotated[Path, typer.Option("--solution", help="CSV: id, label, perhaps Usage.")]
SubmissionPath = Annotated[Path, typer.Option("--submission", help="The CSV file to judge.")]
MetricKey = Annotated[str, typer.Option("--metric", help=f"One of: {', '.join(scoring.METRICS)}.")]
IdColumn = Annotated[str | None, typer.Option("--id-column", help="Default: the first column.")]
Classes = Annotated[
    Path | None, typer.Option("--classes", help="One class per line; default: the labels' own.")
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]


def _stop(message: str) -> NoReturn:
    Console(stderr=True, soft_wrap=True).print(f"[red]Error:[/red] {escape(message)}")
    raise typer.Exit(WRONG_CALL)


def _says_what_is_wrong(command: Callable[P, None]) -> Callable[P, None]:
    @wraps(command)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except (scoring.SolutionError, scoring.SpecError) as error:
            _stop(str(error))
        except OSError as error:
            _stop(f"{error.filename}: {error.strerror}.")

    return guarded


@app.command()
@_says_what_is_wrong
def score(
    solution: SolutionPath,
    submission: SubmissionPath,
    metric: MetricKey,
    id_column: IdColumn = None,
    classes: Classes = None,
    as_json: AsJson = False,
) -> None:
    """Score a submission against a solution."""
    spec = scoring.Spec(metric)
    truth = _solution(solution, id_column, classes)
    try:
        report = scoring.evaluate(_upload(submission, spec.max_bytes), truth, spec)
    except scoring.InvalidSubmission as error:
        _print_problems(list(error.problems), error.more, as_json)
        raise typer.Exit(REFUSED) from None
    if as_json:
        typer.echo(json.dumps(asdict(report)))
    else:
        _print_report(report)


@app.command()
@_says_what_is_wrong
def check(
    submission: SubmissionPath,
    solution: Annotated[Path | None, typer.Option(help="The organiser's solution.")] = None,
    sample: Annotated[Path | None, typer.Option(help="Or: the sample submission.")] = None,
    metric: Annotated[str, typer.Option(help="Whose columns to expect.")] = "accuracy",
    id_column: IdColumn = None,
    classes: Classes = None,
    as_json: AsJson = False,
) -> None:
    """Look for problems without scoring."""
    spec = scoring.Spec(metric)
    if (solution is None) == (sample is None):
        _stop("Give either --solution or --sample.")
    if solution is not None:
        layout = scoring.METRICS[metric].layout
        template = _solution(solution, id_column, classes).template(layout)
    elif sample is not None:
        template = scoring.Template.read(
            sample.read_bytes(), id_column=id_column, classes=_class_list(classes)
        )
    problems, more = scoring.check(_upload(submission, spec.max_bytes), template, spec.max_bytes)
    _print_problems(problems, more, as_json)
    if problems:
        raise typer.Exit(REFUSED)


@app.command()
@_says_what_is_wrong
def split(
    solution: SolutionPath,
    out: Annotated[Path, typer.Option("--out", help="Where to write the solution with Usage.")],
    fraction: Annotated[float, typer.Option(help="The share of public rows.")] = 0.3,
    seed: Annotated[
        str | None, typer.Option(help="At least 16 secret bytes in hexadecimal; default: drawn.")
    ] = None,
    given: Annotated[
        bool, typer.Option("--given", help="Keep the file's own Usage and seal that.")
    ] = False,
    id_column: IdColumn = None,
    as_json: AsJson = False,
) -> None:
    """Draw the public rows of a solution and print the commitment to publish."""
    secret = secrets.token_bytes(16) if seed is None else _seed(seed)
    truth = _solution(solution, id_column, None)
    if given and not truth.has_split:
        raise scoring.SpecError("--given needs a solution with a Usage column.")
    labels = [truth.classes[code] if code >= 0 else "" for code in truth.codes]
    public = _given(truth) if given else _drawn(truth, labels, fraction, secret)
    usage = _usage(truth, public)
    out.write_text(_with_usage(truth, labels, usage), encoding="utf-8", newline="")
    counts = Counter(usage.values())
    result = {
        **{word.lower(): counts[word] for word in ("Public", "Private", "Ignored")},
        "commitment": given_commitment(secret, usage)
        if given
        else scoring.commitment(secret, truth.ids),
        "seed": secret.hex(),
    }
    _print_result(result, as_json)


def _given(truth: scoring.Solution) -> set[str]:
    return {truth.ids[at] for at in np.flatnonzero(truth.public)}


def _drawn(truth: scoring.Solution, labels: list[str], fraction: float, secret: bytes) -> set[str]:
    rows = np.flatnonzero(truth.counted)
    drawn, drawn_labels = [truth.ids[at] for at in rows], [labels[at] for at in rows]
    return scoring.split_ids(drawn, drawn_labels, fraction, secret)


def _usage(truth: scoring.Solution, public: set[str]) -> dict[str, str]:
    return {
        name: ("Public" if name in public else "Private") if counts else "Ignored"
        for name, counts in zip(truth.ids, truth.counted, strict=True)
    }


def _solution(path: Path, id_column: str | None, classes: Path | None) -> scoring.Solution:
    return scoring.Solution.read(
        path.read_bytes(), id_column=id_column, classes=_class_list(classes)
    )


def _class_list(path: Path | None) -> list[str] | None:
    if path is None:
        return None
    lines = path.read_bytes().decode("utf-8-sig", "replace").replace("\r\n", "\n")
    return lines.rstrip("\n").split("\n")


def _upload(path: Path, max_bytes: int) -> bytes:
    with path.open("rb") as file:
        return file.read(max_bytes + 1)  # one byte over the cap is enough to refuse it


def _seed(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise scoring.SpecError("The seed must be written in hexadecimal digits.") from None


def _with_usage(truth: scoring.Solution, labels: list[str], usage: dict[str, str]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([truth.id_column, truth.label_column, USAGE])
    for name, label in zip(truth.ids, labels, strict=True):
        writer.writerow([name, label, usage[name]])
    return text.getvalue()


def _print_problems(problems: list[scoring.Problem], more: int, as_json: bool) -> None:
    if as_json:
        found = [asdict(problem) for problem in problems]
        typer.echo(json.dumps({"ok": not problems, "problems": found, "more": more}))
        return
    if not problems:
        console.print("[green]The file is good.[/green]")
    for problem in problems:
        console.print(f"[red]-[/red] {escape(str(problem))}", highlight=False)
    if more:
        console.print(f"and {more} more problems.", highlight=False)


def _print_report(report: scoring.Report) -> None:
    title = f"{scoring.METRICS[report.metric].title} ({report.direction})"
    table = Table("rows of", "score", "rows", title=title)
    for name, value, rows in (
        ("all", report.score, report.rows),
        ("public", report.public, report.public_rows),
        ("private", report.private, report.private_rows),
    ):
        if value is not None:
            table.add_row(name, f"{value:.10f}", str(rows))
    console.print(table)


def _print_result(result: dict[str, Any], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(result))
        return
    for name, value in result.items():
        console.print(f"{name}: {value}", highlight=False)
    console.print("Publish the commitment now; keep the seed secret until the end.")


if __name__ == "__main__":
    app()
