"""What the solution says of each image: one class, or a set of them."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.categorical import Categorical
from scoring.decoding import MAX_FIELD
from scoring.errors import SolutionError
from scoring.metrics import Truth
from scoring.solution_table import SolutionTable
from scoring.spec import Spec
from scoring.vocabulary import Vocabulary

_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?", re.ASCII)
MAX_FLAGS = 1 << 31  # rows times classes, a byte each


@dataclass(frozen=True, eq=False)
class Answers:
    """Class names and, for each row, one code (-1: none) or one flag per class."""

    classes: Vocabulary
    single: NDArray[np.intp] | None
    flags: NDArray[np.bool_] | None
    counted: NDArray[np.bool_]
    raw: Categorical | None = None  # the label column as it stands in the file
    are_told: bool = True  # whether participants know the class names, or they follow from labels

    @cached_property
    def codes(self) -> NDArray[np.intp]:
        """One class per row [n]; raises SolutionError where rows have none or several."""
        if self.single is not None:
            return self.single
        if self.flags is None or not self.is_single:
            raise SolutionError(
                "This metric needs one label per row, and the solution has rows with none or with "
                "several. Choose a metric for sets of labels."
            )
        return np.where(self.counted, self.flags.argmax(axis=1), -1)

    @cached_property
    def is_binary(self) -> bool:
        """Whether the classes are 0 and 1, of which 1 is the positive one."""
        return set(self.classes) == {"0", "1"}

    @cached_property
    def is_single(self) -> bool:
        """Whether every row that counts has exactly one class."""
        if self.single is not None:
            return True
        return self.flags is not None and not (self.flags.sum(axis=1) != 1)[self.counted].any()

    @cached_property
    def matrix(self) -> NDArray[np.bool_]:
        """One flag per row and class [n, K]."""
        if self.flags is not None:
            return self.flags
        matrix = _no_flags(len(self.codes), len(self.classes))
        labelled = np.flatnonzero(self.codes >= 0)
        matrix[labelled, self.codes[labelled]] = True
        return matrix

    @cached_property
    def positive(self) -> NDArray[np.bool_]:
        """Whether the label is 1 [n]; raises SolutionError where labels are not 0 and 1."""
        if not self.is_binary:
            raise SolutionError(
                "One number per row can be scored against the labels 0 and 1 only "
                "(1 is the positive class)."
            )
        return np.asarray(self.codes == self.classes.places["1"])

    def truth(self, kind: Truth) -> NDArray[Any]:
        match kind:
            case "codes":
                return self.codes
            case "positive":
                return self.positive
            case "matrix":
                return self.matrix
            case "either":
                return self.codes if self.is_single else self.matrix

    def cells(self) -> list[list[str]]:
        """The answers as columns of a file: one of labels, or of 0 and 1 per class."""
        if self.raw is not None:
            return [self.raw.cells()]
        return [["1" if flag else "0" for flag in column] for column in self.matrix.T]

    def strata(self) -> list[str]:
        """The label of each row for a stratified split; of several the one with the fewest rows."""
        if self.single is not None:
            return self.cells()[0]
        rarest_first = np.argsort(self.matrix[self.counted].sum(axis=0), kind="stable")
        ordered = self.matrix[:, rarest_first]
        names = [self.classes[at] for at in rarest_first.tolist()]
        return [names[row.argmax()] if row.any() else "" for row in ordered]


def class_order(labels: Iterable[str]) -> tuple[str, ...]:
    """The labels that occur: by value when all are numbers, else alphabetically."""
    names = sorted({label for label in labels if label})
    if all(_NUMBER.fullmatch(name) for name in names):
        names.sort(key=float)
    return tuple(names)


def compiled(
    table: SolutionTable,
    classes: Sequence[str] | None,
    spec: Spec | None,
    counted: NDArray[np.bool_],
) -> Answers:
    """The answers of a table; raises SolutionError."""
    labels = table.labels
    if labels is None:
        return _from_columns(table, classes, counted)
    if holds_sets(set(labels.names), classes, spec):
        return _from_sets(labels, classes, counted)
    known = _known(class_order(_counted(labels, counted)) if classes is None else classes)
    places = np.array([known.places.get(name, -1) for name in labels.names], np.intp)
    codes = places[labels.codes]
    # rows that never count may go without a label: they are there against probing
    _refuse_strangers((codes < 0) & counted)
    return Answers(known, codes, None, counted, raw=labels, are_told=classes is not None)


def holds_sets(cells: set[str], classes: Sequence[str] | None, spec: Spec | None) -> bool:
    """Whether a label column is to be read as sets: what the metric and the layout ask for.

    A metric that takes both gets sets as soon as one cell holds a space.
    """
    if spec is None or spec.layout in ("labels", "score", "ranked"):
        return False
    metric = spec.table_row
    form = metric.accept(spec.layout or metric.layout)
    spaced = any(" " in cell for cell in cells) and not cells <= set(classes or ())
    if spec.layout is None and "sets" in metric.layouts and metric.layout != "sets":
        return spaced
    if form is None or form.truth == "codes":
        return False
    if form.layout == "sets":
        return True
    # A column for each class takes names with spaces too. Sets share their labels, so that there
    # are fewer labels than different sets; names such as "Fat Hen" share nothing.
    labels = {label for cell in cells for label in cell.split(" ")}
    return "" in cells or (spaced and (classes is not None or len(labels) < len(cells)))


def _from_sets(
    cells: Categorical, classes: Sequence[str] | None, counted: NDArray[np.bool_]
) -> Answers:
    whole = set(classes or ())
    parts = [
        [cell] if cell in whole else list(filter(None, cell.split(" "))) for cell in cells.names
    ]
    there = set(_counted(cells, counted))
    pairs = zip(cells.names, parts, strict=True)
    names = class_order(name for cell, part in pairs if cell in there for name in part)
    known = _known(names if classes is None else classes)
    _no_flags(len(cells), len(known))
    flags = np.zeros((len(parts), len(known)), np.bool_)
    strange = np.zeros(len(parts), np.bool_)
    for at, part in enumerate(parts):
        places = [known.places.get(name, -1) for name in part]
        strange[at] = -1 in places
        flags[at, [place for place in places if place >= 0]] = True
    _refuse_strangers(strange[cells.codes] & counted)
    return Answers(
        known, None, flags[cells.codes], counted, raw=cells, are_told=classes is not None
    )


def _counted(column: Categorical, counted: NDArray[np.bool_]) -> list[str]:
    """The cells of the rows that count: what stands on ignored rows alone makes no class."""
    return [column.names[code] for code in np.unique(column.codes[counted]).tolist()]


def _from_columns(
    table: SolutionTable, classes: Sequence[str] | None, counted: NDArray[np.bool_]
) -> Answers:
    known = _known(tuple(table.answers) if classes is None else classes)
    if set(known) != set(table.answers):
        raise SolutionError("The solution's columns are not the classes given.")
    flags = _no_flags(len(table), len(known))
    for at, name in enumerate(known):
        cells = table.answers[name]
        empty = np.array([cell == "" for cell in cells.names])[cells.codes] & counted
        if empty.any():
            line = 2 + int(np.argmax(empty))
            raise SolutionError(f"Line {line} of the solution has neither 0 nor 1 for '{name}'.")
        flags[:, at] = np.array([cell == "1" for cell in cells.names])[cells.codes]
    return Answers(known, None, flags, counted)


def _no_flags(rows: int, classes: int) -> NDArray[np.bool_]:
    if rows * classes > MAX_FLAGS:
        raise SolutionError(f"{rows} rows times {classes} classes are too many for this metric.")
    return np.zeros((rows, classes), np.bool_)


def _known(classes: Sequence[str]) -> Vocabulary:
    if len(classes) < 2:
        raise SolutionError("The solution needs at least two classes.")
    if len(set(classes)) < len(classes) or not all(classes):
        raise SolutionError("The list of classes holds an empty name, or the same name twice.")
    if max(map(len, classes)) > MAX_FIELD:
        raise SolutionError(f"The solution has a class with a name longer than {MAX_FIELD}.")
    return Vocabulary.of(classes)


def _refuse_strangers(rows: NDArray[np.bool_]) -> None:
    """Raises SolutionError with the line of the first row that is flagged."""
    if rows.any():
        raise SolutionError(
            f"Line {2 + int(np.argmax(rows))} of the solution has no label, "
            "or one that is not in the list of classes. Where a row may have none or several, "
            "choose the layout sets."
        )
