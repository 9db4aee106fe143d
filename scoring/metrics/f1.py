"""Macro F1: the plain mean over all classes of 2TP / (2TP + FP + FN)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def f1(truth: NDArray[np.intp], predicted: NDArray[Any], classes: int) -> float:
    """
    >>> round(f1(np.array([0, 0, 1, 1]), np.array([0, 0, 1, 0]), 3), 6)
    0.488889
    """
    hits = np.bincount(truth[truth == predicted], minlength=classes)
    # TP + FN = rows of the class, TP + FP = how often it was named
    both = np.bincount(truth, minlength=classes) + np.bincount(predicted, minlength=classes)
    # the challenge's class list decides: a class in neither file counts as 0
    return float(np.mean(2 * hits / np.maximum(both, 1)))
