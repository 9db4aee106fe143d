"""Submission bytes to values in the template's order: the strict reader.

`bulk` proves a right file in a few passes of numpy. What it cannot prove is read again by
`careful`, row by row, which takes unusual quotation marks and finds the words for what is wrong.
"""

from typing import Any

from numpy.typing import NDArray

from scoring.decoding import MAX_BYTES, admit, require_text
from scoring.errors import InvalidSubmission, Problem
from scoring.reading import bulk, careful
from scoring.reading.forms import FORMS
from scoring.reading.header import header
from scoring.template import Template


def read(submission: bytes, template: Template, max_bytes: int = MAX_BYTES) -> NDArray[Any]:
    """One value or row of values per id, as the metrics take them; raises InvalidSubmission.

    labels integer[n]; score float64[n]; probabilities float64[n, K] (bool where only 0 and 1 are
    allowed); ranked integer[n, depth], -1 after a list's end; sets bool[n, K].
    """
    text = admit(submission, max_bytes)
    form = FORMS[template.layout](template, header(text, template))
    values = bulk.read(text, text.find(b"\n") + 1, form) if b"\n" in text else None
    if values is None:
        require_text(text)
        values = careful.read(text, form)
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
