"""What every command shares: notes on the screen, a progress bar, JSON, errors in words."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from baselines.errors import BaselineError, CallError

notes = Console(stderr=True, highlight=False, soft_wrap=True)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object as the last line.")]
Token = Annotated[str | None, typer.Option(envvar="HOLDOUT_TOKEN", help="Your API token.")]
INTERRUPTED = 130  # what a shell says of a program that Ctrl-C ended


class Bar:
    """A progress bar with the accuracy on the training images and the time left."""

    def __init__(self, title: str, steps: int) -> None:
        columns = TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn()
        self.progress = Progress(*columns, console=notes, transient=True)
        self.title = title
        self.task = self.progress.add_task(title, total=steps)

    def __enter__(self) -> "Bar":
        self.progress.start()
        return self

    def __exit__(self, *_problem: object) -> None:
        self.progress.stop()

    def step(self) -> None:
        self.progress.advance(self.task)

    def epoch(self, accuracy: float, **_measured: float) -> None:
        description = f"{self.title}: {accuracy:.1%} of the training images"
        self.progress.update(self.task, description=description)


class Bars:
    """One bar after the other, for commands that train several models into folders below one.

    Ctrl-C ends the command, and says where the finished ones are.
    """

    def __init__(self, out: Path) -> None:
        self._out = out
        self._bar: Bar | None = None

    def __enter__(self) -> "Bars":
        return self

    def begin(self, title: str, steps: int) -> Bar:
        self.__exit__()
        self._bar = Bar(title, steps).__enter__()
        return self._bar

    def __exit__(self, kind: type[BaseException] | None = None, *_problem: object) -> None:
        if self._bar:
            self._bar.__exit__()
            self._bar = None
        if kind is KeyboardInterrupt:
            notes.print(f"Stopped. What was trained to its end lies in {self._out}.", markup=False)
            raise typer.Exit(INTERRUPTED) from None


@contextmanager
def in_words(as_json: bool) -> Iterator[None]:
    """Errors as a sentence and an exit code, never as a traceback."""
    try:
        yield
    except BaselineError as error:
        _tell_error(error, as_json)
        raise typer.Exit(error.exit_code) from error
    except BrokenPipeError:  # whoever reads along has closed the pipe, and wants no more words
        raise
    except OSError as error:
        told = CallError(_sentence(error))
        _tell_error(told, as_json)
        raise typer.Exit(told.exit_code) from error


def _tell_error(error: BaselineError, as_json: bool) -> None:
    notes.print(str(error), markup=False, style="red")
    tell({"error": {"code": type(error).__name__, "message": str(error)}}, as_json)


def _sentence(error: OSError) -> str:
    """What the system says of a file: a missing one, a full disk, no right to write."""
    place = error.filename2 or error.filename
    message = f"{place}: {error.strerror}." if place and error.strerror else f"{error}."
    if isinstance(error, FileExistsError | NotADirectoryError):
        message += " A file lies where a folder is needed; choose another place."
    return message


def tell(result: dict[str, Any], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(result, ensure_ascii=False))
