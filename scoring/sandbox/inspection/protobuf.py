"""The wire format of protocol buffers, walked where it lies: nothing is copied or decoded unasked.

A message is a row of fields; each begins with a number and a wire type, and says by that how long
it is (https://protobuf.dev/programming-guides/encoding/). One walk through one message never goes
into the messages inside it: whoever wants them walks them in turn, so that no file can make this
module recurse.
"""

import re
from collections.abc import Iterator, Mapping
from mmap import mmap
from typing import NamedTuple

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
MAX_FIELDS = 200_000  # in all messages of one file: half a second of whoever looks at it
_LONGEST = 10  # bytes of a varint of 64 bits

# Repeated numbers that are not packed, as proto2 writes them, each with its tag. A forest of trees
# has millions: a regular expression passes over a row of them a hundred times as fast as a loop.
_VARINTS = rb"(?:%s[\x80-\xff]{0,9}+[\x00-\x7f])*+"
_FLOATS = rb"(?:%s[\x00-\xff]{4})*+"
_SHORT = 16  # bytes of a text: what a node of a tree does has up to 11
_TEXTS = rb"(?:%%s(?:%s))*+" % b"|".join(
    b"\\x%02x[\\x00-\\xff]{%d}" % (size, size) for size in range(_SHORT + 1)
)


class Malformed(Exception):
    """These bytes are no protocol buffer, or not one that this reader takes."""


class TooMany(Exception):
    """There are more fields than one file may have."""


class Span(NamedTuple):
    """Where a message, a string or a blob lies: from `start` up to `end`."""

    start: int
    end: int

    @property
    def size(self) -> int:
        return self.end - self.start


class Field(NamedTuple):
    """`value` is the number of a field of wire type VARINT, else 0; a run has the last one's."""

    number: int
    wire: int
    value: int
    span: Span  # of what follows the tag; of BYTES without the length
    repeats: int = 1  # how many of the same kind follow each other here, in a run


Runs = Mapping[int, re.Pattern[bytes]]


def runs(
    *,
    varints: tuple[int, ...] = (),
    floats: tuple[int, ...] = (),
    texts: tuple[int, ...] = (),
) -> Runs:
    """What to pass over in one step: repeated fields by number, all below 16; texts are short."""
    found: dict[int, re.Pattern[bytes]] = {}
    kinds = ((varints, VARINT, _VARINTS), (floats, FIXED32, _FLOATS), (texts, BYTES, _TEXTS))
    for numbers, wire, pattern in kinds:
        for number in numbers:
            tag = number << 3 | wire
            found[tag] = re.compile(pattern % re.escape(bytes([tag])))
    return found


class Reader:
    """Counts the fields that it hands out, over all messages."""

    def __init__(self, data: mmap | bytes, max_fields: int = MAX_FIELDS) -> None:
        self.data = data
        self.left = max_fields

    @property
    def whole(self) -> Span:
        return Span(0, len(self.data))

    def fields(self, span: Span, passed: Runs | None = None) -> Iterator[Field]:
        """The fields of one message; raises Malformed, TooMany.

        Groups (wire types 3 and 4, out of use since 2008) are malformed.
        """
        at, end = span
        while at < end:
            self.left -= 1
            if self.left < 0:
                raise TooMany
            run = passed.get(self.data[at]) if passed else None
            field = self._run(run, at, end) if run else None
            if field is None:
                field = self._field(at, end)
            at = field.span.end
            yield field

    def varint(self, at: int, end: int) -> tuple[int, int]:
        """The number that begins here, below 2**64, and where it ends; raises Malformed."""
        value = shift = 0
        for place in range(at, min(end, at + _LONGEST)):
            byte = self.data[place]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                if value >= 1 << 64:
                    raise Malformed
                return value, place + 1
            shift += 7
        raise Malformed

    def text(self, span: Span, longest: int) -> str:
        """A string of at most `longest` bytes; raises Malformed where it is longer or no UTF-8."""
        if span.size > longest:
            raise Malformed
        try:
            return self.data[span.start : span.end].decode()
        except UnicodeDecodeError:
            raise Malformed from None

    def packed(self, field: Field) -> Iterator[int]:
        """The numbers of a repeated varint, whichever way it is written; raises Malformed."""
        if field.wire != BYTES:
            yield field.value
            return
        at, end = field.span
        while at < end:
            value, at = self.varint(at, end)
            yield value

    def _field(self, at: int, end: int) -> Field:
        tag, at = self.varint(at, end)
        number, wire = tag >> 3, tag & 7
        if not 0 < number < 1 << 29:
            raise Malformed
        if wire == VARINT:
            value, stop = self.varint(at, end)
            return Field(number, wire, value, Span(at, stop))
        if wire == BYTES:
            size, at = self.varint(at, end)
        elif wire in (FIXED64, FIXED32):
            size = 8 if wire == FIXED64 else 4
        else:
            raise Malformed
        if size > end - at:
            raise Malformed
        return Field(number, wire, 0, Span(at, at + size))

    def _run(self, pattern: re.Pattern[bytes], at: int, end: int) -> Field | None:
        """All fields of this kind from here on; None where the first is not whole."""
        found = pattern.match(self.data, at, end)
        if found is None or found.end() == at:
            return None
        tag = self.data[at]
        wire = tag & 7
        # a varint has as many bytes as its tag has not, so only floats can be counted by length
        count = (found.end() - at) // 5 if wire == FIXED32 else 1
        return Field(tag >> 3, wire, 0, Span(at, found.end()), count)
