"""What the sweep asks: bells that were lost, workers that died, solutions that were replaced."""

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from competitions.baseline_runs.rows import (
    AT_THE_BEGINNING,
    MAX_ATTEMPTS,
    are_trained_here,
    set_columns,
)
from competitions.models import BaselineRun, Competition, Preparation, PublicScore, Run, State

RING_AGAIN_AFTER = timedelta(minutes=5)  # a bell alone waits as long as the trainings before it
GAVE_UP = (
    f"Its worker was lost {MAX_ATTEMPTS} times while training, perhaps for lack of memory. Have it "
    "trained again, or train it elsewhere and send its answers."
)


def rung(pk: int) -> None:
    BaselineRun.objects.filter(pk=pk).update(rung_at=Now())


def forgotten() -> list[int]:
    """What must be rung again: it was never rung, long ago, or its worker died."""
    if not are_trained_here():
        return []
    is_silent = Q(rung_at=None) | Q(rung_at__lt=Now() - RING_AGAIN_AFTER)
    waiting = Q(status=Run.WAITING) & is_silent
    lost = Q(status=Run.TRAINING, lease_until__lt=Now(), attempt__lt=MAX_ATTEMPTS)
    lost &= Q(rung_at=None) | Q(rung_at__lt=F("lease_until")) | is_silent
    return list(_useful().filter(waiting | lost).values_list("pk", flat=True))


def give_up() -> list[int]:
    """Training to failed, for what was tried too often."""
    hopeless = BaselineRun.objects.filter(
        status=Run.TRAINING, lease_until__lt=Now(), attempt__gte=MAX_ATTEMPTS
    )
    return [
        run.pk
        for run in hopeless
        if hopeless.filter(pk=run.pk, attempt=run.attempt).update(
            status=Run.FAILED, lease_until=None, note=GAVE_UP
        )
    ]


def renew_outdated() -> list[int]:
    """Runs of an older solution: trained anew in a draft, whose images are others; else scored
    anew. What is posted is scored again with all files, and its score taken from there."""
    scored = PublicScore.objects.filter(
        submission=OuterRef("submission"), solution=OuterRef("competition__solution")
    )
    outdated = _useful().filter(
        ~Q(solution=F("competition__solution")),
        ~Q(status=Run.POSTED) | Exists(scored),
        competition__preparation=Preparation.READY,
    )
    return [run.pk for run in outdated if _bring_up(run)]


def _bring_up(run: BaselineRun) -> bool:
    with transaction.atomic():
        competition = Competition.objects.locked(run.competition_id)
        run.refresh_from_db()
        if run.solution_id == competition.solution_id:
            return False
        if run.status == Run.POSTED:
            return _take_score(run, competition)
        anew: dict[str, Any] = {"solution": competition.solution_id, "public_score": None}
        if competition.state == State.DRAFT:
            anew["answers"] = ""
        set_columns(run, **AT_THE_BEGINNING, **anew)
    return True


def _take_score(run: BaselineRun, competition: Competition) -> bool:
    score = PublicScore.objects.filter(
        submission=run.submission_id, solution=competition.solution_id
    ).first()
    if score is not None:
        set_columns(run, solution=competition.solution_id, public_score=score.value)
    return score is not None


def _useful() -> QuerySet[BaselineRun]:
    """Of challenges whose boards may still take a baseline."""
    return BaselineRun.objects.filter(competition__state__in=[State.DRAFT, State.OPEN])
