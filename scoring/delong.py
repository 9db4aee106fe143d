"""The area under the ROC curve of several submissions on the same rows, and its covariance.

DeLong, DeLong & Clarke-Pearson 1988. The area is a mean over the rows of either class of their
placement among the other class, so that these values, found once per submission, give the
covariance with any other.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def delong(positive: NDArray[np.bool_], scores: Floats) -> tuple[Floats, Floats]:
    """The AUC of each of S submissions and their covariance: float64[S], float64[S, S].

    positive[n] marks the rows of the positive class; scores[n, S] are higher where a submission is
    surer of it.

    Raises ValueError with under two rows of either class or a score that is not finite.

    >>> y = np.array([False, False, True, True])
    >>> delong(y, np.array([[0.1], [0.4], [0.35], [0.8]]))[0]
    array([0.75])
    """
    found = [placements(positive, values) for values in scores.T]
    wins = np.stack([over for over, _under in found], axis=1)
    losses = np.stack([under for _over, under in found], axis=1)
    covariance = _covariance(wins) / len(wins) + _covariance(losses) / len(losses)
    return wins.mean(axis=0), covariance


def placements(positive: NDArray[np.bool_], values: Floats) -> tuple[Floats, Floats]:
    """Of one submission, values[n]: the share of negatives under each of the m positives, and the
    share of positives over each of the others: float64[m], float64[n - m]. The mean of either is
    the AUC.

    By mid-ranks in O(n log n) as in Sun & Xu 2014 (IEEE Signal Processing Letters 21:1389). Raises
    like `delong`.
    """
    m, n = int(positive.sum()), int((~positive).sum())
    if min(m, n) < 2:
        raise ValueError("DeLong's covariance needs two rows of either class.")
    if not np.isfinite(values).all():
        raise ValueError("Every score must be a finite number.")
    ranks = _mid_ranks(values)
    wins = (ranks[positive] - _mid_ranks(values[positive])) / n
    losses = 1 - (ranks[~positive] - _mid_ranks(values[~positive])) / m
    return wins, losses


def _covariance(rows: Floats) -> Floats:
    return np.atleast_2d(np.cov(rows, rowvar=False))


def _mid_ranks(values: Floats) -> Floats:
    """Ranks from 1, equal values sharing the mean of their places."""
    order = np.argsort(values)
    ascending = values[order]
    starts = np.flatnonzero(np.concatenate([[True], ascending[1:] != ascending[:-1]]))
    ends = np.append(starts[1:], len(values))
    ranks = np.empty(len(values))
    ranks[order] = np.repeat((starts + ends + 1) / 2, ends - starts)
    return ranks
