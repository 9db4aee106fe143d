"""A worker's part: reading, then scoring again what is missing, a few files at a time.

The row is the truth and the message a bell. A bell carries the moment at which it was rung, and
only the newest one is answered, once: that claim is one UPDATE. A worker that dies answers no more,
and the sweep rings again. Scores are unique, so that nothing is written twice.
"""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.db import OperationalError, transaction
from django.db.models import Exists, OuterRef, QuerySet

from competitions import deadlines, files, solutions
from competitions.models import (
    PrivateScore,
    PublicScore,
    Rescoring,
    SolutionVersion,
    Stage,
    Status,
    Submission,
    Unscorable,
)
from competitions.models.rescoring import UNDER_WAY
from competitions.rescoring import reading
from competitions.rescoring.settings import rescored
from scoring import InvalidSubmission, Report, Solution
from scoring.custom import MetricError
from scoring.custom.evaluate import SplitReport

log = structlog.get_logger(__name__)

BATCH = 100  # files in one transaction
BATCH_SECONDS = 10  # other work of the background queue waits no longer
RING_AGAIN_AFTER = timedelta(minutes=2)  # the longest that one step takes, with room to spare
FOLLOW_AFTER = timedelta(seconds=1)  # bells for new files: more would only overtake one another
SCORES = (Stage.SCORING, Stage.READY)
OUR_FAULT = "Something broke on our side while this file was scored again."
METRIC_FAILED = "The organiser's metric failed on this file."
MISSING = "The uploaded file is missing from our storage, so that it cannot be scored again."
UNREAD = (
    "Files that the storage does not hand out: {}, such as {}. They are tried again every two "
    "minutes. If it stays so, mend the storage or drop this rescoring: nothing has changed yet."
)

Outcome = Report | SplitReport | str  # a score, or why there is none


@dataclass(frozen=True)
class Progress:
    """How many scored files there are, and of how many it is known what they score now."""

    done: int
    files: int


def progress(rescoring: Rescoring) -> Progress:
    if rescoring.stage not in SCORES:
        return Progress(0, _scored(rescoring).count())
    count = _scored(rescoring).count()
    return Progress(count - missing(rescoring).count(), count)


def rung(pk: int) -> str | None:
    """Marks a rescoring as rung and returns what the bell must carry; None where it is over."""
    found = Rescoring.objects.filter(pk=pk, stage__in=UNDER_WAY).first()
    if found is None:
        return None
    now = deadlines.database_time(found.competition_id)
    Rescoring.objects.filter(pk=pk).update(rung_at=now)
    return now.isoformat()


def waiting() -> list[int]:
    """What must be rung again: a bell or a worker was lost, or new files came meanwhile."""
    return [found.pk for found in _under_way() if _is_due(found, RING_AGAIN_AFTER)]


def behind(competition_pk: int) -> list[int]:
    """What a file that was scored just now must be scored under as well."""
    ready = _under_way().filter(competition=competition_pk, stage=Stage.READY)
    return [found.pk for found in ready if _is_due(found, FOLLOW_AFTER)]


def step(pk: int, bell: str) -> bool:
    """Answers a bell: reads, or scores a batch. Returns whether there is more to be done."""
    rescoring, ours = _answer(pk, bell)
    if rescoring is None:
        return False
    if rescoring.stage == Stage.READING:
        reading.read(rescoring)
    elif not _score(rescoring):
        return False  # the storage is away: the sweep rings again
    again = _under_way().filter(pk=pk, rung_at=ours).first()
    return again is not None and _has_work(again)


def missing(rescoring: Rescoring) -> QuerySet[Submission]:
    """The scored files, whoever's and however late, that have no score under it yet."""
    score = PublicScore.objects.filter(submission=OuterRef("pk"), solution=rescoring.after_id)
    none = Unscorable.objects.filter(submission=OuterRef("pk"), rescoring=rescoring.pk)
    return _scored(rescoring).filter(~Exists(score), ~Exists(none)).order_by("received_at", "pk")


def _scored(rescoring: Rescoring) -> QuerySet[Submission]:
    competition = rescoring.competition_id
    return Submission.objects.filter(team__competition=competition, status=Status.SCORED)


def _under_way() -> QuerySet[Rescoring]:
    return Rescoring.objects.filter(stage__in=UNDER_WAY)


