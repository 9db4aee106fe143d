"""What the commands take, and how their errors end."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated, NoReturn, ParamSpec

import typer
from rich.console import Console
from rich.markup import escape

import scoring
from scoring.custom import MetricError
from scoring.metrics import Layout

REFUSED, WRONG_CALL = 1, 2

P = ParamSpec("P")

SolutionPath = Annotated[
    Path,
    typer.Option(
        "--solution", help="CSV: id, then a label, a set of labels or 0/1 columns; perhaps Usage."
    ),
]
SubmissionPath = Annotated[Path, typer.Option("--submission", help="The CSV file to judge.")]
MetricKey = Annotated[
    str, typer.Option("--metric", help="A key of `python -m scoring metrics`, such as accuracy.")
]
Parameters = Annotated[
    list[str] | None,
    typer.Option("--param", metavar="NAME=VALUE", help="A setting of the metric; repeatable."),
]
LayoutName = Annotated[
    Layout | None,
    typer.Option(
        "--layout", help="The form of the submission; default: the metric's own, or labels."
    ),
]
IdColumn = Annotated[
    str | None, typer.Option("--id-column", help="Default: the solution's first column.")
]
LabelColumn = Annotated[
    str | None, typer.Option("--label-column", help="Where the solution has more than one.")
]
Classes = Annotated[
    Path | None,
    typer.Option("--classes", help="One class per line, no header; default: the labels' own."),
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]


def stop(message: str) -> NoReturn:
    """Ends the command: the call or the organiser's file is wrong."""
    Console(stderr=True, soft_wrap=True, emoji=False).print(f"[red]Error:[/red] {escape(message)}")
    raise typer.Exit(WRONG_CALL)


def says_what_is_wrong(command: Callable[P, None]) -> Callable[P, None]:
    """Turns errors that are not the submission's into one sentence."""

    @wraps(command)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except MetricError as error:
            stop(f"{error}\n{error.traceback}{error.log}".rstrip())
        except (scoring.SolutionError, scoring.SpecError) as error:
            stop(str(error))
        except OSError as error:
            stop(f"{error.filename}: {error.strerror}.")

    return guarded


def read_spec(metric: str, parameters: list[str] | None, layout: Layout | None) -> scoring.Spec:
    """Raises SpecError."""
    if metric.endswith(".py"):
        raise scoring.SpecError(
            "A metric of your own is taken by score, check and check-metric only."
        )
    return scoring.Spec(metric, read_parameters(parameters), layout=layout)


def read_parameters(texts: list[str] | None) -> dict[str, object]:
    """Raises SpecError for what is not NAME=VALUE."""
    values: dict[str, object] = {}
    for text in texts or []:
        name, found, value = text.partition("=")
        if not found or not name or name in values:
            raise scoring.SpecError(
                f"Write --param NAME=VALUE, such as k=5, not '{text}', and each once."
            )
        values[name.strip()] = _value(value)
    return values


def _value(text: str) -> str:
    """Tables that are too long for a command line come from a file: costs=@costs.json."""
    return _text(Path(text[1:])) if text.startswith("@") else text


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise scoring.SpecError(f"{path} is not UTF-8. Save it in this encoding.") from None


def read_solution(
    path: Path,
    spec: scoring.Spec | None,
    id_column: str | None,
    classes: Path | None,
    label_column: str | None = None,
    group_column: str | None = None,
) -> scoring.Solution:
    return scoring.Solution.read(
        path.read_bytes(),
        id_column=id_column,
        label_column=label_column,
        classes=read_classes(classes),
        spec=spec,
        group_column=group_column,
    )


def read_classes(path: Path | None) -> list[str] | None:
    if path is None:
        return None
    lines = _text(path).replace("\r\n", "\n")
    return lines.rstrip("\n").split("\n")


def read_upload(path: Path, max_bytes: int) -> bytes:
    with path.open("rb") as file:
        return file.read(max_bytes + 1)  # one byte over the cap is enough to refuse it
