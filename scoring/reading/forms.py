"""The five layouts: what a row holds, read in bulk from a block or with care from its cells.

A form gives both readings of one layout, so that they can be held against each other: `block`
takes all rows of a block or raises Unclear, `row` takes one and says what is wrong with it.
"""

import math
import re
from abc import ABC, abstractmethod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from scoring.decoding import MAX_FIELD
from scoring.errors import ProblemCode
from scoring.metrics import Layout
from scoring.reading import hints
from scoring.reading.blocks import COMMA, Block, Lines, Positions, Unclear
from scoring.reading.decimals import NUMBER, fixed, numbers
from scoring.reading.numbered import NumberTable
from scoring.template import Template
from scoring.vocabulary import Vocabulary

_NUMBER = re.compile(NUMBER)

Values = NDArray[Any]

MAX_FIXED = 18  # bytes of a number: a digit, a point and 16 digits


class Finding(NamedTuple):
    """What is wrong with a row, before anybody asks for the sentence."""

    code: ProblemCode
    cell: str = ""
    column: str = ""


class Regular(NamedTuple):
    """Where the ids of some lines are, and the lines' values."""

    starts: Positions
    ends: Positions
    values: Values


class Form(ABC):
    """One layout of one template, in the column order of one file."""

    def __init__(self, template: Template, columns: list[str]) -> None:
        self.template = template
        self.columns = columns
        self.id_at = columns.index(template.id_column)
        self.at = 1 - self.id_at  # of the only other column, where there is one

    @abstractmethod
    def empty(self, rows: int) -> Values:
        """An array for the values of so many rows."""

    @abstractmethod
    def block(self, block: Block) -> Values:
        """The values of a block's rows; raises Unclear when one is not right."""

    def regular(self, lines: Lines) -> Regular | None:
        """The same for lines in which the id comes first and all cells behind are equally long.

        None where they are not, or where that would save nothing.
        """
        return None

    @abstractmethod
    def row(self, cells: list[str]) -> tuple[Any, Finding | None]:
        """The value of one row, or what is wrong with it."""


class Labels(Form):
    """One class per row: its code, in the smallest integer that holds them all."""

    def empty(self, rows: int) -> Values:
        return np.zeros(rows, code_type(len(self.template.classes)))

    def block(self, block: Block) -> Values:
        starts, ends = block.starts[:, self.at], block.ends[:, self.at]
        if self.template.classes:
            return places_of(self.template.class_vocabulary, block, starts, ends)
        # any label passes that begins with ink; the rest is left to the careful reading
        lengths, first = ends - starts, block.bytes.take(starts)
        if lengths.min() == 0 or lengths.max() > MAX_FIELD or (first <= ord(" ")).any():
            raise Unclear
        if (first > 127).any():
            raise Unclear
        return np.zeros(len(block), np.int8)

    def regular(self, lines: Lines) -> Regular | None:
        codes = self.template.class_vocabulary.derived(_codes_of_letters)
        if codes is None or self.id_at != 0:
            return None
        starts, ends = lines.bounds()
        commas = ends - 2
        if not _are_commas(lines, starts, commas) or lines.count(COMMA) != len(ends):
            return None
        values = codes.take(lines.bytes.take(ends - 1))
        return None if values.min() < 0 else Regular(starts, commas, values)

    def row(self, cells: list[str]) -> tuple[Any, Finding | None]:
        cell = cells[self.at]
        code, finding = _code(cell, self.template)
        if (finding or not self.template.classes) and not cell.strip():
            finding = Finding(ProblemCode.EMPTY_LABEL)
        return code, finding


class Score(Form):
    """One number per row: how likely the positive class is."""

    def empty(self, rows: int) -> Values:
        return np.zeros(rows)

    def block(self, block: Block) -> Values:
        values = numbers(block, block.starts[:, self.at], block.ends[:, self.at])
        if values is None or not _fit(values[:, None], self.template):
            raise Unclear
        return values

    def row(self, cells: list[str]) -> tuple[Any, Finding | None]:
        return _number(cells[self.at], self.columns[self.at], self.template)


