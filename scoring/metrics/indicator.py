"""One label per row as a matrix with one column per class."""

import numpy as np

from scoring.metrics.metric import Flags, Mixed


def indicator(truth: Mixed, classes: int) -> Flags:
    """bool[n, classes] from codes integer[n]; a matrix is handed back as it is.

    >>> indicator(np.array([1, 0]), 2)
    array([[False,  True],
           [ True, False]])
    """
    if truth.ndim == 2:
        return np.asarray(truth, dtype=np.bool_)
    # classes first: who asks for the matrix reads it column by column
    return np.asarray((np.arange(classes)[:, np.newaxis] == truth).T)
