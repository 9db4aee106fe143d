"""Teams whose public score is too good for their private one. For the host's eyes alone.

What is found here tells of private rows: it goes into a table that no page, API, event or log of
the participants reads, and nothing acts on it.
"""

from collections.abc import Collection, Iterable, Mapping
from math import isfinite
from typing import NamedTuple

from django.db import transaction
from django.db.models.functions import Now

from competitions.insight.columns import Known
from competitions.models import Alarm, Competition, Submission
from scoring import Direction
from scoring.alarm import THRESHOLD

AS_LARGE_AS_CAN_BE = 99.0  # standard errors: where neither side has any, the gap has no end
AGAIN = 1.0  # by which a gap must have grown until a host should look once more


class Suspect(NamedTuple):
    """A team's submission that is best in public: the one that an attack would have made."""

    team_id: int
    submission_id: int
    path: str


def suspects(
    competition: Competition, teams: Collection[int], direction: Direction
) -> list[Suspect]:
    """Of each of these teams, best first, by the score that it was not told: also where the board
    is frozen or hidden."""
    counted = Submission.objects.filter(
        team__in=teams, exclusion="", is_late=False, public_scores__solution=competition.solution_id
    ).order_by("received_at", "pk")
    best: dict[int, tuple[float, Suspect]] = {}
    sign = 1 if direction == "maximize" else -1
    for team_id, pk, path, value in counted.values_list(
        "team_id", "pk", "path", "public_scores__value"
    ):
        if team_id not in best or sign * value > best[team_id][0]:
            best[team_id] = sign * value, Suspect(team_id, pk, path)
    return [suspect for _value, suspect in sorted(best.values(), key=lambda it: -it[0])]


def look(
    competition: Competition, of: Iterable[Suspect], known: Mapping[str, Known | None]
) -> None:
    """Raises an alarm for every gap over four standard errors.

    An alarm stays, and its gap only grows. One that a host has seen comes back when the gap has
    grown by one.
    """
    large = {one.team_id: (one, z) for one in of if (z := _gap(known.get(one.path))) > THRESHOLD}
    if not large:
        return
    with transaction.atomic():
        # The competition's lock: of two workers that look at once, one waits.
        Competition.objects.locked(competition.pk)
        raised = {alarm.team_id: alarm for alarm in Alarm.objects.filter(team__in=large)}
        for team_id, (suspect, z) in large.items():
            _raise(raised.get(team_id), suspect, z)


def _gap(known: Known | None) -> float:
    gap = known.gap if known is not None and known.gap is not None else 0.0
    return gap if isfinite(gap) else AS_LARGE_AS_CAN_BE * (gap > 0)


def _raise(alarm: Alarm | None, suspect: Suspect, z: float) -> None:
    fields = {"submission_id": suspect.submission_id, "z": z, "raised_at": Now()}
    if alarm is None:
        Alarm.objects.create(team_id=suspect.team_id, **fields)
    elif alarm.seen_at is None and z > alarm.z:
        Alarm.objects.filter(pk=alarm.pk).update(submission=suspect.submission_id, z=z)
    elif alarm.seen_at is not None and z >= alarm.z + AGAIN:
        # Held against what the host has seen: a gap that creeps up is noticed too.
        Alarm.objects.filter(pk=alarm.pk).update(**fields, seen_at=None)
