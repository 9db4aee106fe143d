"""Celery's door: claim, call a verb, leave. A task may be delivered twice, late, or never."""

import time
from collections.abc import Iterable
from functools import lru_cache, partial
from typing import Any

import redis
import structlog
from celery import shared_task
from django.conf import settings
from django.db import OperationalError, transaction
from kombu.exceptions import OperationalError as BrokerError

from competitions import (
    baseline_runs,
    deadlines,
    files,
    model_runs,
    preparing,
    rescoring,
    seal,
    solutions,
    submissions,
    tidying,
    uploads,
)
from competitions.insight import board, final, mistakes
from competitions.live import events
from competitions.model_runs import screening, serving
from competitions.models import BaselineRun, ModelRun, Standing, Status, Submission
from scoring import InvalidSubmission, Report
from scoring.custom import MetricError
from scoring.custom.evaluate import SplitReport

log = structlog.get_logger(__name__)

SCORE = "score"  # its own queue; everything else goes to the default one, "background"
INSIGHT = "insight"  # what takes a moment: it must not wait for a preparation, nor a score for it
PAUSE = 2  # seconds between two runs of a board's statistics
LOST_RACES = {"40001", "40P01"}  # PostgreSQL's codes: not serializable, deadlock
DAY = 24 * 3600  # seconds
WAITS = 60  # seconds until a message that never came is rung again
OUR_FAULT = "Something broke on our side while scoring. Your attempt is given back; send it again."


def enqueue(submission: Submission) -> None:
    """Rings the bell for a submission once its row is committed: to be scored, or first to be run.

    Without a broker the row stays ``received`` and the sweep rings later: nothing is lost.
    """
    if submission.path:
        transaction.on_commit(lambda: _ring(submission.pk))
    else:
        transaction.on_commit(lambda: _ring_model(submission.model_run.pk))


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
    if submission.status == Status.SCORED:
        enqueue_insight(submission.team.competition_id)
        for pk in rescoring.behind(submission.team.competition_id):
            _ring_rescoring(pk)


def _evaluate_and_finish(submission: Submission) -> Standing | None:
    """Once more where the solution or the metric was replaced meanwhile."""
    try:
        return _finish(submission, _evaluate(submission))
    except submissions.Superseded:
        log.info("scored by what was replaced meanwhile; scoring again")
        submission.team.refresh_from_db()  # and with it, at the next look, the competition
        return _finish(submission, _evaluate(submission))


def _finish(submission: Submission, report: Report | SplitReport) -> Standing | None:
    """Once more where the database undid the transaction for the sake of another one."""
    try:
        return submissions.finish(submission, report)
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) not in LOST_RACES:
            raise
        log.warning("undone for another transaction; written again", reason=str(error))
        return submissions.finish(submission, report)


def _evaluate(submission: Submission) -> Report | SplitReport:
    competition = submission.team.competition
    solution_pk = competition.solution_id
    if solution_pk is None:
        raise ValueError("an open competition has a solution")
    spec = solutions.spec(competition, files.scoring_limit(competition))
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
    for pk in rescoring.waiting():
        log.info("ringing again", rescoring=pk)
        _ring_rescoring(pk)
    _sweep_uploads()
    _sweep_models()
    _sweep_baselines()
    _sweep_insight()
    _sweep_files()


def _sweep_files() -> None:
    """Once a day; where the message is lost, the next day does."""
    try:
        if _valkey().set("holdout:tidied", 1, nx=True, ex=DAY):
            tidy_files.apply_async(expires=DAY, retry=False)
    except (BrokerError, redis.RedisError, OSError) as error:
        log.warning("queue does not answer", task=tidy_files.name, reason=str(error))


@shared_task
def tidy_files() -> None:
    """Deletes the stored files that no row names any more, in the background queue."""
    tidied = tidying.tidy()
    if tidied:
        log.info("files tidied", files=len(tidied), bytes=sum(each.size for each in tidied))


def _sweep_insight() -> None:
    for task, waiting in (
        (insight, board.stale()),
        (final_insight, final.lacking()),
        (verify_seal, seal.unverified()),
        (class_mistakes, mistakes.stale()),
    ):
        for pk in waiting:
            _ring_once(task, pk)


