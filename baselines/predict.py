"""Answers for a challenge: every test image through the model, checked before it is written."""

import csv
import io
from pathlib import Path, PurePosixPath
from typing import Any

from numpy.typing import NDArray

import scoring
from baselines import catalogue, challenge, runs
from baselines.catalogue import Classifier
from baselines.errors import BaselineError, CallError

SAMPLE = "sample_submission.csv"


def predict(run_folder: Path, images: Path, sample: Path | None) -> bytes:
    """The submission as CSV, in the sample's order; where there is none, in the images'."""
    run = runs.read(run_folder)
    model: Classifier = catalogue.named(catalogue.recipe(run.arch).learner).load(run_folder, run)
    pictures = _pictures(images)
    template = _template(sample or _sample_beside(images), list(pictures), run.classes)
    pictures = _in_order(pictures, template)
    pixels = challenge.stack(pictures, size=(run.width, run.height), grey=run.channels == 1)
    answers = _table(template, run.classes, model.probabilities(pixels))
    problems, _more = scoring.check(answers, template)
    if problems:
        raise BaselineError(f"The answers would be refused: {problems[0]}")
    return answers


def _pictures(images: Path) -> dict[str, bytes]:
    """Test images by their path; `images` may be a folder, an archive or a whole challenge."""
    whole = images.is_dir() and ((images / "test").exists() or (images / "test.zip").exists())
    found = dict(challenge.images(challenge.part(images, "test") if whole else images))
    if not found:
        raise CallError(f"{images} holds no images.")
    return found


def _sample_beside(images: Path) -> Path | None:
    candidates = [images / SAMPLE, images.parent / SAMPLE]
    return next((path for path in candidates if path.is_file()), None)


def _template(sample: Path | None, names: list[str], classes: tuple[str, ...]) -> scoring.Template:
    """What a right answer looks like: as in the sample, or a row for each image."""
    if sample is None:
        ids = tuple(PurePosixPath(name).stem for name in names)
        return scoring.Template(("id", "label"), ids, classes)
    try:
        return scoring.Template.read(sample.read_bytes(), classes=classes)
    except (OSError, scoring.ScoringError) as error:
        raise CallError(f"{sample} cannot serve as a sample: {error}") from error


def _in_order(pictures: dict[str, bytes], template: scoring.Template) -> dict[str, bytes]:
    """The pictures the template asks for: an id is a path, a file name, or that without ending."""
    by_id: dict[str, bytes] = {}
    for name, data in pictures.items():
        path = PurePosixPath(name)
        by_id |= dict.fromkeys((path.stem, path.name, name), data)
    missing = [name for name in template.ids if name not in by_id]
    if missing:
        message = f"There is no image for the id {missing[0]} ({len(missing)} of"
        message += f" {len(template.ids)} ids without one). Are these the test images?"
        raise CallError(message)
    return {name: by_id[name] for name in template.ids}


def _table(
    template: scoring.Template, classes: tuple[str, ...], probabilities: NDArray[Any]
) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(template.header)
    if template.layout == "labels":
        best = [classes[code] for code in probabilities.argmax(axis=1)]
        writer.writerows(zip(template.ids, best, strict=True))
    else:
        at = _columns(template, classes)
        rows = probabilities.astype(float)[:, at].tolist()
        writer.writerows([name, *row] for name, row in zip(template.ids, rows, strict=True))
    return text.getvalue().encode()


def _columns(template: scoring.Template, classes: tuple[str, ...]) -> list[int]:
    """Where the sample's columns of probabilities lie in the model's answer."""
    unknown = set(template.classes) ^ set(classes)
    if unknown:
        message = f"The sample's columns are not the classes of the run (see {min(unknown)})."
        raise CallError(message)
    return [classes.index(name) for name in template.classes]
