"""Every metric in one table; a new metric is a function and a row here."""

from collections.abc import Callable
from dataclasses import dataclass
from math import log
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from scoring.metrics.accuracy import accuracy
from scoring.metrics.balanced_accuracy import balanced_accuracy
from scoring.metrics.f1 import f1
from scoring.metrics.log_loss import CLIP, log_loss

Direction: TypeAlias = Literal["maximize", "minimize"]
Layout: TypeAlias = Literal["labels", "probabilities"]
# truth as class codes; the answer, aligned, as codes or one column per class; number of classes
Function: TypeAlias = Callable[[NDArray[np.intp], NDArray[Any], int], float]


@dataclass(frozen=True)
class Metric:
    """What the site, the terminal and the docs need to know of a metric."""

    key: str
    title: str
    direction: Direction
    layout: Layout
    function: Function
    bounds: tuple[float, float]
    source: str
    interval: Literal["wilson"] | None = None
    parameters: tuple[str, ...] = ()


_ALL = (
    Metric(
        "accuracy",
        "Accuracy",
        "maximize",
        "labels",
        accuracy,
        (0.0, 1.0),
        "share of rows with the right class",
        interval="wilson",
    ),
    Metric(
        "balanced_accuracy",
        "Balanced accuracy",
        "maximize",
        "labels",
        balanced_accuracy,
        (0.0, 1.0),
        "mean recall over the true classes (Brodersen et al. 2010)",
    ),
    Metric(
        "f1",
        "Macro F1",
        "maximize",
        "labels",
        f1,
        (0.0, 1.0),
        "mean over all classes of 2TP / (2TP + FP + FN) (van Rijsbergen 1979)",
    ),
    Metric(
        "log_loss",
        "Log loss",
        "minimize",
        "probabilities",
        log_loss,
        (0.0, -log(CLIP)),
        "mean -ln p of the true class; rows divided by their sum, p clipped to [1e-15, 1 - 1e-15]",
    ),
)
METRICS: dict[str, Metric] = {metric.key: metric for metric in _ALL}
