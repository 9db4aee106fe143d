"""The life of a submission: the only module that writes ``Submission.status``.

Each transition is one UPDATE filtered by the state it may start from and, after the claim, by
the attempt: a worker that was given up finds no row to write and its result is dropped.
Verbs ring no bell; the doors do, after the commit (see tasks.enqueue).
"""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

from django.contrib.auth.models import AbstractUser
from django.core.files.base import File
from django.db import IntegrityError, transaction
from django.db.models import Case, Count, F, Q, Value, When
from django.db.models.functions import Now

from competitions import audit, deadlines, files, standings, teams
from competitions.models import (
    Competition,
    Kind,
    PrivateScore,
    PublicScore,
    Standing,
    State,
    Status,
    Submission,
    Team,
)
from competitions.models.submission import FINAL, WAITING, WENT_WRONG
from competitions.refusals import LimitReached, NotAMember, NotOpen, Refused
from scoring import InvalidSubmission, Report
from scoring.custom.evaluate import SplitReport

# A CSV is scored in milliseconds; the queue's hard time limit lies below the lease, so that a
# worker is always dead before its lease runs out.
LEASE = timedelta(seconds=60)
MAX_ATTEMPTS = 3
FORGOTTEN_AFTER = timedelta(seconds=10)  # received, but no bell rung: the web process died
RING_AGAIN_AFTER = timedelta(seconds=60)  # rung, but nobody came: the broker lost the message
GIVE_UP_AFTER = timedelta(hours=6)
REFUSED_FILES_PER_HOUR = 30
PUBLIC_ROWS_PER_FILE, FEWEST_IN_ALL, MOST_IN_ALL = 30, 20, 500
NO_SLOTS: dict[str, Any] = {"slot": None, "lifetime_slot": None}
SWEPT_AT_ONCE = 1000  # a long backlog is rung in parts: bells must not bury it deeper


class Superseded(Exception):
    """The competition has another solution or metric than the one that this file was scored by."""


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


def submit(
    competition: Competition, user: AbstractUser, upload: "File[bytes]", message: str = ""
) -> Submission:
    """Takes a file: stored by its content, a slot of the day held, one row inserted.

    Raises NotAMember, NotOpen, LimitReached or FileTooLarge; then no row is made and no attempt
    spent.
    """
    team = teams.of(competition, user)
    if team is None:
        raise NotAMember("Join the challenge first, then submit.")
    _next_slot(competition.pk, team)  # an early no, before the bytes are stored
    stored = files.store("submissions", upload.chunks(), limit=files.submission_limit(competition))
    fields = {
        "team": team,
        "user_id": user.pk,
        "file_name": _printable(upload.name or "submission.csv")[-200:],
        "path": stored.path,
        "size": stored.size,
        "sha256": stored.sha256,
        "message": _printable(message).strip()[:200],
    }
    return _take_slot(competition, team, fields)


def attempts(competition: Competition, team: Team) -> Attempts:
    """What the team has left today."""
    current = deadlines.read(competition.pk)
    now = deadlines.clock(current)
    tomorrow = datetime.combine(_day(now) + timedelta(days=1), time.min, tzinfo=UTC)
    held = _held(team).aggregate(
        used=Count("pk", filter=Q(day=_day(now))), lifetime_used=Count("lifetime_slot")
    )
    return Attempts(
        limit=competition.daily_limit,
        resets_at=tomorrow,
        lifetime_limit=lifetime_limit(competition),
        is_late=deadlines.phase(current).is_over,
        **held,
    )


