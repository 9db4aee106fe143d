"""python -m scoring run"""

import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

import scoring
from scoring.sandbox.contract import Ending, Job, Outcome
from scoring.sandbox.inspection import Inspected, inspect
from scoring.sandbox.submission import submission_csv
from scoring.terminal import arguments, challenges, printing
from scoring.terminal.arguments import AsJson, Classes
from scoring.terminal.challenges import Challenge


@arguments.says_what_is_wrong
def run(
    model: Annotated[Path, typer.Argument(help="The file: ONNX, safetensors, .pt2, TorchScript.")],
    images: Annotated[
        Path,
        typer.Option(
            help="A folder or zip archive of images, an array of uint8 (.npy), or the folder "
            "of a fetched challenge: its test images, or where it keeps those its training images."
        ),
    ],
    spec: Annotated[
        Path, typer.Option(help="The challenge's competition.toml, with its table [model].")
    ],
    sample: Annotated[
        Path | None, typer.Option(help="Default: sample_submission.csv beside images or spec.")
    ] = None,
    classes: Classes = None,
    architecture: Annotated[
        str, typer.Option(help="Of safetensors: resnet18, torchvision/resnet18 and so on.")
    ] = "",
    keywords: Annotated[
        str,
        typer.Option("--arguments", help="Its keywords as JSON, or @FILE with them."),
    ] = "",
    out: Annotated[Path | None, typer.Option(help="Where to write the submission.")] = None,
    as_json: AsJson = False,
) -> None:
    """Run a model of yours as the site does: inspected, locked in, timed, answers as a CSV."""
    challenge = challenges.read(spec, images, sample, classes)
    try:
        inspected = inspect(model, challenge.contract, architecture, _keywords(keywords))
        if not as_json:
            _tell_inspected(inspected)
        outcome, table = _answered(inspected, challenge, images, as_json)
    except scoring.InvalidSubmission as error:
        printing.problems(list(error.problems), error.more, as_json)
        raise typer.Exit(arguments.REFUSED) from None
    if out is not None and table is not None:
        out.write_bytes(table)
    _tell_outcome(outcome, inspected, out, as_json)
    if outcome.ending is Ending.UNAVAILABLE:
        raise typer.Exit(arguments.WRONG_CALL)
    if outcome.ending is not Ending.DONE:
        raise typer.Exit(arguments.REFUSED)


def _answered(
    inspected: Inspected, challenge: Challenge, images: Path, as_json: bool
) -> tuple[Outcome, bytes | None]:
    """How the run ended, and the submission where it ended well; raises InvalidSubmission."""
    # its import brings Pillow, which the other commands need not wait for
    from scoring.sandbox.images import ImagesError, pack  # noqa: PLC0415
    from scoring.sandbox.server import ForkServer, SandboxUnavailable  # noqa: PLC0415

    ids, contract = challenge.template.ids, challenge.contract
    source = challenges.pictures(images)
    with tempfile.TemporaryDirectory() as folder:
        try:
            packed = (
                source
                if source.suffix == challenges.NUMPY
                else pack(source, contract, ids, Path(folder, "images.npy"))
            )
            job = Job(inspected.upload, packed, contract)
            # the team's own model, on its own machine
            with ForkServer.start(trusted=True) as server, _bar(len(ids), as_json) as show:
                outcome, logits = server.run(job, progress=show)
        except (ImagesError, SandboxUnavailable) as error:
            arguments.stop(str(error))
    if logits is None:
        return outcome, None
    return outcome, submission_csv(logits, ids, contract, challenge.template)


def _keywords(text: str) -> dict[str, Any]:
    """Raises SpecError for what is no table in JSON."""
    if not text:
        return {}
    try:
        written = Path(text[1:]).read_text(encoding="utf-8") if text.startswith("@") else text
        found = json.loads(written)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise scoring.SpecError(
            "Write --arguments as a JSON object, such as '{\"width\": 64}', or @FILE with one."
        )
    return found


@contextmanager
def _bar(total: int, as_json: bool) -> Iterator[Callable[[int, float], None]]:
    """On the terminal's error stream, and nowhere else: what to tell images and their speed."""
    console = Console(stderr=True)
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[speed]}"))
    hidden = as_json or not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=hidden) as progress:
        task = progress.add_task("", total=total, speed="")
        yield lambda answered, per_second: progress.update(
            task, completed=answered, speed=f"{per_second:.0f} images/s"
        )


def _tell_inspected(found: Inspected) -> None:
    upload = found.upload
    printing.result_lines({
        "format": f"{upload.format} {upload.architecture}".rstrip(),
        "file": f"{found.file_bytes / 2**20:.1f} MiB",
        "images at a time": "any number" if found.batch is None else str(found.batch),
        **{name: str(value) for name, value in found.told.items()},
    })  # fmt: skip


def _tell_outcome(outcome: Outcome, found: Inspected, out: Path | None, as_json: bool) -> None:
    parameters = outcome.parameters if outcome.parameters is not None else found.parameters
    is_done = outcome.ending is Ending.DONE
    if as_json:
        told = asdict(outcome) | {
            "ok": is_done,
            "format": found.upload.format,
            "parameters": parameters,
            "images_per_second": outcome.images_per_second,
            "out": str(out) if is_done and out is not None else None,
        }
        typer.echo(json.dumps(told))
        return
    if not is_done:
        printing.problem(f"{outcome.ending}: {outcome.message}")
        return
    printing.result_lines({
        "parameters": _count(parameters),
        "multiply-accumulates for an image": _count(outcome.macs),
        "device": outcome.device,
        "loaded in": f"{outcome.load_seconds:.2f} s",
        "images": str(outcome.images),
        "answered in": f"{outcome.seconds:.2f} s, {outcome.images_per_second:.0f} images/s, "
        f"{outcome.batch_size} at a time",
        **({"written to": str(out)} if out is not None else {}),
    })  # fmt: skip


def _count(number: int | None) -> str:
    return "unknown" if number is None else f"{number:,}"
