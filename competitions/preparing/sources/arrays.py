"""Pictures that came as plain numbers, and how many of them are taken into memory."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from competitions.pictures.examining import Picture, Raw
from competitions.preparing.archives import MAX_MEMBERS
from competitions.preparing.sources import expanding
from competitions.preparing.sources.containers import Container
from competitions.preparing.sources.item import Item


@dataclass(frozen=True)
class Numbers:
    """Pictures that lie in arrays, one behind the other."""

    form: str
    items: Sequence[Item]
    arrays: Sequence[NDArray[np.uint8]]  # each (n, height, width[, 3])

    def read(self, index: int) -> Picture:
        for array in self.arrays:
            if index < len(array):
                return Raw(array[index])
            index -= len(array)
        raise IndexError(index)


def room(arrays: Sequence[NDArray[np.uint8]]) -> int:
    """The bytes that one more file may have."""
    left = expanding.MOST_IN_ALL - sum(array.nbytes for array in arrays)
    return max(0, min(expanding.MOST, left))


def refuse_too_many(container: Container, count: int) -> None:
    """Raises Refused before an item is made of each: a picture of one pixel is cheap to send."""
    if count > MAX_MEMBERS:
        raise container.refusal(f"holds more than {MAX_MEMBERS} images, the most taken here.")
