"""The share of rows with the right class, plain and balanced over the classes.

Truth and answer hold one class code per row, integer[n].
"""

import numpy as np

from scoring.metrics.metric import Codes, Floats


def accuracy(truth: Codes, answer: Codes, classes: int) -> float:
    """The share of rows with the right class.

    >>> accuracy(np.array([0, 1, 2, 2]), np.array([0, 2, 2, 2]), 3)
    0.75
    """
    return int(np.count_nonzero(truth == answer)) / len(truth)


def right(truth: Codes, answer: Codes, classes: int) -> Floats:
    """float64[n]: 1 where the class is right, else 0."""
    return np.asarray(truth == answer, dtype=np.float64)


def balanced_accuracy(
    truth: Codes, answer: Codes, classes: int, *, adjusted: bool = False
) -> float:
    """The mean over the true classes of the share of their rows that were found.

    Adjusted, a guess by chance is worth 0 (Guyon et al. 2015): (x - 1/K) / (1 - 1/K), with K the
    number of classes that occur, and so nan where only one does.

    >>> balanced_accuracy(np.array([0, 1, 1, 1]), np.array([0, 0, 1, 0]), 2)
    0.6666666666666666
    """
    rows = np.bincount(truth, minlength=classes)
    found = np.bincount(truth, weights=truth == answer, minlength=classes)
    # a class without a row here has no recall: it is left out, not counted as 0
    there = rows > 0
    mean = float(np.mean(found[there] / rows[there]))
    if not adjusted:
        return mean
    occurring = int(np.count_nonzero(there))
    return (mean * occurring - 1) / (occurring - 1) if occurring > 1 else float("nan")
