"""One run from its claim to its end: the dry run over a few training images, or the run itself.

Everything here happens beside the sandbox, without torch and without labels: images in, numbers
out, and the numbers as a file for the scoring task.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import numpy as np
import structlog
from django.db import OperationalError
from numpy.typing import NDArray

from competitions import files, model_rules
from competitions.model_runs import ending, images, predictions
from competitions.models import ModelRun, ModelStage
from scoring import InvalidSubmission, SpecError
from scoring.sandbox.contract import Contract, Ending, Format, Job, Outcome, Upload
from scoring.sandbox.images import ImagesError

LOOK_EVERY = 1.0  # seconds between two writes of how far it is
# A few images say little of the speed over many: the batches are small, and the first is slow.
MARGIN = 2.0
TRIAL_SECONDS = 30.0  # the most that a dry run takes, for it costs no attempt
OUR_FAULT = "Something broke on our side while your model ran. Your attempt is given back."
UNFIT = (
    "The organiser has to mend this challenge's images or its rules for models: {} Your attempt is "
    "given back."
)
TOO_SLOW = (
    "{seconds:.0f} s for all {total} test images at the {rate:.0f} images per second of the dry "
    "run, and this challenge gives {budget:.0f} s. Make the model smaller."
)

log = structlog.get_logger(__name__)

Logits = NDArray[np.float32]


class Server(Protocol):
    """What runs a job in the sandbox (see scoring.sandbox.server)."""

    def run(
        self,
        job: Job,
        progress: Callable[[int, float], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> tuple[Outcome, Logits | None]: ...


def work(run: ModelRun, server: Server, alive: Callable[[], object]) -> None:
    """Ends a claimed stage, unless it was overtaken, or the database or the storage is away.

    ``alive`` is called every second or so meanwhile.
    """
    try:
        if run.stage == ModelStage.TRYING:
            _try(run, server, alive)
        else:
            _run(run, server, alive)
    except (OperationalError, OSError):
        raise  # the lease runs out and another attempt is made
    except ImagesError as error:
        log.error("the images do not fit the rules", reason=str(error))
        ending.fail(run, UNFIT.format(error))
    except Exception:
        log.exception("running a model failed")
        ending.fail(run, OUR_FAULT)


def _try(run: ModelRun, server: Server, alive: Callable[[], object]) -> None:
    packed = images.packed(run.competition)
    few = images.count(packed.samples, _contract(run))
    outcome, _logits = _job(run, trial_of(run, packed.samples), few, server, alive)
    if outcome is None:
        return
    if outcome.ending is Ending.DONE:
        outcome = _held_against_the_clock(outcome, len(packed.ids), run)
    if outcome.ending is Ending.DONE:
        ending.tried(run, outcome, len(packed.ids))
    else:
        _end(run, outcome)


def _run(run: ModelRun, server: Server, alive: Callable[[], object]) -> None:
    packed = images.packed(run.competition)
    outcome, logits = _job(run, job_of(run, packed.images), len(packed.ids), server, alive)
    if outcome is None:
        return
    if outcome.ending is not Ending.DONE or logits is None:
        _end(run, outcome)
        return
    try:
        answers = predictions.written(run.competition, logits, packed.ids)
    except InvalidSubmission as error:
        _end(run, replace(outcome, ending=Ending.REFUSED, message=str(error)))
        return
    except SpecError as error:
        log.error("the answers do not fit the challenge", reason=str(error))
        ending.fail(run, UNFIT.format(error))
        return
    ending.finish(run, outcome, answers)


def _job(
    run: ModelRun, job: Job, count: int, server: Server, alive: Callable[[], object]
) -> tuple[Outcome | None, Logits | None]:
    """What came of it; None where nobody waits for this attempt any more."""
    watch = _Watch(run, alive)
    if not ending.expect_images(run, count):
        return None, None
    outcome, logits = server.run(job, progress=watch.progress, cancelled=watch.is_cancelled)
    is_over = watch.is_over or outcome.ending is Ending.CANCELLED
    return (None, None) if is_over else (outcome, logits)


def _end(run: ModelRun, outcome: Outcome) -> None:
    if outcome.ending is Ending.UNAVAILABLE:
        log.error("this machine cannot run a model", reason=outcome.message)
        ending.give_back(run)
    else:
        ending.end(run, outcome)


def _held_against_the_clock(outcome: Outcome, total: int, run: ModelRun) -> Outcome:
    """Refused where the run would take much longer than it may."""
    rate, budget = outcome.images_per_second, _contract(run).budgets.seconds
    seconds = outcome.load_seconds + (total / rate if rate else 0.0)
    if seconds <= MARGIN * budget:
        return outcome
    return Outcome(
        Ending.REFUSED, TOO_SLOW.format(seconds=seconds, total=total, rate=rate, budget=budget)
    )


def job_of(run: ModelRun, file: Path) -> Job:
    """The model over these images, in an order that is its own.

    In batches of the dry run's size: a model must not know by it that it is being scored.
    """
    return Job(
        _upload(run), file, _contract(run), seed=run.submission_id, batch_size=run.batch_size
    )


def trial_of(run: ModelRun, file: Path) -> Job:
    """The same over a few training images, in a time of its own."""
    job = job_of(run, file)
    seconds = min(job.contract.budgets.seconds, TRIAL_SECONDS)
    budgets = replace(job.contract.budgets, seconds=seconds)
    return replace(job, contract=replace(job.contract, budgets=budgets), batch_size=None)


def _upload(run: ModelRun) -> Upload:
    path = Path(files.storage("submissions").path(run.path))
    return Upload(path, Format(run.format), run.architecture, run.arguments)


def _contract(run: ModelRun) -> Contract:
    return model_rules.contract(run.competition.model_rules, run.competition.solution)


class Throttle:
    """True once a second, however often it is asked."""

    def __init__(self) -> None:
        self._next = 0.0

    def is_due(self) -> bool:
        if time.monotonic() < self._next:
            return False
        self._next = time.monotonic() + LOOK_EVERY
        return True


class _Watch:
    """Keeps the lease, tells how far it is, and notices that nobody waits any more."""

    def __init__(self, run: ModelRun, alive: Callable[[], object]) -> None:
        self._run, self._alive = run, alive
        self._beat = Throttle()
        self._told: tuple[int, float] | None = None
        self.is_over = False

    def progress(self, done: int, images_per_second: float) -> None:
        self._told = (done, images_per_second)
        self._look()

    def is_cancelled(self) -> bool:
        self._look()
        return self.is_over

    def _look(self) -> None:
        if self.is_over or not self._beat.is_due():
            return
        self._alive()
        if self._told is None:
            self.is_over = not ending.renew(self._run)
        else:
            self.is_over = not ending.report_progress(self._run, *self._told)
