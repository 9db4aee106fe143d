"""F-scores of probabilities, without a threshold."""

import numpy as np

from scoring.metrics.metric import Flags, Floats


def probabilistic_f1(truth: Flags, answer: Floats, classes: int, *, beta: float = 1.0) -> float:
    """F from the probabilities' sums (Yacouby & Axman 2020), as in RSNA's 2022 challenge.

    The truth is bool[n], the answer float64[n], clipped to [0, 1]. Precision is the probability
    given to the positive rows divided by all that was given, recall the same divided by the number
    of positive rows. 0 where nothing was given to a positive row.

    >>> probabilistic_f1(np.array([True, False]), np.array([0.5, 0.5]), 2)
    0.5
    """
    probability = np.clip(answer, 0, 1)
    found, wasted = float(probability[truth].sum()), float(probability[~truth].sum())
    if not found:
        return 0.0
    right = (1 + beta * beta) * found
    missed = beta * beta * (int(np.count_nonzero(truth)) - found)
    return right / (right + missed + wasted)
