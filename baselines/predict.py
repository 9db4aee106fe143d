"""Answers for a challenge: every test image through the model, checked before it is written."""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import islice
from math import ceil, floor
from pathlib import Path, PurePosixPath
from typing import Any

from numpy.typing import NDArray

import scoring
from baselines import catalogue, runs
from baselines.catalogue import Classifier
from baselines.data import challenge
from baselines.data.dataset import Pixels
from baselines.data.decoding import Renamed
from baselines.errors import BaselineError, CallError
from baselines.runs import Run

SAMPLE = "sample_submission.csv"
POSITIVE = "1"  # the class whose probability a column of scores holds, as in scoring


@dataclass(frozen=True)
class Form:
    """What a right answer looks like, as far as a sample submission shows it."""

    template: scoring.Template
    names: int = 1  # in each row of a ranked list
    marks: bool = False  # 0 and 1 in the classes' columns, where others hold probabilities


def predict(run_folder: Path, images: Path, sample: Path | None) -> bytes:
    """The submission as CSV, in the sample's order; where there is none, in the images'."""
    run = runs.finished(run_folder)
    architecture = catalogue.architecture(run.arch)
    model: Classifier = catalogue.named(architecture.learner).load(run_folder, run)
    pictures = _pictures(images)
    form = _form(sample or _sample_beside(images), list(pictures), run.classes)
    pictures = _in_order(pictures, form.template)
    decode = catalogue.named(architecture.decode) if architecture.decode else _resized
    answers = _table(form, run.classes, model.probabilities(decode(pictures, run)))
    problems, _more = scoring.check(answers, form.template)
    if problems:
        raise BaselineError(f"The answers would be refused: {problems[0]}")
    return answers


def _resized(pictures: Mapping[str, bytes], run: Run) -> Pixels:
    return challenge.stack(pictures, (run.width, run.height), grey=run.channels == 1)


def expected(run: Run, rows: int) -> dict[str, Any]:
    """The accuracy to expect on so many new images, from those held out; empty if untrained.

    ``low`` and ``high`` are where it lies in 95 of 100 cases. Both sets are a draw, so the interval
    is Wilson's with the harmonic sum of their sizes, 1 / (1/images + 1/rows), out to whole rows. It
    is honest as long as the images are of the same kind and ``chosen_on_them`` is false.
    """
    if not run.metrics:
        return {}
    accuracy, images = run.metrics["test_accuracy"], run.metrics["held_out_images"]
    low, high = scoring.wilson(accuracy, max(1.0, 1 / (1 / images + 1 / rows)))
    low, high = floor(round(low * rows, 6)) / rows, ceil(round(high * rows, 6)) / rows
    return {
        "accuracy": accuracy, "low": round(low, 6), "high": round(high, 6),
        "images": images, "held_out": run.metrics["held_out"],
        "chosen_on_them": "within" in run.source,
    }  # fmt: skip


def _pictures(images: Path) -> Mapping[str, bytes]:
    """Test images by their path; `images` may be a folder, an archive or a whole challenge."""
    whole = images.is_dir() and ((images / "test").exists() or (images / "test.zip").exists())
    found = challenge.files(challenge.part(images, "test") if whole else images)
    if not found:
        raise CallError(f"{images} holds no images.")
    return found


def _sample_beside(images: Path) -> Path | None:
    candidates = [images / SAMPLE, images.parent / SAMPLE]
    return next((path for path in candidates if path.is_file()), None)


def _form(sample: Path | None, names: list[str], classes: tuple[str, ...]) -> Form:
    """The form of the sample, or a label for each image by its file's name without the ending.

    Where two files share that, as in folders of classes, their paths tell them apart.
    """
    if sample is None:
        stems = [PurePosixPath(name).stem for name in names]
        ids = stems if len(set(stems)) == len(stems) else names
        return Form(scoring.Template(("id", "label"), tuple(ids), classes))
    try:
        return _shown_by(sample.read_bytes(), classes)
    except (OSError, scoring.ScoringError) as error:
        raise CallError(f"{sample} cannot serve as a sample: {error}") from error


def _shown_by(sample: bytes, classes: tuple[str, ...]) -> Form:
    """Two columns may hold a label, a ranked list or a score: the first row's cell tells."""
    template = scoring.Template.read(sample, classes=classes)
    lines = csv.reader(io.StringIO(sample.decode("utf-8-sig")))
    _id, *cells = next(islice(lines, 1, None))
    if template.layout == "probabilities":
        return Form(template, marks=set(cells) == {"0", "1"})
    names = cells[0].split()
    if len(names) > 1 and cells[0] not in classes and set(names) <= set(classes):
        return Form(replace(template, layout="ranked"), names=len(names))
    if cells[0] in classes or not _is_number(cells[0]):
        return Form(template)
    if set(classes) != {"0", POSITIVE}:
        raise CallError(
            f"The sample holds the number {cells[0]}, and no class of the run is called so. "
            "Scores can be written by a run with the classes 0 and 1."
        )
    return Form(replace(template, layout="score", numbers="unit"))


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _in_order(pictures: Mapping[str, bytes], template: scoring.Template) -> Mapping[str, bytes]:
    """The pictures the template asks for: an id is a path, a file name, or that without ending."""
    by_id: dict[str, list[str]] = {}
    for name in pictures:
        path = PurePosixPath(name)
        for key in {path.stem, path.name} - pictures.keys():  # a path is sure to mean its own file
            by_id.setdefault(key, []).append(name)
        by_id[name] = [name]
    missing = [name for name in template.ids if name not in by_id]
    if missing:
        message = f"There is no image for the id {missing[0]} ({len(missing)} of"
        message += f" {len(template.ids)} ids without one). Are these the test images?"
        raise CallError(message)
    for name in template.ids:
        if len(by_id[name]) > 1:
            one, other, *_more = by_id[name]
            raise CallError(f"The id {name} may be {one} or {other}. Use paths as ids.")
    files = {name: by_id[name][0] for name in template.ids}
    return Renamed(pictures, {_told(name, file): file for name, file in files.items()})


def _told(name: str, file: str) -> str:
    """An id as a message about a broken file gives it."""
    return name if name == file else f"{file} (the id {name})"


def _table(form: Form, classes: tuple[str, ...], probabilities: NDArray[Any]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(form.template.header)
    cells = _cells(form, classes, probabilities.astype(float))
    writer.writerows([name, *row] for name, row in zip(form.template.ids, cells, strict=True))
    return text.getvalue().encode()


def _cells(form: Form, classes: tuple[str, ...], probabilities: NDArray[Any]) -> list[list[Any]]:
    """What stands beside each id."""
    match form.template.layout:
        case "score":
            return [[one] for one in probabilities[:, classes.index(POSITIVE)].tolist()]
        case "probabilities":
            columns = probabilities[:, _columns(form.template, classes)]
            if form.marks:
                columns = (columns == columns.max(axis=1, keepdims=True)).astype(int)
            rows: list[list[Any]] = columns.tolist()
            return rows
        case _:
            best = (-probabilities).argsort(axis=1, kind="stable")[:, : form.names]
            return [[" ".join(classes[code] for code in row)] for row in best.tolist()]


def _columns(template: scoring.Template, classes: tuple[str, ...]) -> list[int]:
    """Where the sample's columns of probabilities lie in the model's answer."""
    unknown = set(template.classes) ^ set(classes)
    if unknown:
        message = f"The sample's columns are not the classes of the run (see {min(unknown)})."
        raise CallError(message)
    return [classes.index(name) for name in template.classes]
