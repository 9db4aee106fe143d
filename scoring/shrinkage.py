"""What a public score promises for the private one: the leader is chosen for being lucky, too."""

import numpy as np
from numpy.typing import NDArray


def expected_on_private(
    scores: NDArray[np.float64], covariance: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Each team's score drawn towards the field's mean: float64[S]. To be shown, not ranked by.

    Empirical Bayes (Efron & Morris 1975): m + max(0, 1 - s²/V) (score - m), with m and V the mean
    and variance of the teams' best public scores[S]. s² is the mean variance of a score minus the
    field's mean, from covariance[S, S] of the scores (`scoring.intervals.covariance_of_means`):
    how hard the rows are for everybody cancels, which p(1 - p) / n would count as noise.

    A team alone has no field, and keeps its score.

    >>> expected_on_private(np.array([0.9, 0.8]), np.diag([0.001, 0.001])).round(4)
    array([0.89, 0.81])
    """
    teams = len(scores)
    if teams < 2:
        return scores.astype(np.float64)
    mean = scores.mean()
    # divided by S, not S - 1: so is s², and their difference is then unbiased for the true spread
    spread = float(np.mean((scores - mean) ** 2))
    noise = float(np.trace(covariance)) / teams - float(covariance.sum()) / teams**2
    kept = max(0.0, 1 - noise / spread) if spread > 0 else 0.0
    return np.asarray(mean + kept * (scores - mean), np.float64)
