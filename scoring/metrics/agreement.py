"""Agreement beyond chance: Matthews' correlation and Cohen's kappa.

Truth and answer hold one class code per row, integer[n]. Both need no more than the number of rows
per class; no table of all pairs of classes is made. The sums are whole numbers and exact.
"""

from math import sqrt
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from scoring.metrics.metric import Codes

Weights: TypeAlias = Literal["none", "linear", "quadratic"]


def matthews_corrcoef(truth: Codes, answer: Codes, classes: int) -> float:
    """The correlation R_K between two labellings (Gorodkin 2004); nan if the truth is constant.

    A constant answer has no correlation with anything; it is worth 0.

    >>> round(matthews_corrcoef(np.array([0, 1, 1, 1]), np.array([0, 0, 1, 1]), 2), 6)
    0.57735
    """
    n = len(truth)
    true, given = _rows(truth, classes), _rows(answer, classes)
    spread = n * n - _dot(true, true)
    if not spread:
        return float("nan")
    named = n * n - _dot(given, given)
    hits = int(np.count_nonzero(truth == answer))
    return (n * hits - _dot(true, given)) / sqrt(spread * named) if named else 0.0


def cohen_kappa(truth: Codes, answer: Codes, classes: int, *, weights: Weights = "none") -> float:
    """1 - observed / expected disagreement (Cohen 1960, weighted 1968).

    ``none`` counts every wrong class alike, ``linear`` and ``quadratic`` by |i - j| and its
    square, the classes being in order. nan if both sides name one class alone.

    >>> round(cohen_kappa(np.array([0, 1, 2, 2]), np.array([0, 2, 2, 2]), 3), 6)
    0.555556
    """
    true, given = _rows(truth, classes), _rows(answer, classes)
    observed = _observed(truth, answer, weights)
    expected = _EXPECTED[weights](true, given)
    return 1 - len(truth) * observed / expected if expected else float("nan")


def _observed(truth: Codes, answer: Codes, weights: Weights) -> int:
    if weights == "none":
        return int(np.count_nonzero(truth != answer))
    away = np.subtract(truth, answer, dtype=np.int64)
    return int(np.abs(away).sum()) if weights == "linear" else int(np.dot(away, away))


def _any(true: NDArray[np.int64], given: NDArray[np.int64]) -> int:
    """How many pairs of a true and a given label differ."""
    return int(true.sum()) * int(given.sum()) - _dot(true, given)


def _linear(true: NDArray[np.int64], given: NDArray[np.int64]) -> int:
    """The sum of |i - j| over these pairs: how many of them each border between classes parts."""
    n = int(true.sum())
    below, named_below = np.cumsum(true), np.cumsum(given)
    return _dot(below, n - named_below) + _dot(named_below, n - below)


def _quadratic(true: NDArray[np.int64], given: NDArray[np.int64]) -> int:
    """The sum of (i - j)^2 over these pairs, from the first two moments of each side."""
    n, place = int(true.sum()), np.arange(len(true))
    squares = _dot(true + given, place * place)
    return n * squares - 2 * _dot(true, place) * _dot(given, place)


_EXPECTED = {"none": _any, "linear": _linear, "quadratic": _quadratic}


def _rows(codes: Codes, classes: int) -> NDArray[np.int64]:
    return np.bincount(codes, minlength=classes).astype(np.int64)


def _dot(one: NDArray[np.int64], other: NDArray[np.int64]) -> int:
    return int(np.dot(one, other))
