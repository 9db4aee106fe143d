"""Lists of classes, the best first: integer[n, L] with -1 after the end of a list.

The truth is one class code per row, integer[n].
"""

import numpy as np

from scoring.metrics.metric import Codes, Floats


def map_at_k(truth: Codes, answer: Codes, classes: int, *, k: int = 5) -> float:
    """The mean of 1 / place of the true class among the first k of the list, 0 if it is not there.

    With one true label per row this is the mean average precision at k of Kaggle's challenges. A
    class that is repeated keeps its places, and only the first one counts.

    >>> map_at_k(np.array([1, 0]), np.array([[0, 0, 1], [0, -1, -1]]), 2, k=3)
    0.6666666666666666
    """
    return float(np.mean(reciprocal_ranks(truth, answer, classes, k=k)))


def reciprocal_ranks(truth: Codes, answer: Codes, classes: int, *, k: int = 5) -> Floats:
    """float64[n]: 1 / place of the true class within the first k, else 0."""
    worth = np.zeros(len(truth))
    for place in reversed(range(min(k, answer.shape[1]))):  # backwards: the first place stays
        worth[answer[:, place] == truth] = 1 / (place + 1)
    return worth
