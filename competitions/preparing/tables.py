"""Tables in and out: small CSV files, read strictly and written the same way every time."""

import csv
import io
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
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


def keys_of(
    images: Sequence[str],
    rows: Collection[str],
    ids: Callable[[str], Iterable[str]],
    table: str,
    refusal: Callable[[str], Refused],
) -> dict[str, str]:
    """The row of each image, where ``ids`` are what the table may call it, the surest first.

    Raises the refusal where an image or a row is left over, or a row may mean several images.
    """
    keys: dict[str, str] = {}
    used: set[str] = set()
    for name in images:
        key = next((key for key in ids(name) if key in rows), None)
        if key is None:
            continue
        if key in used:
            raise refusal(
                f"has several images that {key!r} in {table} may mean, one of them {name}. "
                "Write the paths with their folders into the table."
            )
        keys[name] = key
        used.add(key)
    missing = set(rows) - used
    if unlabelled := set(images) - keys.keys():
        beside = f" Named there, and no image: {some(missing)}." if missing else ""
        raise refusal(f"has images without a line in {table}: {some(unlabelled)}.{beside}")
    if missing:
        raise refusal(f"lacks images that {table} names: {some(missing)}.")
    return keys


def some(names: Iterable[str]) -> str:
    """The first three names, and how many more there are."""
    ordered = sorted(names)
    shown = ", ".join(islice(ordered, SHOWN))
    more = len(ordered) - SHOWN
    return f"{shown} and {more} more" if more > 0 else shown
