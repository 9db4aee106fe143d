"""Tables in and out: small CSV files, read strictly and written the same way every time."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from competitions import spreadsheets
from competitions.refusals import Refused
from scoring import InvalidSubmission
from scoring.decoding import admit, records, require_text

SHOWN = 3


def read(data: bytes, title: str) -> Iterator[tuple[int, list[str]]]:
    """Each record with its line, the header first. Raises Refused for what is not a CSV."""
    try:
        text = admit(spreadsheets.as_utf8(data))
        require_text(text)
        header = text.partition(b"\n")[0]
        is_divided = b";" in header and b"," not in header
        yield from _by_semicolon(text) if is_divided else records(text)
    except InvalidSubmission as error:
        raise Refused(f"The {title} cannot be read. {error}") from None


def _by_semicolon(text: bytes) -> Iterator[tuple[int, list[str]]]:
    """As programs write a CSV where the comma stands in numbers."""
    reader = csv.reader(io.StringIO(text.decode(), newline=""), delimiter=";", strict=True)
    try:
        for record in reader:
            yield reader.line_num, record
    except csv.Error as error:
        raise Refused(
            f"A quotation mark is wrong in line {reader.line_num}. Save it anew."
        ) from error


def write(header: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode()


def some(names: Iterable[str]) -> str:
    """The first three names, and how many more there are."""
    ordered = sorted(names)
    shown = ", ".join(islice(ordered, SHOWN))
    more = len(ordered) - SHOWN
    return f"{shown} and {more} more" if more > 0 else shown
