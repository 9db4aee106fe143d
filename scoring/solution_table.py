"""The organiser's file as columns, with the line in every complaint."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from scoring.categorical import Categorical
from scoring.decoding import MAX_FIELD, admit, end_of_text, records, require_text
from scoring.errors import InvalidSubmission, SolutionError
from scoring.reading.blocks import Block, Unclear
from scoring.reading.header import columns_of
from scoring.template import ANY_COLUMN
from scoring.vocabulary import MAX_WORDS, Vocabulary, WordTable

USAGE = "Usage"
USAGES = {"public", "private", "ignored"}
MAX_SOLUTION_BYTES = 1 << 30
MAX_CELL = 64 * MAX_FIELD  # characters; a set of labels may be long

Columns = dict[str, Categorical]
_WHITE = np.array([chr(code).isspace() for code in range(256)])


@dataclass(frozen=True)
class SolutionTable:
    """A solution's columns: different ids, and cells of which many are equal."""

    id_column: str
    label_column: str  # ANY_COLUMN where each class has a column
    ids: Vocabulary
    answers: Columns
    usage: Categorical | None
    groups: Categorical | None

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def labels(self) -> Categorical | None:
        """The label column, if there is one."""
        return self.answers[self.label_column] if self.label_column else None

    def usages(self) -> NDArray[np.str_] | None:
        """Each row's usage in small letters."""
        if self.usage is None:
            return None
        return np.array([name.lower() for name in self.usage.names])[self.usage.codes]

    @classmethod
    def read(
        cls, data: bytes, id_column: str | None, label_column: str | None, group_column: str | None
    ) -> Self:
        """Raises SolutionError for what cannot be a solution."""
        ids, columns, id_column = _read_plain(data, id_column) or _read(data, id_column)
        if group_column is not None:
            _require(group_column, columns)
        if label_column is not None:
            _require(label_column, columns)
            answers = {label_column: columns[label_column]}
        else:
            aside = {USAGE, group_column}
            answers = {name: cells for name, cells in columns.items() if name not in aside}
        _refuse_bad_answers(answers, id_column)
        usage = columns.get(USAGE)
        _refuse_bad_usage(usage)
        return cls(
            id_column=id_column,
            label_column=next(iter(answers)) if len(answers) == 1 else ANY_COLUMN,
            ids=ids,
            answers=answers,
            usage=usage,
            groups=columns[group_column] if group_column else None,
        )


def _read_plain(data: bytes, id_column: str | None) -> tuple[Vocabulary, Columns, str] | None:
    """A large file without oddities, in bulk; None for any other, and for one that is wrong."""
    try:
        text = admit(data, MAX_SOLUTION_BYTES)
        names = columns_of(text)
        _, _, body = text[: end_of_text(text)].partition(b"\n")
        at = names.index(id_column) if id_column else 0
        if not body.isascii() or len(set(names)) < len(names) or len(names) < 2:
            return None
        block = Block(body, len(names))
        columns = {name: _column(block, place) for place, name in enumerate(names) if place != at}
        ids = _ids(block, at)
    except (Unclear, InvalidSubmission, ValueError):
        return None
    for column in columns.values():
        _refuse_bad_cells(column)
    return ids, columns, names[at]


