"""What one submission's rows tell of its score's uncertainty: found once, combined with any others.

How depends on the metric. A mean of one value per row has these values; the AUC of one positive
class has DeLong's placements; for everything else the metric itself is computed again on resampled
rows, the same ones for every submission.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from scoring.bootstrap import REPLICATES
from scoring.delong import placements
from scoring.errors import SolutionError
from scoring.evaluate import Judged, value
from scoring.solutions import Solution, Split

SEED = 0
MOST_UNDEFINED = 0.05  # of the resamples; beyond, those that are left are a biased choice
BLOCK = 8192  # rows of all submissions at a time: 13 MB for 200 of them

Method: TypeAlias = Literal["rows", "delong", "bootstrap"]
Floats: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Evidence:
    """A score on n rows, and the parts of which its covariance with any other is made.

    ``parts`` are, by ``method``: ``rows`` the scores per row [n], booleans where each is 0 or 1;
    ``delong`` the placements of the positive and of the negative rows, float64[m] and [n - m];
    ``bootstrap`` the scores on the resamples, float64[B], nan where the metric is undefined.
    """

    method: Method
    score: float
    parts: tuple[NDArray[Any], ...]

    @property
    def nbytes(self) -> int:
        return sum(part.nbytes for part in self.parts)

    @property
    def error(self) -> float:
        """The score's own standard error."""
        return float(np.sqrt(covariance([self])[0, 0]))


def evidence(judged: Judged, solution: Solution, split: Split) -> Evidence:
    """Of a file that was read, on the rows of a split, which alone are looked at.

    Raises SolutionError where the rows are too few, or the metric is undefined on too many
    resamples of them.
    """
    score = value(judged, solution, split)
    truth, answer, classes = judged.call(solution, split)
    if score is None or len(truth) < 2:
        raise SolutionError("A comparison needs at least two rows that count.")
    metric = judged.metric
    if metric.rows is not None:
        rows: NDArray[Any] = metric.rows(truth, answer, classes, **judged.arguments)
        kept = rows.astype(np.bool_) if metric.interval == "wilson" else rows
        return Evidence("rows", score, (kept,))
    if metric.key == "roc_auc" and judged.form.layout == "score":
        if min(np.count_nonzero(truth), np.count_nonzero(~truth)) < 2:
            raise SolutionError("A comparison of areas needs two rows of each class at least.")
        return Evidence("delong", score, placements(truth, answer))
    return Evidence("bootstrap", score, (_resampled(judged, truth, answer, classes),))


def covariance(found: Sequence[Evidence]) -> Floats:
    """The covariance of the scores of S submissions on the same rows: float64[S, S].

    All of one metric, layout and split. The same parts give the same bits.
    """
    columns = list(zip(*(one.parts for one in found), strict=True))
    if found[0].method == "bootstrap":
        (scores,) = columns
        replicates = np.stack(scores, axis=1)
        defined = replicates[np.isfinite(replicates).all(axis=1)]
        return np.atleast_2d(np.cov(defined, rowvar=False))
    total: Floats = sum((_of_means(parts) for parts in columns), np.zeros((len(found),) * 2))
    return total


def _of_means(columns: Sequence[NDArray[Any]]) -> Floats:
    """As `scoring.intervals.covariance_of_means`, without all columns at once in memory."""
    n = len(columns[0])
    means = np.array([column.mean() for column in columns])
    total = np.zeros((len(columns), len(columns)))
    for start in range(0, n, BLOCK):
        block = np.stack([column[start : start + BLOCK] for column in columns], axis=1) - means
        total += block.T @ block
    return total / (n - 1) / n


def _resampled(judged: Judged, truth: NDArray[Any], answer: NDArray[Any], classes: int) -> Floats:
    """The scores on resampled rows, float64[B]. The draws hang on the number of rows alone."""
    draw, rows = np.random.default_rng(SEED), len(truth)
    found = np.empty(REPLICATES)
    for replicate in range(REPLICATES):
        at = draw.integers(0, rows, rows)
        found[replicate] = judged.metric.function(
            truth[at], answer[at], classes, **judged.arguments
        )
    if np.isfinite(found).sum() < (1 - MOST_UNDEFINED) * REPLICATES:
        raise SolutionError(
            "The metric is undefined on too many resamples of the rows: some class has too few of "
            "them for a comparison."
        )
    return found
