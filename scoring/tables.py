"""Submission bytes to values in the template's order: the strict reader.

Nearly every file is right, so the first pass only proves that, in bulk. A file that fails it is
read again line by line by `diagnosis`, which finds the words for what is wrong.
"""

import re
from itertools import chain, islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.columns import header
from scoring.decoding import MAX_BYTES, MAX_FIELD, decode, records
from scoring.diagnosis import NUMBER, diagnose
from scoring.errors import InvalidSubmission, Problem
from scoring.spec import Template

# Possessive throughout: no backtracking, so hostile cells cost no more than good ones.
_NUMBERS = re.compile(rf"{NUMBER}(?:,{NUMBER})*+")


def read(submission: bytes, template: Template, max_bytes: int = MAX_BYTES) -> NDArray[Any]:
    """Class codes, or one column of numbers per class; raises InvalidSubmission."""
    text = decode(submission, max_bytes)
    names = header(text, template)
    cells = (_quoted if '"' in text else _plain)(text, len(names), len(template.ids))
    values = None if cells is None else _align(cells, names, template)
    if values is None:
        raise InvalidSubmission(*diagnose(text, names, template))
    return values


def check(
    submission: bytes, template: Template, max_bytes: int = MAX_BYTES
) -> tuple[list[Problem], int]:
    """The problems of a file, the first 20 of them, and how many more there are."""
    try:
        read(submission, template, max_bytes)
    except InvalidSubmission as error:
        return list(error.problems), error.more
    return [], 0


def _plain(text: str, width: int, rows: int) -> list[str] | None:
    """The cells below the header, row after row; None unless the table is `rows` by `width`."""
    body = text.partition("\n")[2].rstrip("\n") + "\n"
    if body.count("\n") != rows or body.count(",") != rows * (width - 1):
        return None
    # counting is not enough: "a,b,c" above "d" has the right sum in the wrong rows
    raw = np.frombuffer(body.encode(), np.uint8)
    marks = raw[(raw == ord(",")) | (raw == ord("\n"))]
    ends = (marks == ord("\n")).reshape(rows, width)
    if ends[:, :-1].any() or not ends[:, -1].all():
        return None
    return body[:-1].replace("\n", ",").split(",")


def _quoted(text: str, width: int, rows: int) -> list[str] | None:
    """The same for a file with quotation marks."""
    table = [record for _, record in islice(records(text), 1, rows + 2)]
    if len(table) != rows or any(len(record) != width for record in table):
        return None
    return list(chain.from_iterable(table))


def _align(cells: list[str], names: list[str], template: Template) -> NDArray[Any] | None:
    """Values by id, never by position; None when anything at all is wrong."""
    width = len(names)
    id_at = names.index(template.id_column)
    where = _places(cells[id_at::width], template)
    if where is None:
        return None
    if template.layout == "labels":
        values = _labels(cells[1 - id_at :: width], template)
    else:
        del cells[id_at::width]
        classes = [name for name in names if name != template.id_column]
        values = _probabilities(cells, [classes.index(name) for name in template.header[1:]])
    if values is None:
        return None
    aligned = np.empty(values.shape, values.dtype)  # C order, so that sums never differ by a bit
    aligned[where] = values
    return aligned


def _places(ids: list[str], template: Template) -> NDArray[np.intp] | None:
    """The template's place of each id; None unless every id occurs exactly once."""
    if tuple(ids) == template.ids:  # most people keep the sample's order
        return np.arange(len(ids))
    where = _codes(ids, template.positions)
    if where is None or len(where) != len(template.ids):
        return None
    return where if np.bincount(where).max() == 1 else None


def _codes(cells: list[str], known: dict[str, int]) -> NDArray[np.intp] | None:
    try:
        return np.fromiter(map(known.__getitem__, cells), np.intp, len(cells))
    except KeyError:
        return None


def _labels(cells: list[str], template: Template) -> NDArray[Any] | None:
    if template.classes:
        return _codes(cells, template.codes)
    good = max(map(len, cells)) <= MAX_FIELD and all(map(str.strip, cells))
    return np.zeros(len(cells), np.intp) if good else None


def _probabilities(cells: list[str], order: list[int]) -> NDArray[Any] | None:
    """One row per id, the columns in the template's order."""
    text = ",".join(cells)
    if not _NUMBERS.fullmatch(text):
        return None
    values = np.fromstring(text, sep=",").reshape(-1, len(order))[:, order]
    with np.errstate(over="ignore"):
        sums = values.sum(axis=1)
    # an infinite value makes an infinite sum
    good = bool((values >= 0).all() and (sums > 0).all() and np.isfinite(sums).all())
    return values if good else None