def lifetime_limit(competition: Competition) -> int:
    """The organiser's, else a thirtieth of the public rows, from 20 to 500.

    Every answered file tells a little of the public labels; so many tell too little to be of use.
    """
    if competition.lifetime_limit is not None:
        return competition.lifetime_limit
    rows = competition.solution.public_rows if competition.solution else 0
    return min(max(rows // PUBLIC_ROWS_PER_FILE, FEWEST_IN_ALL), MOST_IN_ALL)


def mark_queued(pk: int) -> None:
    """The bell has been rung; what a worker already holds keeps its status."""
    waiting = Case(When(status=Status.RECEIVED, then=Value(Status.QUEUED)), default="status")
    Submission.objects.exclude(status__in=FINAL).filter(pk=pk).update(status=waiting, rung_at=Now())


def claim(pk: int) -> Submission | None:
    """Takes the submission for scoring; None where another worker has it or it is finished."""
    with transaction.atomic():
        now = _clock(pk)
        if now is None:
            return None
        claimed = (
            Submission.objects.filter(pk=pk, attempt__lt=MAX_ATTEMPTS)
            .filter(Q(status__in=WAITING) | Q(status=Status.RUNNING, lease_until__lt=now))
            .update(
                status=Status.RUNNING,
                attempt=F("attempt") + 1,
                started_at=now,
                lease_until=now + LEASE,
            )
        )
        if not claimed:
            return None
        return Submission.objects.select_related("team__competition__solution").get(pk=pk)


def finish(submission: Submission, report: Report | SplitReport) -> Standing | None:
    """Running to scored: both scores and the standing, in one transaction.

    Returns the team's standing where the board moved; None where it did not, or where this attempt
    was no longer the one that counts. Raises Superseded where the file must be scored again.
    """
    solution = submission.team.competition.solution
    if solution is None or report.public is None or report.private is None:
        raise ValueError("an open competition has a solution with public and private rows")
    with transaction.atomic():
        # The challenge before the file, as everywhere: the other way round would be a deadlock.
        competition = Competition.objects.locked(submission.team.competition_id)
        if not _end(submission, Status.SCORED):
            return None
        Competition.objects.move_board_on(competition.pk)
        if competition.solution_id != solution.pk:
            raise Superseded
        PublicScore.objects.create(submission=submission, solution=solution, value=report.public)
        PrivateScore.objects.create(submission=submission, solution=solution, value=report.private)
        team = Team.objects.get(pk=submission.team_id)
        return standings.record(team, competition)


def reject(submission: Submission, error: InvalidSubmission) -> bool:
    """Running to invalid: the team's file is wrong. The slot is given back."""
    problems = [{**asdict(problem), "code": str(problem.code)} for problem in error.problems]
    return _end(
        submission,
        Status.INVALID,
        **NO_SLOTS,
        error=_headline(error),
        problems=problems,
        more_problems=error.more,
    )


def fail(submission: Submission, message: str) -> bool:
    """Running to failed: our fault. The slot is given back."""
    return _end(submission, Status.FAILED, **NO_SLOTS, error=message)


def score_again(submission: Submission, by: Any = None, reason: str = "") -> bool:
    """Failed to received: our fault, mended. The file keeps its moment and holds attempts again.

    Also beyond the limits: the team may have used what was given back. Raises Refused.
    """
    try:
        with transaction.atomic():
            competition = Competition.objects.locked(submission.team.competition_id)
            if competition.state == State.REVEALED:
                raise Refused("The private board was revealed: no file comes onto it any more.")
            held = list(_held(submission.team).values_list("day", "slot", "lifetime_slot"))
            day = [slot for day, slot, _ in held if day == submission.day]
            in_all = [number for _, _, number in held if number is not None]
            failed = Submission.objects.filter(pk=submission.pk, status=Status.FAILED)
            changed = failed.update(
                status=Status.RECEIVED,
                slot=1 + max(day, default=0),
                lifetime_slot=None if submission.is_late else 1 + max(in_all, default=0),
                attempt=0,
                rung_at=None,
                started_at=None,
                finished_at=None,
                error="",
            )
            if changed:
                audit.record(
                    competition, by, Kind.SCORED_AGAIN, submission.file_name, reason=reason
                )
    except IntegrityError:
        raise Refused("The team sent another file at this moment. Try again.") from None
    return bool(changed)


def forgotten() -> list[int]:
    """What must be rung again, the oldest first."""
    return [
        submission.pk
        for submission in _unfinished()
        if _needs_a_bell(submission, submission.clock)
        and not _is_hopeless(submission, submission.clock)
    ]


def give_up() -> list[int]:
    """Running or waiting to failed, for what was tried or waited too often. Returns the ended."""
    return [
        submission.pk
        for submission in _unfinished()
        if _is_hopeless(submission, submission.clock) and _end_hopeless(submission)
    ]


def _take_slot(competition: Competition, team: Team, fields: dict[str, Any]) -> Submission:
    """Inserts the row under the first free slot of the day.

    Two uploads at once choose the same slot; the unique constraint lets one through and the
    other looks again. Each look sees one more slot taken, so the loop ends at the limit.
    """
    for _ in range(competition.daily_limit + 1):
        with transaction.atomic():
            place = _next_slot(competition.pk, team)
            try:
                with transaction.atomic():
                    return Submission.objects.create(
                        **fields,
                        day=_day(place.now),
                        slot=place.slot,
                        lifetime_slot=place.lifetime_slot,
                        is_late=place.is_late,
                        received_at=place.now,
                    )
            except IntegrityError:
                continue
    raise LimitReached("Too many uploads at once. Nothing was spent; send the file again.")


def _next_slot(competition_pk: int, team: Team) -> Place:
    """The place that a file sent now would hold; raises if there is none."""
    current, is_late = deadlines.require_taking(competition_pk)
    if team.disqualification:
        raise NotOpen(f"Your team was disqualified: {team.disqualification}")
    now = deadlines.clock(current)
    _require_patience(team, now)
    held = list(_held(team).values_list("day", "slot", "lifetime_slot"))
    return Place(
        slot=_free_slot({slot for day, slot, _ in held if day == _day(now)}, current.daily_limit),
        lifetime_slot=None if is_late else _free_lifetime_slot(held, lifetime_limit(current)),
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


def _free_lifetime_slot(held: list[tuple[Any, int, int | None]], limit: int) -> int:
    free = _first_free({number for _day, _slot, number in held if number is not None}, limit)
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
        team=team, status__in=WENT_WRONG, received_at__gt=now - timedelta(hours=1)
    ).count()
    if refused >= REFUSED_FILES_PER_HOUR:
        raise LimitReached(
            f"{refused} of your files could not be scored within an hour. "
            "Check the next one with `python -m scoring check`, then send it in an hour."
        )


def _printable(text: str) -> str:
    """Without control and invisible characters; PostgreSQL would not even take a NUL."""
    return "".join(c for c in text if c.isprintable())


def _held(team: Team) -> Any:
    """The submissions that hold an attempt."""
    return Submission.objects.filter(team=team, slot__isnull=False)


def _day(now: datetime) -> Any:
    return now.astimezone(UTC).date()


def _clock(pk: int) -> datetime | None:
    """The database's time, or None where there is no such submission."""
    rows = Submission.objects.filter(pk=pk).annotate(clock=Now())
    return rows.values_list("clock", flat=True).first()


def _end(submission: Submission, status: Status, **changes: Any) -> bool:
    """The fenced write: only the newest attempt of a running submission may end it."""
    ended = Submission.objects.filter(
        pk=submission.pk, status=Status.RUNNING, attempt=submission.attempt
    ).update(status=status, finished_at=Now(), lease_until=None, **changes)
    return bool(ended)


def _is_hopeless(submission: Submission, now: datetime) -> bool:
    if submission.status == Status.RUNNING:
        assert submission.lease_until is not None  # noqa: S101  (a constraint says so)
        return submission.lease_until < now and submission.attempt >= MAX_ATTEMPTS
    return submission.received_at + GIVE_UP_AFTER < now


def _needs_a_bell(submission: Submission, now: datetime) -> bool:
    rung, lease = submission.rung_at, submission.lease_until
    if lease is not None:  # running; the bell of the attempt that ran out does not count any more
        return lease < now and (rung is None or rung <= lease or rung + RING_AGAIN_AFTER < now)
    if rung is None:
        return submission.received_at + FORGOTTEN_AFTER < now
    return rung + RING_AGAIN_AFTER < now


def _end_hopeless(submission: Submission) -> bool:
    ended = Submission.objects.filter(
        pk=submission.pk, status=submission.status, attempt=submission.attempt
    ).update(
        status=Status.FAILED,
        **NO_SLOTS,
        finished_at=Now(),
        lease_until=None,
        error="We could not score this file. Your attempt is given back; please send it again.",
    )
    return bool(ended)


def _unfinished() -> Any:
    """The oldest of what is not final, with the database's time as ``clock``."""
    fields = ("status", "received_at", "rung_at", "lease_until", "attempt")
    rows = Submission.objects.exclude(status__in=FINAL).annotate(clock=Now()).only(*fields)
    return rows.order_by("received_at")[:SWEPT_AT_ONCE]


def _headline(error: InvalidSubmission) -> str:
    first = error.problems[0]
    others = len(error.problems) - 1 + error.more
    where = f"Line {first.line}: " if first.line else ""
    return f"{where}{first.message}" + (f" (and {others} more)" if others else "")
