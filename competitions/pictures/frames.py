"""What the two sides say to each other: a list of JSON objects, and a body of bytes for each.

A frame is the length of the JSON, the JSON, and the bodies behind each other; the JSON's last
object names their lengths. The reading side believes no length beyond its cap.
"""

import json
import struct
from typing import IO, Any

MAX_HEAD = 64 << 20  # bytes
MAX_BODIES = 1 << 30

Frame = tuple[list[dict[str, Any]], list[bytes]]


class Broken(Exception):
    """The other side ended, or says what no honest side says."""


def write(stream: IO[bytes], head: list[dict[str, Any]], bodies: list[bytes]) -> None:
    told = json.dumps([head, [len(body) for body in bodies]], separators=(",", ":")).encode()
    stream.write(struct.pack(">I", len(told)) + told)
    for body in bodies:
        stream.write(body)
    stream.flush()


def read(stream: IO[bytes]) -> Frame | None:
    """None at the end. Raises Broken for anything but a whole frame."""
    begun = stream.read(4)
    if not begun:
        return None
    if len(begun) < 4:
        raise Broken
    (length,) = struct.unpack(">I", begun)
    head, sizes = _parsed(_exactly(stream, _capped(length, MAX_HEAD)))
    _capped(sum(sizes), MAX_BODIES)
    return head, [_exactly(stream, size) for size in sizes]


def _parsed(data: bytes) -> tuple[list[dict[str, Any]], list[int]]:
    try:
        head, sizes = json.loads(data)
    except ValueError:
        raise Broken from None
    if not all(isinstance(size, int) and size >= 0 for size in sizes):
        raise Broken
    return head, sizes


def _capped(size: int, most: int) -> int:
    if size > most:
        raise Broken
    return size


def _exactly(stream: IO[bytes], size: int) -> bytes:
    data = stream.read(size)
    if len(data) != size:
        raise Broken
    return data
