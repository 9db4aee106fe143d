"""Names that are numbers, such as 17, 00017 or img_00017.png: found by counting, without a hash.

Most challenges number their images. The table is then a plain array by number, which costs half the
time of a hash table at a million ids.
"""

import re
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from scoring.reading.blocks import MARGIN, Lines, Positions
from scoring.reading.decimals import KEEP_LAST, digits
from scoring.vocabulary import KEEP_FIRST, Places, Vocabulary, Words

# the last run of digits, with what stands before and behind it in all names
_PARTS = re.compile(rb"(.*?)([0-9]{1,8})([^0-9]*)", re.DOTALL)
_LONGEST = 8  # bytes before or behind the number
SPARSE = 16  # the most places of the array for each name


@dataclass(frozen=True, eq=False)
class NumberTable:
    """`place[number]` is a name's place, -1 for numbers without one; see `of`."""

    prefix: bytes
    suffix: bytes
    width: int  # digits, where all names have as many; 0: as many as the number needs
    place: NDArray[np.int32]

    @classmethod
    def of(cls, names: Vocabulary) -> Self | None:
        """None unless all names are numbers between the same few characters."""
        if names.table is None or not len(names):
            return None
        parts = _PARTS.fullmatch(names.table.words[0].tobytes().rstrip(b"\0"))
        if parts is None or max(len(parts[1]), len(parts[3])) > _LONGEST:
            return None
        lines, starts, ends = _as_lines(names.table.words)
        lengths = ends - starts
        width = int(lengths[0]) - len(parts[1]) - len(parts[3])
        same = bool((lengths == lengths[0]).all())
        table = cls(parts[1], parts[3], width if same else 0, np.zeros(0, np.int32))
        numbers = table.numbers(lines, starts, ends)
        if numbers is None or numbers.max() >= SPARSE * len(names) + MARGIN:
            return None
        place = np.full(int(numbers.max()) + 1, -1, np.int32)
        place[numbers] = np.arange(len(names))
        return cls(table.prefix, table.suffix, table.width, place)

    def find(self, lines: Lines, starts: Positions, ends: Positions) -> Places | None:
        """The place of each name; None when one is unknown."""
        numbers = self.numbers(lines, starts, ends)
        if numbers is None or numbers.max(initial=0) >= len(self.place):
            return None
        places = self.place.take(numbers)
        return None if places.min(initial=0) < 0 else places

    def numbers(self, lines: Lines, starts: Positions, ends: Positions) -> Positions | None:
        """The number in each name; None when one is not written like ours."""
        counts = ends - starts - (len(self.prefix) + len(self.suffix))
        if counts.min(initial=1) < 1 or counts.max(initial=1) > 8:
            return None
        if not self._is_framed(lines, starts, ends):
            return None
        if self.width == 0:
            first = lines.bytes.take(starts + len(self.prefix))
            if ((first == ord("0")) & (counts > 1)).any():
                return None
        elif (counts != self.width).any():
            return None
        numbers, wrong = digits(lines.before(ends - len(self.suffix), 1)[0], counts)
        return None if wrong.any() else numbers.view(np.int64)

    def _is_framed(self, lines: Lines, starts: Positions, ends: Positions) -> bool:
        before, behind = len(self.prefix), len(self.suffix)
        if before:
            found = lines.after(starts, 1)[0] & KEEP_FIRST[before]
            if (found != int.from_bytes(self.prefix, "little")).any():
                return False
        if behind:
            found = lines.before(ends, 1)[0] & KEEP_LAST[behind]
            wanted = int.from_bytes(self.suffix, "little") << 8 * (8 - behind)
            return not (found != np.uint64(wanted)).any()
        return True


def _as_lines(words: Words) -> tuple[Lines, Positions, Positions]:
    """Names that are kept as words, as if they stood in a file at equal distances."""
    size = 8 * words.shape[1]
    lines = Lines.of_words(words)
    starts = MARGIN + size * np.arange(len(words))
    lengths = (lines.bytes[MARGIN : MARGIN + words.nbytes].reshape(-1, size) != 0).sum(axis=1)
    return lines, starts, starts + lengths
