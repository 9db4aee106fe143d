"""Bytes to text, for files nobody has looked at yet."""

import codecs
import csv
import re
from collections.abc import Iterator

from scoring.errors import InvalidSubmission, Problem, ProblemCode

MAX_BYTES = 64 * 1024 * 1024
# Bytes; 50 000 numbers of 20 digits. A line of 64 million commas must not become as many cells:
# 350 000 of one character outside Latin-1 take 30 MB.
MAX_LINE = 1024 * 1024
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
CHUNK = 1 << 20
csv.field_size_limit(MAX_LINE)  # of the reader below: our own limits come first
_INK = re.compile(rb"\S")
_BARE_RETURN = re.compile(rb"\r(?!\n)")
WIDE_BOMS = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")


def byte_cap(sample_size: int) -> int:
    """What a submission may have beside a sample of so many bytes: four times as much, 1 to 64 MiB.

    >>> byte_cap(1000), byte_cap(2_000_000)
    (1048576, 8000000)
    """
    return max(CHUNK, min(4 * sample_size, MAX_BYTES))


def refuse(code: ProblemCode, message: str, line: int | None = None) -> InvalidSubmission:
    """The refusal for a problem after which reading on makes no sense."""
    return InvalidSubmission((Problem(code, line, message),))


def admit(data: bytes, max_bytes: int = MAX_BYTES) -> bytes:
    """The bytes without BOM if they look like a text; raises InvalidSubmission."""
    if len(data) > max_bytes:
        limit = f"{max_bytes / 1024 / 1024:g} MiB" if max_bytes >= 1 << 20 else f"{max_bytes} bytes"
        raise refuse(
            ProblemCode.TOO_LARGE,
            f"The file is larger than {limit}. Send only the columns of the sample submission.",
        )
    text = data.removeprefix(BOM)
    if not _INK.search(text):
        raise refuse(
            ProblemCode.EMPTY_FILE,
            "The file is empty. Write the header and one line per id, as in the sample submission.",
        )
    _refuse_what_is_not_text(data)
    return text


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


def require_text(text: bytes) -> None:
    """Raises InvalidSubmission unless every line ends in LF or CRLF and every byte is UTF-8."""
    if alone := _BARE_RETURN.search(text):
        raise refuse(
            ProblemCode.BARE_CARRIAGE_RETURN,
            "A carriage return stands alone. End every line with LF or CRLF "
            "(in Excel: 'CSV', not 'CSV (Macintosh)').",
            _line_of(text, alone.start()),
        )
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for start in range(0, len(text), CHUNK):  # as a whole it may take four times the memory
            end = start + CHUNK
            decoder.decode(text[start:end], final=end >= len(text))
    except UnicodeDecodeError as error:
        raise refuse(
            ProblemCode.NOT_UTF8,
            "A character is not valid UTF-8. Save the file again with the encoding UTF-8.",
            # the decoder may have kept the first bytes of a character from the chunk before
            _line_of(text, min(end, len(text)) - len(error.object) + error.start),
        ) from None


def _line_of(data: bytes, at: int) -> int:
    return data.count(b"\n", 0, at) + 1


class LineReader:
    """The lines of a text, one at a time, and where the next one begins: `start`, `number`.

    Whoever knows some lines already may set both further on.
    """

    def __init__(self, text: bytes) -> None:
        self.text = text
        self.stop = end_of_text(text)
        self.start, self.number = 0, 1
        self.first = 0  # where the record begins that is being read

    def __iter__(self) -> Iterator[str]:
        # lazily, and not by splitlines, for which a form feed ends a line too
        while self.start < self.stop:
            start, end = self.start, self.text.find(b"\n", self.start, self.stop) + 1 or self.stop
            if end - start > MAX_LINE:
                raise refuse(
                    ProblemCode.LINE_TOO_LONG,
                    "The line is longer than any line can be. End every row with a line break.",
                    self.number,
                )
            # a record of many short lines must not become as many cells either
            if end - self.first > MAX_LINE:
                raise csv.Error
            self.start, self.number = end, self.number + 1
            yield self.text[start:end].decode()


def records(text: bytes | LineReader) -> Iterator[tuple[int, list[str]]]:
    """Each CSV record with the line it starts in; raises InvalidSubmission for broken quotes.

    The text has passed `admit` and `require_text`.
    """
    lines = text if isinstance(text, LineReader) else LineReader(text)
    line, lines.first = lines.number, lines.start
    try:
        for record in csv.reader(lines, strict=True):
            yield line, record
            del record  # before the next one is there too
            line, lines.first = lines.number, lines.start
    except csv.Error:
        raise refuse(
            ProblemCode.BAD_QUOTES,
            "A quotation mark is not closed, or stands inside a field. Remove the quotation "
            'marks, or write "" for one inside a quoted field.',
            line,
        ) from None


def end_of_text(text: bytes) -> int:
    """Empty lines at the end are nobody's fault."""
    stop = len(text)
    while stop:  # in chunks: a file of nothing else must not be copied
        start = max(0, stop - CHUNK)
        if kept := len(text[start:stop].rstrip(b"\r\n")):
            return start + kept
        stop = start
    return 0
