"""Which tables and columns are in the file, in an order in which each row finds what it refers to.

Whatever is not here is left out on purpose: LEFT_OUT says why, and a test looks for what is
neither here nor there.
"""

from dataclasses import dataclass

from django.db import models

from competitions.models import (
    Act,
    Alarm,
    Announcement,
    BoardStatistics,
    ClassSample,
    CustomMetric,
    DataFile,
    FinalStanding,
    Finding,
    Member,
    ModelRules,
    ModelRun,
    PrivateScore,
    PublicScore,
    RosterEntry,
    SolutionVersion,
    Standing,
    Submission,
    Team,
)

FORMAT = 1


@dataclass(frozen=True)
class Table:
    """A model, the lookup from its rows to the challenge, and whether it tells what is hidden."""

    model: type[models.Model]
    to_competition: str
    is_private: bool = False

    @property
    def name(self) -> str:
        return self.model._meta.model_name or ""


TABLES = (
    Table(CustomMetric, "competition"),
    Table(SolutionVersion, "competition"),
    Table(DataFile, "competition"),
    Table(ClassSample, "competition"),
    # Which trait of a file tells its class is for the organisers.
    Table(Finding, "competition", is_private=True),
    Table(ModelRules, "competition"),
    Table(Team, "competition"),
    Table(Member, "competition"),
    Table(RosterEntry, "competition"),
    Table(Submission, "team__competition"),
    Table(ModelRun, "competition"),
    Table(PublicScore, "submission__team__competition"),
    Table(PrivateScore, "submission__team__competition", is_private=True),
    Table(Standing, "competition"),
    Table(BoardStatistics, "competition"),
    Table(FinalStanding, "competition", is_private=True),
    Table(Alarm, "team__competition", is_private=True),
    Table(Announcement, "competition"),
    Table(Act, "competition"),
)

_WORK = "work of this installation, done or begun anew in the other one"
_WAY_IN = "a way in, which the other installation gives anew"
LEFT_OUT = {
    "competition.id": "drawn by each database",
    "competition.preparation_step": _WORK,
    "competition.preparation_done": _WORK,
    "competition.preparation_total": _WORK,
    "competition.preparation_inbox": "names files that are not exported",
    "competition.preparation_since": _WORK,
    "competition.preparation_rung_at": _WORK,
    "competition.preparation_attempts": _WORK,
    "competition.preparation_until": _WORK,
    "competition.class_code": _WAY_IN,
    "team.invitation": _WAY_IN,
    "rosterentry.slip_pin": _WAY_IN,
    "finding.examples": "pictures of the images with their labels",
    "submission.rung_at": _WORK,
    "submission.lease_until": _WORK,
    "modelrules.packed_path": _WORK,
    "modelrules.samples_path": _WORK,
    "modelrules.packed_of": _WORK,
    "modelrun.lease_until": _WORK,
    "modelrun.rung_at": _WORK,
}
LEFT_OUT_TABLES = {
    "organiser": "who imports a challenge is its owner",
    "upload": _WORK,
    "baselinerun": "the baselines' files are among the submissions",
    "screening": "about predictions, which do not travel; asked anew in the other one",
    "mistakes": "computed anew by a worker",
    "rescoring": "its outcome is in the scores, its story in the audit log",
    "unscorable": "belongs to a rescoring",
}


def columns(model: type[models.Model]) -> list["models.Field[object, object]"]:
    """The columns of a model that travel; a key to another table is a number until then."""
    name = model._meta.model_name
    return [
        field for field in model._meta.concrete_fields if f"{name}.{field.name}" not in LEFT_OUT
    ]
