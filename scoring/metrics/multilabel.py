"""Several labels per row, bool[n, K]: the sets as a whole, or column by column.

The answer is bool[n, K] too, or float64[n, K] where it says how likely each label is.
"""

import numpy as np

from scoring.metrics.metric import Flags, Floats
from scoring.metrics.probabilities import surprise


def hamming_loss(truth: Flags, answer: Flags, classes: int) -> float:
    """The share of the n x K decisions that are wrong (Schapire & Singer 1999).

    >>> hamming_loss(np.array([[True, False]]), np.array([[True, True]]), 2)
    0.5
    """
    return int(np.count_nonzero(truth != answer)) / truth.size


def hamming_losses(truth: Flags, answer: Flags, classes: int) -> Floats:
    """float64[n]: the share of each row's labels that are wrong."""
    return np.asarray(np.count_nonzero(truth != answer, axis=1) / truth.shape[1])


def subset_accuracy(truth: Flags, answer: Flags, classes: int) -> float:
    """The share of rows whose set is right as a whole.

    >>> subset_accuracy(np.array([[True, False]]), np.array([[True, True]]), 2)
    0.0
    """
    return int(np.count_nonzero((truth == answer).all(axis=1))) / len(truth)


def right_sets(truth: Flags, answer: Flags, classes: int) -> Floats:
    """float64[n]: 1 where the set is right as a whole, else 0."""
    return np.asarray((truth == answer).all(axis=1), dtype=np.float64)


def mean_column_log_loss(truth: Flags, answer: Floats, classes: int, *, weights: Floats) -> float:
    """The binary log loss of each column, p clipped as for log_loss, and their weighted mean.

    >>> truth, weights = np.array([[True, False]]), np.array([1.0, 1.0])
    >>> round(mean_column_log_loss(truth, np.array([[0.5, 0.5]]), 2, weights=weights), 6)
    0.693147
    """
    return float(np.mean(column_log_losses(truth, answer, classes, weights=weights)))


def column_log_losses(truth: Flags, answer: Floats, classes: int, *, weights: Floats) -> Floats:
    """float64[n]: each row's weighted mean over the columns."""
    losses = surprise(np.where(truth, answer, 1 - answer))
    return np.asarray(np.einsum("ij,j->i", losses, weights) / weights.sum())
