"""Is a team's public score too good for its private one? For the host's eyes alone.

The flag itself tells of the private rows: it must never be shown to participants, never act by
itself, and never be timed to what a participant does.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scoring.metrics import Direction

# Standard errors. Choosing the best of 20 honest submissions gives a mean of about 0.65; the
# voting attack of Blum & Hardt 2015 passes 6 with 300 submissions on 3000 public rows.
THRESHOLD = 4.0


def gap_z(
    public: ArrayLike, private: ArrayLike, n_public: int, n_private: int
) -> NDArray[np.float64]:
    """The public-private gap of shares of right rows, in standard errors: float64, any shape.

    The two-sample z with the pooled share; of each team the submission that is best in public. 0
    where all rows are right or all wrong. Raises ValueError when a side has no row.

    >>> float(gap_z(0.93, 0.9, 3000, 7000).round(2)), THRESHOLD
    (4.78, 4.0)
    """
    if min(n_public, n_private) < 1:
        raise ValueError("The gap needs public and private rows.")
    first, second = np.asarray(public, np.float64), np.asarray(private, np.float64)
    pooled = (first * n_public + second * n_private) / (n_public + n_private)
    variance = pooled * (1 - pooled) * (1 / n_public + 1 / n_private)
    return _in_errors(first - second, variance)


def gap_z_of_rows(
    public: NDArray[Any], private: NDArray[Any], direction: Direction = "maximize"
) -> NDArray[np.float64]:
    """The same for a metric that is a mean of values per row: public[n, S], private[m, S] to [S].

    The variances of the two sides are not pooled (Welch 1947). Raises ValueError when a side has
    under two rows.
    """
    if min(len(public), len(private)) < 2:
        raise ValueError("The gap needs two public and two private rows.")
    first, second = (side.std(axis=0, ddof=1) / len(side) ** 0.5 for side in (public, private))
    return gap_z_of_errors(public.mean(axis=0), private.mean(axis=0), first, second, direction)


def gap_z_of_errors(
    public: ArrayLike,
    private: ArrayLike,
    public_error: ArrayLike,
    private_error: ArrayLike,
    direction: Direction = "maximize",
) -> NDArray[np.float64]:
    """The same for scores of any metric whose standard errors are known.

    >>> float(gap_z_of_errors(0.93, 0.9, 0.004, 0.003).round(2))
    6.0
    """
    gap = np.asarray(public, np.float64) - np.asarray(private, np.float64)
    variance = np.square(public_error) + np.square(private_error)
    return _in_errors(gap if direction == "maximize" else -gap, variance)


def _in_errors(gap: NDArray[np.float64], variance: NDArray[np.float64]) -> NDArray[np.float64]:
    """0 / 0 is no gap, and anything else over 0 is as large as can be: never NaN."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(gap == 0, 0.0, gap / np.sqrt(np.maximum(variance, 0)))
