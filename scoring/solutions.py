"""The organiser's answers, compiled once and then only looked up."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from scoring.decoding import MAX_FIELD, decode, records
from scoring.errors import InvalidSubmission, SolutionError
from scoring.metrics import Layout
from scoring.spec import Template

USAGE = "Usage"
_USAGES = {"public": 1, "private": 2, "ignored": 0}
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?", re.ASCII)
MAX_SOLUTION_BYTES = 1 << 30


@dataclass(frozen=True, eq=False)
class Solution:
    """Ids and label codes in the file's order; masks say which rows count where."""

    id_column: str
    label_column: str
    classes: tuple[str, ...]
    ids: tuple[str, ...]
    codes: NDArray[np.intp] = field(repr=False)
    counted: NDArray[np.bool_] = field(repr=False)
    public: NDArray[np.bool_] = field(repr=False)
    private: NDArray[np.bool_] = field(repr=False)

    @classmethod
    def read(
        cls,
        data: bytes,
        *,
        id_column: str | None = None,
        label_column: str | None = None,
        classes: Sequence[str] | None = None,
    ) -> Self:
        """From CSV: id (the first column unless named), label and perhaps `Usage`."""
        names, columns = _columns(data)
        id_column = _named(id_column or names[0], names)
        label_column = _named(label_column or _only_other(names, id_column), names)
        ids, labels = columns[id_column], columns[label_column]
        usage = _usage(columns.get(USAGE), len(ids))
        _refuse_bad_ids(ids)
        counted = np.ones(len(ids), np.bool_) if usage is None else usage > 0
        known = tuple(classes) if classes is not None else class_order(labels)
        _refuse_bad_classes(known)
        return cls(
            id_column=id_column,
            label_column=label_column,
            classes=known,
            ids=tuple(ids),
            codes=_codes(labels, known, counted),
            counted=counted,
            public=_share(usage, "public", len(ids)),
            private=_share(usage, "private", len(ids)),
        )

    @property
    def has_split(self) -> bool:
        return self.n_public > 0

    @cached_property
    def n_public(self) -> int:
        return int(self.public.sum())

    @cached_property
    def n_private(self) -> int:
        return int(self.private.sum())

    def template(self, layout: Layout = "labels") -> Template:
        """What a participant may know: columns, ids, class names."""
        return self._templates[layout]

    @cached_property
    def _templates(self) -> dict[Layout, Template]:
        headers: dict[Layout, tuple[str, ...]] = {
            "labels": (self.id_column, self.label_column),
            "probabilities": (self.id_column, *self.classes),
        }
        return {
            layout: Template(header, self.ids, self.classes, layout)
            for layout, header in headers.items()
        }


def class_order(labels: Sequence[str]) -> tuple[str, ...]:
    """The labels that occur: by value when all are numbers, else alphabetically."""
    names = sorted({label for label in labels if label})
    if all(_NUMBER.fullmatch(name) for name in names):
        names.sort(key=float)
    return tuple(names)


def _columns(data: bytes) -> tuple[list[str], dict[str, list[str]]]:
    try:
        rows = list(records(decode(data, MAX_SOLUTION_BYTES)))
    except InvalidSubmission as error:
        raise SolutionError(f"The solution cannot be read. {error}") from None
    names = rows[0][1]
    if len(set(names)) < len(names) or len(names) < 2:
        raise SolutionError(
            "The solution needs an id column and a label column, each with a name of its own."
        )
    if len(rows) == 1:
        raise SolutionError("The solution has no rows. Write one per test image.")
    for line, record in rows:
        _refuse_bad_record(line, record, len(names))
    cells = zip(*(record for _, record in rows[1:]), strict=True)
    return names, {name: list(column) for name, column in zip(names, cells, strict=True)}


def _refuse_bad_record(line: int, record: list[str], width: int) -> None:
    if len(record) != width:
        raise SolutionError(
            f"Line {line} of the solution has {len(record)} values, the header has {width}."
        )
    for cell in record:
        if len(cell) > MAX_FIELD:
            raise SolutionError(
                f"Line {line} of the solution has a value longer than {MAX_FIELD} characters."
            )
        if cell != cell.strip() or "\n" in cell:
            raise SolutionError(
                f"Line {line} of the solution has a value with spaces around it "
                "or a line break in it. Remove them."
            )


def _named(name: str, names: list[str]) -> str:
    if name not in names:
        raise SolutionError(f"The solution has no column '{name}', only: {', '.join(names)}.")
    return name


def _only_other(names: list[str], id_column: str) -> str:
    others = [name for name in names if name not in (id_column, USAGE)]
    if len(others) != 1:
        raise SolutionError(
            f"The solution needs exactly one label column beside '{id_column}' and '{USAGE}', "
            f"found {len(others)}: {', '.join(others) or 'none'}."
        )
    return others[0]


def _usage(cells: list[str] | None, rows: int) -> NDArray[np.intp] | None:
    if cells is None:
        return None
    try:
        usage = np.fromiter((_USAGES[cell.lower()] for cell in cells), np.intp, rows)
    except KeyError:
        line = next(at for at, cell in enumerate(cells) if cell.lower() not in _USAGES) + 2
        raise SolutionError(
            f"Line {line} of the solution: {USAGE} must be Public, Private or Ignored."
        ) from None
    if not {1, 2} <= set(usage.tolist()):
        raise SolutionError(
            f"The column {USAGE} of the solution needs at least one Public and one Private row."
        )
    return usage


def _share(usage: NDArray[np.intp] | None, name: str, rows: int) -> NDArray[np.bool_]:
    return np.zeros(rows, np.bool_) if usage is None else usage == _USAGES[name]


def _refuse_bad_ids(ids: list[str]) -> None:
    first: dict[str, int] = {}
    for line, name in enumerate(ids, start=2):
        if not name:
            raise SolutionError(f"Line {line} of the solution has no id.")
        if first.setdefault(name, line) != line:
            raise SolutionError(
                f"The solution has the id '{name}' in the lines {first[name]} and {line}. Keep one."
            )


def _refuse_bad_classes(classes: tuple[str, ...]) -> None:
    if len(classes) < 2:
        raise SolutionError("The solution needs at least two classes.")
    if len(set(classes)) < len(classes) or not all(classes):
        raise SolutionError("The list of classes holds an empty name, or the same name twice.")


def _codes(
    labels: list[str], classes: tuple[str, ...], counted: NDArray[np.bool_]
) -> NDArray[np.intp]:
    known = {name: at for at, name in enumerate(classes)}
    codes = np.fromiter((known.get(label, -1) for label in labels), np.intp, len(labels))
    # rows that never count may go without a label: they are there against probing
    wrong = np.flatnonzero((codes < 0) & counted)
    if len(wrong):
        raise SolutionError(
            f"Line {wrong[0] + 2} of the solution has no label, "
            "or one that is not in the list of classes."
        )
    return codes
