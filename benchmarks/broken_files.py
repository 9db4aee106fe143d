"""Ways to break a file of lines and cells: a wrong byte, a lost line, a cell of something else."""

import random
from collections.abc import Callable, Sequence

LONGEST = 1 << 16  # bytes of a broken file

Random = random.Random
Mutation = Callable[[Random, bytes], bytes]

# what readers of CSV, numbers and UTF-8 have stumbled over
TOKENS = (
    b"\n", b"\r", b"\r\n", b"\n\n", b"\n\r", b",", b",,", b'"', b'""', b'","', b'"\n"', b'\n"',
    b'"\n', b" ", b"  ", b"\t", b";", b"\x00", b"\xef\xbb\xbf", b"\xe2\x80\xa8", b"\xc2\x85",
    b"\x0c", b"\x1c", b"\xc2\xa0", b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80",
    b"\xc0\x80", b"\xe2\x80", b"\xff\xfe", b"nan", b"inf", b"-inf", b"Infinity", b"1e400",
    b"-1e400", b"1e308", b"1_000", b"\xd9\xa3", b"+1", b"-0.5", b".5", b"1.", b"01", b"0x1", b"1e",
    b"1e+", b"-", b"--1", b"0-0", b"1e999", b"1e-999", b"9" * 30, b"0." + b"0" * 30 + b"1",
    b"9007199254740993", b"1e23", b"0." + b"3" * 1020, b"=1+1", b"None", b"id", b"id,", b"label",
    b"0", b"1", b"c0", b"c1", b":", b"/", b"e5", b"E-", b"x" * 129, b"x" * 1025,
)  # fmt: skip


def seeded(seed: int) -> Random:
    return random.Random(seed)  # noqa: S311


def _span(rng: Random, data: bytes, longest: int = 64) -> tuple[int, int]:
    start = rng.randint(0, len(data))
    return start, min(len(data), start + rng.randint(0, longest))


def flip(rng: Random, data: bytes) -> bytes:
    at = rng.randrange(max(1, len(data)))
    return (
        data[:at]
        + bytes([byte ^ 1 << rng.randrange(8) for byte in data[at : at + 1]])
        + data[at + 1 :]
    )


def replace_byte(rng: Random, data: bytes) -> bytes:
    at = rng.randint(0, len(data))
    return data[:at] + bytes([rng.randrange(256)]) + data[at + 1 :]


def insert_token(rng: Random, data: bytes) -> bytes:
    at = rng.randint(0, len(data))
    return data[:at] + rng.choice(TOKENS) * rng.choice((1, 1, 1, 2, 40)) + data[at:]


def replace_by_token(rng: Random, data: bytes) -> bytes:
    start, end = _span(rng, data, 8)
    return data[:start] + rng.choice(TOKENS) + data[end:]


def delete(rng: Random, data: bytes) -> bytes:
    start, end = _span(rng, data)
    return data[:start] + data[end:]


def duplicate(rng: Random, data: bytes) -> bytes:
    start, end = _span(rng, data)
    return data[:end] + data[start:end] * rng.choice((1, 1, 2, 30)) + data[end:]


def move(rng: Random, data: bytes) -> bytes:
    start, end = _span(rng, data)
    rest = data[:start] + data[end:]
    at = rng.randint(0, len(rest))
    return rest[:at] + data[start:end] + rest[at:]


def truncate(rng: Random, data: bytes) -> bytes:
    return data[: rng.randint(0, len(data))]


def other_line_ends(rng: Random, data: bytes) -> bytes:
    return data.replace(b"\n", rng.choice((b"\r\n", b"\r", b"\n\n", b"\n\r", b"\r\r\n")))


def mark(rng: Random, data: bytes) -> bytes:
    return b"\xef\xbb\xbf" + data


def edit_lines(rng: Random, data: bytes) -> bytes:
    lines = data.split(b"\n")
    first, second = rng.randrange(len(lines)), rng.randrange(len(lines))
    match rng.randrange(4):
        case 0:
            lines[first], lines[second] = lines[second], lines[first]
        case 1:
            lines.insert(first, lines[second])
        case 2:
            del lines[first]
        case _:
            rng.shuffle(lines)
    return b"\n".join(lines)


def edit_cells(rng: Random, data: bytes) -> bytes:
    lines = [line.split(b",") for line in data.split(b"\n")]
    line, other = rng.choice(lines), rng.choice(lines)
    at, there = rng.randrange(len(line)), rng.randrange(len(other))
    match rng.randrange(7):
        case 0:
            line[at] = b'"' + line[at] + b'"'
        case 1:
            line[at] = rng.choice(TOKENS)
        case 2:
            line[at], other[there] = other[there], line[at]
        case 3:
            rng.shuffle(line)
        case 4:
            line[at] += rng.choice(TOKENS)
        case 5:
            line[1:] = [rng.choice(TOKENS)] * (len(line) - 1)
        case _:
            line.insert(at, other[there])
    return b"\n".join(b",".join(line) for line in lines)


def reorder(rng: Random, data: bytes) -> bytes:
    """Rows and columns in another order, cells in quotes or not: what was right is right still."""
    plain = data.replace(b"\r\n", b"\n").rstrip(b"\n")
    head, *lines = [line.split(b",") for line in plain.split(b"\n")]
    rng.shuffle(lines)
    order, marks = list(range(len(head))), rng.choice((0.0, 0.5, 1.0))
    rng.shuffle(order)
    table = ([line[at] for at in order if at < len(line)] for line in [head, *lines])
    return b"\n".join(b",".join(_quoted(rng, cell, marks) for cell in line) for line in table)


def _quoted(rng: Random, cell: bytes, share: float) -> bytes:
    return b'"' + cell + b'"' if cell and b'"' not in cell and rng.random() < share else cell


MUTATIONS: tuple[Mutation, ...] = (
    flip, replace_byte, insert_token, replace_by_token, delete, duplicate, move, truncate,
    other_line_ends, mark, reorder, reorder, edit_lines, edit_lines, edit_cells, edit_cells,
    edit_cells,
)  # fmt: skip


def broken(rng: Random, pool: Sequence[bytes]) -> bytes:
    """One to five changes to a file of the pool, half of the time to its first."""
    data = pool[0] if rng.random() < 0.5 else rng.choice(pool)
    if rng.random() < 0.1:  # a splice
        other = rng.choice(pool)
        data = data[: rng.randint(0, len(data))] + other[rng.randint(0, len(other)) :]
    for _ in range(rng.choice((1, 1, 1, 2, 3, 5))):
        data = rng.choice(MUTATIONS)(rng, data)
    return data[:LONGEST]
