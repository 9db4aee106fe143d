"""The same pictures, and nearly the same ones, among tens of thousands.

Candidates are all pairs whose hashes differ in few bits: every pair is compared, in blocks, so none
is missed. A candidate counts where the two views are alike too, once brightness and contrast are
taken out. How alike depends on the set: of photographs those that agree by LIKE are one scene taken
twice, looked at on CIFAR-10. Centred digits and garments are alike by nature; where more than CROWD
of all images would have a twin, only what agrees by SAME counts.
"""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

FAR, CLOSE = 10, 8  # bits of 64 in which hashes differ: of a pair that is like, or the same
LIKE, SAME = 0.95, 0.999  # correlation of two views
CROWD, FEW = 0.03, 20  # of all images; and of a small set so many in any case
FLAT = 4.0  # standard deviation of a view below which it shows nothing to compare
ROWS, COLUMNS = 64, 16_384  # of a block: some megabytes, within a processor's cache
PAIRS = 4096  # compared at once: some megabytes of views

Pairs = tuple[NDArray[np.intp], NDArray[np.intp]]


def exact(digests: NDArray[np.void]) -> list[list[int]]:
    """Sets of two and more equal ones, as ascending indices, in the order of their first."""
    _values, codes = np.unique(digests, return_inverse=True)
    order = np.argsort(codes, kind="stable")
    starts = np.flatnonzero(np.diff(codes[order])) + 1
    groups = np.split(order, starts)
    return sorted(group.tolist() for group in groups if len(group) > 1)


def near(
    hashes: NDArray[np.uint64], views: NDArray[np.uint8], tick: Callable[[], None] = lambda: None
) -> list[list[int]]:
    """Sets of pictures that are linked by likeness, equal ones too; indices ascend.

    ``hashes`` is (n,), ``views`` (n, bytes of a view); ``tick`` is called now and then and may end
    it all. What hangs together already is not compared again: of a film of ten thousand frames
    that are all alike each is compared a few times, and not with every other one.
    """
    normal = _normal(views)
    like, same = _Links(len(hashes)), _Links(len(hashes))
    for left, right in _candidates(hashes, lambda: CLOSE if like.is_crowded else FAR):
        tick()
        for start in range(0, len(left), PAIRS):
            a, b = same.apart(left[start : start + PAIRS], right[start : start + PAIRS])
            alike = np.einsum("ij,ij->i", normal[a], normal[b])
            if not like.is_crowded:
                like.add(a[alike >= LIKE], b[alike >= LIKE])
            same.add(a[alike >= SAME], b[alike >= SAME])
    return (same if like.is_crowded else like).sets()


class _Links:
    """Which pictures hang together, as a forest of parents."""

    def __init__(self, count: int) -> None:
        self._parent = list(range(count))
        self._is_linked = np.zeros(count, np.bool_)
        self.is_crowded = False  # whether more than CROWD of all hang together
        self._roots, self._is_changed = np.arange(count), False

    def add(self, left: NDArray[np.intp], right: NDArray[np.intp]) -> None:
        if not len(left):
            return
        self._is_changed = True
        self._is_linked[left] = self._is_linked[right] = True
        for a, b in zip(left.tolist(), right.tolist(), strict=True):
            a, b = self._root(a), self._root(b)
            self._parent[max(a, b)] = min(a, b)
        most = max(CROWD * len(self._parent), FEW)
        self.is_crowded = self.is_crowded or bool(self._is_linked.sum() > most)

    def apart(self, left: NDArray[np.intp], right: NDArray[np.intp]) -> Pairs:
        """Those pairs that do not hang together yet."""
        if self._is_changed:
            roots = np.array(self._parent)
            while not np.array_equal(further := roots[roots], roots):
                roots = further
            self._roots, self._is_changed = roots, False
        is_apart = self._roots[left] != self._roots[right]
        return left[is_apart], right[is_apart]

    def sets(self) -> list[list[int]]:
        found: dict[int, list[int]] = {}
        for i in np.flatnonzero(self._is_linked).tolist():
            found.setdefault(self._root(i), []).append(i)
        return sorted(found.values())

    def _root(self, i: int) -> int:
        parent = self._parent
        while parent[i] != i:
            parent[i] = i = parent[parent[i]]
        return i


def _candidates(hashes: NDArray[np.uint64], radius: Callable[[], int]) -> Iterator[Pairs]:
    """All pairs i < j whose hashes differ in up to ``radius()`` bits, asked for at each row."""
    count = len(hashes)
    for top in range(0, count, ROWS):
        bits = radius()
        rows = hashes[top : top + ROWS, None]
        for start in range(top, count, COLUMNS):
            differing = np.bitwise_count(rows ^ hashes[None, start : start + COLUMNS])
            i, j = np.divmod(np.flatnonzero(differing <= bits), differing.shape[1])
            i, j = i + top, j + start
            later = i < j
            if later.any():
                yield i[later], j[later]


def _normal(views: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Without mean and contrast, of length 1; a flat view is like nothing."""
    values = views.astype(np.float32)
    values -= values.mean(axis=1, keepdims=True)
    length = np.linalg.norm(values, axis=1, keepdims=True)
    is_flat = length < FLAT * np.sqrt(values.shape[1])
    values /= np.where(is_flat, np.inf, length)
    return values
