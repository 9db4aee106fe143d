"""fetch, predict, submit, export: the way from a challenge to its board."""

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from baselines import catalogue, fetch, predict, runs, submit
from baselines.commands.telling import Json, Token, in_words, notes, tell
from baselines.errors import CallError
from baselines.remote import Site

PUBLISHED_SETS = tuple(name for name in catalogue.SETS if name != "digits")  # that needs no file
PUBLISHED = ", ".join(PUBLISHED_SETS)

EXPECT = (
    "If the challenge counts accuracy, expect {accuracy:.1%}, as on the {images} images of the "
    "{held_out}: with 95 % certainty {low:.1%} to {high:.1%} of these {rows} images. A board that "
    "shows a part of them varies more."
)
CHOSEN = "The run is one of a sweep that those images judged: expect a little less."


def predict_command(
    run: Annotated[Path, typer.Argument(help="A run folder made by train.")],
    images: Annotated[Path, typer.Option(help="Test images: a folder, test.zip, or a challenge.")],
    out: Annotated[Path, typer.Option(help="The CSV to write.")] = Path("submission.csv"),
    sample: Annotated[Path | None, typer.Option(help="Else the one beside the images.")] = None,
    as_json: Json = False,
) -> None:
    """Write a submission for test images, in the sample's order, checked before it is written."""
    with in_words(as_json):
        out.parent.mkdir(parents=True, exist_ok=True)  # or fail now, and not after the work
        answers = predict.predict(run, images, sample)
        out.write_bytes(answers)
        rows = answers.count(b"\n") - 1
        notes.print(f"{rows} answers in {out}.", markup=False)
        if expected := predict.expected(runs.read(run), rows):
            notes.print(EXPECT.format(rows=rows, **expected))
            if expected["chosen_on_them"]:
                notes.print(CHOSEN)
        tell({"file": str(out), "rows": rows, "expected": expected or None}, as_json)


def export_command(
    run: Annotated[Path, typer.Argument(help="A run folder made by train.")],
    out: Annotated[Path, typer.Option(help="The file to write.")],
    format: Annotated[str, typer.Option(help="onnx | safetensors | pt2")] = "onnx",  # noqa: A002
    as_json: Json = False,
) -> None:
    """Write a run's network as one file that the site takes, and check that it answers alike."""
    with in_words(as_json):
        file = catalogue.named("baselines.export").export(run, format, out)
        notes.print(f"{file}: {file.stat().st_size / 2**20:.1f} MiB.", markup=False)
        tell({"file": str(file), "bytes": file.stat().st_size}, as_json)


def fetch_command(
    source: Annotated[
        str,
        typer.Argument(help=f"The site, a challenge's page or slug, a folder, {PUBLISHED}."),
    ],
    slug: Annotated[str | None, typer.Argument(help="The challenge, e.g. digits.")] = None,
    token: Token = None,
    site: Annotated[
        str | None, typer.Option(envvar="HOLDOUT_URL", help="Where a slug alone is looked up.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Else data/SLUG; data for a set.")] = None,
    as_json: Json = False,
) -> None:
    """Bring a challenge's files, joining it where that is needed, or a published set."""
    with in_words(as_json):
        if source in PUBLISHED_SETS:
            folder = catalogue.named("baselines.data.download").download(
                source, out or Path("data")
            )
            found = sorted(path for path in folder.iterdir() if path.is_file())
        elif Path(source).is_dir():
            folder = out or Path("data", Path(source).resolve().name)
            found = fetch.copy(Path(source), folder)
        else:
            challenge = _challenge(source, slug, site, token)
            folder = out or Path("data", challenge.slug)
            found = _downloaded(challenge, folder)
        notes.print(f"{', '.join(path.name for path in found)} in {folder}.", markup=False)
        tell({"folder": str(folder), "files": [path.name for path in found]}, as_json)


def _challenge(source: str, slug: str | None, site: str | None, token: str | None) -> Site:
    """The challenge that an address names, or a slug on the site of ``--site``."""
    if "/" in source or slug:
        return Site.at(source, slug, token)
    if not site:
        raise CallError(
            f"{source} is no address, no folder here and none of {PUBLISHED}. To fetch a "
            "challenge by its slug, give the site as well: --site http://… or HOLDOUT_URL."
        )
    return Site.at(site, source, token)


def _downloaded(challenge: Site, folder: Path) -> list[Path]:
    with Progress(console=notes, transient=True) as progress:
        tasks = {name: progress.add_task(name, start=False) for name in fetch.FILES}
        return fetch.fetch(
            challenge,
            folder,
            lambda name, done, total: progress.update(tasks[name], completed=done, total=total),
        )


def submit_command(
    file: Annotated[Path, typer.Argument(help="The CSV or the model to hand in.")],
    url: Annotated[str, typer.Option(help="The site, or the challenge's page.")],
    competition: Annotated[str | None, typer.Option(help="The challenge, e.g. digits.")] = None,
    token: Token = None,
    message: Annotated[str, typer.Option(help="A note to yourself.")] = "",
    architecture: Annotated[
        str, typer.Option(help="Of safetensors that do not say: resnet18, torchvision/resnet18.")
    ] = "",
    arguments: Annotated[str, typer.Option(help="Its keywords, as a JSON object.")] = "",
    wait: Annotated[bool, typer.Option(help="Stay until there is a score.")] = True,
    as_json: Json = False,
) -> None:
    """Hand in answers or a model; show the score, or what is wrong with it, row by row."""
    with in_words(as_json):
        site = Site.at(url, competition, token)
        submission = submit.submit(site, file, message, architecture, arguments)
        if wait:
            with notes.status(submit.meanwhile(submission)) as shown:
                submission = submit.wait(
                    site, submission, watch=lambda each: shown.update(submit.meanwhile(each))
                )
        notes.print(submit.sentences(submission), markup=False)
        tell(submission, as_json)
        if submission["status"] != "scored" and wait:
            raise typer.Exit(1)