class Probabilities(Form):
    """One number per class, in the template's order whatever the file's."""

    def __init__(self, template: Template, columns: list[str]) -> None:
        super().__init__(template, columns)
        places = {name: at for at, name in enumerate(columns)}
        self.order = [places[name] for name in template.header[1:]]
        self.in_order = self.order == list(range(1, len(columns)))

    def empty(self, rows: int) -> Values:
        kind = np.bool_ if self.template.numbers == "binary" else np.float64
        return np.zeros((rows, len(self.order)), kind)

    def block(self, block: Block) -> Values:
        wanted = slice(1, None) if self.in_order else self.order
        starts, ends = block.starts[:, wanted], block.ends[:, wanted]
        flat = numbers(block, starts.ravel(), ends.ravel())
        if flat is None or not _fit(values := flat.reshape(starts.shape), self.template):
            raise Unclear
        return values

    def regular(self, lines: Lines) -> Regular | None:
        if self.id_at != 0:
            return None
        starts, ends = lines.bounds()
        first = lines.bytes[starts[0] : ends[0]].tobytes().split(b",")
        width, columns = len(first[-1]), len(self.order)
        if len(first) != columns + 1 or not 3 <= width <= MAX_FIXED:
            return None
        commas = ends - columns * (width + 1)
        if (commas <= starts).any() or lines.count(COMMA) != len(ends) * columns:
            return None
        values = fixed(lines, ends, columns, width)
        if values is None:
            return None
        if not self.in_order:
            values = values[:, [at - 1 for at in self.order]]
        return Regular(starts, commas, values) if _fit(values, self.template) else None

    def row(self, cells: list[str]) -> tuple[Any, Finding | None]:
        values: list[float] = []
        for at in self.order:
            value, finding = _number(cells[at], self.columns[at], self.template)
            if finding:
                return values, finding
            values.append(value)
        if self.template.numbers == "shares" and not 0 < sum(values) < math.inf:
            return values, Finding(ProblemCode.BAD_ROW_SUM)
        return values, None


class _Lists(Form):
    """Labels separated by spaces."""

    def tokens(self, block: Block) -> tuple[Positions, Values]:
        """The row and the code of every label in a block, in the file's order."""
        starts, ends = block.starts[:, self.at], block.ends[:, self.at]
        if not self.template.classes or self._too_long(block, starts, ends):
            raise Unclear
        first, last = _runs(block.bytes == ord(" "))
        rows = np.searchsorted(starts, first, side="right") - 1
        inside = (rows >= 0) & (first < ends[rows])
        first, last, rows = first[inside], last[inside], rows[inside]
        # rows follow each other, so sorting keeps each label's start, end and row together
        begins = np.sort(np.concatenate([starts, last + 1]))
        stops = np.sort(np.concatenate([ends, first]))
        owners = np.sort(np.concatenate([np.arange(len(block)), rows]))
        there = stops > begins
        codes = places_of(self.template.class_vocabulary, block, begins[there], stops[there])
        return owners[there], codes

    def _too_long(self, block: Block, starts: Positions, ends: Positions) -> bool:
        most = self.template.longest_field  # characters, of one byte or more
        long = np.flatnonzero(ends - starts > most)
        return any(
            len(block.bytes[start:end].tobytes().decode()) > most
            for start, end in zip(starts[long].tolist(), ends[long].tolist(), strict=True)
        )

    def codes(self, cells: list[str]) -> tuple[list[int], Finding | None]:
        found: list[int] = []
        for cell in filter(None, cells[self.at].split(" ")):
            code, finding = _code(cell, self.template)
            if finding:
                return found, finding
            found.append(code)
        return found, None


class Ranked(_Lists):
    """The first `depth` labels of each row, best first; -1 after the end of a shorter list."""

    def empty(self, rows: int) -> Values:
        kind = code_type(len(self.template.classes))
        return np.full((rows, self.template.depth), -1, kind)

    def block(self, block: Block) -> Values:
        owners, codes = self.tokens(block)
        counts = np.bincount(owners, minlength=len(block))
        if not counts.all():
            raise Unclear
        rank = np.arange(len(owners)) - (np.cumsum(counts) - counts)[owners]
        values = self.empty(len(block))
        counts_here = rank < self.template.depth
        values[owners[counts_here], rank[counts_here]] = codes[counts_here]
        return values

    def row(self, cells: list[str]) -> tuple[Any, Finding | None]:
        codes, finding = self.codes(cells)
        if not finding and not codes:
            finding = Finding(ProblemCode.EMPTY_LABEL)
        first = codes[: self.template.depth]
        return first + [-1] * (self.template.depth - len(first)), finding


