"""Files that want to break the reader, and the challenges that they are sent to."""

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

MIB = 1 << 20
CAP = 64 * MIB  # the largest file that a challenge takes
SPARSE = 10_000_000_000  # bytes, of which the disk holds a few
FEW, MANY = 3, 100_000  # rows

Make = Callable[[], bytes]


WIDTH = CAP // MANY - 64  # bytes of cells that make 100 000 rows fill the cap


def long_cell(filler: bytes, around: bytes = b"", width: int = WIDTH) -> bytes:
    return around + filler * (width // len(filler)) + around


@dataclass(frozen=True)
class Challenge:
    """A solution, how it is scored, and what may stand beside an id: as many bytes as are right."""

    rows: int
    header: str
    answers: tuple[str, ...]  # of the rows, over and over
    options: tuple[str, ...]
    right: bytes
    wrong: bytes
    code: str = "unknown_class"  # of what is wrong
    blank_code: str = "empty_label"  # of a cell of spaces

    def solution(self) -> bytes:
        lines = (f"{_id(at)},{self.answers[at % len(self.answers)]}\n" for at in range(self.rows))
        return ("id,answer\n" + "".join(lines)).encode()

    def file(self, cells: bytes) -> bytes:
        """A row for each id, the last of them wrong."""
        *names, name = _ids(self.rows)
        rows = (cells + b"\n").join(each + b"," for each in names) + cells
        return b"%s\n%s\n%s,%s\n" % (self.header.encode(), rows, name, self.wrong)


def _id(at: int) -> str:
    return f"img_{at:06d}.png"


@cache
def _ids(rows: int) -> tuple[bytes, ...]:
    return tuple(_id(at).encode() for at in range(rows))


def header(columns: tuple[str, ...]) -> str:
    return ",".join(["id", *columns])


ANIMALS = ("cat", "dog", "ship")
TEN, HUNDREDS, THOUSANDS = (
    tuple(f"class_{at}" for at in range(count)) for count in (10, 300, 20_000)
)
ALIKE = tuple("a" * 30 + "b" * 26 + str(at) for at in range(2000))  # to compare takes long
SHARES = ("--metric", "log_loss")
SCORE = ("--metric", "roc_auc", "--layout", "score")
RANKED = ("--metric", "map_at_k", "--param", "k=5")
SETS = ("--metric", "f1", "--layout", "sets")
NUMBER = ("bad_number", "bad_number")
DIGITS = b"0." + b"4" * (WIDTH - 40)
CHALLENGES = {
    "few labels": Challenge(FEW, "id,answer", ANIMALS, (), b"cat", b"cow"),
    "few shares": Challenge(FEW, header(ANIMALS), ANIMALS, SHARES, b"1,0,0", b"1,x,0", *NUMBER),
    "labels": Challenge(MANY, "id,answer", TEN, (), b"class_1", b"class_x"),
    "score": Challenge(MANY, "id,answer", ("0", "1"), SCORE, DIGITS, b"0.5.", *NUMBER),
    "shares": Challenge(
        MANY, header(TEN), TEN, SHARES, DIGITS + b",0.1" * 9, b"-.1" + b",0.1" * 9, *NUMBER
    ),
    "wide shares": Challenge(
        36_000,
        header(HUNDREDS),
        HUNDREDS,
        SHARES,
        b"1" + b",0.123" * 299,
        b".5" + b",0.123" * 299,
        *NUMBER,
    ),
    "long names": Challenge(2000, "id,answer", ALIKE, (), ALIKE[0].encode(), b"ab" * 28),
    "thousands of classes": Challenge(
        MANY, "id,answer", THOUSANDS, (), b"class_1", b"1", "class_index"
    ),
    "thousands of columns": Challenge(
        20_000, header(THOUSANDS), THOUSANDS, SHARES, b"1" + b",0" * 19_999, b"", "wrong_header"
    ),
    "ranked": Challenge(MANY, "id,answer", TEN, RANKED, long_cell(b"class_1 "), b"class_x"),
    "sets": Challenge(
        MANY,
        "id,answer",
        ("class_0 class_1", *TEN),
        SETS,
        long_cell(b"class_2 "),
        b"class_x",
        blank_code="unknown_class",  # of the last row: an empty set is right
    ),
}


@dataclass(frozen=True)
class Hostile:
    """A file, the challenge it is sent to, and the code of the first thing said about it."""

    name: str
    code: str
    make: Make
    challenge: str = "few labels"
    size: int = 0  # bytes, with a hole at the end; 0: as large as what was made

    def __str__(self) -> str:
        return f"{self.challenge}: {self.name}"

    def write(self, path: Path) -> None:
        with path.open("wb") as file:
            file.write(self.make())
            if self.size:
                file.truncate(self.size)


HEAD = b"id,answer\n"
GOOD = HEAD + b"img_000000.png,cat\nimg_000001.png,dog\nimg_000002.png,ship\n"
GOOD_SHARES = b"id,cat,dog,ship\n" + b"".join(b"%s,0.2,0.3,0.5\n" % name for name in _ids(FEW))


def changed(old: bytes, new: bytes, good: bytes = GOOD) -> Make:
    assert old in good
    return lambda: good.replace(old, new, 1)


def flood(piece: bytes, before: bytes = HEAD, behind: bytes = b"", size: int = CAP) -> Make:
    """As many pieces as fit into so many bytes."""
    room = size - len(before) - len(behind)
    return lambda: before + piece * (room // len(piece)) + behind


def _small() -> Iterator[Hostile]:
    """The mistakes and attacks that fit into a few bytes."""
    yield Hostile("empty", "empty_file", bytes)
    yield Hostile("byte order mark alone", "empty_file", lambda: b"\xef\xbb\xbf")
    yield Hostile("header alone", "no_rows", lambda: HEAD)
    yield Hostile("two byte order marks", "wrong_header", lambda: b"\xef\xbb\xbf" * 2 + GOOD)
    for encoding in ("utf-16", "utf-16-le", "utf-32"):
        yield Hostile(encoding, "not_text", partial(GOOD.decode().encode, encoding))
    yield Hostile("latin-1", "not_utf8", changed(b"cat", b"c\xe4t"))
    yield Hostile("a lone surrogate", "not_utf8", changed(b"cat", b"\xed\xa0\x80"))
    yield Hostile("NUL in a cell", "not_text", changed(b"cat", b"c\x00t"))
    yield Hostile("image", "not_text", lambda: b"\x89PNG\r\n\x1a\n" + bytes(1000))
    yield Hostile("64 MiB in 64 KiB, packed", "not_text", _packed)
    yield Hostile("CR line ends", "bare_carriage_return", lambda: GOOD.replace(b"\n", b"\r"))
    yield Hostile("CR at the end", "bare_carriage_return", lambda: GOOD + b"\r")
    yield Hostile("doubled column", "duplicate_column", changed(b"answer", b"answer,answer"))
    yield Hostile("index column", "index_column", changed(b"id", b",id"))
    yield Hostile("semicolons", "wrong_header", lambda: GOOD.replace(b",", b";"))
    yield Hostile("500 000 columns", "wrong_header", _wide_header)
    yield Hostile(
        "500 000 equal columns", "duplicate_column", lambda: b"answer," * 500_000 + b"id\n"
    )
    yield Hostile("10 GB, sparse", "too_large", lambda: GOOD, size=SPARSE)
    yield Hostile("one byte over the cap", "too_large", lambda: GOOD, size=CAP + 1)
    yield Hostile("sparse up to the cap", "not_text", lambda: GOOD, size=CAP)
    yield Hostile("field of 131 073 bytes", "field_too_long", changed(b"cat", b"c" * 131_073))
    yield Hostile("field of 1025 bytes", "field_too_long", changed(b"cat", b"c" * 1025))
    yield Hostile("line of 5 MB", "line_too_long", changed(b"cat", b"," * 5_000_000))
    yield Hostile("doubled id", "duplicate_id", changed(b"000001", b"000000"))
    yield Hostile("missing id", "missing_ids", changed(b"img_000001.png,dog\n", b""))
    yield Hostile("extra id", "unknown_id", lambda: GOOD + b"img_000003.png,cat\n")
    yield Hostile("row twice", "duplicate_id", lambda: GOOD + b"img_000000.png,cat\n")
    yield Hostile("no id", "empty_id", changed(b"img_000001.png", b""))
    yield Hostile("space behind an id", "unknown_id", changed(b"1.png", b"1.png "))
    yield Hostile("space behind a class", "unknown_class", changed(b"cat", b"cat "))
    yield Hostile("class by its place", "class_index", changed(b"cat", b"0"))
    yield Hostile("no class", "empty_label", changed(b"cat", b""))
    yield Hostile("empty line", "empty_line", changed(b"\nimg", b"\n\nimg"))
    yield Hostile("one value too many", "wrong_field_count", changed(b"cat", b"cat,cat"))
    yield Hostile("unclosed quote", "bad_quotes", changed(b"cat", b'"cat'))
    yield Hostile("text behind a quote", "bad_quotes", changed(b"cat", b'"cat"x'))
    invisible = "\U000e0001".encode() * 70
    strange = [b"%d" % at + invisible for at in range(9)]
    yield Hostile("invisible class", "unknown_class", changed(b"cat", invisible))
    yield Hostile("invisible id", "unknown_id", changed(b"img_000001", invisible))
    yield Hostile("invisible columns", "wrong_header", changed(b"answer", b",".join(strange)))
    yield Hostile("long columns", "wrong_header", changed(b"answer", b"x," + b"y" * 900))
    for cell in (b"=cmd|' /C calc'!A0", b"+cat", b"@cat"):
        yield Hostile(f"formula {cell!r}", "unknown_class", changed(b"cat", cell))


def _small_numbers() -> Iterator[Hostile]:
    arabic = "\u0660.\u0663".encode()
    for cell in (b"nan", b"inf", b"1e400", b"1_000", arabic, b"", b"=0.3"):
        make = changed(b"0.3", cell, GOOD_SHARES)
        yield Hostile(f"number '{cell.decode()}'", "bad_number", make, "few shares")
    negative = changed(b"0.3", b"-0.3", GOOD_SHARES)
    yield Hostile("negative number", "negative_number", negative, "few shares")
    nothing = changed(b"0.2,0.3,0.5", b"0,0,0", GOOD_SHARES)
    yield Hostile("probabilities of nothing", "bad_row_sum", nothing, "few shares")


def _packed() -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)  # with the header of gzip
    return packer.compress(bytes(CAP)) + packer.flush()


def _wide_header() -> bytes:
    return ("id," + ",".join(f"c{at}" for at in range(500_000)) + "\n").encode()


def _floods() -> Iterator[Hostile]:
    """64 MiB of one thing."""
    yield Hostile("commas", "line_too_long", flood(b","))
    yield Hostile("commas from the start", "duplicate_column", flood(b",", b""))
    yield Hostile("lines of commas", "wrong_field_count", flood(b"," * (MIB - 1) + b"\n"))
    yield Hostile("line feeds", "no_rows", flood(b"\n"))
    yield Hostile("line feeds from the start", "empty_file", flood(b"\n", b""))
    yield Hostile("line feeds before a row", "empty_line", flood(b"\n", HEAD, GOOD[10:]))
    yield Hostile("CR LF", "no_rows", flood(b"\r\n"))
    yield Hostile("CR LF before a row", "empty_line", flood(b"\r\n", HEAD, GOOD[10:]))
    yield Hostile("CR", "bare_carriage_return", flood(b"\r"))
    yield Hostile("spaces", "line_too_long", flood(b" "))
    yield Hostile("spaces from the start", "empty_file", flood(b" ", b""))
    yield Hostile("spaces in a class", "line_too_long", flood(b" ", GOOD[:-1], b"\n"))
    yield Hostile("digits", "line_too_long", flood(b"7"))
    yield Hostile("NUL", "not_text", flood(b"\x00"))
    yield Hostile("bytes that are no text", "not_utf8", flood(b"\xff"))
    yield Hostile("4-byte characters", "line_too_long", flood("\U0001f600".encode()))
    yield Hostile(
        "lines of 2-byte characters",
        "wrong_field_count",
        flood("\u0100,".encode() * (340 * 1024) + b"\n"),
    )
    marked = flood("\u0100,".encode() * (340 * 1024) + b"\n", b"\xef\xbb\xbf" + HEAD)
    yield Hostile("the same behind a byte order mark", "wrong_field_count", marked)
    yield Hostile("byte order marks", "line_too_long", flood(b"\xef\xbb\xbf"))
    yield Hostile("quotes", "line_too_long", flood(b'"'))
    yield Hostile("quotes from the start", "line_too_long", flood(b'"', b""))
    cells = b'"",' * (340 * 1024) + b"\n"
    yield Hostile("lines of empty quoted cells", "wrong_field_count", flood(cells))
    yield Hostile("lines of quotes", "wrong_field_count", flood(b'"' * (MIB - 2) + b"\n"))
    yield Hostile("unclosed quote before lines", "bad_quotes", flood(b"x,y\n", GOOD + b'z,"'))
    yield Hostile("unclosed quote before one line", "line_too_long", flood(b"x", GOOD + b'z,"'))
    yield Hostile("unclosed quote in the header", "bad_quotes", flood(b"x,y\n", b'id,"'))
    yield Hostile("one record in many lines", "bad_quotes", flood(b'"ab\n",'))
    yield Hostile("a header in many lines", "bad_quotes", flood(b'"ab\n",', b""))
    yield Hostile("unknown ids", "unknown_id", flood(b"a,b\n"))
    yield Hostile("the same row", "duplicate_id", flood(b"img_000000.png,cat\n"))
    yield Hostile("the same quoted row", "duplicate_id", flood(b'"img_000000.png","cat"\r\n'))
    yield Hostile("empty cells", "empty_id", flood(b",\n"))
    yield Hostile("form feeds and separators", "unknown_id", flood("\x0c\x1c\u2028,\n".encode()))
    numbers = flood(b"img_000000.png,1e5,1e5,1e5\n", GOOD_SHARES)
    yield Hostile("long numbers", "duplicate_id", numbers, "few shares")


def _many_classes() -> Iterator[Hostile]:
    for key in ("long names", "thousands of classes"):
        challenge = CHALLENGES[key]
        make = partial(challenge.file, challenge.wrong)
        yield Hostile("wrong classes", challenge.code, make, key)
    key = "thousands of columns"
    line = CHALLENGES[key].header.encode()
    yield Hostile("one wrong name", "wrong_header", lambda: line + b"?\n", key)
    yield Hostile("one column twice", "duplicate_column", lambda: line[:-5] + b"19998\n", key)


LARGE = ("labels", "score", "shares", "wide shares", "ranked", "sets")


def _almost_right() -> Iterator[Hostile]:
    """Files of a large challenge whose last row is wrong, or each."""
    for key in LARGE:
        challenge = CHALLENGES[key]
        for name, cells in (
            ("one wrong row at the end", challenge.right),
            ("wrong rows", challenge.wrong),
        ):
            yield Hostile(name, challenge.code, partial(challenge.file, cells), key)


def _long_cells() -> Iterator[Hostile]:
    """100 000 rows in 64 MiB, each with its own right id."""
    for key in LARGE:
        challenge = CHALLENGES[key]
        columns = challenge.header.count(",")
        if challenge.rows < MANY:
            continue
        for name, cell, code in (
            ("spaces", long_cell(b" "), challenge.blank_code),
            ("quotes", long_cell(b'""', b'"'), challenge.code),
            ("digits", long_cell(b"7"), challenge.code),
            ("quoted line breaks", long_cell(b"x\n", b'"'), challenge.code),
            ("4-byte characters", long_cell("\U0001f600".encode()), challenge.code),
        ):
            cells = cell + b",0.1" * (columns - 1)
            yield Hostile(name, code, partial(challenge.file, cells), key)


SMALL = (*_small(), *_small_numbers())
FLOODS = (*_floods(), *_many_classes())
ALMOST_RIGHT = tuple(_almost_right())
LONG_CELLS = tuple(_long_cells())