def _sweep_uploads() -> None:
    for name in uploads.tidy():
        log.info("upload thrown away", file=name)
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
    train_usual_baselines(competition_pk)


def train_usual_baselines(competition_pk: int) -> None:
    """After a preparation, once it is committed; where it failed nothing is trained."""
    enqueue_baselines(baseline_runs.queue_usual(competition_pk))


def enqueue_baselines(runs: Iterable[BaselineRun]) -> None:
    """Rings for baselines to be trained; without a broker the sweep does it later."""
    for run in runs:
        transaction.on_commit(partial(_ring_baseline, run.pk))


def _ring_baseline(pk: int) -> None:
    try:
        train_baseline.apply_async((pk,), queue=baseline_runs.QUEUE, retry=False)
    except (BrokerError, redis.RedisError, OSError) as error:
        log.warning("queue does not answer", baseline=pk, reason=str(error))
    else:
        baseline_runs.rung(pk)


def post_baselines(competition_pk: int) -> None:
    """After an opening, once it is committed: what is trained goes onto the board."""
    transaction.on_commit(lambda: _post_baselines(competition_pk))


def _post_baselines(competition_pk: int | None = None) -> None:
    for pk in baseline_runs.postable(competition_pk):
        submission = baseline_runs.post(pk)
        if submission is not None:
            enqueue(submission)


def _sweep_baselines() -> None:
    for pk in baseline_runs.give_up():
        log.error("training given up", baseline=pk)
    baseline_runs.renew_outdated()
    for pk in baseline_runs.forgotten():
        _ring_baseline(pk)
    _post_baselines()


# The broker gives the message to a second worker after ten minutes: only one may claim the run.
@shared_task(soft_time_limit=baseline_runs.TIME_LIMIT, time_limit=baseline_runs.TIME_LIMIT + 60)
def train_baseline(pk: int) -> None:
    """Claim, train on the public files, score on the public rows, and post where it is open."""
    run = baseline_runs.claim(pk)
    if run is None:
        return
    with structlog.contextvars.bound_contextvars(baseline=run.arch, competition=run.competition_id):
        baseline_runs.work(run)
    _post_baselines(run.competition_id)


def tell(submission: Submission) -> None:
    """The team's screens of a status that no worker wrote, once it is committed."""
    transaction.on_commit(lambda: events.publish_submission(submission))


def _ring_model(pk: int) -> None:
    """That something waits; the worker who hears it takes whatever is next (see model_runs)."""
    try:
        run_model.apply_async(queue=model_runs.QUEUE, retry=False)
    except (BrokerError, redis.RedisError, OSError) as error:
        log.warning("queue does not answer", model=pk, reason=str(error))
    else:
        model_runs.rung(pk)
        submissions.mark_queued(ModelRun.objects.values_list("submission", flat=True).get(pk=pk))


def _sweep_models() -> None:
    for pk in model_runs.give_up():
        log.error("model given up", submission=pk)
        _tell_again(pk)
    for pk in model_runs.forgotten():
        _ring_model(pk)
    if screening.waiting() and screening.is_to_be_rung():
        _ring_screening()


# Above the longest run, so that a worker ends it by its own limit and says so.
@shared_task(soft_time_limit=serving.TIME_LIMIT, time_limit=serving.TIME_LIMIT + 60)
def run_model() -> None:
    """One run of a model, whichever is next: tried on a few images, or run and sent to scoring."""
    run = model_runs.claim_next(serving.formats())
    if run is None:
        _screen_model()
        return
    with structlog.contextvars.bound_contextvars(submission=str(run.submission.public_id)):
        events.publish_submission(run.submission)
        serving.serve(run)
    run = model_runs.read(run.pk)
    if run.submission.path:
        _ring(run.submission_id)
    elif not run.is_over:
        _ring_model(run.pk)
    _tell(Submission.objects.select_related("team__competition").get(pk=run.submission_id), None)


def _screen_model() -> None:
    """Where no team waits: a pass of a host's question about a model. The next one has a bell of
    its own, and whoever hears it asks for the teams' models first."""
    asked = screening.claim_next()
    if asked is not None and serving.screen(asked):
        _ring_screening()


