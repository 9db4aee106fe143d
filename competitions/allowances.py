"""What a host gives one team alone: more time, more attempts; with a reason, and taken back whole.

A laptop that broke, a file that we lost, somebody who came late. What the team sends in its own
time is ranked as everybody's files are; a frozen board does not show it before the end either.
"""

from datetime import datetime
from typing import Any, NamedTuple

from django.db import transaction

from competitions import audit
from competitions.deadlines import LONGEST_EXTENSION, TOO_FAR, clock, closes_for
from competitions.models import Competition, Kind, State, Team
from competitions.models.team import MOST_EXTRA_ATTEMPTS
from competitions.refusals import NotOpen, Refused

REASON_LENGTH = 300


class Allowance(NamedTuple):
    """What a team has beyond the others: files a day and in all, and a later end of its own."""

    attempts: int
    closes_at: datetime | None

    @classmethod
    def of(cls, team: Team) -> "Allowance":
        return cls(team.extra_attempts, team.closes_at)


def allow(
    team: Team,
    reason: str,
    by: Any = None,
    *,
    attempts: int = 0,
    until: datetime | None = None,
    seen: Allowance | None = None,
) -> bool:
    """``attempts`` more files on top of what it has, and a later end; True where anything changed.

    ``seen`` is what the host saw the team have: two clicks give it once.

    Raises NotOpen where no file could be sent, Refused without a reason, for an end that is not
    later than the team's present one, and for more than a slip of the finger would explain.
    """
    words = _reason(reason)
    with transaction.atomic():
        competition, fresh = _held(team)
        if competition.state != State.OPEN:
            raise NotOpen(_not_running(competition))
        before = Allowance.of(fresh)
        if seen is not None and seen != before:
            raise Refused("The team was given something meanwhile. Look again, then choose anew.")
        after = Allowance(
            _more(before.attempts, attempts),
            before.closes_at if until is None else _later(competition, fresh, until),
        )
        return _write(competition, fresh, before, after, words, by)


def take_back(team: Team, reason: str = "", by: Any = None) -> bool:
    """The team has what everybody has; what it sent meanwhile stays and counts."""
    with transaction.atomic():
        competition, fresh = _held(team)
        if competition.state == State.REVEALED:
            raise NotOpen("The challenge was revealed; who had which end is history.")
        none = Allowance(0, None)
        return _write(competition, fresh, Allowance.of(fresh), none, " ".join(reason.split()), by)


def running(competition: Competition) -> list[Team]:
    """The teams that may still send files after everybody's end, the last to end first.

    None of a challenge without an end, nor of one that was closed by hand.
    """
    end = competition.closes_at
    if end is None or competition.state != State.OPEN or end > clock(competition):
        return []
    later = Team.objects.filter(competition=competition, closes_at__gt=clock(competition))
    return list(later.filter(is_baseline=False, disqualification="").order_by("-closes_at"))


def _held(team: Team) -> tuple[Competition, Team]:
    """Both as they are now; the challenge's row is locked until the transaction ends."""
    competition = Competition.objects.locked(team.competition_id)
    return competition, Team.objects.get(pk=team.pk)


def _not_running(competition: Competition) -> str:
    if competition.state == State.CLOSED:
        return "The challenge was closed by hand, which ends it for all. Open it again first."
    if competition.state == State.REVEALED:
        return "The challenge was revealed: nobody can send files any more."
    return "The challenge is a draft. Open it first."


def _more(before: int, attempts: int) -> int:
    if attempts < 0:
        raise Refused("Attempts are given, not taken. “Take back” leaves the team what all have.")
    if before + attempts > MOST_EXTRA_ATTEMPTS:
        raise Refused(
            f"A team may have at most {MOST_EXTRA_ATTEMPTS} attempts more than the others."
        )
    return before + attempts


def _later(competition: Competition, team: Team, until: datetime) -> datetime:
    present = closes_for(competition, team)
    if present is None:
        raise Refused("The challenge has no end, so that no team needs a later one.")
    if until <= max(present, clock(competition)):
        raise Refused("The team's new end must lie ahead, and be later than its present one.")
    if until - max(present, clock(competition)) > LONGEST_EXTENSION:
        raise Refused(TOO_FAR)
    return until


def _reason(text: str) -> str:
    words = " ".join(text.split())
    if not words:
        raise Refused("Write the reason: the audit log keeps it, for whoever asks later.")
    if len(words) > REASON_LENGTH:
        raise Refused(f"The reason may have {REASON_LENGTH} characters, and this one has more.")
    return words


def _write(
    competition: Competition, team: Team, before: Allowance, after: Allowance, reason: str, by: Any
) -> bool:
    if after == before:
        return False
    changed = {"extra_attempts": after.attempts, "closes_at": after.closes_at}
    Team.objects.filter(pk=team.pk).update(**changed)
    told = {"before": _told(before), "after": _told(after)}
    audit.record(competition, by, Kind.ALLOWED_MORE, team, reason=reason, team_id=team.pk, **told)
    return True


def _told(allowance: Allowance) -> dict[str, Any]:
    end = allowance.closes_at
    return {"attempts": allowance.attempts, "closes_at": end.isoformat() if end else None}
