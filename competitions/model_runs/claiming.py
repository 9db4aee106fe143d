"""Whose turn it is: decided when a worker asks, never by the order of the bells.

Dry runs come first, for somebody sits before the page. Then the challenge is chosen of which the
fewest models run now, of those the one that was served the longest ago; within it the team, by the
same rule; then the model that has waited longest. So neither a challenge with many teams nor a
team with many models keeps the others waiting for more than one run each.
"""

from collections.abc import Collection
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Case, Count, F, IntegerField, Max, OuterRef, Q, QuerySet, Value, When
from django.db.models.expressions import Combinable, OrderBy, Subquery
from django.db.models.functions import Coalesce, Now

from competitions import submissions
from competitions.models import ModelRun, ModelStage
from competitions.models.model_run import IN_LINE, LEASED
from scoring.sandbox.contract import Format

QUEUE = "gpu"
LEASE = timedelta(seconds=60)  # renewed every few seconds, so that a death is noticed soon
MAX_ATTEMPTS = 3
# What the dry run has measured is not what the run measures.
NOT_MEASURED: dict[str, Any] = {
    "images_per_second": None,
    "seconds": None,
    "load_seconds": None,
    "device": "",
}


def are_run_here() -> bool:
    """Whether this installation has workers that run models."""
    return QUEUE in settings.QUEUES


def claim_next(formats: Collection[Format]) -> ModelRun | None:
    """The run whose turn it is among those of these formats, leased to the caller; None where
    nothing waits.

    One transaction takes it: on PostgreSQL the row is locked and others pass it by, on SQLite one
    writes at a time. Of two workers that ask at once each gets a run of its own.
    """
    with transaction.atomic():
        wanted = ordered(claimable().filter(format__in=[str(kind) for kind in formats]))
        run = wanted.select_for_update(skip_locked=True).first()
        return None if run is None else _take(run)


def claimable() -> QuerySet[ModelRun]:
    """What waits, and what a worker has left lying."""
    lost = Q(stage__in=LEASED, lease_until__lt=Now(), attempt__lt=MAX_ATTEMPTS)
    return ModelRun.objects.filter(Q(stage__in=IN_LINE) | lost)


def ordered(runs: QuerySet[ModelRun]) -> QuerySet[ModelRun]:
    """The next one first."""
    return runs.annotate(
        comes_first=Case(
            When(stage__in=[ModelStage.TO_TRY, ModelStage.TRYING], then=Value(0)),
            default=Value(1),
            output_field=IntegerField(),
        ),
        challenge_runs=_running("competition"),
        challenge_served=_served("competition"),
        team_runs=_running("team"),
        team_served=_served("team"),
    ).order_by(
        "comes_first",
        "challenge_runs",
        _longest_ago("challenge_served"),
        "team_runs",
        _longest_ago("team_served"),
        "queued_at",
        "pk",
    )


def _take(run: ModelRun) -> ModelRun:
    stage = ModelStage.TRYING if run.is_trial else ModelStage.RUNNING
    began = {"began_at": Coalesce("began_at", Now())} if stage == ModelStage.RUNNING else {}
    ModelRun.objects.filter(pk=run.pk).update(
        stage=stage,
        attempt=F("attempt") + 1,
        lease_until=Now() + LEASE,
        served_at=Now(),
        images_done=0,
        **NOT_MEASURED,
        **began,
    )
    if stage == ModelStage.RUNNING:
        submissions.begin_run(run.submission_id)
    return read(run.pk)


def read(pk: int) -> ModelRun:
    """The run with all that a worker needs to know of its challenge and its team."""
    related = ("submission__team__competition", "competition__solution", "competition__model_rules")
    return ModelRun.objects.select_related(*related).get(pk=pk)


def _running(whose: str) -> Combinable:
    """How many of the challenge's, or the team's, workers have now."""
    theirs = ModelRun.objects.filter(
        **{whose: OuterRef(whose)}, stage__in=LEASED, lease_until__gte=Now()
    )
    counted = theirs.order_by().values(whose).annotate(n=Count("pk")).values("n")
    return Coalesce(Subquery(counted), 0)


def _served(whose: str) -> Combinable:
    """When a worker last took one of the challenge's, or the team's; a dry run is a turn too, or
    who only fails dry runs would stay the first for ever."""
    theirs = ModelRun.objects.filter(**{whose: OuterRef(whose)})
    newest = theirs.order_by().values(whose).annotate(at=Max("served_at")).values("at")
    return Subquery(newest)


def _longest_ago(served: str) -> OrderBy:
    return F(served).asc(nulls_first=True)
