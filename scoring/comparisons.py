"""Is one submission better than another? Always on the same rows, in pairs.

b and c count, throughout, the rows that only the first and only the second submission has right.
Not imported by `import scoring`: it needs scipy.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import bdtr, erfc, ndtr

from scoring.delong import delong

WORD = 64  # bits


def mcnemar_exact(b: ArrayLike, c: ArrayLike) -> NDArray[np.float64]:
    """The two-sided exact p of McNemar's test (1947): twice the binomial tail, at most 1.

    b and c are arrays of counts of one shape, or broadcast to it. It rejects too seldom; prefer
    `mcnemar_mid_p`.

    >>> round(float(mcnemar_exact(40, 25)), 6)
    0.081682
    """
    fewer, discordant = _tail(b, c)
    return np.asarray(np.minimum(1.0, 2 * bdtr(fewer, discordant, 0.5)))


def mcnemar_mid_p(b: ArrayLike, c: ArrayLike) -> NDArray[np.float64]:
    """The two-sided mid-p of McNemar's test: the observed count weighs only half.

    Recommended for every b + c by Fagerland, Lydersen & Laake 2013 (BMC Medical Research
    Methodology 13:91). Twice the one-sided mid-p, and so 1 where b equals c.

    >>> mcnemar_mid_p([40, 0], [25, 0]).round(6)
    array([0.064018, 1.      ])
    """
    fewer, discordant = _tail(b, c)
    below = np.where(fewer > 0, bdtr(np.maximum(fewer - 1, 0), discordant, 0.5), 0.0)
    # P(X <= fewer) + P(X < fewer); the minimum only takes off the last digit
    return np.asarray(np.minimum(1.0, bdtr(fewer, discordant, 0.5) + below))


def mcnemar_chi2(b: ArrayLike, c: ArrayLike) -> NDArray[np.float64]:
    """The p of (|b - c| - 1)² / (b + c), chi-squared with continuity correction (Edwards 1948).

    What older texts print; for b + c under 25 it is not to be trusted.

    >>> round(float(mcnemar_chi2(40, 25)), 6)
    0.082478
    """
    first, second = np.asarray(b, np.float64), np.asarray(c, np.float64)
    # the correction must not make a difference out of none
    distance = np.maximum(np.abs(first - second) - 1, 0)
    return np.asarray(erfc(distance / np.sqrt(2 * np.maximum(first + second, 1))))


def paired_difference(
    b: ArrayLike, c: ArrayLike, n: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The difference of two accuracies on the same n rows, and its standard error.

    The variance is (b + c - (b - c)² / n) / n², usually far under the sum of the two variances.

    >>> [round(float(value), 6) for value in paired_difference(40, 25, 1000)]
    [0.015, 0.008048]
    """
    if n < 1:
        raise ValueError("A difference needs at least one row.")
    first, second = np.asarray(b, np.float64), np.asarray(c, np.float64)
    more = first - second
    return more / n, np.sqrt(np.maximum(first + second - more * more / n, 0)) / n


def _tail(b: ArrayLike, c: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    first, second = np.asarray(b, np.int64), np.asarray(c, np.int64)
    return np.minimum(first, second), first + second


@dataclass(frozen=True, slots=True, eq=False)
class PackedRows:
    """Which of n rows each of S submissions has right, one bit a row.

    1000 submissions of 10 000 rows need 1.3 MB, and one more is compared with all of them in under
    a millisecond.

    >>> packed = PackedRows.pack(np.array([[True, True], [True, False], [False, True]]))
    >>> packed.against(np.array([True, False, True]))
    (array([1, 0]), array([1, 0]))
    """

    n: int
    words: NDArray[np.uint64]  # [S, n / 64 rounded up], the last bits 0

    @classmethod
    def pack(cls, correct: NDArray[np.bool_]) -> "PackedRows":
        """From correct[n, S]."""
        n, submissions = correct.shape
        padded = np.zeros((submissions, -(-n // WORD) * WORD), np.bool_)
        padded[:, :n] = correct.T
        return cls(n, np.packbits(padded, axis=1).view(np.uint64))

    def joined(self, correct: NDArray[np.bool_]) -> "PackedRows":
        """With one more submission, correct[n], at the end."""
        return PackedRows(self.n, np.concatenate([self.words, self._packed(correct)]))

    def against(self, correct: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """b and c of one submission, correct[n], against each packed one: two int64[S]."""
        new = self._packed(correct)
        both = _ones(self.words & new)
        return _ones(new) - both, _ones(self.words) - both

    def all_pairs(self) -> NDArray[np.int64]:
        """Rows that the first has right and the second has not: int64[S, S], first by second.

        b of the pair (j, k) is [j, k], and c is [k, j].
        """
        right = _ones(self.words)
        both = np.empty((len(right), len(right)), np.int64)
        for first, words in enumerate(self.words):
            both[first, first:] = both[first:, first] = _ones(self.words[first:] & words)
        return right[:, None] - both

    def _packed(self, correct: NDArray[np.bool_]) -> NDArray[np.uint64]:
        if correct.shape != (self.n,):
            raise ValueError(f"The packed submissions have {self.n} rows.")
        return PackedRows.pack(correct[:, None]).words


def _ones(words: NDArray[np.uint64]) -> NDArray[np.int64]:
    return np.asarray(np.bitwise_count(words).sum(axis=1, dtype=np.int64))


@dataclass(frozen=True, slots=True)
class AucComparison:
    """The first AUC minus the second, in units of its standard error, and the two-sided p."""

    difference: float
    z: float
    p: float


def delong_test(
    positive: NDArray[np.bool_], first: NDArray[np.float64], second: NDArray[np.float64]
) -> AucComparison:
    """DeLong's paired test of two AUCs on the same rows; positive, first and second are [n].

    Two submissions that order the rows alike have z 0 and p 1. Raises like `delong`.
    """
    auc, covariance = delong(positive, np.column_stack([first, second]))
    difference = float(auc[0] - auc[1])
    variance = float(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    # what rounding leaves between two equal columns must not be divided by what it leaves of theirs
    if abs(difference) < 1e-12:
        return AucComparison(0.0, 0.0, 1.0)
    z = (
        difference / max(variance, 0) ** 0.5
        if variance > 0
        else float(np.copysign(np.inf, difference))
    )
    return AucComparison(difference, z, float(2 * ndtr(-abs(z))))


def bootstrap_p(differences: NDArray[Any]) -> NDArray[np.float64]:
    """The two-sided p that there is no difference, from its bootstrap replicates[B, …]: [...].

    For metrics without a closed form: twice the smaller share of replicates on one side of 0, that
    is, the level at which the percentile interval begins to leave 0 out. The replicate that was
    observed counts, so that p is never 0 (Davison & Hinkley 1997, section 4.2).

    >>> float(bootstrap_p(np.arange(-1, 98)).round(2))
    0.06
    """
    beyond = np.minimum((differences <= 0).sum(axis=0), (differences >= 0).sum(axis=0))
    return np.asarray(np.minimum(1.0, 2 * (1 + beyond) / (1 + len(differences))))
