"""Every table of the domain. Invariants are constraints, named as sentences."""

from competitions.models.competition import (
    ClassSample,
    Competition,
    DataFile,
    Preparation,
    SolutionVersion,
    State,
)
from competitions.models.custom_metric import CustomMetric
from competitions.models.standing import Standing
from competitions.models.submission import PrivateScore, PublicScore, Status, Submission
from competitions.models.team import Member, Team

__all__ = [
    "ClassSample",
    "Competition",
    "CustomMetric",
    "DataFile",
    "Member",
    "Preparation",
    "PrivateScore",
    "PublicScore",
    "SolutionVersion",
    "Standing",
    "State",
    "Status",
    "Submission",
    "Team",
]
