"""Scores that are made of counts per class: precision, recall, F, Jaccard.

Truth and answer hold one class code per row, integer[n], or a set of labels per row, bool[n, K].
A quotient without anything to count is 0, with one exception: averaged over samples, a row that
has no true label and got none is right, and counts 1.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from scoring.metrics.metric import Floats, Mixed

Average: TypeAlias = Literal["macro", "micro", "weighted", "binary", "samples"]


class Counts(NamedTuple):
    """Per class, or per row: how many labels were right, were given, were to be given."""

    hits: NDArray[np.int64]
    given: NDArray[np.int64]
    true: NDArray[np.int64]


# the numerator and the denominator of a score
Quotient: TypeAlias = Callable[[Counts], tuple[NDArray[Any], NDArray[Any]]]


@dataclass(frozen=True, eq=False)
class PerClass:
    """One value per class, in the order of the classes; 0 where nothing could be counted."""

    precision: Floats
    recall: Floats
    f1: Floats
    support: NDArray[np.int64]


def per_class(truth: Mixed, answer: Mixed, classes: int) -> PerClass:
    """Precision, recall and F1 as float64[K], and the number of true rows as int64[K].

    >>> per_class(np.array([0, 1, 1]), np.array([0, 0, 1]), 2).precision
    array([0.5, 1. ])
    """
    counts = class_counts(truth, answer, classes)
    return PerClass(
        precision=_divided(*_precision(counts)),
        recall=_divided(*_recall(counts)),
        f1=_divided(*_f(1.0)(counts)),
        support=counts.true,
    )


def precision(
    truth: Mixed,
    answer: Mixed,
    classes: int,
    *,
    average: Average = "macro",
    positive: int | None = None,
) -> float:
    """How much of what was given is right: TP / (TP + FP).

    >>> precision(np.array([0, 0, 1, 1]), np.array([0, 0, 1, 0]), 2, average="binary", positive=1)
    1.0
    """
    return _averaged(truth, answer, classes, _precision, average, positive)


def recall(
    truth: Mixed,
    answer: Mixed,
    classes: int,
    *,
    average: Average = "macro",
    positive: int | None = None,
) -> float:
    """How much of what was to be found was found: TP / (TP + FN).

    >>> recall(np.array([0, 0, 1, 1]), np.array([0, 0, 1, 0]), 2, average="binary", positive=1)
    0.5
    """
    return _averaged(truth, answer, classes, _recall, average, positive)


def f1(
    truth: Mixed,
    answer: Mixed,
    classes: int,
    *,
    average: Average = "macro",
    positive: int | None = None,
) -> float:
    """The harmonic mean of precision and recall: 2TP / (2TP + FP + FN).

    >>> round(f1(np.array([0, 0, 1, 1]), np.array([0, 0, 1, 0]), 3), 6)
    0.488889
    """
    return _averaged(truth, answer, classes, _f(1.0), average, positive)


def fbeta(
    truth: Mixed,
    answer: Mixed,
    classes: int,
    *,
    average: Average = "macro",
    positive: int | None = None,
    beta: float = 2.0,
) -> float:
    """F with recall worth beta times as much as precision (van Rijsbergen 1979).

    >>> truth = np.array([[True, False, True], [False, False, False]])
    >>> answer = np.array([[True, False, False], [False, False, False]])
    >>> round(fbeta(truth, answer, 3, average="samples"), 6)
    0.777778
    """
    return _averaged(truth, answer, classes, _f(beta), average, positive)


def jaccard(
    truth: Mixed,
    answer: Mixed,
    classes: int,
    *,
    average: Average = "samples",
    positive: int | None = None,
) -> float:
    """What both have, divided by what either has: TP / (TP + FP + FN) (Jaccard 1901).

    >>> jaccard(np.array([[True, False, True]]), np.array([[True, True, False]]), 3)
    0.3333333333333333
    """
    return _averaged(truth, answer, classes, _jaccard, average, positive)


def class_counts(truth: Mixed, answer: Mixed, classes: int) -> Counts:
    """The counts of each class; ``given - hits`` are its FP and ``true - hits`` its FN."""
    if truth.ndim == 2:
        columns = (truth & answer, answer, truth)
        return Counts(*(np.count_nonzero(column, axis=0).astype(np.int64) for column in columns))
    hits = np.bincount(truth, weights=truth == answer, minlength=classes)
    return Counts(
        hits.astype(np.int64),
        np.bincount(answer, minlength=classes),
        np.bincount(truth, minlength=classes),
    )


def _averaged(
    truth: Mixed,
    answer: Mixed,
    classes: int,
    quotient: Quotient,
    average: Average,
    positive: int | None,
) -> float:
    if average == "samples":
        return _over_rows(truth, answer, quotient)
    counts = class_counts(truth, answer, classes)
    if average == "micro":
        counts = Counts(*(array.sum(keepdims=True) for array in counts))
    scores = _divided(*quotient(counts))
    if average == "binary":
        return float(scores[positive])
    if average == "weighted":
        rows = int(counts.true.sum())
        return float((scores * counts.true).sum()) / rows if rows else float("nan")
    # the challenge's class list decides: a class in neither file counts as 0
    return float(np.mean(scores))


def _over_rows(truth: Mixed, answer: Mixed, quotient: Quotient) -> float:
    if truth.ndim == 1:  # one label against one label: every quotient is 0 or 1
        return int(np.count_nonzero(truth == answer)) / len(truth)
    columns = (truth & answer, answer, truth)
    counts = Counts(*(np.count_nonzero(column, axis=1).astype(np.int64) for column in columns))
    scores = _divided(*quotient(counts))
    scores[(counts.given == 0) & (counts.true == 0)] = 1.0
    return float(np.mean(scores))


def _precision(counts: Counts) -> tuple[NDArray[Any], NDArray[Any]]:
    return counts.hits, counts.given


def _recall(counts: Counts) -> tuple[NDArray[Any], NDArray[Any]]:
    return counts.hits, counts.true


def _jaccard(counts: Counts) -> tuple[NDArray[Any], NDArray[Any]]:
    return counts.hits, counts.given + counts.true - counts.hits


def _f(beta: float) -> Quotient:
    def quotient(counts: Counts) -> tuple[NDArray[Any], NDArray[Any]]:
        # the right ones are the same term twice, so that a perfect answer is 1 to the last bit
        right = (1 + beta * beta) * counts.hits
        missed = beta * beta * (counts.true - counts.hits)
        return right, right + missed + (counts.given - counts.hits)

    return quotient


def _divided(numerator: NDArray[Any], denominator: NDArray[Any]) -> Floats:
    out = np.zeros(len(numerator))
    np.divide(numerator, denominator, out=out, where=denominator > 0)
    return out
