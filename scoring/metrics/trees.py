"""The classes as the leaves of a tree, and how much of their path two of them share."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scoring.metrics.metric import Codes, Floats


@dataclass(frozen=True, eq=False)
class Tree:
    """``nodes`` intp[K, depth]: the nodes from the root's child to the class, -1 after its end.

    A node's number stands for the whole path down to it, so that equal numbers at one depth mean
    equal paths. K rows, and not K x K distances: 10 000 species would need 800 MB of these.
    """

    nodes: NDArray[np.intp]

    def shared(self, one: Codes, other: Codes) -> Floats:
        """float64[n]: length of the common path, divided by the longer of the two paths.

        >>> tree = tree_of([("animal", "cat"), ("animal", "dog"), ("car",)])
        >>> tree.shared(np.array([0, 0, 0]), np.array([0, 1, 2]))
        array([1. , 0.5, 0. ])
        """
        left, right = self.nodes[one], self.nodes[other]
        common = np.count_nonzero((left == right) & (left >= 0), axis=1)
        longest = np.count_nonzero((left >= 0) | (right >= 0), axis=1)
        return np.asarray(common / longest, dtype=np.float64)


def tree_of(paths: Sequence[tuple[str, ...]]) -> Tree:
    """The tree with one path per class, in the order of the classes; each ends in the class."""
    numbers: dict[tuple[str, ...], int] = {}
    nodes = np.full((len(paths), max(map(len, paths))), -1, dtype=np.intp)
    for code, path in enumerate(paths):
        for depth in range(len(path)):
            nodes[code, depth] = numbers.setdefault(path[: depth + 1], len(numbers))
    return Tree(nodes)
