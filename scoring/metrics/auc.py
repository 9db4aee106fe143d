"""The area under the ROC curve: how often a right row is placed above a wrong one.

Only the order of the numbers counts; of two equal ones each is placed first half the time
(mid-ranks). Where a class has no row, or nothing but rows, there is no area, and the score is nan.
"""

from math import isnan
from typing import Literal, TypeAlias

import numpy as np

from scoring.metrics.indicator import indicator
from scoring.metrics.metric import Codes, Flags, Floats, Mixed

MultiClass: TypeAlias = Literal["ovr", "ovo"]
Average: TypeAlias = Literal["macro", "weighted"]

# ALASKA2: what lies below this true-positive rate weighs twice
KNEE = 0.4


def roc_auc(
    truth: Mixed,
    answer: Floats,
    classes: int,
    *,
    multi_class: MultiClass = "ovr",
    average: Average = "macro",
) -> float:
    """Area under the ROC curve of float64[n] or float64[n, K], whose columns are taken as they are.

    The truth is bool[n], integer[n] or bool[n, K]. With codes: ``ovr``, each class against all the
    rest, the mean over the classes, or weighted by their rows; ``ovo``, each pair of classes, both
    ways (Hand & Till 2001), the mean over the pairs, or weighted by their rows. With a matrix: the
    mean over the columns, or weighted by their true rows.

    >>> roc_auc(np.array([False, False, True, True]), np.array([0.1, 0.4, 0.35, 0.8]), 2)
    0.75
    """
    if answer.ndim == 1:
        return area(np.asarray(truth, dtype=np.bool_), answer)
    if truth.ndim == 2 and multi_class == "ovo":
        return float("nan")  # pairs of classes exclude each other, sets of labels do not
    if multi_class == "ovo":
        return _one_against_one(truth, answer, classes, average)
    matrix = indicator(truth, classes)
    areas = np.array([area(matrix[:, at], answer[:, at]) for at in range(classes)])
    if average == "macro" or np.isnan(areas).any():
        return float(np.mean(areas))
    return float(np.average(areas, weights=np.count_nonzero(matrix, axis=0)))


def mean_column_roc_auc(truth: Flags, answer: Floats, classes: int) -> float:
    """The mean over the columns of each column's area; bool[n, K] and float64[n, K].

    >>> truth = np.array([[True, False], [False, True]])
    >>> mean_column_roc_auc(truth, np.array([[0.9, 0.5], [0.1, 0.5]]), 2)
    0.75
    """
    return roc_auc(truth, answer, classes)


def area(positive: Flags, score: Floats) -> float:
    """The area for one column, bool[n] and float64[n].

    Exact: pairs are counted, in whole numbers (Mann & Whitney 1947).

    >>> area(np.array([True, False]), np.array([0.5, 0.5]))
    0.5
    """
    above, below = np.sort(score[positive]), np.sort(score[~positive])
    if not len(above) or not len(below):
        return float("nan")
    # two sorts and a search of sorted numbers: faster than the ranks of one argsort
    lower = np.searchsorted(below, above, "left").sum()
    lower_or_equal = np.searchsorted(below, above, "right").sum()
    return (int(lower) + int(lower_or_equal)) / (2 * len(above) * len(below))


def _one_against_one(truth: Codes, answer: Floats, classes: int, average: Average) -> float:
    rows = np.bincount(truth, minlength=classes)
    if classes < 2 or not rows.all():
        return float("nan")
    ways = np.stack([_against_each(truth, answer[:, at], at, rows) for at in range(classes)])
    one, other = np.triu_indices(classes, 1)
    pairs = (ways[one, other] + ways[other, one]) / 2
    weights = None if average == "macro" else rows[one] + rows[other]
    return float(np.average(pairs, weights=weights))


def _against_each(truth: Codes, score: Floats, own: int, rows: Codes) -> Floats:
    """float64[K]: the area for the rows of one class against those of each other class."""
    # a search of sorted numbers finds most of what it reads in the cache
    order = np.argsort(score)
    score, truth = score[order], truth[order]
    column = score[truth == own]
    below = np.searchsorted(column, score, "left") + np.searchsorted(column, score, "right")
    # twice the own rows that lie below, ties as half: whole numbers, exact in float64
    twice = np.bincount(truth, weights=below, minlength=len(rows))
    return np.asarray(1 - twice / (2 * len(column) * rows), dtype=np.float64)


def weighted_roc_auc(truth: Flags, answer: Floats, classes: int) -> float:
    """ALASKA2's area: below a true-positive rate of 0.4 it weighs 2, above 1, divided by 1.4.

    The truth is bool[n], the answer float64[n]. The curve is integrated exactly, its point at 0.4
    included. The challenge: Cogranne, Giboulot & Bas, "ALASKA#2: Challenging academic research on
    steganalysis with realistic images" (2020).

    >>> weighted_roc_auc(np.array([True, False]), np.array([0.9, 0.1]), 2)
    1.0
    """
    whole = area(truth, answer)
    if isnan(whole):
        return whole
    false_rate, true_rate = _curve(truth, answer)
    at = int(np.searchsorted(true_rate, KNEE))
    crossing = np.interp(KNEE, true_rate[at - 1 : at + 1], false_rate[at - 1 : at + 1])
    capped = np.minimum(np.insert(true_rate, at, KNEE), KNEE)
    twice = np.trapezoid(capped, np.insert(false_rate, at, crossing))
    # 2 min(t, knee) + max(t - knee, 0) = min(t, knee) + t
    return float(twice + whole) / (1 + KNEE)


def _curve(positive: Flags, score: Floats) -> tuple[Floats, Floats]:
    """False- and true-positive rate at each threshold, from (0, 0) to (1, 1)."""
    order = np.argsort(score)[::-1]
    ranked = score[order]
    ends = np.append(np.flatnonzero(ranked[:-1] != ranked[1:]), len(score) - 1)
    hits = np.append(0, np.cumsum(positive[order])[ends])
    rows = np.append(0, ends + 1)
    return (rows - hits) / (len(score) - hits[-1]), hits / hits[-1]
