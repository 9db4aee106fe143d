"""The mean over the true classes of the share of their rows that were found."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def balanced_accuracy(truth: NDArray[np.intp], predicted: NDArray[Any], classes: int) -> float:
    """
    >>> balanced_accuracy(np.array([0, 1, 1, 1]), np.array([0, 0, 1, 0]), 2)
    0.6666666666666666
    """
    rows = np.bincount(truth, minlength=classes)
    found = np.bincount(truth[truth == predicted], minlength=classes)
    # a class without a row here has no recall: it is left out, not counted as 0
    there = rows > 0
    return float(np.mean(found[there] / rows[there]))
