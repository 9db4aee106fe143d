"""What a participant may read of a metric's refusal: never a hidden label.

This guards against an organiser's oversight. A metric that sees the labels and wants to tell them
can spell them backwards, and no reader of messages would know.
"""

import csv
import io
import re
import unicodedata
from collections.abc import Iterator

MAX_MESSAGE = 300  # characters
WITHHELD = (
    "The organiser's metric refused this file, and its explanation is withheld "
    "because it might tell hidden labels."
)
UNEXPLAINED = "The organiser's metric refused this file without an explanation."

_BETWEEN_LABELS = re.compile(r"[\s,;|]+")
_SHORTEST_PART = 3  # characters: "a" of "a cat" tells nothing, and would forbid almost any sentence


def shown(message: str, solution_csv: bytes, id_column: str) -> str:
    """The message without unprintable characters, cut; or `WITHHELD` if it may hold a label.

    It is withheld if it contains, in any case, a value of any column of the solution but the ids,
    or one of several labels in a cell, or a number of the solution as an integer or a float; and
    if it contains any digit while one of these columns holds nothing but numbers: a rounded value
    is no part of the message, but tells as much. A solution that cannot be read withholds it too.

    >>> shown("No column 'score' in the file.", b"id,label\\n1,cat\\n2,dog\\n", "id")
    "No column 'score' in the file."
    >>> shown("Row 2 is a Dog.", b"id,label\\n1,cat\\n2,dog\\n", "id") == WITHHELD
    True
    >>> shown("At most 9 boxes.", b"id,label\\n1,0\\n2,1\\n", "id") == WITHHELD
    True
    """
    text = " ".join(message.split())
    text = "".join(character for character in text if character.isprintable()).strip()
    if _tells(message, solution_csv, id_column) or _tells(text, solution_csv, id_column):
        return WITHHELD
    if not text:
        return UNEXPLAINED
    return text if len(text) <= MAX_MESSAGE else text[: MAX_MESSAGE - 1] + "…"


def _tells(message: str, solution_csv: bytes, id_column: str) -> bool:
    folded = _folded(message)
    has_digit = any(character.isdigit() for character in folded)
    try:
        columns = _columns(solution_csv, id_column)
    except (ValueError, csv.Error):
        return True
    return any(
        (has_digit and all(_is_number(cell) for cell in column))
        or any(form in folded for cell in column for form in _forms(cell))
        for column in columns
    )


def _columns(solution_csv: bytes, id_column: str) -> list[set[str]]:
    """The different values of each column but the id's; else a ValueError."""
    header, *lines = csv.reader(io.StringIO(solution_csv.decode("utf-8-sig"), newline=""))
    at = header.index(id_column)
    rows = [line for line in lines if line]
    if any(len(row) != len(header) for row in rows):
        raise ValueError("a row has more or fewer values than the header")
    columns = [set(column) for column in zip(*rows, strict=True)]
    return columns[:at] + columns[at + 1 :]


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return not cell.strip()  # an empty cell does not make a column of numbers one of words
    return True


def _forms(cell: str) -> Iterator[str]:
    """The spellings of a cell that a message is searched for, none of them empty."""
    folded = _folded(cell).strip()
    parts = _BETWEEN_LABELS.split(folded)
    yield from {folded, *(part for part in parts if len(part) >= _SHORTEST_PART)} - {""}
    for part in parts:
        yield from _number_forms(part)


def _number_forms(part: str) -> Iterator[str]:
    try:
        number = float(part)
    except ValueError:
        return
    yield repr(number)
    if number.is_integer():
        yield str(int(number))
