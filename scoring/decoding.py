"""Bytes to text, for files nobody has looked at yet."""

import csv
from collections.abc import Iterator

from scoring.errors import InvalidSubmission, Problem, ProblemCode

MAX_BYTES = 64 * 1024 * 1024
MAX_LINE = 4 * 1024 * 1024  # characters; a line of 64 million commas must not become as many cells
MAX_FIELD = 1024  # characters; an id, a class or a number is never longer

# The first bytes of what people upload by mistake.
MAGIC = (
    (b"\x89PNG", "This is an image renamed to .csv"),
    (b"\xff\xd8\xff", "This is an image renamed to .csv"),
    (b"GIF8", "This is an image renamed to .csv"),
    (b"RIFF", "This is an image renamed to .csv"),
    (b"II*\x00", "This is an image renamed to .csv"),
    (b"MM\x00*", "This is an image renamed to .csv"),
    (b"PK\x03\x04", "This is a zip archive or an Excel workbook, not a CSV file"),
    (b"\x1f\x8b", "This is a gzip archive, not a CSV file"),
    (b"\xfd7zXZ", "This is an xz archive, not a CSV file"),
    (b"BZh", "This is a bzip2 archive, not a CSV file"),
    (b"\xd0\xcf\x11\xe0", "This is an Excel workbook, not a CSV file"),
    (b"%PDF", "This is a PDF document, not a CSV file"),
    (b"PAR1", "This is a Parquet file, not a CSV file"),
    (b"\x93NUMPY", "This is a NumPy array, not a CSV file"),
)
BOM = b"\xef\xbb\xbf"
WIDE_BOMS = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")


def refuse(code: ProblemCode, message: str, line: int | None = None) -> InvalidSubmission:
    """The refusal for a problem after which reading on makes no sense."""
    return InvalidSubmission((Problem(code, line, message),))


def decode(data: bytes, max_bytes: int = MAX_BYTES) -> str:
    """The text without BOM, lines ended by LF; raises InvalidSubmission."""
    if len(data) > max_bytes:
        limit = f"{max_bytes / 1024 / 1024:g} MiB" if max_bytes >= 1 << 20 else f"{max_bytes} bytes"
        raise refuse(
            ProblemCode.TOO_LARGE,
            f"The file is larger than {limit}. Send only the columns of the sample submission.",
        )
    if not data.removeprefix(BOM).strip():
        raise refuse(
            ProblemCode.EMPTY_FILE,
            "The file is empty. Write the header and one line per id, as in the sample submission.",
        )
    _refuse_what_is_not_text(data)
    return _newlines(_utf8(data))


def _refuse_what_is_not_text(data: bytes) -> None:
    remedy = "Send a plain text file with commas, made like the sample submission."
    for magic, name in MAGIC:
        if data.startswith(magic):
            raise refuse(ProblemCode.NOT_TEXT, f"{name}. {remedy}")
    if data.startswith(WIDE_BOMS):
        raise refuse(
            ProblemCode.NOT_TEXT,
            "The file is encoded as UTF-16 or UTF-32. Save it again as UTF-8 "
            "(in Excel: 'CSV UTF-8').",
        )
    at = data.find(b"\x00")
    if at >= 0:
        raise refuse(
            ProblemCode.NOT_TEXT,
            f"The file holds a NUL byte, so it is not a text file. {remedy}",
            _line_of(data, at),
        )


def _utf8(data: bytes) -> str:
    try:
        return data.removeprefix(BOM).decode("utf-8")
    except UnicodeDecodeError as error:
        raise refuse(
            ProblemCode.NOT_UTF8,
            "A character is not valid UTF-8. Save the file again with the encoding UTF-8.",
            _line_of(error.object, error.start),
        ) from None


def _newlines(text: str) -> str:
    if "\r" not in text:
        return text
    text = text.replace("\r\n", "\n")
    at = text.find("\r")
    if at >= 0:
        raise refuse(
            ProblemCode.BARE_CARRIAGE_RETURN,
            "A carriage return stands alone. End every line with LF or CRLF "
            "(in Excel: 'CSV', not 'CSV (Macintosh)').",
            text.count("\n", 0, at) + 1,
        )
    return text


def _line_of(data: bytes, at: int) -> int:
    return data.count(b"\n", 0, at) + 1


def records(text: str) -> Iterator[tuple[int, list[str]]]:
    """Each CSV record with the line it starts in; raises InvalidSubmission for broken quotes."""
    reader = csv.reader(_lines(text.rstrip("\n")), strict=True)
    line = 1
    try:
        for record in reader:
            yield line, record
            line = reader.line_num + 1
    except csv.Error:
        raise refuse(
            ProblemCode.BAD_QUOTES,
            "A quotation mark is not closed, or stands inside a field. Remove the quotation "
            'marks, or write "" for one inside a quoted field.',
            line,
        ) from None


def _lines(text: str) -> Iterator[str]:
    # lazily, and not by str.splitlines, for which a form feed ends a line too
    start, number = 0, 1
    while start <= len(text):
        end = text.find("\n", start) + 1 or len(text) + 1
        if end - start > MAX_LINE:
            raise refuse(
                ProblemCode.LINE_TOO_LONG,
                "The line is longer than any line can be. End every row with a line break.",
                number,
            )
        yield text[start:end]
        start, number = end, number + 1
