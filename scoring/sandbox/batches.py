"""How many images a model takes at once, and which sizes of a batch a run can end with.

The job chooses by these rules, and the server knows by the same rules what it may have chosen: a
job that has seen the images and names any other number says something else with it.
"""

from dataclasses import dataclass
from typing import Any

LARGEST = 1024  # images; beyond that no device here gets faster
_MOST = 1 << 20


@dataclass(frozen=True)
class Batches:
    """At least `least` images, at most `most`."""

    least: int = 1
    most: int = _MOST

    @classmethod
    def said(cls, pair: Any) -> "Batches":
        """From the two numbers that a job says of its model; raises ValueError."""
        if not isinstance(pair, list) or len(pair) != 2 or any(type(n) is not int for n in pair):
            raise ValueError
        least, most = pair
        if not 1 <= least <= most:
            raise ValueError
        return cls(least, most)

    def nearest(self, size: int) -> int:
        return max(self.least, min(size, self.most))

    def first(self, asked: int, images: int) -> int:
        """No more than there are images, where the model takes so few."""
        return self.nearest(min(asked, max(1, images)))

    def smaller(self, size: int) -> int | None:
        """What comes after a size for which memory does not suffice; None where none is left."""
        half = self.nearest(size // 2)
        return half if half < size else None

    def sizes(self, asked: int | None, images: int) -> frozenset[int]:
        """All that a run can end with, some twenty numbers at most.

        >>> sorted(Batches().sizes(None, images=12))
        [1, 2, 3, 4, 6, 8, 12]
        """
        powers = [1 << power for power in range(LARGEST.bit_length())]
        found: set[int] = set()
        for start in [asked] if asked is not None else powers:
            size: int | None = self.first(start, images)
            while size is not None and size not in found:
                found.add(size)
                size = self.smaller(size)
        return frozenset(found)
