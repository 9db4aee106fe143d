"""The life of a submission: the only module that writes ``Submission.status``.

Each transition is one UPDATE filtered by the state it may start from and, after the claim, by
the attempt: a worker that was given up finds no row to write and its result is dropped.
Verbs ring no bell; the doors do, after the commit (see tasks.enqueue).
"""

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import AbstractUser
from django.core.files.base import File
from django.db import IntegrityError, transaction
from django.db.models import Case, F, Max, Q, QuerySet, Value, When
from django.db.models.functions import Now

from competitions import attempts, audit, files, model_rules, standings, teams
from competitions.files import Stored
from competitions.models import (
    Competition,
    Kind,
    ModelRun,
    ModelStage,
    PrivateScore,
    PublicScore,
    Sent,
    Standing,
    State,
    Status,
    Submission,
    Team,
)
from competitions.models.submission import FINAL, WAITING
from competitions.refusals import LimitReached, NotAMember, Refused
from scoring import InvalidSubmission, Report
from scoring.custom.evaluate import SplitReport

# A CSV is scored in milliseconds; the queue's hard time limit lies below the lease, so that a
# worker is always dead before its lease runs out.
LEASE = timedelta(seconds=60)
MAX_ATTEMPTS = 3
FORGOTTEN_AFTER = timedelta(seconds=10)  # received, but no bell rung: the web process died
RING_AGAIN_AFTER = timedelta(seconds=60)  # rung, but nobody came: the broker lost the message
GIVE_UP_AFTER = timedelta(hours=6)
HAS_PREDICTIONS = ~Q(path="")  # a model must have run first
NO_SLOTS: dict[str, Any] = {"slot": None, "lifetime_slot": None}
SWEPT_AT_ONCE = 1000  # a long backlog is rung in parts: bells must not bury it deeper


UNSCORABLE_ANSWERS = (
    "What your model answered could not be scored: some logits were no numbers, or too large. "
    "Try it on images of your own with `python -m scoring run`."
)


class Superseded(Exception):
    """The competition has another solution or metric than the one that this file was scored by."""


def submit(
    competition: Competition, user: AbstractUser, upload: "File[bytes]", message: str = ""
) -> Submission:
    """Takes a file: stored by its content, a slot of the day held, one row inserted.

    Raises NotAMember, NotOpen, LimitReached, FileTooLarge, or Refused where the challenge takes
    models alone; then no row is made and no attempt spent.
    """
    team = sender(competition, user)
    if not team.is_baseline:
        model_rules.require_files(competition)
    stored = files.store("submissions", upload.chunks(), limit=files.submission_limit(competition))
    return enter(competition, team, user, upload.name or "submission.csv", stored, message)


def sender(competition: Competition, user: AbstractUser) -> Team:
    """The person's team, which may send something now: an early no, before bytes are stored.

    Raises NotAMember, NotOpen or LimitReached.
    """
    team = teams.of(competition, user)
    if team is None:
        raise NotAMember("Join the challenge first, then submit.")
    attempts.next_place(competition.pk, team)
    return team


def enter(
    competition: Competition,
    team: Team,
    user: AbstractUser,
    name: str,
    stored: Stored,
    message: str = "",
    kind: Sent = Sent.FILE,
) -> Submission:
    """The row of what was stored, with an attempt. Raises NotOpen or LimitReached."""
    fields = {
        "team": team,
        "user_id": user.pk,
        "kind": kind,
        "file_name": _printable(name)[-200:],
        "path": stored.path if kind == Sent.FILE else "",
        "size": stored.size,
        "sha256": stored.sha256,
        "message": _printable(message).strip()[:200],
    }
    return _take_slot(competition, team, fields)


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
            Submission.objects.filter(HAS_PREDICTIONS, pk=pk, attempt__lt=MAX_ATTEMPTS)
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
    """Running to invalid: the team's file is wrong. The slot is given back.

    A model has seen the test images: it has crashed, and its attempt stays spent.
    """
    if submission.is_model:  # the problems quote answers, which are not the team's to see
        return _end(submission, Status.CRASHED, error=UNSCORABLE_ANSWERS)
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


def begin_run(pk: int) -> bool:
    """Waiting to running: a worker has begun to run the model, under the lease of its run."""
    begun = _without_predictions(pk).filter(status__in=WAITING)
    return bool(begun.update(status=Status.RUNNING, started_at=Now()))