class Sets(_Lists):
    """Any number of labels per row: one flag per class."""

    def empty(self, rows: int) -> Values:
        return np.zeros((rows, len(self.template.classes)), np.bool_)

    def block(self, block: Block) -> Values:
        values = self.empty(len(block))
        values[self.tokens(block)] = True
        return values

    def row(self, cells: list[str]) -> tuple[Any, Finding | None]:
        codes, finding = self.codes(cells)
        flags = np.zeros(len(self.template.classes), np.bool_)
        if self.template.classes:
            flags[codes] = True
        return flags, finding


FORMS: dict[Layout, type[Form]] = {
    "labels": Labels,
    "score": Score,
    "probabilities": Probabilities,
    "ranked": Ranked,
    "sets": Sets,
}


def _runs(flags: NDArray[np.bool_]) -> tuple[Positions, Positions]:
    """Where each run of flags begins, and its last place; the ends of the array are not flagged."""
    changes = np.flatnonzero(flags[1:] != flags[:-1])
    return changes[::2] + 1, changes[1::2]


def code_type(classes: int) -> type[np.signedinteger[Any]]:
    """The smallest signed integer for the codes of so many classes, and -1."""
    if classes <= np.iinfo(np.int8).max:
        return np.int8
    return np.int16 if classes <= np.iinfo(np.int16).max else np.int32


def prepare(names: Vocabulary) -> None:
    """Builds what `places_of` looks names up in, so that no two threads do it."""
    if names.derived(NumberTable.of) is None:
        _ = names.table


def places_of(names: Vocabulary, lines: Lines, starts: Positions, ends: Positions) -> Values:
    """The place of each field among the names; raises Unclear when one is unknown."""
    if (numbered := names.derived(NumberTable.of)) is not None:
        places: Values | None = numbered.find(lines, starts, ends)
    elif names.table is not None:
        places = names.table.find(lines.words(starts, ends, names.table.size))
    else:
        raise Unclear
    if places is None:
        raise Unclear
    return places


def _codes_of_letters(names: Vocabulary) -> NDArray[np.int16] | None:
    """By byte the code of a class, -1 for other bytes; None unless all names are single bytes."""
    if not names or not all(len(name) == 1 and name.isascii() for name in names):
        return None
    codes = np.full(256, -1, np.int16)
    codes[[ord(name) for name in names]] = range(len(names))
    return codes


def _are_commas(lines: Lines, starts: Positions, at: Positions) -> bool:
    """Whether there is a comma at these places of the lines, each behind at least one byte."""
    return bool((at > starts).all() and (lines.bytes.take(at) == COMMA).all())


def _code(cell: str, template: Template) -> tuple[int, Finding | None]:
    if not template.classes:
        return 0, None
    code = template.class_vocabulary.places.get(cell)
    if code is not None:
        return code, None
    index = hints.is_class_index(cell, template)
    return 0, Finding(ProblemCode.CLASS_INDEX if index else ProblemCode.UNKNOWN_CLASS, cell)


def _fit(values: NDArray[np.float64], template: Template) -> bool:
    """Whether all numbers [rows, columns] are of the kind that the template asks for."""
    match template.numbers:
        case "any":
            return bool(np.isfinite(values).all())
        case "unit":
            return bool(((values >= 0) & (values <= 1)).all())
        case "binary":
            return bool(((values == 0) | (values == 1)).all())
        case "shares":
            with np.errstate(over="ignore", invalid="ignore"):
                sums = np.einsum("ij->i", values)  # a third of the time of values.sum
            # which of the very large are infinite depends on the order of adding
            large = values[~(sums < 1e300)].tolist()
            fit = values.min() >= 0 and sums.min() > 0 and all(sum(row) < math.inf for row in large)
            return bool(fit)


def _number(cell: str, column: str, template: Template) -> tuple[float, Finding | None]:
    if not _NUMBER.fullmatch(cell) or not math.isfinite(value := float(cell)):
        return 0.0, Finding(ProblemCode.BAD_NUMBER, cell, column)
    kind = template.numbers
    if kind == "binary" and value not in (0, 1):
        return value, Finding(ProblemCode.NOT_ZERO_OR_ONE, cell, column)
    if kind != "any" and value < 0:
        return value, Finding(ProblemCode.NEGATIVE_NUMBER, cell, column)
    if kind == "unit" and value > 1:
        return value, Finding(ProblemCode.NUMBER_ABOVE_ONE, cell, column)
    return value, None
