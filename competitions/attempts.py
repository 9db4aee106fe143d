"""How many files a team may send: of the day, in all, and of those that cannot be scored.

An attempt is a unique number that a submission holds (decision 8), so that two uploads at once
cannot pass a limit together. Days are UTC.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.db.models import Count, Q, QuerySet

from competitions import deadlines
from competitions.models import Competition, Submission, Team
from competitions.models.submission import WENT_WRONG
from competitions.refusals import LimitReached, NotOpen

REFUSED_FILES_PER_HOUR = 30
PUBLIC_ROWS_PER_FILE, FEWEST_IN_ALL, MOST_IN_ALL = 30, 20, 500


@dataclass(frozen=True)
class Attempts:
    """A team's attempts of the day (UTC), and in all."""

    limit: int
    used: int
    resets_at: datetime
    lifetime_limit: int
    lifetime_used: int
    is_late: bool = False  # sent now, a file would hold none of the attempts in all

    @property
    def left(self) -> int:
        """How many files may still be sent today."""
        return self.today_left if self.is_late else min(self.today_left, self.lifetime_left)

    @property
    def today_left(self) -> int:
        return max(0, self.limit - self.used)

    @property
    def lifetime_left(self) -> int:
        return max(0, self.lifetime_limit - self.lifetime_used)

    @property
    def is_spent(self) -> bool:
        """Nothing is left in all, today or any other day."""
        return not self.is_late and not self.lifetime_left


@dataclass(frozen=True)
class Place:
    """What a file sent now would hold: an attempt of the day, one of all, and its moment."""

    slot: int
    lifetime_slot: int | None
    is_late: bool
    now: datetime


def of(competition: Competition, team: Team) -> Attempts:
    """What the team has left today."""
    current = deadlines.read(competition.pk)
    now = deadlines.clock(current)
    tomorrow = datetime.combine(day_of(now) + timedelta(days=1), time.min, tzinfo=UTC)
    counted = held(team).aggregate(
        used=Count("pk", filter=Q(day=day_of(now))), lifetime_used=Count("lifetime_slot")
    )
    return Attempts(
        limit=current.daily_limit + team.extra_attempts,
        resets_at=tomorrow,
        lifetime_limit=lifetime_limit(current) + team.extra_attempts,
        is_late=deadlines.phase_for(current, team).is_over,
        **counted,
    )


def lifetime_limit(competition: Competition) -> int:
    """The organiser's, else a thirtieth of the public rows, from 20 to 500.

    Every answered file tells a little of the public labels; so many tell too little to be of use.
    """
    if competition.lifetime_limit is not None:
        return competition.lifetime_limit
    rows = competition.solution.public_rows if competition.solution else 0
    return min(max(rows // PUBLIC_ROWS_PER_FILE, FEWEST_IN_ALL), MOST_IN_ALL)


def next_place(competition_pk: int, team: Team) -> Place:
    """The place that a file sent now would hold; raises if there is none."""
    team = Team.objects.get(pk=team.pk)  # a host may have given it more since it was read
    current, is_late = deadlines.require_taking(competition_pk, team)
    if team.disqualification:
        raise NotOpen(f"Your team was disqualified: {team.disqualification}")
    now = deadlines.clock(current)
    _require_patience(team, now)
    taken = list(held(team).values_list("day", "slot", "lifetime_slot"))
    today = {slot for day, slot, _ in taken if slot is not None and day == day_of(now)}
    in_all = {number for _, _, number in taken if number is not None}
    extra = team.extra_attempts
    return Place(
        slot=_free_slot(today, current.daily_limit + extra),
        lifetime_slot=None
        if is_late
        else _free_lifetime_slot(in_all, lifetime_limit(current) + extra),
        is_late=is_late,
        now=now,
    )


def _free_slot(taken: set[int], limit: int) -> int:
    free = _first_free(taken, limit)
    if free is None:
        raise LimitReached(
            f"Your team has used its {limit} submissions of today. "
            "The next day begins at 00:00 UTC; this file is not counted."
        )
    return free


def _free_lifetime_slot(taken: set[int], limit: int) -> int:
    free = _first_free(taken, limit)
    if free is None:
        raise LimitReached(
            f"Your team has used all of its {limit} submissions to this challenge. "
            "Choose your final picks among them; this file is not counted."
        )
    return free


def _first_free(taken: set[int], limit: int) -> int | None:
    return next((slot for slot in range(1, limit + 1) if slot not in taken), None)


def _require_patience(team: Team, now: datetime) -> None:
    """Files without a score cost no attempt, so their number an hour is what is limited."""
    refused = Submission.objects.filter(
        team=team,
        status__in=WENT_WRONG,
        slot__isnull=True,
        received_at__gt=now - timedelta(hours=1),
    ).count()
    if refused >= REFUSED_FILES_PER_HOUR:
        raise LimitReached(
            f"{refused} of your files could not be scored within an hour. "
            "Check the next one with `python -m scoring check`, then send it in an hour."
        )


def held(team: Team) -> QuerySet[Submission]:
    """The submissions that hold an attempt."""
    return Submission.objects.filter(team=team, slot__isnull=False)


def day_of(now: datetime) -> date:
    """The day (UTC) against whose limit a file of that moment counts."""
    return now.astimezone(UTC).date()