def put_back(pk: int) -> bool:
    """Running to queued: this machine could not run the model; another attempt will."""
    return bool(_without_predictions(pk).filter(status=Status.RUNNING).update(status=Status.QUEUED))


def answered(pk: int, path: str) -> bool:
    """Running to queued: the model has run, and what it answered lies there, to be scored."""
    ran = _without_predictions(pk).filter(status=Status.RUNNING)
    return bool(ran.update(status=Status.QUEUED, path=path, rung_at=None))


def end_run(pk: int, status: Status, error: str, *, gives_back: bool) -> bool:
    """To one of the endings without answers. Only the callers in model_runs know which it is."""
    slots = NO_SLOTS if gives_back else {}
    ended = _without_predictions(pk).exclude(status__in=FINAL)
    return bool(ended.update(status=status, error=error, finished_at=Now(), **slots))


def _without_predictions(pk: int) -> QuerySet[Submission]:
    return Submission.objects.filter(pk=pk, kind=Sent.MODEL, path="")


def score_again(submission: Submission, by: Any = None, reason: str = "") -> bool:
    """Failed to received: our fault, mended. The file keeps its moment and holds attempts again.

    Also beyond the limits: the team may have used what was given back. Raises Refused.
    """
    try:
        with transaction.atomic():
            competition = Competition.objects.locked(submission.team.competition_id)
            if competition.state == State.REVEALED:
                raise Refused("The private board was revealed: no file comes onto it any more.")
            held = attempts.held(submission.team)
            used = held.filter(day=submission.day).aggregate(n=Max("slot"))["n"] or 0
            in_all = held.aggregate(n=Max("lifetime_slot"))["n"] or 0
            failed = Submission.objects.filter(pk=submission.pk, status=Status.FAILED)
            changed = failed.update(
                status=Status.RECEIVED,
                slot=used + 1,
                lifetime_slot=None if submission.is_late else in_all + 1,
                attempt=0,
                rung_at=None,
                started_at=None,
                finished_at=None,
                error="",
            )
            if changed:
                _run_again(submission.pk)
                audit.record(
                    competition, by, Kind.SCORED_AGAIN, submission.file_name, reason=reason
                )
    except IntegrityError:
        raise Refused("The team sent another file at this moment. Try again.") from None
    return bool(changed)


def _run_again(pk: int) -> None:
    """A model that failed before it had answered begins with its run anew."""
    ModelRun.objects.filter(submission=pk, submission__path="").update(
        stage=ModelStage.TO_TRY,
        attempt=0,
        rung_at=None,
        queued_at=Now(),
        served_at=None,
        began_at=None,
        images_done=0,
        images_per_second=None,
        seconds=None,
        load_seconds=None,
        expected_seconds=None,
        device="",
        batch_size=None,
    )


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
    for _ in range(competition.daily_limit + team.extra_attempts + 1):
        with transaction.atomic():
            place = attempts.next_place(competition.pk, team)
            try:
                with transaction.atomic():
                    return Submission.objects.create(
                        **fields,
                        day=attempts.day_of(place.now),
                        slot=place.slot,
                        lifetime_slot=place.lifetime_slot,
                        is_late=place.is_late,
                        received_at=place.now,
                    )
            except IntegrityError:
                continue
    raise LimitReached("Too many uploads at once. Nothing was spent; send the file again.")


def _printable(text: str) -> str:
    """Without control and invisible characters; PostgreSQL would not even take a NUL."""
    return "".join(c for c in text if c.isprintable())


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
    return (submission.started_at or submission.received_at) + GIVE_UP_AFTER < now


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
    fields = ("status", "received_at", "started_at", "rung_at", "lease_until", "attempt")
    rows = (
        Submission.objects.filter(HAS_PREDICTIONS)
        .exclude(status__in=FINAL)
        .annotate(clock=Now())
        .only(*fields)
    )
    return rows.order_by("received_at")[:SWEPT_AT_ONCE]


def _headline(error: InvalidSubmission) -> str:
    first = error.problems[0]
    others = len(error.problems) - 1 + error.more
    where = f"Line {first.line}: " if first.line else ""
    return f"{where}{first.message}" + (f" (and {others} more)" if others else "")
