"""The readings of a file held against each other: in bulk, row by row, and both mixed."""

from collections.abc import Callable
from typing import Any
from unittest.mock import patch

from numpy.typing import NDArray

from scoring import InvalidSubmission, Problem, Template
from scoring.decoding import admit, require_text
from scoring.reading import bulk, careful, read
from scoring.reading.blocks import Unclear
from scoring.reading.forms import FORMS, Form
from scoring.reading.header import header

Values = NDArray[Any]
Problems = tuple[tuple[Problem, ...], int]


def outcome(reading: Callable[..., Any], *arguments: Any) -> tuple[Any, Problems | None]:
    """What it returns, or the problems of the file."""
    try:
        return reading(*arguments), None
    except InvalidSubmission as error:
        return None, (error.problems, error.more)


def row_by_row(text: bytes, form: Form) -> Values:
    """The careful reading without any help of the fast one; raises InvalidSubmission."""
    with patch.object(careful, "read_lines", side_effect=Unclear):
        return careful.read(text, form)


def same(values: Values, others: Values) -> bool:
    """Whether two arrays are equal in every bit, their type and their shape."""
    alike = (values.dtype, values.shape) == (others.dtype, others.shape)
    return alike and values.tobytes() == others.tobytes()


def agree(data: bytes, template: Template) -> Values | None:
    """What the reading in bulk says, which is None for "not plain, or not right".

    Fails where it takes a file in which the careful reading finds a problem, and where two readings
    of the same file come to different values or problems.
    """
    door, told = outcome(read, data, template)
    text, refused = outcome(admit, data)
    if refused:
        assert told == refused
        return None
    columns, misnamed = outcome(header, text, template)
    if misnamed:
        assert told == misnamed
        return None
    form = FORMS[template.layout](template, columns)
    fast = bulk.read(text, text.find(b"\n") + 1, form) if b"\n" in text else None
    _, untidy = outcome(require_text, text)
    if untidy:
        assert (fast, told) == (None, untidy)
        return None
    slow, problems = outcome(row_by_row, text, form)
    assert told == problems
    if problems:
        assert fast is None, problems
    else:
        assert same(door, slow)
        assert fast is None or same(fast, slow)
    return fast
