"""Every table of the domain. Invariants are constraints, named as sentences."""

from competitions.models.building import BaselineRun, Finding, FindingKind, Remedy, Run, Upload
from competitions.models.competition import (
    Admission,
    Competition,
    Feedback,
    Preparation,
    State,
)
from competitions.models.custom_metric import CustomMetric
from competitions.models.data import ClassSample, DataFile, SolutionVersion
from competitions.models.final import Alarm, FinalStanding
from competitions.models.mistakes import Mistakes
from competitions.models.model_run import ModelRules, ModelRun, ModelStage, Screening, Takes
from competitions.models.people import Organiser, Role, RosterEntry
from competitions.models.record import Act, Announcement, Kind
from competitions.models.rescoring import Rescoring, Stage, Unscorable
from competitions.models.standing import BoardStatistics, Standing
from competitions.models.submission import PrivateScore, PublicScore, Sent, Status, Submission
from competitions.models.team import Member, Team

__all__ = [
    "Act",
    "Admission",
    "Alarm",
    "Announcement",
    "BaselineRun",
    "BoardStatistics",
    "ClassSample",
    "Competition",
    "CustomMetric",
    "DataFile",
    "Feedback",
    "FinalStanding",
    "Finding",
    "FindingKind",
    "Kind",
    "Member",
    "Mistakes",
    "ModelRules",
    "ModelRun",
    "ModelStage",
    "Organiser",
    "Preparation",
    "PrivateScore",
    "PublicScore",
    "Remedy",
    "Rescoring",
    "Role",
    "RosterEntry",
    "Run",
    "Screening",
    "Sent",
    "SolutionVersion",
    "Stage",
    "Standing",
    "State",
    "Status",
    "Submission",
    "Takes",
    "Team",
    "Unscorable",
    "Upload",
]
