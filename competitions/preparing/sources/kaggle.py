"""Train images, test images and the solution: a challenge as it was given elsewhere."""

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import cast

from competitions.pictures import formats
from competitions.preparing import tables
from competitions.preparing.archives import common_folder
from competitions.preparing.sources import tabled
from competitions.preparing.sources.containers import Container
from competitions.preparing.sources.folders import refuse_bad_classes, refuse_strangers
from competitions.preparing.sources.item import Item, Members, Source
from competitions.preparing.sources.tabled import Row

SOLUTION = "solution.csv"
SAMPLES = {"sample_submission.csv", "test.csv"}
TRAIN_TABLES = ("train.csv", "labels.csv", "train_labels.csv")


def fits(names: Sequence[str]) -> bool:
    has_images = any(formats.is_named_like_one(name) for name in names)
    return has_images and _named(names, (SOLUTION,)) is not None


def read(container: Container, _name: str) -> Source:
    names = container.names
    solution, table = cast(str, _named(names, (SOLUTION,))), _named(names, TRAIN_TABLES)
    images = [name for name in names if formats.is_named_like_one(name)]
    samples = [name for name in names if PurePosixPath(name).name in SAMPLES]
    refuse_strangers(container, [*images, solution, *samples, *([table] if table else [])])
    test, train = _sides(container, images)
    answers = tabled.read_rows(container, solution)
    hidden = tabled.matched(container, solution, test, answers)
    shown = _trained(container, train, table)
    items = [
        *(Item(item.name, item.label, "train", item.group) for item in shown),
        *(Item(item.name, item.label, "test", item.group, item.usage) for item in hidden),
    ]
    refuse_bad_classes(container, items)
    return Members("train, test and solution", items, container)


def _trained(container: Container, train: Sequence[str], table: str | None) -> list[Item]:
    if table is not None:
        return tabled.matched(container, table, train, tabled.read_rows(container, table))
    root = common_folder(train)
    paths = {name: PurePosixPath(name.removeprefix(root)).parts for name in train}
    if misplaced := [name for name, path in paths.items() if len(path) < 2]:
        raise container.refusal(
            "needs a train.csv, or one folder of training images per class. "
            f"Not so placed: {tables.some(misplaced)}."
        )
    rows = {name: Row(path[0]) for name, path in paths.items()}
    return [Item(name, row.label) for name, row in rows.items()]


def _sides(container: Container, images: Sequence[str]) -> tuple[list[str], list[str]]:
    """Test and training images, by a folder on their way that is called so.

    The folder around them all tells nothing: it may be called "testproject".
    """
    around = common_folder(images)
    sides = {name: _side(name.removeprefix(around)) for name in images}
    test = [name for name, side in sides.items() if side == "test"]
    train = [name for name, side in sides.items() if side == "train"]
    lost = set(images) - set(test) - set(train)
    if lost or not test or not train:
        raise container.refusal(
            f"has a {SOLUTION}, so the images must lie in the folders train/ and test/ "
            f"(or in train.zip and test.zip). Elsewhere: {tables.some(lost) or 'none'}."
        )
    return test, train


def _side(name: str) -> str:
    """By the outermost folder that tells: a class may be called "testudo"."""
    folders = (part.lower() for part in PurePosixPath(name).parts[:-1])
    sides = (word for part in folders for word in ("train", "test") if part.startswith(word))
    return next(sides, "")


def _named(names: Sequence[str], wanted: Sequence[str]) -> str | None:
    found = {PurePosixPath(name).name.lower(): name for name in names}
    return next((found[name] for name in wanted if name in found), None)
