"""One byte range of a file, as RFC 9110 (section 14) defines it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

BLOCK = 256 * 1024
# 18 digits hold every size there is; longer numbers are noise, and costly to read.
_SINGLE = re.compile(r"bytes=[ \t]*(\d{0,18})-(\d{0,18})[ \t]*", re.IGNORECASE | re.ASCII)


class Unsatisfiable(Exception):
    """The range begins behind the end of the file."""


@dataclass(frozen=True)
class Part:
    """The bytes from ``start`` up to and without ``stop``."""

    start: int
    stop: int

    @property
    def length(self) -> int:
        return self.stop - self.start

    def content_range(self, size: int) -> str:
        return f"bytes {self.start}-{self.stop - 1}/{size}"


def requested(header: str, size: int) -> Part | None:
    """The part that a Range header asks for; None where the answer is the whole file.

    A header that is malformed, or asks for several ranges, is passed over as the RFC allows.
    Raises Unsatisfiable.
    """
    match = _SINGLE.fullmatch(header.strip())
    if match is None or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if not first:
        return _suffix(int(last), size)
    if last and int(last) < int(first):
        return None
    if int(first) >= size:
        raise Unsatisfiable
    return Part(int(first), min(int(last) + 1, size) if last else size)


def _suffix(length: int, size: int) -> Part | None:
    if length == 0:
        raise Unsatisfiable
    return Part(max(0, size - length), size) if size else None


class Blocks:
    """The bytes of a part, block by block; closes the file, also when nobody began to read."""

    def __init__(self, file: IO[bytes], part: Part) -> None:
        self.file = file
        self.part = part

    def __iter__(self) -> Iterator[bytes]:
        self.file.seek(self.part.start)
        left = self.part.length
        while left and (block := self.file.read(min(left, BLOCK))):
            left -= len(block)
            yield block

    def close(self) -> None:
        self.file.close()
