"""Whether a file's size in pixels, channels and format tell its class, without a look at it.

The best that anybody can do with such a property is to answer, for each of its values, the class
that most others of that value have. How often that is right, each image being left out of its own
vote, is compared with what comes out when the labels are dealt out anew: above the largest of 200
draws, and well above answering the most frequent class, it is a shortcut.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DRAWS = 200
WORTH_IT = 0.1  # of all images, above the most frequent class
FEWEST = 20  # images; with fewer anything happens by chance


@dataclass(frozen=True)
class Told:
    """How often the class is told, and how often the most frequent class is right; in [0, 1]."""

    right: float
    chance: float


def accuracy(properties: NDArray[np.str_], labels: NDArray[np.str_]) -> Told | None:
    """None where the properties tell nothing that is worth a word."""
    if len(labels) < FEWEST:
        return None
    _names, kinds = np.unique(properties, return_inverse=True)
    classes, codes = np.unique(labels, return_inverse=True)
    chance = float(np.bincount(codes).max() / len(codes))
    right = _left_out(kinds, codes, len(classes))
    if right < chance + WORTH_IT:
        return None
    draw = np.random.default_rng(0)  # the same report for the same files
    by_chance = max(_left_out(kinds, draw.permutation(codes), len(classes)) for _ in range(DRAWS))
    return Told(round(right, 3), round(chance, 3)) if right > by_chance else None


def _left_out(kinds: NDArray[np.intp], codes: NDArray[np.intp], classes: int) -> float:
    """The share that is right when each image is answered by the others of its kind."""
    counts = np.bincount(kinds * classes + codes, minlength=(kinds.max() + 1) * classes)
    table = counts.reshape(-1, classes)
    ordered = np.sort(table, axis=1)
    first, second = ordered[:, -1], ordered[:, -2] if classes > 1 else np.zeros(len(table), int)
    own = table[kinds, codes]
    # Without itself an image's class must still be ahead of every other one.
    rival = np.where(own == first[kinds], second[kinds], first[kinds])
    return float(np.mean((own - 1 > rival) & (own > 1)))
