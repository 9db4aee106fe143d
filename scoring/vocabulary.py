"""Known names and their places: exact strings found in bulk, without a Python object for each.

A name is kept as its UTF-8 bytes in 64-bit words, padded with zeros. No file that is read holds a
NUL byte, so the padded words are equal exactly when the names are.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any, Self, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")
Words = NDArray[np.uint64]  # [names, words of a name]
Places = NDArray[np.integer[Any]]

MAX_WORDS = 16  # of 8 bytes: longer names are found by a dict, one at a time
# by the number of bytes to keep of a little-endian word, counted from its first byte
KEEP_FIRST = np.array([(1 << 8 * count) - 1 for count in range(9)], np.uint64)
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # 2**64 / golden ratio (Knuth, TAOCP 3, 6.4)


class Vocabulary(Sequence[str]):
    """An ordered list of different names; equal to any sequence of the same names.

    >>> ids = Vocabulary(["a.png", "b.png"])
    >>> len(ids), ids[1], ids.places["b.png"]
    (2, 'b.png', 1)
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._given: tuple[str, ...] | None = tuple(names)
        self._length = len(self._given)

    @classmethod
    def of(cls, names: Iterable[str]) -> Self:
        """The same object if it is one already."""
        return names if isinstance(names, cls) else cls(names)

    @classmethod
    def from_words(cls, words: Words) -> Self:
        """From different names as words [names, words of a name]; strings only when asked for."""
        self = cls(())
        self._given, self._length = None, len(words)
        self.table = WordTable(words)
        return self

    @cached_property
    def _names(self) -> tuple[str, ...]:
        if self._given is not None or self.table is None:
            return self._given or ()
        words = np.ascontiguousarray(self.table.words, "<u8")
        padded = words.view(f"S{8 * words.shape[1]}").ravel()
        return tuple(name.decode() for name in padded.tolist())

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, at: int) -> str: ...
    @overload
    def __getitem__(self, at: slice) -> tuple[str, ...]: ...
    def __getitem__(self, at: int | slice) -> str | tuple[str, ...]:
        return self._names[at]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __contains__(self, name: object) -> bool:
        return name in self.places

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Vocabulary):
            return self._names == other._names
        return self._names == tuple(other) if isinstance(other, Sequence) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._names)

    def __repr__(self) -> str:
        return f"<Vocabulary of {len(self)} names>"

    def derived(self, make: "Callable[[Vocabulary], T]") -> "T":
        """What `make` builds of the names, built once and kept with them."""
        if make not in self._derived:
            self._derived[make] = make(self)
        found: T = self._derived[make]
        return found

    @cached_property
    def _derived(self) -> dict[Any, Any]:
        return {}

    @cached_property
    def places(self) -> dict[str, int]:
        """Name to its place."""
        return {name: at for at, name in enumerate(self._names)}

    @cached_property
    def has_numbers(self) -> bool:
        """Whether a name consists of digits."""
        return any(name.isdigit() for name in self._names)

    @cached_property
    def table(self) -> "WordTable | None":
        """For look-ups in bulk; None where a name is too long for them, or holds a NUL."""
        words = _words(self._given or ())
        return None if words is None else WordTable(words)


def _words(names: Sequence[str]) -> Words | None:
    # the padding would hide a NUL at a name's end; and one long name would make all of them long
    if max(map(len, names), default=0) > 8 * MAX_WORDS or "\0" in "".join(names):
        return None
    try:
        # a hundred nanoseconds a name; encoding them one by one takes three times as long
        encoded: NDArray[Any] = np.array(names, dtype=np.bytes_)
    except UnicodeEncodeError:
        encoded = np.array([name.encode() for name in names], dtype=np.bytes_)
    size = max(1, -(-encoded.dtype.itemsize // 8))
    if size > MAX_WORDS:
        return None
    return encoded.astype(f"S{8 * size}").view("<u8").reshape(-1, size).astype(np.uint64)


class WordTable:
    """A hash table of names with open addressing (Knuth, TAOCP 3, 6.4)."""

    def __init__(self, words: Words) -> None:
        self.words = words
        count, self.size = words.shape
        # filled to a half at the most: three of four names lie in their first slot
        bits = max(4, (2 * count - 1).bit_length())
        self._shift = np.uint64(64 - bits)
        self._mask = np.intp((1 << bits) - 1)
        place = np.full(1 << bits, -1, np.int32)
        self._insert(place)
        # key and place side by side, so that a look-up reads one line of memory
        self._entries = np.zeros((1 << bits, self.size + 1), np.uint64)
        taken = np.flatnonzero(place >= 0)
        self._entries[taken, :-1] = words[place[taken]]
        self._entries[taken, -1] = place[taken] + 1

    def _insert(self, place: NDArray[np.int32]) -> None:
        slots = self._slots(self.words)
        waiting = np.arange(len(self.words), dtype=np.int32)
        while waiting.size:
            wanted = slots[waiting]
            free = place[wanted] < 0
            place[wanted[free]] = waiting[free]  # of several the last one stays
            waiting = waiting[place[wanted] != waiting]
            # a name that is there already would look for a free slot past all its like
            holders = self.words[place[slots[waiting]]]
            waiting = waiting[(holders != self.words[waiting]).any(axis=1)]
            slots[waiting] = (slots[waiting] + 1) & self._mask

    def _slots(self, words: Words) -> Places:
        mixed = words[:, 0] * _GOLDEN
        for column in range(1, self.size):
            mixed ^= mixed >> np.uint64(29)
            mixed += words[:, column]
            mixed *= _GOLDEN
        mixed >>= self._shift
        return (
            mixed.view(np.intp) if mixed.itemsize == np.intp(0).itemsize else mixed.astype(np.intp)
        )

    @property
    def is_unique(self) -> bool:
        """Whether no name occurs twice."""
        places = self._anywhere(self.words) if len(self.words) else np.zeros(0, np.intp)
        return places is not None and bool((places == np.arange(len(self.words))).all())

    def find(self, words: Words) -> Places | None:
        """The place of each name [n, words of a name]; None when one is unknown."""
        if not len(words):
            return np.zeros(0, np.intp)
        first = self._anywhere(words[:1])
        if first is None:
            return None
        # most people keep the sample's order
        start, stop = first[0], first[0] + len(words)
        if stop <= len(self.words) and np.array_equal(self.words[start:stop], words):
            return np.arange(start, stop)
        return self._anywhere(words)

    def _anywhere(self, words: Words) -> Places | None:
        slots = self._slots(words)
        entries = self._entries.take(slots, axis=0)  # several times as fast as indexing rows
        found = entries[:, -1].copy()  # the place and one, 0 in an empty slot
        missed = np.flatnonzero(_differ(entries, words))
        while missed.size:
            slots[missed] = further = (slots[missed] + 1) & self._mask
            entries = self._entries.take(further, axis=0)
            if not entries[:, -1].all():  # an empty slot: nobody has this name
                return None
            found[missed] = entries[:, -1]
            missed = missed[_differ(entries, words.take(missed, axis=0))]
        # an empty name is equal to an empty slot
        return found.view(np.int64) - 1 if found.all() else None


def _differ(entries: Words, words: Words) -> NDArray[np.bool_]:
    differ: NDArray[np.bool_] = entries[:, 0] != words[:, 0]
    for column in range(1, words.shape[1]):
        differ |= entries[:, column] != words[:, column]
    return differ
