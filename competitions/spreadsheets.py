"""Tables for spreadsheet programs, in which no cell is a formula.

A program that opens a CSV reckons what begins like a formula: a team could so run one on the
organiser's machine. Such text gets an apostrophe in front; numbers stay numbers. Source: OWASP
ASVS 5.0, 1.2.10, and "CSV Injection".
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence

# Also as East Asian keyboards write them, which some programs read alike.
FORMULAS = tuple("=+-@\t\r\n\0＝＋－＠")  # noqa: RUF001 - the very characters
# Half of Europe's spreadsheets divide a CSV at semicolons, whatever quotes stand around them.
WITHIN = re.compile(r"(?<=;)(?=\s*[=+\-@＝＋－＠])")  # noqa: RUF001
MARKED = re.compile(r"(?<=;)'(?=\s*[=+\-@＝＋－＠])")  # noqa: RUF001
MARK = "\ufeff"  # by which spreadsheets know UTF-8


def safe(cell: object) -> object:
    """The cell as it may stand in a table; numbers and nothing as they are."""
    if not isinstance(cell, str):
        return "" if cell is None else cell
    return WITHIN.sub("'", f"'{cell}" if cell.startswith(FORMULAS) else cell)


def plain(cell: str) -> str:
    """What ``safe`` made safe, as it was: for tables that come back."""
    cell = MARKED.sub("", cell)
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(FORMULAS) else cell


def as_utf8(data: bytes) -> bytes:
    """A table as UTF-8, whatever a spreadsheet program saved it in.

    "CSV" without more words is the old code page of the machine, which in the West is 1252.
    """
    try:
        data.decode()
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace").encode()
    return data


def write(header: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    return "".join(lines(header, rows)).encode()


def lines(header: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """Line by line, for answers that are sent as they are made."""
    yield MARK + _line(header)
    for row in rows:
        yield _line([safe(cell) for cell in row])


def _line(cells: Sequence[object]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    return text.getvalue()
