"""The slow reading: row by row, for files that are wrong, or right in an unusual way.

What is wrong becomes sentences that name the remedy. Blocks without a fault are taken in bulk, so
that one wrong number among millions does not make them all slow.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.decoding import MAX_FIELD, MAX_LINE, LineReader, records
from scoring.errors import InvalidSubmission, Problem, ProblemCode
from scoring.reading import hints
from scoring.reading.blocks import Unclear, end_of_block
from scoring.reading.bulk import read_lines
from scoring.reading.forms import Finding, Form

MAX_PROBLEMS = 20
# Where more is wrong, the problems are not counted to the end: two million numbers take a second.
MAX_WRONG = 8 << 20  # bytes
LINE_BREAK = 32  # bytes that take as long


def read(text: bytes, form: Form) -> NDArray[Any]:
    """The values in the template's order; raises InvalidSubmission with up to 20 problems."""
    lines = LineReader(text)
    rows = records(lines)
    next(rows)
    reader = _Reader(form)
    slowly = 0
    while lines.start < lines.stop and not reader.is_full:
        if slowly > MAX_WRONG and reader.count:
            reader.is_cut = True
            break
        end = end_of_block(text, lines.start, lines.stop)
        if not reader.take_block(lines, end):
            slowly += _take_rows(reader, rows, lines, end)
    return reader.result()


def _take_rows(
    reader: "_Reader", rows: Iterator[tuple[int, list[str]]], lines: LineReader, end: int
) -> int:
    """Takes rows one by one until a place in the text; how much work it was, in bytes."""
    start, number = lines.start, lines.number
    while lines.start < end and not reader.is_full:
        reader.add_row(*next(rows))
    return lines.start - start + LINE_BREAK * (lines.number - number)


