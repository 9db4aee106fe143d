"""Accuracy where some mistakes are worse than others.

Truth and answer hold one class code per row, integer[n].
"""

import numpy as np

from scoring.metrics.metric import Codes, Floats
from scoring.metrics.trees import Tree


def cost_weighted_accuracy(truth: Codes, answer: Codes, classes: int, *, costs: Floats) -> float:
    """1 - the mean cost of a row divided by the highest cost (Elkan 2001 on cost matrices).

    ``costs`` is float64[K, K], a row per true class and a column per given one, 0 on the diagonal.

    >>> costs = np.array([[0.0, 1.0, 2.0], [1.0, 0.0, 1.0], [2.0, 1.0, 0.0]])
    >>> cost_weighted_accuracy(np.array([0, 1]), np.array([1, 1]), 3, costs=costs)
    0.75
    """
    return float(np.mean(cost_weighted_rows(truth, answer, classes, costs=costs)))


def cost_weighted_rows(truth: Codes, answer: Codes, classes: int, *, costs: Floats) -> Floats:
    """float64[n]: 1 where the class is right, 0 where the mistake is the worst one."""
    return np.asarray((1 - costs / costs.max())[truth, answer])


def hierarchical_accuracy(truth: Codes, answer: Codes, classes: int, *, parents: Tree) -> float:
    """The mean share of the path from the root to the class that was found.

    The length of the path that the true and the given class have in common, themselves included,
    divided by the longer of the two paths: in a tree of two levels 1 for the class, 1/2 for its
    parent alone. In the manner of Wu & Palmer 1994, with the longer path for their mean.

    >>> from scoring.metrics.trees import tree_of
    >>> tree = tree_of([("animal", "cat"), ("animal", "dog"), ("thing", "car")])
    >>> hierarchical_accuracy(np.array([0, 0]), np.array([1, 2]), 3, parents=tree)
    0.25
    """
    return float(np.mean(hierarchical_rows(truth, answer, classes, parents=parents)))


def hierarchical_rows(truth: Codes, answer: Codes, classes: int, *, parents: Tree) -> Floats:
    """float64[n]: the share of the path that was found."""
    return parents.shared(truth, answer)
