"""The paired bootstrap: every submission of a challenge is resampled with the same draws.

Efron 1979. The weights are drawn once per challenge and reused, so that differences between
submissions stay paired and a score's interval does not change when another one comes in.
"""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

REPLICATES = 1000  # enough for two digits of a 95 % interval's ends
BLOCK = 128  # replicates at a time: 10 000 rows as float64 then need 10 MB, not 80
BLOCK_CELLS = 4_000_000  # counts of resampled confusion matrices held at a time: 32 MB

# confusion matrices int64[..., K, K], true class by predicted class, to one score each
Statistic = Callable[[NDArray[np.int64]], NDArray[np.float64]]


def bootstrap_weights(n: int, replicates: int = REPLICATES, seed: int = 0) -> NDArray[np.uint8]:
    """How often each row is drawn: uint8[replicates, n], each replicate summing to n.

    Counting n uniform integers is the multinomial draw by definition, and an eighth of the time of
    drawing n binomials. One byte is enough: a row's count has mean 1 and variance 1.

    Raises ValueError without rows.

    >>> bootstrap_weights(5, replicates=2, seed=7)
    array([[0, 0, 1, 2, 2],
           [1, 2, 0, 1, 1]], dtype=uint8)
    """
    if n < 1:
        raise ValueError("A bootstrap needs at least one row.")
    draw = np.random.default_rng(seed)
    weights = np.empty((replicates, n), np.uint8)
    for replicate in weights:
        replicate[:] = np.bincount(draw.integers(0, n, n), minlength=n)
    return weights


def replicate_means(
    weights: NDArray[np.uint8], rows: NDArray[np.float64] | NDArray[np.bool_]
) -> NDArray[np.float64]:
    """The mean of every column of rows[n, S] in every replicate: float64[replicates, S].

    Booleans go through float32, in which their sums are exact up to 16 777 216 rows, in a third of
    the time.

    >>> replicate_means(np.array([[1, 1], [2, 0]], np.uint8), np.array([[1.0, 0.0], [0.0, 0.0]]))
    array([[0.5, 0. ],
           [1. , 0. ]])
    """
    n = len(rows)
    exact = rows.dtype == np.bool_ and n <= 2**24
    values = rows.astype(np.float32 if exact else np.float64)
    means = np.empty((len(weights), rows.shape[1]))
    for start in range(0, len(weights), BLOCK):
        block = weights[start : start + BLOCK].astype(values.dtype)
        np.divide(block @ values, n, out=means[start : start + BLOCK], dtype=np.float64)
    return means


def leader_differences(replicates: NDArray[np.float64], leader: int) -> NDArray[np.float64]:
    """What the leader has more than each column, per replicate: float64[replicates, S].

    >>> leader_differences(np.array([[0.5, 0.25], [1.0, 0.25]]), leader=0)
    array([[0.  , 0.25],
           [0.  , 0.75]])
    """
    return replicates[:, [leader]] - replicates


def confusion_replicates(
    confusion: NDArray[np.int64],
    statistic: Statistic,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> NDArray[np.float64]:
    """A count metric (macro F1, kappa, MCC …) in every replicate: float64[replicates].

    Exact: drawing rows with replacement is drawing the confusion[K, K] of true by predicted class
    from a multinomial distribution on its cells. The cost grows with K², and not with the rows.

    `statistic` scores a stack of matrices int64[..., K, K]. Raises ValueError without rows.

    >>> hits = lambda stack: np.trace(stack, axis1=-2, axis2=-1) / stack.sum((-2, -1))
    >>> scores = confusion_replicates(np.array([[450, 50], [50, 450]]), hits)
    >>> round(float(scores.mean()), 2), round(float(scores.std()), 3)
    (0.9, 0.01)
    """
    cells = np.flatnonzero(confusion)
    classes = len(confusion)
    blocks = _drawn(confusion.ravel()[cells], classes, replicates, seed)
    return np.concatenate([statistic(_tally(block, cells, classes)) for block in blocks])


def paired_confusion_replicates(
    truth: NDArray[np.intp],
    answers: tuple[NDArray[np.intp], NDArray[np.intp]],
    classes: int,
    statistic: Statistic,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> NDArray[np.float64]:
    """A count metric of two submissions on the same draws: float64[replicates, 2].

    truth and both answers are class codes intp[n] below `classes`. Exact like
    `confusion_replicates`, with the multinomial on the joint cells (true class, first answer,
    second answer). Raises ValueError without rows.
    """
    first, second = answers
    joint = np.ravel_multi_index((truth, first, second), (classes, classes, classes))
    cells, counts = np.unique(joint, return_counts=True)
    true, one, other = np.unravel_index(cells, (classes, classes, classes))
    sides = (true * classes + one, true * classes + other)
    return np.concatenate(
        [
            np.stack([statistic(_tally(block, side, classes)) for side in sides], axis=1)
            for block in _drawn(counts, classes, replicates, seed)
        ]
    )


def _drawn(
    counts: NDArray[np.int64], classes: int, replicates: int, seed: int
) -> Iterator[NDArray[np.int64]]:
    n = int(counts.sum())
    if n < 1:
        raise ValueError("A bootstrap needs at least one row.")
    draw = np.random.default_rng(seed)
    size = max(1, BLOCK_CELLS // max(len(counts), classes * classes))
    for start in range(0, replicates, size):
        yield draw.multinomial(n, counts / n, size=min(size, replicates - start))


def _tally(draws: NDArray[np.int64], cells: NDArray[np.intp], classes: int) -> NDArray[np.int64]:
    """The draws int64[B, M], each of which belongs to a cell of a confusion matrix [B, K, K]."""
    order = np.argsort(cells, kind="stable")
    filled, starts = np.unique(cells[order], return_index=True)
    matrices = np.zeros((len(draws), classes * classes), np.int64)
    matrices[:, filled] = np.add.reduceat(draws[:, order], starts, axis=1)
    return matrices.reshape(-1, classes, classes)
