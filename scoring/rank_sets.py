"""Ranks with honesty: between which places a team may be, and who is tied with the leader.

Mogstad, Romano, Shaikh & Wilhelm, "Inference for ranks with applications to mobility across
neighbourhoods and academic achievement across countries", Review of Economic Studies 2023
(doi 10.1093/restud/rdad006). Overlapping intervals of single scores are no substitute: on the same
rows they are too wide for the difference of two teams, and blind to how many teams there are.
"""

from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.intervals import covariance_of_means
from scoring.metrics import Direction

DRAWS = 1000  # of the max statistic: its 95 % quantile then has a standard error of about 0.03
# A variance of a difference under this part of the variances' sum is rounding error.
RESOLUTION = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class RankSets:
    """For every one of S teams, in the order given; ranks count from 1, the best.

    lower, upper: int[S], the ends of the rank set, which holds the true rank at the level asked.
    tied: bool[S], whether the team cannot be told from the best one.
    two_sided, one_sided: float64[S], the critical values of `lower`/`upper` and of `tied`.
    errors: float64[S, S], the standard error of every score's difference to every other.
    """

    scores: NDArray[np.float64]
    lower: NDArray[np.intp]
    upper: NDArray[np.intp]
    tied: NDArray[np.bool_]
    two_sided: NDArray[np.float64]
    one_sided: NDArray[np.float64]
    errors: NDArray[np.float64]


def rank_sets(
    rows: NDArray[Any],
    direction: Direction = "maximize",
    level: float = 0.95,
    draws: int = DRAWS,
    seed: int = 0,
) -> RankSets:
    """Rank sets of teams whose score is the mean of rows[n, S], their scores per row.

    Raises ValueError under two rows or for a value that is not finite.

    >>> sets = rank_sets(np.random.default_rng(0).random((1000, 3)) < [0.9, 0.89, 0.6])
    >>> sets.lower, sets.upper, sets.tied
    (array([1, 1, 3]), array([2, 2, 3]), array([ True,  True, False]))
    """
    values = np.asarray(rows, np.float64)
    _refuse_non_finite(values)
    scores, covariance = values.mean(axis=0), covariance_of_means(values)
    return rank_sets_of(scores, covariance, direction, level, draws, seed)


def rank_sets_of(
    scores: NDArray[np.float64],
    covariance: NDArray[np.float64],
    direction: Direction = "maximize",
    level: float = 0.95,
    draws: int = DRAWS,
    seed: int = 0,
) -> RankSets:
    """The same from scores[S] and their covariance[S, S], such as DeLong's for the AUC.

    Team k is certainly better than j if it leads by more than c_j standard errors of their
    difference, c_j being the `level` quantile of max_k |g_k - g_j| / se_jk for g ~ N(0,
    covariance). The rank set of j runs from 1 + the certainly better to S - the certainly worse.
    j is tied with the leader unless some k leads by more than the one-sided quantile of
    max_k (g_k - g_j) / se_jk.

    Raises ValueError for a value that is not finite.
    """
    _refuse_non_finite(scores)
    _refuse_non_finite(covariance)
    errors = _errors_of_differences(covariance)
    two_sided, one_sided = _quantiles(_maxima(_gaussian(covariance, draws, seed), errors), level)
    ordered = scores if direction == "maximize" else -scores
    lead = ordered[None, :] - ordered[:, None]  # of k over j
    far = two_sided[:, None] * errors
    return RankSets(
        scores=scores,
        lower=1 + (lead > far).sum(axis=1),
        upper=len(scores) - (-lead > far).sum(axis=1),
        tied=np.asarray((lead <= one_sided[:, None] * errors).all(axis=1)),
        two_sided=two_sided,
        one_sided=one_sided,
        errors=errors,
    )


def _refuse_non_finite(values: NDArray[np.float64]) -> None:
    if not np.isfinite(values).all():
        raise ValueError("Every score must be a finite number.")


def _errors_of_differences(covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    """The standard error of every score's difference to every other: float64[S, S]."""
    total = np.add.outer(np.diag(covariance), np.diag(covariance))
    errors: NDArray[np.float64] = np.sqrt(np.maximum(total - 2 * covariance, RESOLUTION * total))
    return errors


def _gaussian(covariance: NDArray[np.float64], draws: int, seed: int) -> NDArray[np.float64]:
    """Draws from N(0, covariance): float64[S, draws].

    By eigenvectors and not Cholesky's factor, which a singular matrix (twin teams) has not.
    """
    values, vectors = np.linalg.eigh(covariance)
    normal = np.random.default_rng(seed).standard_normal((draws, len(values)))
    drawn: NDArray[np.float64] = vectors @ (normal * np.sqrt(np.maximum(values, 0))).T
    return np.ascontiguousarray(drawn)


def _maxima(
    drawn: NDArray[np.float64], errors: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """max over k of |g_k - g_j| / se_jk, and of (g_k - g_j) / se_jk: two float64[S, draws]."""
    above, below = np.zeros_like(drawn), np.zeros_like(drawn)
    # two teams without variance never differ by chance
    scale = np.divide(1, errors, out=np.zeros_like(errors), where=errors > 0)
    room = np.empty_like(drawn)  # new memory for every team would take a fifth of the time
    for team in range(len(drawn) - 1):
        # each pair once: what k has over j, j has under k
        after = slice(team + 1, None)
        lead = np.subtract(drawn[after], drawn[team], out=room[after])
        lead *= scale[after, team, None]
        np.maximum(above[team], lead.max(axis=0), out=above[team])
        np.maximum(below[team], -lead.min(axis=0), out=below[team])
        np.maximum(below[after], lead, out=below[after])
        np.maximum(above[after], np.negative(lead, out=lead), out=above[after])
    return np.maximum(above, below), above


def _quantiles(
    maxima: tuple[NDArray[np.float64], NDArray[np.float64]], level: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    # Never under those of a single difference: where all others are too small to be resolved, the
    # drawn ones are too, and would make any lead certain.
    alone, alone_above = NormalDist().inv_cdf((1 + level) / 2), NormalDist().inv_cdf(level)
    both, above = maxima
    return (
        np.maximum(alone, np.quantile(both, level, axis=1)),
        np.maximum(alone_above, np.quantile(above, level, axis=1)),
    )
