"""The commands.

    python -m baselines fetch http://localhost:8000 digits --token TOKEN
    python -m baselines train --arch lenet5 --data data/digits --out runs/lenet5
    python -m baselines predict runs/lenet5 --images data/digits --out submission.csv
    python -m baselines submit submission.csv --url http://localhost:8000 --competition digits

Exit codes: 0 done; 1 the file or the run is wrong; 2 the call is wrong.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from baselines import catalogue, fetch, predict, submit, train
from baselines.errors import BaselineError
from baselines.remote import Site

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Train, predict, submit.")
notes = Console(stderr=True, highlight=False)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object as the last line.")]
Token = Annotated[str | None, typer.Option(envvar="HOLDOUT_TOKEN", help="Your API token.")]


@app.command("train")
def train_command(
    arch: Annotated[str, typer.Option(help=" | ".join(catalogue.RECIPES))],
    data: Annotated[str, typer.Option(help=f"{' | '.join(catalogue.SETS)}, or a fetched folder.")],
    out: Annotated[Path, typer.Option(help="The run folder to write.")],
    root: Annotated[Path, typer.Option(help="Where mnist, cifar10, … lie.")] = Path("data"),
    seed: Annotated[int, typer.Option(min=0)] = 0,
    epochs: Annotated[int | None, typer.Option(min=1, help="Else the recipe's.")] = None,
    largest: Annotated[
        int | None, typer.Option(min=8, help="Shrink a challenge's larger images to this side.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Train a network and measure it on images it never saw."""
    with _in_words(as_json):
        catalogue.recipe(arch)
        images = catalogue.dataset(data, root, largest)
        run = train.plan(arch, images, seed=seed, epochs=epochs)
        with _Bar(arch, train.steps(run, images)) as bar:
            result = train.train(run, images, out, bar)
        notes.print(
            f"{arch} on {result.data}: {result.test_accuracy:.2%} of the {result.held_out} "
            f"({result.held_out_images} images), {result.parameters:,} parameters, "
            f"{result.train_seconds:.1f} s on {result.device}. Saved in {out}."
        )
        _tell(asdict(result), as_json)


@app.command("predict")
def predict_command(
    run: Annotated[Path, typer.Argument(help="A run folder made by train.")],
    images: Annotated[Path, typer.Option(help="Test images: a folder, test.zip, or a challenge.")],
    out: Annotated[Path, typer.Option(help="The CSV to write.")] = Path("submission.csv"),
    sample: Annotated[Path | None, typer.Option(help="Else the one beside the images.")] = None,
    as_json: Json = False,
) -> None:
    """Write a submission for test images, in the sample's order, checked before it is written."""
    with _in_words(as_json):
        answers = predict.predict(run, images, sample)
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_bytes(answers)
        rows = answers.count(b"\n") - 1
        notes.print(f"{rows} answers in {out}.")
        _tell({"file": str(out), "rows": rows}, as_json)


@app.command("fetch")
def fetch_command(
    url: Annotated[str, typer.Argument(help="The site, or the challenge's page.")],
    slug: Annotated[str | None, typer.Argument(help="The challenge, e.g. digits.")] = None,
    token: Token = None,
    out: Annotated[Path | None, typer.Option(help="Else data/SLUG.")] = None,
    as_json: Json = False,
) -> None:
    """Download a challenge's files, joining it where that is needed, and unpack them."""
    with _in_words(as_json):
        site = Site.at(url, slug, token)
        folder = out or Path("data", site.slug)
        with Progress(console=notes, transient=True) as progress:
            tasks = {name: progress.add_task(name, start=False) for name in fetch.FILES}
            found = fetch.fetch(
                site,
                folder,
                lambda name, done, total: progress.update(tasks[name], completed=done, total=total),
            )
        notes.print(f"{', '.join(path.name for path in found)} in {folder}.")
        _tell({"folder": str(folder), "files": [path.name for path in found]}, as_json)


@app.command("submit")
def submit_command(
    file: Annotated[Path, typer.Argument(help="The CSV to hand in.")],
    url: Annotated[str, typer.Option(help="The site, or the challenge's page.")],
    competition: Annotated[str | None, typer.Option(help="The challenge, e.g. digits.")] = None,
    token: Token = None,
    message: Annotated[str, typer.Option(help="A note to yourself.")] = "",
    wait: Annotated[bool, typer.Option(help="Stay until there is a score.")] = True,
    as_json: Json = False,
) -> None:
    """Hand in a file and show the score, or what is wrong with the file, row by row."""
    with _in_words(as_json):
        site = Site.at(url, competition, token)
        submission = submit.submit(site, file, message)
        if wait:
            submission = submit.wait(site, submission)
        notes.print(submit.sentences(submission), markup=False)
        _tell(submission, as_json)
        if submission["status"] != "scored" and wait:
            raise typer.Exit(1)


class _Bar:
    """A progress bar with the accuracy on the training images and the time left."""

    def __init__(self, title: str, steps: int) -> None:
        columns = TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn()
        self.progress = Progress(*columns, console=notes, transient=True)
        self.title = title
        self.task = self.progress.add_task(title, total=steps)

    def __enter__(self) -> "_Bar":
        self.progress.start()
        return self

    def __exit__(self, *_problem: object) -> None:
        self.progress.stop()

    def step(self) -> None:
        self.progress.advance(self.task)

    def epoch(self, accuracy: float) -> None:
        description = f"{self.title}: {accuracy:.1%} of the training images"
        self.progress.update(self.task, description=description)


@contextmanager
def _in_words(as_json: bool) -> Iterator[None]:
    """Errors as a sentence and an exit code, never as a traceback."""
    try:
        yield
    except BaselineError as error:
        notes.print(str(error), markup=False, style="red")
        _tell({"error": {"code": type(error).__name__, "message": str(error)}}, as_json)
        raise typer.Exit(error.exit_code) from error


def _tell(result: dict[str, Any], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(result, ensure_ascii=False))


if __name__ == "__main__":
    app(prog_name="python -m baselines")
