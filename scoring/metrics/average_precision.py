"""Average precision: over columns, or over the labels of each row."""

from typing import Literal, TypeAlias

import numpy as np

from scoring.metrics.indicator import indicator
from scoring.metrics.metric import Flags, Floats, Mixed

Average: TypeAlias = Literal["macro", "micro", "weighted", "samples"]

# Numbers ranked in one go: 2**18 of them need about 10 MB besides the answer, and stay in cache.
CHUNK = 2**18


def average_precision(
    truth: Mixed, answer: Floats, classes: int, *, average: Average = "macro"
) -> float:
    """The sum over the thresholds of precision times the gain in recall, without interpolation.

    The truth is bool[n], integer[n] or bool[n, K], the answer float64[n] or float64[n, K].
    Equal numbers pass the threshold together. ``macro`` is the mean over the columns,
    ``weighted`` weighs them by their true rows, ``micro`` takes all columns as one, ``samples``
    is the mean over the rows. A column, or for ``samples`` a row, without a true label has no
    average precision, and the score is nan. Definition: scikit-learn's; see also Buckley &
    Voorhees 2000.

    >>> found = average_precision(np.array([False, True, True]), np.array([0.1, 0.2, 0.05]), 2)
    >>> round(found, 6)
    0.833333
    """
    if answer.ndim == 1:
        return _column(np.asarray(truth, dtype=np.bool_), answer)
    matrix = indicator(truth, classes)
    if average == "micro":
        return _column(matrix.ravel(), answer.ravel())
    if average == "samples":
        return float(np.mean(_rows(matrix, answer, empty=np.nan)))
    columns = np.array([_column(matrix[:, at], answer[:, at]) for at in range(classes)])
    weights = None if average == "macro" else np.count_nonzero(matrix, axis=0)
    return float("nan") if np.isnan(columns).any() else float(np.average(columns, weights=weights))


def label_ranking_average_precision(truth: Flags, answer: Floats, classes: int) -> float:
    """The mean over the rows of the share of true labels at or above each true label.

    The truth is bool[n, K], the answer float64[n, K].
    A row without a true label, or with true ones only, cannot be ranked wrongly and counts 1.
    Tsoumakas, Katakis & Vlahavas, "Mining multi-label data" (2010).

    >>> label_ranking_average_precision(np.array([[True, False]]), np.array([[0.2, 0.8]]), 2)
    0.5
    """
    return float(np.mean(label_rankings(truth, answer, classes)))


def label_rankings(truth: Flags, answer: Floats, classes: int) -> Floats:
    """float64[n]: the label ranking average precision of each row."""
    return _rows(truth, answer, empty=1.0)


def _column(positive: Flags, score: Floats) -> float:
    """The mean over the true rows of the share of true ones among the rows not below them."""
    own, every = np.sort(score[positive]), np.sort(score)
    if not len(own):
        return float("nan")
    true = len(own) - np.searchsorted(own, own, "left")
    placed = len(every) - np.searchsorted(every, own, "left")
    return float(np.mean(true / placed))


def _rows(truth: Flags, answer: Floats, empty: float) -> Floats:
    """float64[n]: each row's average precision, ``empty`` where it has no true label."""
    size = max(1, CHUNK // answer.shape[1])
    parts = [
        _chunk(truth[start : start + size], answer[start : start + size], empty)
        for start in range(0, len(answer), size)
    ]
    return np.concatenate(parts)


def _chunk(truth: Flags, answer: Floats, empty: float) -> Floats:
    order = np.argsort(answer, axis=1)[:, ::-1]
    ranked = np.take_along_axis(answer, order, axis=1)
    true = np.cumsum(np.take_along_axis(truth, order, axis=1), axis=1)
    # equal numbers share the last of their places; a row's last place ends its last group
    ends = np.ones(answer.shape, dtype=np.bool_)
    ends[:, :-1] = ranked[:, :-1] != ranked[:, 1:]
    row, place = np.nonzero(ends)
    reached = true[row, place]
    gained = np.diff(reached, prepend=0)
    first = np.append(True, row[1:] != row[:-1])
    gained[first] = reached[first]
    sums = np.bincount(row, weights=gained * reached / (place + 1), minlength=len(answer))
    labels = true[:, -1]
    out = np.full(len(answer), empty)
    np.divide(sums, labels, out=out, where=labels > 0)
    return out
