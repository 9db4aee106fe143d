"""A CSV file in blocks of whole lines, cut into fields by numpy: no Python object for a cell.

A block fits into a core's second-level cache, which makes each pass over it several times faster
than a pass over the file. Only plain tables pass: what has other quotation marks than around whole
fields, or another number of fields, is left to `careful`.
"""

from collections.abc import Iterator
from typing import Self

import numpy as np
from numpy.typing import NDArray

from scoring.decoding import MAX_LINE, end_of_text
from scoring.vocabulary import KEEP_FIRST, MAX_WORDS, Words

SIZE = 1 << 18  # bytes; measured best of 2**16 .. 2**24 with 2 MiB of second-level cache
# readable bytes before and after a block, for words that begin or end outside: the longest name
MARGIN = 8 * MAX_WORDS + 16

COMMA = ord(",")
_NEWLINE, _QUOTE = ord("\n"), ord('"')
_1 = np.uint64(1)
_ONES, _HIGH_BITS = np.uint64(0x0101010101010101), np.uint64(0x8080808080808080)
_NEWLINES = _ONES * np.uint64(_NEWLINE)
_3, _64 = np.uint64(3), np.uint64(64)

Positions = NDArray[np.intp]


class Unclear(Exception):
    """Not a plain table, or not a right one: `careful` must look."""


def spans(data: bytes, start: int, times: int = 1) -> Iterator[tuple[int, int]]:
    """The ends of blocks of whole lines of about `times` times `SIZE` bytes, from `start` on."""
    stop = end_of_text(data)
    if data.count(b"\r", stop) != data.count(b"\r\n", stop):
        raise Unclear
    while start < stop:
        end = end_of_block(data, start, stop, times)
        if end - start > max(MAX_LINE, times * SIZE):
            raise Unclear
        yield start, end
        start = end


def end_of_block(data: bytes, start: int, stop: int, times: int = 1) -> int:
    """Where the lines end that fill a block from `start` on; one line at the least."""
    end = start + times * SIZE
    if end >= stop:
        return stop
    return data.rfind(b"\n", start, end) + 1 or data.find(b"\n", end, stop) + 1 or stop


class Lines:
    """The bytes of some lines with a margin on both sides, also as 64-bit words.

    Every line ends in LF, the last one too; `stop` is behind it. Raises Unclear unless it is plain.
    """

    def __init__(self, text: bytes) -> None:
        is_closed = text.endswith(b"\n")  # asked before a last line of "" becomes an empty one
        text = plain(text)
        self._words = np.zeros(-(-(len(text) + 1 + 2 * MARGIN) // 8), "<u8")
        self.bytes = self._words.view(np.uint8)
        self.stop = MARGIN + len(text)
        self.bytes[MARGIN : self.stop] = np.frombuffer(text, np.uint8)
        if not is_closed:
            self.bytes[self.stop] = _NEWLINE
            self.stop += 1

    @classmethod
    def of_words(cls, words: Words) -> Self:
        """Any bytes in rows of words, without line feeds."""
        self = cls.__new__(cls)
        margin = np.zeros(MARGIN // 8, "<u8")
        self._words = np.concatenate([margin, words.ravel(), margin])
        self.bytes = self._words.view(np.uint8)
        self.stop = MARGIN + words.nbytes
        return self

    def count(self, mark: int) -> int:
        """How often a byte stands in the text."""
        return int(np.count_nonzero(self.bytes[: self.stop] == mark))

    def bounds(self) -> tuple[Positions, Positions]:
        """Where each line starts and where its line feed is."""
        ends = self._line_ends()
        starts = np.empty_like(ends)
        starts[0], starts[1:] = MARGIN, ends[:-1] + 1
        return starts, ends

    def _line_ends(self) -> Positions:
        """By words: a line feed makes a zero byte, which borrows (Mycroft 1987)."""
        differ = self._words ^ _NEWLINES
        zeros = (differ - _ONES) & ~differ & _HIGH_BITS
        at = np.flatnonzero(zeros != 0)
        if len(at) != self.count(_NEWLINE):  # two in one word: short lines
            return np.flatnonzero(self.bytes[: self.stop] == _NEWLINE)
        lowest = zeros.take(at)
        lowest &= ~lowest + _1
        ends: Positions = (at << 3) + (np.bitwise_count(lowest - _1) >> 3)
        return ends

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

    def rows(self, positions: Positions, size: int) -> Words:
        """The `size` words from each position on, [positions, size]: whole rows at once."""
        found = np.empty((len(positions), size), np.uint64)
        for at, word in enumerate(self.after(positions, size)):
            found[:, at] = word
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
            return (self.after(starts, 1)[0] & KEEP_FIRST.take(lengths))[:, None]
        words = np.empty((len(starts), size), np.uint64)
        for at, word in enumerate(self.after(starts, size)):
            np.bitwise_and(word, KEEP_FIRST.take(np.clip(lengths - 8 * at, 0, 8)), out=words[:, at])
        return words


class Block(Lines):
    """Some lines of a table; `starts` and `ends` are positions of its fields, [rows, columns].

    Raises Unclear unless it is a plain table with so many columns.
    """

    def __init__(self, source: bytes | Lines, columns: int) -> None:
        if isinstance(source, Lines):
            self._words, self.bytes, self.stop = source._words, source.bytes, source.stop
        else:
            super().__init__(source)
        self.ends = _field_ends(self.bytes, self.stop, columns)
        self.starts = np.empty_like(self.ends)
        self.starts[:, 1:] = self.ends[:, :-1]
        self.starts[1:, 0] = self.ends[:-1, -1]
        self.starts += 1
        self.starts[0, 0] = MARGIN

    def __len__(self) -> int:
        return len(self.ends)


def _field_ends(held: NDArray[np.uint8], stop: int, columns: int) -> Positions:
    newlines = held[:stop] == _NEWLINE
    marks = held[:stop] == COMMA
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
    # two for a field at the most: a block of nothing else must not become as many positions
    if text.count(b'"') > 2 * (text.count(b",") + text.count(b"\n") + 1):
        raise Unclear
    around = np.frombuffer(b"\n" + text + b"\n", np.uint8)
    quotes = np.flatnonzero(around == _QUOTE)
    if len(quotes) % 2:
        raise Unclear
    marks = (around == COMMA) | (around == _NEWLINE)
    opening, closing = quotes[::2], quotes[1::2]
    between = np.cumsum(marks, dtype=np.int32)
    whole = marks[opening - 1] & marks[closing + 1] & (between[opening] == between[closing])
    if not whole.all():
        raise Unclear
    return text.replace(b'"', b"")
