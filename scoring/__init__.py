"""Scoring of submissions, without a site: bytes and a solution in, a report out.

>>> solution = Solution.read(b"id,label\\n1,cat\\n2,dog\\n")
>>> evaluate(b"id,label\\n2,dog\\n1,dog\\n", solution, Spec("accuracy")).score
0.5
"""

from scoring.errors import (
    InvalidSubmission,
    Problem,
    ProblemCode,
    ScoringError,
    SolutionError,
    SpecError,
)
from scoring.evaluate import Report, evaluate
from scoring.intervals import wilson
from scoring.metrics import METRICS, Direction, Layout, Metric
from scoring.ranking import display_decimals, displayed, rank
from scoring.reading import check
from scoring.solutions import Solution
from scoring.spec import Spec
from scoring.splits import commitment, split_ids
from scoring.template import Template

__all__ = [
    "METRICS",
    "Direction",
    "InvalidSubmission",
    "Layout",
    "Metric",
    "Problem",
    "ProblemCode",
    "Report",
    "ScoringError",
    "Solution",
    "SolutionError",
    "Spec",
    "SpecError",
    "Template",
    "check",
    "commitment",
    "display_decimals",
    "displayed",
    "evaluate",
    "rank",
    "split_ids",
    "wilson",
]