class _Reader:
    """What was seen so far; sentences are made only for the problems that will be shown."""

    def __init__(self, form: Form) -> None:
        self.form = form
        self.template = form.template
        self.places = form.template.id_vocabulary.places
        self.values = form.empty(len(form.template.ids))
        self.first_line = np.zeros(len(form.template.ids), np.intp)  # of each id; 0: not seen
        self.is_cut = False
        self.problems: list[Problem] = []
        self.count = 0
        self.rows = 0

    @property
    def is_full(self) -> bool:
        """Among one row more than there are ids, one is unknown or doubled: enough is known."""
        return self.rows > len(self.template.ids)

    def take_block(self, lines: LineReader, end: int) -> bool:
        """Takes the lines before a place in the text in bulk, if all of them are right."""
        if end - lines.start > MAX_LINE:
            return False
        try:
            places, values = read_lines(lines.text[lines.start : end], self.form)
        except Unclear:
            return False
        numbers = np.arange(lines.number, lines.number + len(places))
        if self.first_line[places].any():
            return False
        self.first_line[places] = numbers
        if (self.first_line[places] != numbers).any():  # an id stands there twice
            self.first_line[places] = 0
            return False
        self.values[places] = values
        self.rows += len(places)
        lines.start, lines.number = end, lines.number + len(places)
        return True

    def add_row(self, line: int, record: list[str]) -> None:
        self.rows += 1
        for finding in self._findings(line, record):
            self.count += 1
            if len(self.problems) < MAX_PROBLEMS:
                sentence = self._sentence(finding, record)
                self.problems.append(Problem(finding.code, line, sentence))

    def _findings(self, line: int, record: list[str]) -> list[Finding]:
        columns = self.form.columns
        if len(record) != len(columns):
            return [Finding(ProblemCode.WRONG_FIELD_COUNT if record else ProblemCode.EMPTY_LINE)]
        for column, cell in zip(columns, record, strict=True):
            if len(cell) > self._longest(column):
                return [Finding(ProblemCode.FIELD_TOO_LONG, cell, column)]
        about_id = self._id_finding(line, record[self.form.id_at])
        value, about_value = self.form.row(record)
        if about_id is about_value is None:
            self.values[self.places[record[self.form.id_at]]] = value
        return [finding for finding in (about_id, about_value) if finding]

    def _longest(self, column: str) -> int:
        return MAX_FIELD if column == self.template.id_column else self.template.longest_field

    def _id_finding(self, line: int, cell: str) -> Finding | None:
        place = self.places.get(cell)
        if place is None:
            return Finding(ProblemCode.UNKNOWN_ID if cell else ProblemCode.EMPTY_ID, cell)
        if self.first_line[place]:
            return Finding(ProblemCode.DUPLICATE_ID, cell)
        self.first_line[place] = line
        return None

    def _sentence(self, finding: Finding, record: list[str]) -> str:
        columns = self.form.columns
        cell, column = hints.quote(finding.cell), hints.quote(finding.column)
        row_id = hints.quote(record[self.form.id_at]) if len(record) == len(columns) else ""
        match finding.code:
            case ProblemCode.UNKNOWN_ID:
                remedy = hints.for_unknown_id(finding.cell, self.template)
                return f"The id {cell} is not among the expected ids. {remedy}"
            case ProblemCode.DUPLICATE_ID:
                first = self.first_line[self.places[finding.cell]]
                return f"The id {cell} stands already in line {first}. Keep one of the two lines."
            case ProblemCode.UNKNOWN_CLASS:
                remedy = hints.for_unknown_class(finding.cell, self.template)
                return f"{cell} (id {row_id}) is not a class of this challenge. {remedy}"
            case ProblemCode.WRONG_FIELD_COUNT:
                return (
                    f"The line has {_fields(len(record))}, the header has {len(columns)}. "
                    "Write one value per column, separated by commas."
                )
            case ProblemCode.FIELD_TOO_LONG:
                most = self._longest(finding.column)
                return (
                    f"The value in the column {column} is longer than {most} characters. "
                    "Shorten it."
                )
            case _:
                return SENTENCES[finding.code].format(cell=cell, column=column, id=row_id)

    def result(self) -> NDArray[Any]:
        summary = self._summary()
        count = self.count + (summary is not None)
        if not count:
            return self.values
        if summary is not None:
            # always among those shown: it says how far the file is from complete
            self.problems[MAX_PROBLEMS - 1 :] = [summary]
        raise InvalidSubmission(tuple(self.problems), count - len(self.problems))

    def _summary(self) -> Problem | None:
        ids = self.template.ids
        if self.is_cut:
            return None
        if not self.rows:
            return Problem(ProblemCode.NO_ROWS, None, SENTENCES[ProblemCode.NO_ROWS])
        if self.is_full:
            return Problem(
                ProblemCode.TOO_MANY_ROWS,
                None,
                f"The file has more rows than the {len(ids)} expected. Write exactly one per id.",
            )
        missing = np.flatnonzero(self.first_line == 0)
        if not len(missing):
            return None
        what = "1 id is" if len(missing) == 1 else f"{len(missing)} ids are"
        named = ", ".join(hints.quote(ids[at]) for at in missing[:3])
        named += ", ..." if len(missing) > 3 else ""
        return Problem(
            ProblemCode.MISSING_IDS,
            None,
            f"{what} missing: {named}. Write exactly one row for each id of the sample submission.",
        )


def _fields(count: int) -> str:
    return "1 value" if count == 1 else f"{count} values"


SENTENCES = {
    ProblemCode.NO_ROWS: "The file has a header but no rows. Write one row per id.",
    ProblemCode.EMPTY_LINE: "The line is empty. Delete it.",
    ProblemCode.EMPTY_ID: "The id is missing. Copy the ids from the sample submission.",
    ProblemCode.EMPTY_LABEL: "The label of the id {id} is missing. Write a class name.",
    ProblemCode.CLASS_INDEX: (
        "{cell} (id {id}) is a place in the list of classes, not a class. Write the class name."
    ),
    ProblemCode.BAD_NUMBER: (
        "{cell} in the column {column} (id {id}) is not a finite number. "
        "Write it with the digits 0-9 and a decimal point, such as 0.25 or 2.5e-3."
    ),
    ProblemCode.NEGATIVE_NUMBER: (
        "{cell} in the column {column} (id {id}) is negative. Write probabilities, 0 or greater."
    ),
    ProblemCode.NUMBER_ABOVE_ONE: (
        "{cell} in the column {column} (id {id}) is greater than 1. Write probabilities, 0 to 1."
    ),
    ProblemCode.NOT_ZERO_OR_ONE: (
        "{cell} in the column {column} (id {id}) is neither 0 nor 1. "
        "Write 1 for each class that the image has, else 0."
    ),
    ProblemCode.BAD_ROW_SUM: (
        "The probabilities of the id {id} add up to nothing, or to more than a number can hold. "
        "Write values between 0 and 1 that sum to 1."
    ),
}
