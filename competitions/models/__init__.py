"""Every table of the domain. Invariants are constraints, named as sentences."""

from competitions.models.competition import (
    ClassSample,
    Competition,
    DataFile,
    Feedback,
    Preparation,
    SolutionVersion,
    State,
)
from competitions.models.custom_metric import CustomMetric
from competitions.models.final import Alarm, FinalStanding
from competitions.models.record import Act, Announcement, Kind
from competitions.models.rescoring import Rescoring, Stage, Unscorable
from competitions.models.standing import BoardStatistics, Standing
from competitions.models.submission import PrivateScore, PublicScore, Status, Submission
from competitions.models.team import Member, Team

__all__ = [
    "Act",
    "Alarm",
    "Announcement",
    "BoardStatistics",
    "ClassSample",
    "Competition",
    "CustomMetric",
    "DataFile",
    "Feedback",
    "FinalStanding",
    "Kind",
    "Member",
    "Preparation",
    "PrivateScore",
    "PublicScore",
    "Rescoring",
    "SolutionVersion",
    "Stage",
    "Standing",
    "State",
    "Status",
    "Submission",
    "Team",
    "Unscorable",
]
