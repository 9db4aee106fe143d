"""The metrics: one short pure function each, and the table that names them."""

from scoring.metrics.table import METRICS, Direction, Layout, Metric

__all__ = ["METRICS", "Direction", "Layout", "Metric"]
