"""From three uploaded files to everything a challenge needs, without touching the database."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from competitions import files
from competitions.files import Stored
from competitions.models import Competition
from competitions.preparing import (
    answers,
    labelled,
    metadata,
    packing,
    pictures,
    samples,
    sprites,
    tables,
)
from competitions.preparing.answers import Answers
from competitions.preparing.archives import Archive, common_folder
from competitions.preparing.sprites import Sample
from scoring.answers import class_order


@dataclass(frozen=True)
class Download:
    """A file for participants, stored."""

    name: str
    stored: Stored
    rows: int
    description: str


@dataclass(frozen=True)
class Built:
    downloads: list[Download]
    answers: Answers
    classes: tuple[str, ...]
    samples: list[Sample]
    train_images: int


def build(competition: Competition, inbox: dict[str, str], still_ours: Callable[[], None]) -> Built:
    """Raises Refused with a sentence for the organiser; what is stored by then does no harm.

    ``still_ours`` is called before each image and may end it all by raising.
    """
    with files.storage("data").open(inbox["train"]) as stream:
        train = Archive(stream, "train archive")
        classes = labelled.labels(train)
        train_zip = packing.pack(_images(train, list(classes), still_ours))
        order = class_order(list(classes.values()))
        drawn = sprites.draw(train, classes, order)
    with files.storage("data").open(inbox["test"]) as stream:
        test = Archive(stream, "test archive")
        names = _test_names(test)
        root = common_folder(names)
        found = answers.read(
            files.read("solutions", inbox["solution"]),
            [name.removeprefix(root) for name in names],
            set(classes.values()),
            competition.public_fraction,
        )
        sample = samples.proven(competition, found, order)
        test_zip = packing.pack(_images(test, names, still_ours))
    return Built(
        downloads=[
            Download("train.zip", train_zip, len(classes), "Training images"),
            Download("test.zip", test_zip, len(names), "Test images, to be labelled by you"),
            _train_table(found, classes),
            _sample(sample, found),
        ],
        answers=found,
        classes=order,
        samples=drawn,
        train_images=len(classes),
    )


def _images(
    archive: Archive, names: list[str], still_ours: Callable[[], None]
) -> Iterator[tuple[str, bytes]]:
    """Each image without its metadata, under its name without the folder common to all."""
    root = common_folder(names)
    for name in sorted(names):
        still_ours()
        data = pictures.read(archive, name)
        try:
            yield name.removeprefix(root), metadata.stripped(data)
        except metadata.Unstrippable as error:
            raise archive.refusal(f"holds {name!r}, {error}") from None


def _test_names(archive: Archive) -> list[str]:
    names = archive.names
    if not names:
        raise archive.refusal("holds no images. Pack the test images, without their classes.")
    if strangers := [name for name in names if not pictures.is_named_like_one(name)]:
        raise archive.refusal(f"holds what is not an image: {tables.some(strangers)}.")
    root = common_folder(names)
    if nested := [name for name in names if "/" in name.removeprefix(root)]:
        raise archive.refusal(
            f"has its images in several folders ({tables.some(nested)}), which may tell their "
            "classes. Put all of them into one, under opaque names."
        )
    return names


def _train_table(found: Answers, classes: dict[str, str]) -> Download:
    root = common_folder(classes)
    rows = sorted((name.removeprefix(root), label) for name, label in classes.items())
    table = tables.write((found.id_column, found.label_column), rows)
    stored = files.store_bytes("data", table)
    return Download("train.csv", stored, len(rows), "The class of every training image")


def _sample(sample: bytes, found: Answers) -> Download:
    stored = files.store_bytes("data", sample)
    return Download(files.SAMPLE, stored, len(found.ids), "The form of a submission, all the same")
