"""The metrics: one short pure function each, and the table that names them."""

from scoring.metrics.f_scores import PerClass, per_class
from scoring.metrics.metric import (
    REQUIRED,
    Accepts,
    Direction,
    Layout,
    Metric,
    Numbers,
    Parameter,
    Truth,
)
from scoring.metrics.table import METRICS

__all__ = [
    "METRICS",
    "REQUIRED",
    "Accepts",
    "Direction",
    "Layout",
    "Metric",
    "Numbers",
    "Parameter",
    "PerClass",
    "Truth",
    "per_class",
]
