"""How far a score may be from the truth, given the number of rows."""

from math import sqrt

import numpy as np
from numpy.typing import NDArray

from scoring.bootstrap import replicate_means

Z95 = 1.959963984540054  # the normal distribution's 97.5 % point


def wilson(p: float, n: float) -> tuple[float, float]:
    """The 95 % score interval for a share p of n rows, or of what counts as so many (Wilson 1927).

    >>> low, high = wilson(0.9, 1000)
    >>> round(low, 4), round(high, 4)
    (0.8798, 0.9171)
    """
    if n < 1:
        raise ValueError("An interval needs at least one row.")
    z2 = Z95 * Z95
    centre = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 / (1 + z2 / n) * sqrt(p * (1 - p) / n + z2 / (4 * n * n))
    # rounding must not push the end past what a share can be, nor past the share itself
    return max(0.0, min(p, centre - half)), min(1.0, max(p, centre + half))


def mean_interval(
    rows: NDArray[np.float64] | NDArray[np.bool_],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The 95 % normal interval of the mean of every column of rows[n, S]: two float64[S].

    For a metric that is a mean of values per row (log loss, Brier score), and, on the difference
    of two such columns, for their paired difference. Raises ValueError under two rows.

    >>> low, high = mean_interval(np.array([[0.0], [1.0], [1.0], [0.0]]))
    >>> low.round(3), high.round(3)
    (array([-0.066]), array([1.066]))
    """
    if len(rows) < 2:
        raise ValueError("A standard error needs at least two rows.")
    mean = rows.mean(axis=0)
    half = Z95 * rows.std(axis=0, ddof=1) / sqrt(len(rows))
    return mean - half, mean + half


def covariance_of_means(
    rows: NDArray[np.float64] | NDArray[np.bool_],
) -> NDArray[np.float64]:
    """The covariance of the column means of rows[n, S] (scores of S submissions): float64[S, S].

    The sample covariance of the rows over n. Raises ValueError under two rows.

    >>> covariance_of_means(np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])).round(4)
    array([[0.0833, 0.    ],
           [0.    , 0.0833]])
    """
    n = len(rows)
    if n < 2:
        raise ValueError("A covariance needs at least two rows.")
    centred = rows - rows.mean(axis=0)
    covariance: NDArray[np.float64] = centred.T @ centred / (n - 1) / n
    return covariance


def percentile_interval(
    replicates: NDArray[np.float64], confidence: float = 0.95
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The percentile interval of bootstrap replicates[B, …], one per column: two float64[…].

    Efron 1979; for differences of two submissions as well as for scores.

    >>> low, high = percentile_interval(np.linspace(0, 1, 1001))
    >>> round(float(low), 3), round(float(high), 3)
    (0.025, 0.975)
    """
    tail = (1 - confidence) / 2
    low, high = np.quantile(replicates, [tail, 1 - tail], axis=0)
    return low, high


def bootstrap_interval(
    rows: NDArray[np.float64] | NDArray[np.bool_],
    weights: NDArray[np.uint8],
    confidence: float = 0.95,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The percentile interval of the mean of every column of rows[n, S]: two float64[S].

    weights[B, n] are the challenge's, drawn once by `scoring.bootstrap.bootstrap_weights`: the same
    rows always get the same interval.
    """
    return percentile_interval(replicate_means(weights, rows), confidence)