def enqueue_screening() -> None:
    """Rings for a screening once it is committed; without a broker the sweep does it later."""
    transaction.on_commit(_ring_screening)


def _ring_screening() -> None:
    try:
        run_model.apply_async(queue=model_runs.QUEUE, retry=False)
    except (BrokerError, redis.RedisError, OSError) as error:
        log.warning("queue does not answer", reason=str(error))


def enqueue_rescoring(pk: int) -> None:
    """Rings for a rescoring once it is committed; without a broker the sweep does it later."""
    transaction.on_commit(lambda: _ring_rescoring(pk))


def _ring_rescoring(pk: int) -> None:
    bell = rescoring.rung(pk)
    if bell is None:
        return
    try:
        rescore.apply_async((pk, bell), retry=False)
    except (BrokerError, redis.RedisError, OSError) as error:
        log.warning("queue does not answer", rescoring=pk, reason=str(error))


@shared_task
def rescore(pk: int, bell: str) -> None:
    """One step: the new solution read, or some files scored again, in the background queue."""
    if rescoring.step(pk, bell):
        _ring_rescoring(pk)


def enqueue_insight(competition_pk: int) -> None:
    """Rings for the statistics of a board that moved, once that is committed.

    Without a broker the sweep does it later.
    """
    transaction.on_commit(lambda: _ring_once(insight, competition_pk, PAUSE))


def enqueue_final_insight(competition_pk: int) -> None:
    """Rings for the statistics of a final board, and for its seal, once it is revealed."""
    transaction.on_commit(lambda: _ring_once(final_insight, competition_pk))
    transaction.on_commit(lambda: _ring_once(verify_seal, competition_pk))


def _ring_once(task: Any, pk: int, countdown: int = 0) -> None:
    """One message of a kind waits at a time. Whoever rings meanwhile is seen by its run, which
    reads only after it was taken from the queue: so the last change is never missed."""
    try:
        if _valkey().set(_bell(task, pk), 1, nx=True, ex=WAITS):
            task.apply_async((pk,), queue=INSIGHT, countdown=countdown, expires=WAITS, retry=False)
    except (BrokerError, redis.RedisError, OSError) as error:
        log.warning("queue does not answer", task=task.name, competition=pk, reason=str(error))


def _heard(task: Any, pk: int) -> None:
    try:
        _valkey().delete(_bell(task, pk))
    except redis.RedisError as error:
        log.warning("valkey does not answer", task=task.name, competition=pk, reason=str(error))


def _bell(task: Any, pk: int) -> str:
    return f"holdout:rung:{task.name}:{pk}"


@lru_cache(maxsize=1)
def _valkey() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=1)


@shared_task
def insight(competition_pk: int) -> None:
    """The statistics of a board, told to the open screens; goes on where a run's time was over."""
    _heard(insight, competition_pk)
    found = board.refresh(competition_pk)
    if found.told is not None:
        events.publish_statistics(found.told)
    if not found.is_complete:
        _ring_once(insight, competition_pk)


@shared_task
def final_insight(competition_pk: int) -> None:
    """The statistics of a final board after its reveal; goes on where a run's time was over."""
    _heard(final_insight, competition_pk)
    found = final.complete(competition_pk)
    if found.is_changed:
        events.publish_reset(deadlines.read(competition_pk))
    if not found.is_complete:
        _ring_once(final_insight, competition_pk)


@shared_task
def class_mistakes(competition_pk: int) -> None:
    """What the field's files got wrong; goes on where a run's time was over."""
    _heard(class_mistakes, competition_pk)
    if not mistakes.refresh(competition_pk).is_complete:
        _ring_once(class_mistakes, competition_pk)


@shared_task
def verify_seal(competition_pk: int) -> None:
    """Whether split and labels are still what was sealed; once revealed, with the seed to show."""
    _heard(verify_seal, competition_pk)
    if seal.verify(competition_pk) is False:
        log.error("a seal is broken", competition=competition_pk)


@shared_task
def heartbeat(queue: str) -> None:
    """Proof that the queue is consumed, not only that a worker process is alive."""
    if queue == model_runs.QUEUE:
        serving.tell()
    with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2) as connection:
        connection.set(f"holdout:consumed:{queue}", time.time())