def _has_work(rescoring: Rescoring) -> bool:
    return rescoring.stage in (Stage.READING, Stage.SCORING) or missing(rescoring).exists()


def _is_due(rescoring: Rescoring, after: timedelta) -> bool:
    now = deadlines.database_time(rescoring.competition_id)
    is_quiet = rescoring.rung_at is None or rescoring.rung_at + after < now
    return is_quiet and _has_work(rescoring)


def _answer(pk: int, bell: str) -> tuple[Rescoring | None, datetime | None]:
    """The rescoring, and the moment that now stands for this worker; None for an old bell."""
    rung_at = datetime.fromisoformat(bell)
    found = _under_way().filter(pk=pk, rung_at=rung_at).first()
    if found is None:
        return None, None
    now = deadlines.database_time(found.competition_id)
    # Never the same moment twice: the same bell heard again finds another one.
    now = max(now, rung_at + timedelta(milliseconds=1))
    if not _under_way().filter(pk=pk, rung_at=rung_at).update(rung_at=now):
        return None, None
    related = ("before", "after", "old_custom_metric", "new_custom_metric")
    return Rescoring.objects.select_related(*related).get(pk=pk), now


def _score(rescoring: Rescoring) -> bool:
    """Some of what is missing; READY once nothing is. Returns whether it got on.

    A file that cannot be read now holds up no other one, and the organiser is told of it.
    """
    version = rescoring.after
    if version is None:
        raise ValueError("a constraint says that there is one")
    spec = solutions.spec(rescored(rescoring))
    solution = solutions.compiled(version.pk, spec)
    found: list[tuple[Submission, Outcome]] = []
    unread: list[Submission] = []
    until = time.monotonic() + BATCH_SECONDS
    for submission in missing(rescoring)[:BATCH]:
        try:
            found.append((submission, _outcome(submission, solution, spec)))
        except OSError as error:
            log.error("not scored again", submission=submission.pk, reason=type(error).__name__)
            unread.append(submission)
        if time.monotonic() > until:
            break
    _keep(rescoring, version, found)
    _tell(rescoring, unread)
    if not missing(rescoring).exists():
        Rescoring.objects.filter(pk=rescoring.pk, stage=Stage.SCORING).update(stage=Stage.READY)
    return bool(found) or not unread


def _tell(rescoring: Rescoring, unread: list[Submission]) -> None:
    """The organiser, on the page of the rescoring, for as long as it is so."""
    problem = UNREAD.format(len(unread), unread[0].file_name) if unread else ""
    if problem != rescoring.problem:
        _under_way().filter(pk=rescoring.pk).update(problem=problem)


def _outcome(submission: Submission, solution: Solution, spec: solutions.AnySpec) -> Outcome:
    """The file's size was admitted when it came: the limit of another layout is not its own."""
    if not submission.path:  # a model of another installation, whose answers did not come along
        return MISSING
    try:
        content = files.read("submissions", submission.path)
    except FileNotFoundError:
        log.error("an uploaded file is missing", submission=submission.pk)
        return MISSING
    try:
        return solutions.evaluate(content, solution, spec)
    except InvalidSubmission as error:
        return str(error)
    except (OperationalError, OSError):
        raise
    except MetricError as error:
        # The sentence alone: the metric's traceback and what it printed may hold labels.
        log.error("the new metric failed", submission=submission.pk, reason=error.sentence)
        return METRIC_FAILED
    except Exception as error:
        log.error("scoring again failed", submission=submission.pk, reason=type(error).__name__)
        return OUR_FAULT


def _keep(
    rescoring: Rescoring, version: SolutionVersion, found: list[tuple[Submission, Outcome]]
) -> None:
    public, private, unfit = [], [], []
    for submission, outcome in found:
        if isinstance(outcome, str):
            unfit.append(Unscorable(rescoring=rescoring, submission=submission, sentence=outcome))
        elif outcome.public is None or outcome.private is None:
            raise ValueError("a solution has public and private rows")
        else:
            key = {"submission": submission, "solution": version}
            public.append(PublicScore(**key, value=outcome.public))
            private.append(PrivateScore(**key, value=outcome.private))
    with transaction.atomic():
        PublicScore.objects.bulk_create(public, ignore_conflicts=True)
        PrivateScore.objects.bulk_create(private, ignore_conflicts=True)
        Unscorable.objects.bulk_create(unfit, ignore_conflicts=True)
