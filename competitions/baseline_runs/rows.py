"""The rows: who may begin a training, and how it ends."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from competitions import audit, deadlines, files
from competitions.baseline_runs.training import can_run
from competitions.models import (
    BaselineRun,
    Competition,
    Kind,
    Preparation,
    Run,
    SolutionVersion,
    State,
)
from competitions.refusals import NotReady, Refused

QUEUE = "baselines"
LEASE = timedelta(seconds=90)  # renewed every few seconds, so that a death is noticed soon
MAX_ATTEMPTS = 3
NO_WORKER = (
    f"No worker here trains baselines. Add “{QUEUE}” to HOLDOUT_QUEUES, and a worker for it."
)
AT_THE_BEGINNING: dict[str, Any] = {
    "status": Run.WAITING,
    "note": "",
    "attempt": 0,
    "lease_until": None,
    "rung_at": None,
}


@dataclass(frozen=True)
class Baseline:
    title: str
    needs_torch: bool = True


# What `python -m baselines train --arch` knows.
BASELINES = {
    "softmax": Baseline("Softmax regression", needs_torch=False),
    "mlp": Baseline("Multilayer perceptron"),
    "lenet5": Baseline("LeNet-5"),
    "resnet18": Baseline("ResNet-18"),
}
USUAL = ("softmax", "mlp", "lenet5")


def are_trained_here() -> bool:
    return QUEUE in settings.QUEUES


def queue_usual(competition_pk: int) -> list[BaselineRun]:
    """After a preparation: those that the challenge had, else the usual ones that can run here."""
    competition = deadlines.read(competition_pk)
    is_draft = competition.state == State.DRAFT and competition.preparation == Preparation.READY
    if not is_draft or not are_trained_here():
        return []
    had = list(BaselineRun.objects.filter(competition=competition).values_list("arch", flat=True))
    able = [arch for arch in USUAL if can_run(BASELINES[arch].needs_torch)]
    return _queue(competition, had or able)


def queue(competition: Competition, archs: Iterable[str], by: Any = None) -> list[BaselineRun]:
    """Has these trained, those again that failed or were trained on other files.

    Raises Refused for an unknown one, NotReady without files, after the end, or without a worker.
    """
    wanted = list(dict.fromkeys(archs))
    if unknown := [arch for arch in wanted if arch not in BASELINES]:
        raise Refused(f"No baseline is called {unknown[0]}. Known: {', '.join(BASELINES)}.")
    if not are_trained_here():
        raise NotReady(NO_WORKER)
    return _queue(competition, wanted, by, is_asked=True)


def _queue(
    competition: Competition, archs: Sequence[str], by: Any = None, *, is_asked: bool = False
) -> list[BaselineRun]:
    with transaction.atomic():
        fresh = Competition.objects.locked(competition.pk)
        solution = _trainable(fresh)
        begun = [run for arch in archs if (run := _begin(solution, arch)) is not None]
        if is_asked:
            for run in begun:
                audit.record(fresh, by, Kind.BASELINE_QUEUED, run.title)
    return begun


def _trainable(competition: Competition) -> SolutionVersion:
    """The solution whose test images are to be answered; raises NotReady."""
    if competition.preparation != Preparation.READY or competition.solution is None:
        raise NotReady("Upload the files first: a baseline is trained on them.")
    if deadlines.phase(competition).is_over:
        raise NotReady("The challenge is over: no baseline comes onto its board any more.")
    return competition.solution


def _begin(solution: SolutionVersion, arch: str) -> BaselineRun | None:
    """None where it is under way or done for these very files."""
    found = BaselineRun.objects.filter(competition=solution.competition_id, arch=arch).first()
    if found is None:
        return BaselineRun.objects.create(
            competition_id=solution.competition_id,
            solution=solution,
            arch=arch,
            title=BASELINES[arch].title,
        )
    if found.solution_id == solution.pk and found.status != Run.FAILED:
        return None
    set_columns(found, **AT_THE_BEGINNING, solution=solution, answers="", public_score=None)
    found.refresh_from_db()
    return found


def claim(pk: int) -> BaselineRun | None:
    """The run, leased to the caller; None where another worker has it or nothing is to do."""
    is_free = Q(status=Run.WAITING) | Q(status=Run.TRAINING, lease_until__lt=Now())
    taken = BaselineRun.objects.filter(is_free, pk=pk, attempt__lt=MAX_ATTEMPTS).update(
        status=Run.TRAINING, attempt=F("attempt") + 1, lease_until=Now() + LEASE
    )
    if not taken:
        return None
    return BaselineRun.objects.select_related("competition__solution").get(pk=pk)


def renew(run: BaselineRun) -> bool:
    """Keeps the lease; False where another attempt, or another solution, counts now."""
    return bool(_held(run).update(lease_until=Now() + LEASE))


def finish(run: BaselineRun, answers: bytes, public_score: float, seconds: float | None) -> bool:
    """Training to ready. ``seconds`` is None where old answers were scored anew."""
    stored = files.store_bytes("submissions", answers)
    ended: dict[str, Any] = {"answers": stored.path, "public_score": public_score}
    if seconds is not None:
        ended["seconds"] = seconds
    return bool(_held(run).update(status=Run.READY, lease_until=None, **ended))


def fail(run: BaselineRun, sentence: str) -> bool:
    """Training to failed."""
    return bool(_held(run).update(status=Run.FAILED, lease_until=None, note=sentence))


def _held(run: BaselineRun) -> QuerySet[BaselineRun]:
    """The fence: this attempt is the newest one, and its solution the challenge's."""
    return BaselineRun.objects.filter(
        pk=run.pk,
        status=Run.TRAINING,
        attempt=run.attempt,
        solution=run.solution_id,
        competition__in=Competition.objects.filter(solution=run.solution_id),
    )


def set_columns(run: BaselineRun, **columns: Any) -> None:
    BaselineRun.objects.filter(pk=run.pk).update(**columns)
