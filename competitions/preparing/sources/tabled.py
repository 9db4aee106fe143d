"""Images and a table of their classes: labels.csv, with groups, usage and split if it has them."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import cast

from competitions.pictures import formats
from competitions.preparing import tables
from competitions.preparing.sources.containers import Container
from competitions.preparing.sources.folders import PARTS, refuse_bad_classes, refuse_strangers
from competitions.preparing.sources.item import Item, Members, Part, Source, Usage

NAMES = ("labels.csv", "train.csv", "annotations.csv", "data.csv")
LABELS = {"label", "class", "target", "category"}
GROUPS = {"group", "patient", "video", "subject", "session"}
USAGES: Mapping[str, Usage] = {"public": "Public", "private": "Private", "ignored": "Ignored"}
SPLITS = {"split", "part", "set"}


def fits(names: Sequence[str]) -> bool:
    has_images = any(formats.is_named_like_one(name) for name in names)
    return has_images and _table(names) is not None


def read(container: Container, _name: str) -> Source:
    names = container.names
    table = cast(str, _table(names))
    images = [name for name in names if formats.is_named_like_one(name)]
    refuse_strangers(container, [*images, table])
    rows = read_rows(container, table)
    items = list(matched(container, table, images, rows))
    refuse_bad_classes(container, items)
    return Members("images with a table of their classes", items, container)


@dataclass(frozen=True)
class Row:
    """What a table says of one image."""

    label: str
    group: str = ""
    usage: Usage = ""
    part: Part = ""


def read_rows(container: Container, table: str) -> dict[str, Row]:
    """Each row by the image's name in the first column. Raises Refused."""
    records = tables.read(container.read(table), table)
    _line, header = next(records)
    columns = _columns([name.strip().lower() for name in header])
    rows: dict[str, Row] = {}
    for line, written in records:
        # Names in an archive are of this form of Unicode, whatever system packed it.
        record = [unicodedata.normalize("NFC", value) for value in written]
        if len(record) != len(header) or len(record) < 2:
            raise container.refusal(f"has {table} with a wrong number of values in line {line}.")
        if record[0] in rows:
            raise container.refusal(f"has {table} with {record[0]!r} twice, again in line {line}.")
        rows[record[0]] = _row(container, table, line, record, columns)
    return rows


def matched(
    container: Container, table: str, images: Sequence[str], rows: Mapping[str, Row]
) -> list[Item]:
    """The items of images and rows that name each other; raises Refused for what is left over."""
    keys = tables.keys_of(images, rows, _ids, table, container.refusal)
    found = ((name, rows[key]) for name, key in keys.items())
    return [Item(name, row.label, row.part, row.group, row.usage) for name, row in found]


def _table(names: Sequence[str]) -> str | None:
    found = {
        PurePosixPath(name).name.lower(): name for name in names if name.lower().endswith(".csv")
    }
    known = next((found[name] for name in NAMES if name in found), None)
    return known or (next(iter(found.values())) if len(found) == 1 else None)


def _columns(header: list[str]) -> dict[str, int]:
    """Where label, group, usage and split stand; the label else in the second column."""
    wanted = {"label": LABELS, "group": GROUPS, "usage": {"usage"}, "part": SPLITS}
    found = {
        what: at
        for what, words in wanted.items()
        for at, name in enumerate(header)
        if at and name in words
    }
    return {"label": 1, **found}


def _row(
    container: Container, table: str, line: int, record: list[str], columns: Mapping[str, int]
) -> Row:
    values = {what: record[at].strip() for what, at in columns.items()}
    usage, part = values.get("usage", "").lower(), values.get("part", "").lower()
    if usage not in USAGES and usage:
        raise container.refusal(
            f"has {table} with the usage {usage!r} in line {line}: Public, Private or Ignored."
        )
    if part not in PARTS and part:
        raise container.refusal(
            f"has {table} with the split {part!r} in line {line}: train or test."
        )
    label = record[columns["label"]]
    if not label and usage != "ignored":
        raise container.refusal(f"has {table} without a class in line {line}.")
    group = values.get("group", "")
    return Row(label, group, USAGES.get(usage, ""), PARTS.get(part, ""))


def _ids(name: str) -> tuple[str, ...]:
    """What a table may call the image: its path or the end of it, with the ending or without."""
    parts = PurePosixPath(name).parts
    tails = ["/".join(parts[at:]) for at in range(len(parts))]
    return (*tails, *(str(PurePosixPath(tail).with_suffix("")) for tail in tails))