def _words(block: Block, at: int) -> tuple[NDArray[np.uint64], NDArray[np.intp]]:
    """A column's cells as words, and their lengths; raises Unclear for very long ones."""
    starts, ends = block.starts[:, at], block.ends[:, at]
    lengths = ends - starts
    size = max(1, -(-int(lengths.max()) // 8))
    if size > MAX_WORDS:
        raise Unclear
    return block.words(starts, ends, size), lengths


def _column(block: Block, at: int) -> Categorical:
    column = Categorical.of_words(_words(block, at)[0])
    if column is None:
        raise Unclear
    return column


def _ids(block: Block, at: int) -> Vocabulary:
    words, lengths = _words(block, at)
    around = np.stack([block.starts[:, at], block.ends[:, at] - 1])
    ids = Vocabulary.from_words(words)
    unique = isinstance(ids.table, WordTable) and ids.table.is_unique
    if lengths.min() == 0 or _WHITE[block.bytes.take(around)].any() or not unique:
        raise Unclear
    return ids


def _read(data: bytes, id_column: str | None) -> tuple[Vocabulary, Columns, str]:
    names, rows = _records(data)
    if len(set(names)) < len(names) or len(names) < 2:
        raise SolutionError(
            "The solution needs an id column and a label column, each with a name of its own."
        )
    if not rows:
        raise SolutionError("The solution has no rows. Write one per test image.")
    cells = {name: [row[at] for row in rows] for at, name in enumerate(names)}
    id_column = id_column or names[0]
    _require(id_column, cells)
    for column in cells.values():
        _refuse_bad_cells(Categorical.of(column))
    ids = cells.pop(id_column)
    _refuse_bad_ids(ids)
    columns = {name: Categorical.of(column) for name, column in cells.items()}
    return Vocabulary(ids), columns, id_column


def _records(data: bytes) -> tuple[list[str], list[list[str]]]:
    try:
        text = admit(data, MAX_SOLUTION_BYTES)
        require_text(text)
        (_, names), *rows = records(text)
    except InvalidSubmission as error:
        raise SolutionError(f"The solution cannot be read. {error}") from None
    for line, record in rows:
        if len(record) != len(names):
            raise SolutionError(
                f"Line {line} of the solution has {len(record)} values, the header has "
                f"{len(names)}."
            )
        if any("\n" in cell for cell in record):
            raise SolutionError(
                f"Line {line} of the solution has a value with a line break in it. Remove it."
            )
    return names, [record for _, record in rows]


def _refuse_bad_cells(column: Categorical) -> None:
    if too_long := {name for name in column.names if len(name) > MAX_CELL}:
        raise SolutionError(
            f"Line {column.line_of(too_long)} of the solution has a value longer than {MAX_CELL} "
            "characters."
        )
    if spaced := {name for name in column.names if name != name.strip()}:
        raise SolutionError(
            f"Line {column.line_of(spaced)} of the solution has a value with spaces around it. "
            "Remove them."
        )


def _require(name: str, columns: Mapping[str, Any]) -> None:
    if name not in columns:
        raise SolutionError(f"The solution has no column '{name}', only: {', '.join(columns)}.")


def _refuse_bad_usage(usage: Categorical | None) -> None:
    if usage is None:
        return
    if wrong := {name for name in usage.names if name.lower() not in USAGES}:
        raise SolutionError(
            f"Line {usage.line_of(wrong)} of the solution: {USAGE} must be Public, Private or "
            "Ignored."
        )
    if not {"public", "private"} <= {name.lower() for name in usage.names}:
        raise SolutionError(
            f"The column {USAGE} of the solution needs at least one Public and one Private row."
        )


def _refuse_bad_ids(ids: list[str]) -> None:
    if "" in ids:
        raise SolutionError(f"Line {ids.index('') + 2} of the solution has no id.")
    if max(map(len, ids)) > MAX_FIELD:
        raise SolutionError(
            f"Line {_first(len(name) > MAX_FIELD for name in ids)} of the solution has an id "
            f"longer than {MAX_FIELD} characters."
        )
    if len(set(ids)) < len(ids):
        name = next(name for name, count in Counter(ids).items() if count > 1)
        first = ids.index(name)
        raise SolutionError(
            f"The solution has the id '{name}' in the lines {first + 2} and "
            f"{ids.index(name, first + 1) + 2}. Keep one."
        )


def _first(flags: Iterable[bool]) -> int:
    """The line of the first row that is flagged."""
    return 2 + next(at for at, flag in enumerate(flags) if flag)


def _refuse_bad_answers(answers: Columns, id_column: str) -> None:
    if len(answers) == 1:
        return
    if not answers or any(set(cells.names) - {"0", "1", ""} for cells in answers.values()):
        raise SolutionError(
            f"Beside '{id_column}' and '{USAGE}' the solution needs exactly one label column, or "
            f"one column of 0 and 1 per class; found {len(answers)}: "
            f"{', '.join(answers) or 'none'}."
        )
