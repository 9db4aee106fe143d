"""Celery's door: claim, call a verb, leave. A task may be delivered twice, late, or never."""

import time

import redis
import structlog
from celery import shared_task
from django.conf import settings
from django.db import OperationalError, transaction
from kombu.exceptions import OperationalError as BrokerError

from competitions import files, preparing, solutions, submissions
from competitions.live import events
from competitions.models import Standing, Status, Submission
from scoring import InvalidSubmission, Report
from scoring.custom import MetricError
from scoring.custom.evaluate import SplitReport

log = structlog.get_logger(__name__)

SCORE = "score"  # its own queue; everything else goes to the default one, "background"
OUR_FAULT = "Something broke on our side while scoring. Your attempt is given back; send it again."


def enqueue(submission: Submission) -> None:
    """Rings the bell for a submission once its row is committed.

    Without a broker the row stays ``received`` and the sweep rings later: nothing is lost.
    """
    transaction.on_commit(lambda: _ring(submission.pk))


def _ring(pk: int) -> None:
    try:
        score.apply_async((pk,), queue=SCORE, retry=False)
    except (BrokerError, redis.RedisError, OSError) as error:
        log.warning("queue does not answer", submission=pk, reason=str(error))
    else:
        submissions.mark_queued(pk)


# Below submissions.LEASE: a worker that hangs is dead before another may take its submission.
@shared_task(soft_time_limit=45, time_limit=50)
def score(pk: int) -> None:
    """Claim, evaluate, and end the submission in one of three ways."""
    submission = submissions.claim(pk)
    if submission is None:
        _tell_again(pk)
        return
    with structlog.contextvars.bound_contextvars(submission=str(submission.public_id)):
        _score(submission)


def _score(submission: Submission) -> None:
    events.publish_submission(submission)
    standing = None
    try:
        standing = _evaluate_and_finish(submission)
    except InvalidSubmission as error:
        submissions.reject(submission, error)
    except (OperationalError, OSError):
        # The database or the storage is away: the lease runs out and the sweep tries again.
        raise
    except MetricError as error:
        # The sentence alone: the metric's traceback and what it printed may hold labels.
        log.error("the organiser's metric failed", reason=error.sentence)
        submissions.fail(submission, OUR_FAULT)
    except Exception:
        log.exception("scoring failed")
        submissions.fail(submission, OUR_FAULT)
    submission.refresh_from_db()
    _tell(submission, standing)


def _evaluate_and_finish(submission: Submission) -> Standing | None:
    """Once more where the solution or the metric was replaced meanwhile."""
    try:
        return submissions.finish(submission, _evaluate(submission))
    except submissions.Superseded:
        log.info("scored by what was replaced meanwhile; scoring again")
        submission.team.refresh_from_db()  # and with it, at the next look, the competition
        return submissions.finish(submission, _evaluate(submission))


def _evaluate(submission: Submission) -> Report | SplitReport:
    competition = submission.team.competition
    solution_pk = competition.solution_id
    if solution_pk is None:
        raise ValueError("an open competition has a solution")
    spec = solutions.spec(competition, files.submission_limit(competition))
    content = files.read("submissions", submission.path)
    return solutions.evaluate(content, solutions.compiled(solution_pk, spec), spec)


def _tell_again(pk: int) -> None:
    """A worker killed between its commit and its events told nobody; the next bell makes up."""
    submission = Submission.objects.select_related("team__standing").filter(pk=pk).first()
    if submission is None or not submission.is_final:
        return
    is_on_board = submission.status == Status.SCORED
    standing = getattr(submission.team, "standing", None)
    _tell(submission, standing if is_on_board else None)


def _tell(submission: Submission, standing: Standing | None) -> None:
    """The screens: everybody of the board's new line, the team of its submission."""
    if standing is not None:
        events.publish_board(standing)
    events.publish_submission(submission)


@shared_task
def sweep() -> None:
    """Every ten seconds: what is hopeless is ended, what was forgotten is rung again."""
    for pk in submissions.give_up():
        log.error("given up", submission=pk)
        _tell_again(pk)
    for pk in submissions.forgotten():
        log.info("ringing again", submission=pk)
        _ring(pk)
    _sweep_uploads()


def _sweep_uploads() -> None:
    for pk in preparing.give_up():
        log.error("preparing given up", competition=pk)
    for pk, inbox in preparing.forgotten():
        log.info("ringing again", competition=pk)
        try:
            prepare.apply_async((pk, inbox), retry=False)
        except (BrokerError, redis.RedisError, OSError) as error:
            log.warning("queue does not answer", competition=pk, reason=str(error))


# Large archives take their time. The broker gives the message to a second worker long before (its
# visibility timeout is ten minutes): preparing.claims lets only one of them work.
@shared_task(soft_time_limit=preparing.TIME_LIMIT, time_limit=preparing.TIME_LIMIT + 60)
def prepare(competition_pk: int, inbox: dict[str, str]) -> None:
    """Turns an organiser's uploaded files into a challenge, or into a sentence saying why not."""
    preparing.prepare(competition_pk, inbox)


@shared_task
def heartbeat(queue: str) -> None:
    """Proof that the queue is consumed, not only that a worker process is alive."""
    with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2) as connection:
        connection.set(f"holdout:consumed:{queue}", time.time())
