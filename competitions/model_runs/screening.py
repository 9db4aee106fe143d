"""Does a model look at the images? Asked by a host of one that scores too well, and answered by
running it again: in another order, and over images that were changed as no eye sees.

Behind every team's model in the line, and again behind it before each pass (passes.py): every pass
is a claim of its own. What the runs answer is compared and thrown away.
"""

from collections.abc import Callable
from typing import Any

import structlog
from django.core.cache import cache
from django.db import OperationalError, transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from competitions import audit
from competitions.model_runs import passes, working
from competitions.model_runs.claiming import LEASE, MAX_ATTEMPTS, are_run_here
from competitions.model_runs.sweeping import RING_AGAIN_AFTER
from competitions.models import Kind, ModelRun, ModelStage, Screening
from competitions.refusals import NotReady, Refused
from scoring.sandbox.images import ImagesError

# The attempt counts the claims of a pass on from here times the passes before it: so it only grows,
# and a worker that was given up never takes the next pass for its own.
EACH_PASS = 10
RUNG = "screening-rung"
LOST = "The worker was lost. Ask again."
CANCELLED = "Cancelled by {}."

log = structlog.get_logger(__name__)


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


def cancel(run: ModelRun, by: Any, reason: str = "") -> None:
    """To an end that says who wanted it; whoever runs it notices within seconds.

    Raises NotReady where the model is not being screened.
    """
    with transaction.atomic():
        found = Screening.objects.select_for_update().filter(run=run, done_at=None).first()
        if found is None:
            raise NotReady("It is not being screened: there is nothing to cancel.")
        Screening.objects.filter(pk=found.pk).update(
            done_at=Now(), lease_until=None, trouble=CANCELLED.format(by.get_username())
        )
        subject = f"the screening of {run.submission.file_name}"
        audit.record(run.competition, by, Kind.MODEL_CANCELLED, subject, reason=reason)
        transaction.on_commit(lambda: passes.forget(found))


def claim_next() -> Screening | None:
    """The one that has waited longest, leased to the caller for a pass; None where nobody asked."""
    with transaction.atomic():
        waiting = _free().filter(tries__lt=MAX_ATTEMPTS)
        found = waiting.select_for_update(skip_locked=True).order_by("asked_at", "pk").first()
        if found is None:
            return None
        Screening.objects.filter(pk=found.pk).update(
            attempt=F("attempt") + 1, lease_until=Now() + LEASE
        )
    return Screening.objects.get(pk=found.pk)


def waiting() -> bool:
    """Whether a bell is to be rung for one; what was lost too often is ended."""
    for lost in _free().filter(tries__gte=MAX_ATTEMPTS):
        _end(lost, trouble=LOST)
    return are_run_here() and _free().exists()


def _free() -> QuerySet[Any]:
    """What no worker has now; ``tries``: how often one began the pass that is next."""
    free = Q(lease_until__isnull=True) | Q(lease_until__lt=Now())
    return Screening.objects.annotate(tries=F("attempt") % EACH_PASS).filter(free, done_at=None)


def is_to_be_rung() -> bool:
    """True once a minute: a bell is worth one job, and more of them wake a worker for nothing."""
    return bool(cache.add(RUNG, True, RING_AGAIN_AFTER.seconds))


def work(screening: Screening, server: working.Server, alive: Callable[[], object]) -> bool:
    """One pass of a claimed screening, unless the database or the storage is away.

    True where another one is to come: a bell is to be rung for it.
    """
    hold = _Hold(screening, alive)
    try:
        findings, is_all = passes.run(screening, server, hold.is_over)
    except OperationalError:
        raise
    except OSError:
        if _held(screening).exists():
            raise  # the lease runs out and another attempt is made
        _forget_if_over(screening)  # whoever cancelled took the folder away
    except passes.Dropped:
        _forget_if_over(screening)
    except (passes.Unscreened, ImagesError) as error:
        _end(screening, trouble=str(error))
    except Exception:
        log.exception("screening failed")
        _end(screening, trouble="Something broke on our side. Ask again.")
    else:
        if not is_all:
            return _go_on(screening, findings)
        _end(screening, findings=findings)
    return False


def _go_on(screening: Screening, findings: list[passes.Finding]) -> bool:
    """Back behind the teams' models; False where this attempt counts no more."""
    attempt = (screening.attempt // EACH_PASS + 1) * EACH_PASS
    is_held = _held(screening).update(attempt=attempt, lease_until=None, findings=findings)
    if not is_held:
        _forget_if_over(screening)
    return bool(is_held)


def _end(screening: Screening, **found: Any) -> None:
    _held(screening).update(done_at=Now(), lease_until=None, **found)
    _forget_if_over(screening)


def _forget_if_over(screening: Screening) -> None:
    """Also after a host has cancelled: then this worker may have kept something since."""
    if not Screening.objects.filter(pk=screening.pk, done_at=None).exists():
        passes.forget(screening)


def _held(screening: Screening) -> QuerySet[Screening]:
    """The fence: this attempt is the newest one, and nobody has cancelled."""
    return Screening.objects.filter(pk=screening.pk, attempt=screening.attempt, done_at=None)


class _Hold:
    """Keeps the lease, and notices that nobody waits any more."""

    def __init__(self, screening: Screening, alive: Callable[[], object]) -> None:
        self._rows, self._alive = _held(screening), alive
        self._beat = working.Throttle()
        self._is_over = False

    def is_over(self) -> bool:
        if not self._is_over and self._beat.is_due():
            self._alive()
            self._is_over = not self._rows.update(lease_until=Now() + LEASE)
        return self._is_over
