"""What the sweep asks: bells that were lost, workers that died."""

from datetime import timedelta

from django.db.models import F, Q
from django.db.models.functions import Now

from competitions.model_runs import ending
from competitions.model_runs.claiming import MAX_ATTEMPTS, are_run_here, read
from competitions.models import ModelRun
from competitions.models.model_run import IN_LINE, LEASED
from competitions.submissions import GIVE_UP_AFTER

RING_AGAIN_AFTER = timedelta(seconds=60)  # a bell is worth one run, whichever it is
SWEPT_AT_ONCE = 200
NOBODY_CAME = (
    "No worker has taken this model within six hours. Your attempt is given back; please send it "
    "again."
)


def rung(pk: int) -> None:
    ModelRun.objects.filter(pk=pk).update(rung_at=Now())


def forgotten() -> list[int]:
    """For each of these a bell is to be rung: none was, or not lately, or its worker died."""
    if not are_run_here():
        return []
    is_silent = Q(rung_at=None) | Q(rung_at__lt=Now() - RING_AGAIN_AFTER)
    waiting = Q(stage__in=IN_LINE) & is_silent
    lost = Q(stage__in=LEASED, lease_until__lt=Now(), attempt__lt=MAX_ATTEMPTS)
    lost &= Q(rung_at=None) | Q(rung_at__lt=F("lease_until")) | is_silent
    found = ModelRun.objects.filter(waiting | lost).order_by("queued_at", "pk")
    return list(found.values_list("pk", flat=True)[:SWEPT_AT_ONCE])


def give_up() -> list[int]:
    """To failed, for what was lost or waited too long; the numbers of the submissions."""
    return [*_give_up_lost(), *_give_up_waiting()]


def _give_up_waiting() -> list[int]:
    """What nobody takes must not keep a challenge from its reveal."""
    hopeless = ModelRun.objects.filter(stage__in=IN_LINE, queued_at__lt=Now() - GIVE_UP_AFTER)
    return [
        run.submission_id
        for run in map(read, hopeless.values_list("pk", flat=True))
        if ending.fail(run, NOBODY_CAME)
    ]


def _give_up_lost() -> list[int]:
    hopeless = ModelRun.objects.filter(
        stage__in=LEASED, lease_until__lt=Now(), attempt__gte=MAX_ATTEMPTS
    )
    return [
        run.submission_id
        for run in map(read, hopeless.values_list("pk", flat=True))
        if ending.fail(run)
    ]
