"""Does a model look at the images? Asked by a host of one that scores too well, and answered by
running it again: in another order, and over images that were changed as no eye sees.

Behind every team's model in the line. What the runs answer is compared and thrown away.
"""

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import structlog
from django.conf import settings
from django.core.cache import cache
from django.db import OperationalError, transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from competitions import audit
from competitions.model_runs import images, working
from competitions.model_runs.claiming import LEASE, MAX_ATTEMPTS, are_run_here, read
from competitions.model_runs.sweeping import RING_AGAIN_AFTER
from competitions.models import Kind, ModelRun, ModelStage, Screening
from competitions.refusals import NotReady, Refused
from scoring.sandbox import perturbation
from scoring.sandbox.contract import Ending, Job
from scoring.sandbox.images import ImagesError

ORDER = "order"
RUNG = "screening-rung"
LOST = "The worker was lost. Ask again."
UNABLE = "The model did not run: {}"

log = structlog.get_logger(__name__)


class Unscreened(Exception):
    """A run of it ended otherwise than done; the text is for the host."""


def ask(run: ModelRun, by: Any) -> Screening:
    """Has the model screened, or screened anew.

    Raises NotReady where it has not run or nobody runs models, Refused while it is under way.
    """
    if run.stage != ModelStage.DONE:
        raise NotReady("Only a model that has run over the test images can be screened.")
    if not are_run_here():
        raise NotReady("Nobody runs models here now: start a worker for the queue “gpu”.")
    with transaction.atomic():
        found = Screening.objects.select_for_update().filter(run=run).first()
        if found is not None and found.done_at is None:
            raise Refused("It is being screened already.")
        if found is not None:
            found.delete()
        audit.record(run.competition, by, Kind.MODEL_SCREENED, run.submission.file_name)
        asker = None if by is None else by.pk
        return Screening.objects.create(run=run, asked_by_id=asker, asked_at=Now())


def claim_next() -> Screening | None:
    """The one that has waited longest, leased to the caller; None where nobody asked."""
    free = Q(lease_until__isnull=True) | Q(lease_until__lt=Now())
    with transaction.atomic():
        waiting = Screening.objects.filter(free, done_at=None, attempt__lt=MAX_ATTEMPTS)
        found = waiting.select_for_update(skip_locked=True).order_by("asked_at", "pk").first()
        if found is None:
            return None
        Screening.objects.filter(pk=found.pk).update(
            attempt=F("attempt") + 1, lease_until=Now() + LEASE
        )
    return Screening.objects.get(pk=found.pk)


def waiting() -> bool:
    """Whether a bell is to be rung for one; what was lost too often is ended."""
    lost = Screening.objects.filter(done_at=None, lease_until__lt=Now(), attempt__gte=MAX_ATTEMPTS)
    if lost.exists():
        lost.update(done_at=Now(), lease_until=None, trouble=LOST)
    free = Q(lease_until__isnull=True) | Q(lease_until__lt=Now())
    return are_run_here() and Screening.objects.filter(free, done_at=None).exists()


def is_to_be_rung() -> bool:
    """True once a minute: a bell is worth one job, and more of them wake a worker for nothing."""
    return bool(cache.add(RUNG, True, RING_AGAIN_AFTER.seconds))


def work(screening: Screening, server: working.Server, alive: Callable[[], object]) -> None:
    """Ends a claimed screening, unless the database or the storage is away."""
    try:
        findings = _findings(screening, server, alive)
    except (OperationalError, OSError):
        raise
    except (Unscreened, ImagesError) as error:
        _end(screening, trouble=str(error))
    except Exception:
        log.exception("screening failed")
        _end(screening, trouble="Something broke on our side. Ask again.")
    else:
        _end(screening, findings=findings)


def _findings(
    screening: Screening, server: working.Server, alive: Callable[[], object]
) -> list[dict[str, Any]]:
    run = read(screening.run_id)
    packed = images.packed(run.competition)
    job = working.job_of(run, packed.images)
    runner = _Runner(screening, server, alive)
    first = runner.logits(job)
    told = {
        ORDER: perturbation.order_finding(first, runner.logits(replace(job, seed=job.seed + 1)))
    }
    with tempfile.TemporaryDirectory(prefix="screening-", dir=settings.VAR) as folder:
        copies = perturbation.perturbed(np.load(packed.images), job.seed)
        answers = {}
        for name, pixels in copies.items():
            place = Path(folder, f"{name}.npy")
            np.save(place, pixels)
            answers[name] = runner.logits(replace(job, images=place))
    told |= perturbation.screen(first, answers)
    return [
        {"name": name, "verdict": str(found.verdict), "sentence": found.sentence}
        for name, found in told.items()
    ]


def _end(screening: Screening, **found: Any) -> None:
    held = Screening.objects.filter(pk=screening.pk, attempt=screening.attempt, done_at=None)
    held.update(done_at=Now(), lease_until=None, **found)


class _Runner:
    """Runs jobs one after the other and keeps the lease meanwhile."""

    def __init__(
        self, screening: Screening, server: working.Server, alive: Callable[[], object]
    ) -> None:
        self._rows = Screening.objects.filter(pk=screening.pk, attempt=screening.attempt)
        self._server, self._alive = server, alive
        self._beat = working.Throttle()

    def logits(self, job: Job) -> working.Logits:
        """Raises Unscreened."""
        outcome, logits = self._server.run(job, cancelled=self._look)
        if outcome.ending is not Ending.DONE or logits is None:
            raise Unscreened(UNABLE.format(outcome.message or outcome.ending))
        return logits

    def _look(self) -> bool:
        if self._beat.is_due():
            self._alive()
            self._rows.update(lease_until=Now() + LEASE)
        return False
