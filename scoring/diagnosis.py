"""Why a file was refused, line by line, in sentences that name the remedy."""

import math
import re
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from scoring import hints
from scoring.decoding import MAX_FIELD, records
from scoring.errors import Problem, ProblemCode
from scoring.spec import Template

MAX_PROBLEMS = 20
# ASCII digits only; int() and float() would take 1_000, Arabic digits, nan and infinity.
# The bounds keep every match below MAX_FIELD.
NUMBER = r"-?+(?:0|[1-9][0-9]{0,400}+)(?:\.[0-9]{1,600}+)?+(?:[eE][-+]?+[0-9]{1,3}+)?+"
_NUMBER = re.compile(NUMBER)


class Finding(NamedTuple):
    """What is wrong with a row, before anybody asks for the sentence."""

    code: ProblemCode
    cell: str
    column: str


def diagnose(text: str, names: list[str], template: Template) -> tuple[tuple[Problem, ...], int]:
    """Up to 20 problems in the order of the lines, and the count of the rest."""
    diagnosis = _Diagnosis(names, template)
    rows = records(text)
    next(rows)
    # among one row more than there are ids, one is unknown or doubled: no need to read further
    for line, record in islice(rows, len(template.ids) + 1):
        diagnosis.add_row(line, record)
    return diagnosis.result()


class _Diagnosis:
    """What was seen so far; sentences are made only for the problems that will be shown."""

    def __init__(self, names: list[str], template: Template) -> None:
        self.names = names
        self.template = template
        self.id_at = names.index(template.id_column)
        self.first_line: dict[str, int] = {}
        self.problems: list[Problem] = []
        self.count = 0
        self.rows = 0

    def add_row(self, line: int, record: list[str]) -> None:
        self.rows += 1
        for finding in self._findings(line, record):
            self.count += 1
            if len(self.problems) < MAX_PROBLEMS:
                sentence = self._sentence(finding, record)
                self.problems.append(Problem(finding.code, line, sentence))

    def _findings(self, line: int, record: list[str]) -> Iterator[Finding]:
        if len(record) != len(self.names):
            code = ProblemCode.WRONG_FIELD_COUNT if record else ProblemCode.EMPTY_LINE
            yield Finding(code, "", "")
            return
        for column, cell in zip(self.names, record, strict=True):
            if len(cell) > MAX_FIELD:
                yield Finding(ProblemCode.FIELD_TOO_LONG, cell, column)
                return
        yield from self._id_findings(line, record[self.id_at])
        if self.template.layout == "labels":
            yield from self._label_findings(record[1 - self.id_at])
        else:
            yield from self._number_findings(record)

    def _id_findings(self, line: int, cell: str) -> Iterator[Finding]:
        if not cell:
            yield Finding(ProblemCode.EMPTY_ID, cell, "")
        elif cell not in self.template.positions:
            yield Finding(ProblemCode.UNKNOWN_ID, cell, "")
        elif self.first_line.setdefault(cell, line) != line:
            yield Finding(ProblemCode.DUPLICATE_ID, cell, "")

    def _label_findings(self, cell: str) -> Iterator[Finding]:
        if not cell.strip():
            yield Finding(ProblemCode.EMPTY_LABEL, cell, "")
        elif self.template.classes and cell not in self.template.codes:
            index = hints.is_class_index(cell, self.template)
            code = ProblemCode.CLASS_INDEX if index else ProblemCode.UNKNOWN_CLASS
            yield Finding(code, cell, "")

    def _number_findings(self, record: list[str]) -> Iterator[Finding]:
        total = 0.0
        for at, (column, cell) in enumerate(zip(self.names, record, strict=True)):
            if at == self.id_at:
                continue
            if not _NUMBER.fullmatch(cell) or not math.isfinite(float(cell)):
                yield Finding(ProblemCode.BAD_NUMBER, cell, column)
                return
            if float(cell) < 0:
                yield Finding(ProblemCode.NEGATIVE_NUMBER, cell, column)
                return
            total += float(cell)
        if not 0 < total < math.inf:
            yield Finding(ProblemCode.BAD_ROW_SUM, "", "")

    def _sentence(self, finding: Finding, record: list[str]) -> str:
        cell, column = hints.quote(finding.cell), hints.quote(finding.column)
        row_id = hints.quote(record[self.id_at]) if len(record) == len(self.names) else ""
        match finding.code:
            case ProblemCode.UNKNOWN_ID:
                remedy = hints.for_unknown_id(finding.cell, self.template)
                return f"The id {cell} is not among the expected ids. {remedy}"
            case ProblemCode.DUPLICATE_ID:
                first = self.first_line[finding.cell]
                return f"The id {cell} stands already in line {first}. Keep one of the two lines."
            case ProblemCode.UNKNOWN_CLASS:
                remedy = hints.for_unknown_class(finding.cell, self.template)
                return f"{cell} (id {row_id}) is not a class of this challenge. {remedy}"
            case ProblemCode.WRONG_FIELD_COUNT:
                return (
                    f"The line has {_fields(len(record))}, the header has {len(self.names)}. "
                    "Write one value per column, separated by commas."
                )
            case _:
                return SENTENCES[finding.code].format(cell=cell, column=column, id=row_id)

    def result(self) -> tuple[tuple[Problem, ...], int]:
        summary = self._summary()
        count = self.count + (summary is not None)
        if summary is not None:
            # always among those shown: it says how far the file is from complete
            self.problems[MAX_PROBLEMS - 1 :] = [summary]
        return tuple(self.problems), count - len(self.problems)

    def _summary(self) -> Problem | None:
        ids = self.template.ids
        if not self.rows:
            return Problem(ProblemCode.NO_ROWS, None, SENTENCES[ProblemCode.NO_ROWS])
        if self.rows > len(ids):
            return Problem(
                ProblemCode.TOO_MANY_ROWS,
                None,
                f"The file has more rows than the {len(ids)} expected. Write exactly one per id.",
            )
        missing = [name for name in ids if name not in self.first_line]
        if not missing:
            return None
        what = "1 id is" if len(missing) == 1 else f"{len(missing)} ids are"
        named = ", ".join(map(hints.quote, missing[:3])) + (", ..." if len(missing) > 3 else "")
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
    ProblemCode.FIELD_TOO_LONG: (
        f"The value in the column {{column}} is longer than {MAX_FIELD} characters. Shorten it."
    ),
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
    ProblemCode.BAD_ROW_SUM: (
        "The probabilities of the id {id} add up to nothing, or to more than a number can hold. "
        "Write values between 0 and 1 that sum to 1."
    ),
}
