"""The train archive: images in folders named by class, or images and a train.csv."""

from collections.abc import Sequence
from pathlib import PurePosixPath

from competitions.pictures import formats
from competitions.preparing import tables
from competitions.preparing.archives import Archive, common_folder

TABLES = {"train.csv", "labels.csv"}
LABEL_COLUMNS = {"label", "class", "target", "category"}


def labels(archive: Archive) -> dict[str, str]:
    """The class of every image of the archive, by its name there."""
    images = [name for name in archive.names if formats.is_named_like_one(name)]
    others = [name for name in archive.names if not formats.is_named_like_one(name)]
    found = [name for name in others if PurePosixPath(name).name in TABLES]
    strangers = set(others) - set(found)
    if strangers:
        raise archive.refusal(
            f"holds what is neither an image nor train.csv: {tables.some(strangers)}. "
            "Leave that out."
        )
    if len(images) < 2:
        raise archive.refusal("holds no images. Pack one folder of images per class.")
    classes = _by_table(archive, images, found[0]) if found else _by_folder(archive, images)
    _refuse_bad_classes(archive, set(classes.values()))
    return classes


def _by_folder(archive: Archive, images: Sequence[str]) -> dict[str, str]:
    root = common_folder(images)
    paths = {name: PurePosixPath(name.removeprefix(root)) for name in images}
    misplaced = [name for name, path in paths.items() if len(path.parts) != 2]
    if misplaced:
        raise archive.refusal(
            "needs one folder per class with the images directly in it, or a train.csv beside "
            f"them. Not so placed: {tables.some(misplaced)}."
        )
    return {name: path.parts[0] for name, path in paths.items()}


def _by_table(archive: Archive, images: Sequence[str], table: str) -> dict[str, str]:
    rows = _rows(archive, table)
    keys = tables.keys_of(images, rows, _ids, table, archive.refusal)
    return {name: rows[key] for name, key in keys.items()}


def _rows(archive: Archive, table: str) -> dict[str, str]:
    records = tables.read(archive.read(table), f"{table} in the {archive.title}")
    _line, header = next(records)
    at = next((i for i, name in enumerate(header) if name.lower() in LABEL_COLUMNS and i), 1)
    rows: dict[str, str] = {}
    for line, record in records:
        if len(record) != len(header) or len(record) < 2:
            raise archive.refusal(f"has {table} with a wrong number of values in line {line}.")
        if record[0] in rows:
            raise archive.refusal(f"has {table} with {record[0]!r} twice, again in line {line}.")
        rows[record[0]] = record[at]
    return rows


def _ids(name: str) -> tuple[str, ...]:
    """What a table may call the image: its path, its file name, or that without the ending."""
    path = PurePosixPath(name)
    return name, path.name, path.stem


def _refuse_bad_classes(archive: Archive, classes: set[str]) -> None:
    if len(classes) < 2:
        raise archive.refusal(f"has only the class {tables.some(classes)}. It takes two or more.")
    wrong = {name for name in classes if not name or name != name.strip() or len(name) > 100}
    if wrong:
        raise archive.refusal(
            "has class names that are empty, longer than 100 characters or have spaces around "
            f"them: {tables.some(repr(name) for name in wrong)}."
        )
