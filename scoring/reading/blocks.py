"""A CSV file in blocks of whole lines, cut into fields by numpy: no Python object for a cell.

A block fits into a core's second-level cache, which makes each pass over it several times faster
than a pass over the file. Only plain tables pass: what has other quotation marks than around whole
fields, or another number of fields, is left to `careful`.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from scoring.decoding import MAX_LINE, end_of_text
from scoring.vocabulary import MAX_WORDS, Words

SIZE = 1 << 18  # bytes; measured best of 2**16 .. 2**24 with 2 MiB of second-level cache
# readable bytes before and after a block, for words that begin or end outside: the longest name
MARGIN = 8 * MAX_WORDS + 16

_COMMA, _NEWLINE, _QUOTE = ord(","), ord("\n"), ord('"')
_3, _64 = np.uint64(3), np.uint64(64)
# by the number of bytes to keep of a little-endian word, counted from its first byte
_KEEP = np.array([(1 << 8 * count) - 1 for count in range(9)], np.uint64)

Positions = NDArray[np.intp]


class Unclear(Exception):
    """Not a plain table, or not a right one: `careful` must look."""


def spans(data: bytes, start: int) -> Iterator[tuple[int, int]]:
    """The ends of blocks of whole lines of about `SIZE` bytes, from `start` on."""
    stop = end_of_text(data)
    if data.count(b"\r", stop) != data.count(b"\r\n", stop):
        raise Unclear
    while start < stop:
        if (end := end_of_block(data, start, stop)) - start > MAX_LINE:
            raise Unclear
        yield start, end
        start = end


def end_of_block(data: bytes, start: int, stop: int) -> int:
    """Where the lines end that fill `SIZE` bytes from `start` on; one line at the least."""
    end = start + SIZE
    if end >= stop:
        return stop
    return data.rfind(b"\n", start, end) + 1 or data.find(b"\n", end, stop) + 1 or stop


class Block:
    """Some lines of a table; `starts` and `ends` are positions of its fields, [rows, columns].

    Raises Unclear unless it is a plain table with so many columns.
    """

    def __init__(self, text: bytes, columns: int) -> None:
        text = plain(text)
        size = len(text) + 1 + 2 * MARGIN
        self._words = np.zeros(-(-size // 8), "<u8")
        self.bytes = self._words.view(np.uint8)
        stop = MARGIN + len(text)
        self.bytes[MARGIN:stop] = np.frombuffer(text, np.uint8)
        if not text.endswith(b"\n"):
            self.bytes[stop] = _NEWLINE
            stop += 1
        self.ends = _field_ends(self.bytes, stop, columns)
        self.starts = np.empty_like(self.ends)
        self.starts[:, 1:] = self.ends[:, :-1]
        self.starts[1:, 0] = self.ends[:-1, -1]
        self.starts += 1
        self.starts[0, 0] = MARGIN

    def __len__(self) -> int:
        return len(self.ends)

    def after(self, positions: Positions, count: int) -> list[Words]:
        """The next `count` times eight bytes from each position on, the first in the lowest place.

        From aligned words, one more than are wanted: numpy reads unaligned ones at half the speed.
        """
        at = positions >> 3
        down = (positions & 7).astype(np.uint64)
        down <<= _3
        up = _64 - down
        found = []
        word = self._words.take(at)
        for further in range(1, count + 1):
            following = self._words.take(at + further)
            word >>= down
            word |= following << up  # numpy gives 0 for a shift by 64
            found.append(word)
            word = following
        return found

    def before(self, positions: Positions, count: int) -> list[Words]:
        """The `count` times eight bytes that end at each position, the last eight first."""
        return self.after(positions - 8 * count, count)[::-1]

    def words(self, starts: Positions, ends: Positions, size: int) -> Words:
        """The fields as `size` words each, padded with zeros; raises Unclear for a longer one."""
        lengths = ends - starts
        if lengths.max(initial=0) > 8 * size:
            raise Unclear
        if size == 1:
            return (self.after(starts, 1)[0] & _KEEP.take(lengths))[:, None]
        words = np.empty((len(starts), size), np.uint64)
        for at, word in enumerate(self.after(starts, size)):
            np.bitwise_and(word, _KEEP.take(np.clip(lengths - 8 * at, 0, 8)), out=words[:, at])
        return words


def _field_ends(held: NDArray[np.uint8], stop: int, columns: int) -> Positions:
    newlines = held[:stop] == _NEWLINE
    marks = held[:stop] == _COMMA
    marks |= newlines
    found = np.flatnonzero(marks)
    if len(found) % columns:
        raise Unclear
    ends: Positions = found.reshape(-1, columns)
    # each row ends in a newline, and there is no other: the rest are commas
    if np.count_nonzero(newlines) != len(ends) or not newlines.take(ends[:, -1]).all():
        raise Unclear
    return ends


def plain(text: bytes) -> bytes:
    """Lines that end in LF, valid UTF-8, without quotation marks; raises Unclear."""
    if b"\r" in text:
        text = text.replace(b"\r\n", b"\n")
        if b"\r" in text:
            raise Unclear
    if b'"' in text:
        text = _without_quotes(text)
    if not text.isascii():
        try:
            text.decode()
        except UnicodeDecodeError:
            raise Unclear from None
    return text


def _without_quotes(text: bytes) -> bytes:
    """Without the marks around whole fields; raises Unclear where they do more than stand there."""
    around = np.frombuffer(b"\n" + text + b"\n", np.uint8)
    quotes = np.flatnonzero(around == _QUOTE)
    if len(quotes) % 2:
        raise Unclear
    marks = (around == _COMMA) | (around == _NEWLINE)
    opening, closing = quotes[::2], quotes[1::2]
    between = np.cumsum(marks, dtype=np.int32)
    whole = marks[opening - 1] & marks[closing + 1] & (between[opening] == between[closing])
    if not whole.all():
        raise Unclear
    return text.replace(b'"', b"")
