"""What a worker may do to the run that it has: keep it, tell how far it is, end it.

Each is one UPDATE fenced by the attempt. A worker that was given up, or whose team has cancelled,
finds no row to write and its result is dropped.
"""

from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from competitions import files, submissions
from competitions.model_runs.claiming import LEASE, MAX_ATTEMPTS
from competitions.models import ModelRun, ModelStage, Status
from scoring.sandbox.contract import Ending, Outcome

# How a run ends for the team. What the model keeps to was asked of it in the dry run: one that is
# refused only before the test images has seen them, and a look at them costs an attempt.
STATUSES = {
    Ending.REFUSED: Status.CRASHED,
    Ending.CRASHED: Status.CRASHED,
    Ending.TIMED_OUT: Status.TIMED_OUT,
    Ending.OUT_OF_MEMORY: Status.OUT_OF_MEMORY,
}
TRIED = "In the dry run, on training images, before an attempt was spent: "
OUR_FAULT = (
    f"We could not run this model: our worker was lost {MAX_ATTEMPTS} times. Your attempt is given "
    "back; please send it again."
)


def renew(run: ModelRun) -> bool:
    """Keeps the lease; False where another attempt counts now, or the team has cancelled."""
    return bool(_held(run).update(lease_until=Now() + LEASE))


def report_progress(run: ModelRun, done: int, images_per_second: float) -> bool:
    """How many images are answered; keeps the lease with it."""
    return bool(
        _held(run).update(
            images_done=min(done, run.images_total),
            images_per_second=images_per_second,
            lease_until=Now() + LEASE,
        )
    )


def expect_images(run: ModelRun, total: int) -> bool:
    """How many images the stage has."""
    run.images_total = total
    return bool(_held(run).update(images_total=total, images_done=0))


def tried(run: ModelRun, outcome: Outcome, total: int) -> bool:
    """Trying to waiting: shapes and time fit, as far as a few images tell."""
    rate = outcome.images_per_second
    return bool(
        _held(run).update(
            **_measured(run, outcome),
            stage=ModelStage.WAITING,
            attempt=0,
            lease_until=None,
            rung_at=None,
            queued_at=Now(),
            images_done=0,
            images_total=total,
            expected_seconds=outcome.load_seconds + total / rate if rate else None,
        )
    )


def finish(run: ModelRun, outcome: Outcome, predictions: bytes) -> bool:
    """Running to done: what it answered is stored, for the scoring task and nobody else.

    The submission is queued again, and whoever calls this rings for it after the commit.
    """
    stored = files.store_bytes("submissions", predictions)
    with transaction.atomic():
        done = {"stage": ModelStage.DONE, "lease_until": None, "images_done": outcome.images}
        if not _held(run).update(**_measured(run, outcome), **done):
            return False
        return submissions.answered(run.submission_id, stored.path)


def end(run: ModelRun, outcome: Outcome) -> bool:
    """Running to ended, by the model's own doing; in a dry run nothing is spent."""
    message = outcome.message or "It ended without a word."
    if run.stage == ModelStage.TRYING:
        return _end(run, Status.INVALID, f"{TRIED}{message}", gives_back=True, outcome=outcome)
    return _end(run, STATUSES[outcome.ending], message, gives_back=False, outcome=outcome)


def fail(run: ModelRun, message: str = OUR_FAULT) -> bool:
    """To ended: our fault. The attempt is given back."""
    return _end(run, Status.FAILED, message, gives_back=True)


def give_back(run: ModelRun) -> bool:
    """Back into the line, for this machine cannot run it now; failed after the last attempt.

    That its run has begun stays written down: the model may have seen the test images.
    """
    if run.attempt >= MAX_ATTEMPTS:
        return fail(run)
    is_trial = run.stage == ModelStage.TRYING
    stage = ModelStage.TO_TRY if is_trial else ModelStage.WAITING
    with transaction.atomic():
        if not _held(run).update(stage=stage, lease_until=None, rung_at=None):
            return False
        if not is_trial:
            submissions.put_back(run.submission_id)
    return True


def _end(
    run: ModelRun,
    status: Status,
    message: str,
    *,
    gives_back: bool,
    outcome: Outcome | None = None,
) -> bool:
    measured = {} if outcome is None else _measured(run, outcome)
    with transaction.atomic():
        if not _held(run).update(**measured, stage=ModelStage.ENDED, lease_until=None):
            return False
        return submissions.end_run(run.submission_id, status, message, gives_back=gives_back)


def _held(run: ModelRun) -> QuerySet[ModelRun]:
    """The fence: this attempt at this stage is the newest one."""
    return ModelRun.objects.filter(pk=run.pk, stage=run.stage, attempt=run.attempt)


def _measured(run: ModelRun, outcome: Outcome) -> dict[str, Any]:
    """What was found out; the larger number of parameters, for neither count sees every one."""
    parameters = max(run.parameters or 0, outcome.parameters or 0)
    return {
        "images_per_second": outcome.images_per_second,
        "seconds": outcome.seconds,
        "load_seconds": outcome.load_seconds,
        "device": outcome.device[:100],
        "batch_size": outcome.batch_size or run.batch_size,
        "parameters": parameters or run.parameters,
        "macs": run.macs if outcome.macs is None else outcome.macs,
    }
