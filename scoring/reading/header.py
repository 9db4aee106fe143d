"""The first line of a submission, and the words for a wrong one."""

import csv
from collections import Counter

from scoring.decoding import BOM, MAX_FIELD, MAX_LINE, records, refuse, require_text
from scoring.errors import ProblemCode
from scoring.reading import hints
from scoring.template import ANY_COLUMN, Template


def header(text: bytes, template: Template) -> list[str]:
    """The column names, in the file's order; raises InvalidSubmission for wrong ones."""
    names = _names(text, len(template.header))
    if _is_expected(names, template):
        return names
    require_text(text)  # what is wrong with the whole file comes before what is wrong with a line
    expected = f"The first line must be: {_wanted(template)}"
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
    found = hints.name_list(names, quoted=True)
    raise refuse(
        ProblemCode.WRONG_HEADER,
        f"The columns are not the expected ones{_separator(names)}. {expected} (found: {found})",
        1,
    )


def columns_of(data: bytes) -> list[str]:
    """The names in the first line, whatever they are: for choosing a layout, not for judging."""
    line = data[:MAX_LINE].removeprefix(BOM).partition(b"\n")[0].removesuffix(b"\r")
    try:
        return next(csv.reader([line.decode()], strict=True), [])
    except (UnicodeDecodeError, csv.Error):
        return []  # no layout has such a header, and reading will say why


def _names(text: bytes, expected: int) -> list[str]:
    # a line of a million commas must not become a million names
    most = (expected + 1) * MAX_FIELD * 4  # bytes of a character
    end = text.find(b"\n", 0, most)
    line = text[: end if end >= 0 else most].removesuffix(b"\r")
    if b'"' in line:
        require_text(text)
        return next(records(text))[1][: expected + 2]
    return line.decode("utf-8", "replace").split(",", expected + 1)


def _is_expected(names: list[str], template: Template) -> bool:
    if template.header[1:] == (ANY_COLUMN,):
        return len(names) == 2 and template.id_column in names and len(set(names)) == 2
    return len(names) == len(template.header) and set(names) == set(template.header)


def _wanted(template: Template) -> str:
    if template.header[1:] == (ANY_COLUMN,):
        return f"{template.id_column} and one more column, with the labels"
    return hints.name_list(template.header)


def _has_index_column(names: list[str], template: Template) -> bool:
    unnamed = names[0] in ("", "index", "Unnamed: 0")
    return unnamed and _is_expected(names[1:], template)


def _repeated(names: list[str]) -> str | None:
    return next((name for name, count in Counter(names).items() if count > 1), None)


def _separator(names: list[str]) -> str:
    if len(names) == 1:
        for mark, word in ((";", "semicolons"), ("\t", "tabs")):
            if mark in names[0]:
                return f": they are separated by {word}, where commas are needed"
    return ""
