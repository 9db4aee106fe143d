"""A column of cells of which many are equal: the different ones, and which of them each row has."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from scoring.vocabulary import Vocabulary, Words, WordTable


@dataclass(frozen=True, eq=False)
class Categorical:
    """Row `at` holds ``names[codes[at]]``.

    >>> column = Categorical.of(["cat", "dog", "cat"])
    >>> column.names, column.codes.tolist()
    (('cat', 'dog'), [0, 1, 0])
    """

    names: tuple[str, ...]
    codes: NDArray[np.intp]

    @classmethod
    def of(cls, cells: Sequence[str]) -> Self:
        places = {name: at for at, name in enumerate(dict.fromkeys(cells))}
        codes = np.fromiter(map(places.__getitem__, cells), np.intp, len(cells))
        return cls(tuple(places), codes)

    @classmethod
    def of_words(cls, words: Words) -> Self | None:
        """From cells as words [rows, words of a cell]; None where nearly all are different."""
        different = np.unique(words, axis=0) if words.shape[1] > 1 else np.unique(words)[:, None]
        if len(different) > len(words) // 2 + 16:
            return None
        empty = not different[0].any()
        named = different[1:] if empty else different
        codes = np.zeros(len(words), np.intp)
        filled = words.any(axis=1) if empty else np.ones(len(words), np.bool_)
        if len(named):
            places = WordTable(named).find(words[filled])
            if places is None:
                raise AssertionError("every cell is one of the different cells")
            codes[filled] = places + empty
        names = ("",) * empty + tuple(Vocabulary.from_words(named))
        return cls(names, codes)

    def __len__(self) -> int:
        return len(self.codes)

    def cells(self) -> list[str]:
        return [self.names[code] for code in self.codes.tolist()]

    def line_of(self, wrong: set[str]) -> int:
        """The line in the file of the first row with one of these cells."""
        flags = np.array([name in wrong for name in self.names])
        return 2 + int(np.argmax(flags[self.codes]))
