"""The first line of a submission, and the words for a wrong one."""

from scoring import hints
from scoring.decoding import MAX_FIELD, records, refuse
from scoring.errors import ProblemCode
from scoring.spec import Template


def header(text: str, template: Template) -> list[str]:
    """The column names, in the file's order; raises InvalidSubmission for wrong ones."""
    names = _names(text, len(template.header))
    if len(names) == len(template.header) and set(names) == set(template.header):
        return names
    expected = f"The first line must be: {hints.name_list(template.header)}"
    if _has_index_column(names, template):
        raise refuse(
            ProblemCode.INDEX_COLUMN,
            "There is one column too many in front, without a real name: the row numbers that "
            f"pandas writes. Save the file with to_csv(..., index=False). {expected}",
            1,
        )
    if (twice := _repeated(names)) is not None:
        raise refuse(
            ProblemCode.DUPLICATE_COLUMN,
            f"The column {hints.quote(twice)} occurs twice. Keep one. {expected}",
            1,
        )
    found = hints.name_list(tuple(hints.quote(name) for name in names))
    raise refuse(
        ProblemCode.WRONG_HEADER,
        f"The columns are not the expected ones{_separator(names)}. {expected} (found: {found})",
        1,
    )


def _names(text: str, expected: int) -> list[str]:
    # a line of a million commas must not become a million names
    line = text[: (expected + 1) * MAX_FIELD].partition("\n")[0]
    if '"' not in line:
        return line.split(",", expected + 1)
    return next(records(text))[1][: expected + 2]


def _has_index_column(names: list[str], template: Template) -> bool:
    unnamed = names[0] in ("", "index", "Unnamed: 0")
    return unnamed and sorted(names[1:]) == sorted(template.header)


def _repeated(names: list[str]) -> str | None:
    return next((name for at, name in enumerate(names) if name in names[:at]), None)


def _separator(names: list[str]) -> str:
    if len(names) == 1:
        for mark, word in ((";", "semicolons"), ("\t", "tabs")):
            if mark in names[0]:
                return f": they are separated by {word}, where commas are needed"
    return ""
