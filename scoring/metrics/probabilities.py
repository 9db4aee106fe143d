"""Scores of probabilities: log loss, Brier score, calibration error.

The answer is float64[n, K], one number per class and each row divided by its sum here; or, where
one class alone is asked for, float64[n], the probability of "yes". The truth is one class code per
row, integer[n], or in the second case bool[n].
"""

import numpy as np

from scoring.metrics.metric import Codes, Floats, Mixed

# Kaggle's bound. scikit-learn clips at the float's epsilon and so charges more for a sure mistake.
CLIP = 1e-15


def log_loss(truth: Mixed, answer: Floats, classes: int) -> float:
    """The mean of -ln p of what is true, p clipped to [1e-15, 1 - 1e-15].

    >>> round(log_loss(np.array([0, 1]), np.array([[2.0, 2.0], [1.0, 3.0]]), 2), 10)
    0.4904146265
    """
    return float(np.mean(log_losses(truth, answer, classes)))


def log_losses(truth: Mixed, answer: Floats, classes: int) -> Floats:
    """float64[n]: the log loss of each row."""
    return surprise(_of_the_truth(truth, answer))


def surprise(probability: Floats) -> Floats:
    """-ln p, p clipped to [1e-15, 1 - 1e-15]; works in the array it is given."""
    np.clip(probability, CLIP, 1 - CLIP, out=probability)
    np.log(probability, out=probability)
    return np.negative(probability, out=probability)


def brier(truth: Mixed, answer: Floats, classes: int) -> float:
    """The mean squared distance between the probabilities and the truth (Brier 1950).

    With one column per class a row's distance is summed over the classes, from 0 to 2, as Brier
    wrote it; with one number it is (p - y)^2, from 0 to 1.

    >>> round(brier(np.array([0, 1]), np.array([[3.0, 1.0], [0.0, 1.0]]), 2), 10)
    0.0625
    >>> brier(np.array([True, False]), np.array([0.5, 0.0]), 2)
    0.125
    """
    return float(np.mean(brier_distances(truth, answer, classes)))


def brier_distances(truth: Mixed, answer: Floats, classes: int) -> Floats:
    """float64[n]: the squared distance of each row."""
    if answer.ndim == 1:
        return (answer - truth) ** 2
    answer, sums = _summed(answer)
    away = answer / sums[:, np.newaxis]
    # p - 1 before the square: p^2 - 2p + 1 would lose the digits of a small distance
    away[np.arange(len(truth)), truth] -= 1
    return np.asarray(np.einsum("ij,ij->i", away, away))


def ece(truth: Codes, answer: Floats, classes: int, *, bins: int = 15) -> float:
    """Expected calibration error (Guo et al. 2017): how far confidence is from being right.

    Rows go into bins of equal width by the largest probability, each bin without its lower edge
    and with its upper one; the score is the mean over the rows of the difference between the
    bin's mean confidence and its accuracy. Of equal probabilities the lower class index is taken.

    >>> round(ece(np.array([0, 1]), np.array([[0.8, 0.2], [0.8, 0.2]]), 2), 10)
    0.3
    """
    named = np.argmax(answer, axis=1)
    answer, sums = _summed(answer)
    # rounding in a sum that is 1 must not push a confidence over the edge of its bin
    sums = np.where(np.abs(sums - 1) < 1e-12, 1.0, sums)
    confidence = _taken(answer, named) / sums
    # searchsorted on the edges: a product such as 0.3 * 10 is off by one unit in the last place
    place = np.searchsorted(np.linspace(0, 1, bins + 1)[1:-1], confidence, side="left")
    gaps = np.bincount(place, weights=confidence) - np.bincount(place, weights=named == truth)
    return float(np.abs(gaps).sum()) / len(truth)


def _of_the_truth(truth: Mixed, answer: Floats) -> Floats:
    if answer.ndim == 1:
        return np.where(truth, answer, 1 - answer)
    answer, sums = _summed(answer)
    return _taken(answer, truth) / sums


def _taken(answer: Floats, codes: Codes) -> Floats:
    """float64[n]: from each row the number of one class."""
    starts = np.arange(0, answer.size, answer.shape[1])
    return np.asarray(answer.ravel().take(starts + codes))


def _summed(answer: Floats) -> tuple[Floats, Floats]:
    """The answer and the sum of each row, scaled down where a sum would be infinite."""
    # four times as fast as answer.sum(axis=1) on rows of ten
    sums = np.einsum("ij->i", answer)
    if not np.isfinite(sums).all():
        answer = answer / answer.max(axis=1, keepdims=True)
        sums = np.einsum("ij->i", answer)
    return answer, sums
