"""Trained answers become a submission like any other, by an account of the baseline's own."""

from collections.abc import Iterable
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password
from django.core.files.base import ContentFile
from django.db import transaction
from django.db.models import F, QuerySet

from competitions import deadlines, files, submissions, teams
from competitions.baseline_runs.rows import set_columns
from competitions.models import (
    BaselineRun,
    Competition,
    Member,
    Run,
    State,
    Submission,
    Team,
)
from competitions.refusals import Refused


def postable(competition_pk: int | None = None) -> list[int]:
    """What is ready in a challenge that takes files now."""
    ready = BaselineRun.objects.filter(
        status=Run.READY, competition__state=State.OPEN, solution=F("competition__solution")
    )
    if competition_pk is not None:
        ready = ready.filter(competition=competition_pk)
    phases = {pk: deadlines.phase(deadlines.read(pk)) for pk in set(_competitions(ready))}
    return [run.pk for run in ready if phases[run.competition_id] is deadlines.Phase.OPEN]


def post(pk: int) -> Submission | None:
    """Ready to posted: the answers as a submission of the baseline's own team.

    None where it is not ready (any more). A refusal by the challenge's limits is its failure.
    """
    try:
        with transaction.atomic():
            run = BaselineRun.objects.get(pk=pk)
            competition = Competition.objects.locked(run.competition_id)
            run.refresh_from_db()
            if run.status != Run.READY or run.solution_id != competition.solution_id:
                return None
            sent = _send(run, competition)
            set_columns(run, status=Run.POSTED, submission=sent)
            return sent
    except Refused as error:
        BaselineRun.objects.filter(pk=pk, status=Run.READY).update(
            status=Run.FAILED, note=f"Its answers could not be sent. {error}"
        )
        return None


def _send(run: BaselineRun, competition: Competition) -> Submission:
    user = _account(run.arch)
    _join(competition, user, run.title)
    answers = files.read("submissions", run.answers)
    upload = ContentFile(answers, name=f"{run.arch}.csv")
    return submissions.submit(competition, user, upload, "Trained by the site")


def _account(arch: str) -> Any:
    """Without a password nobody signs in by it. A person's account of that name is left alone."""
    users = get_user_model().objects
    for name in (arch, f"{arch}.baseline"):
        user, is_new = users.get_or_create(
            username=name, defaults={"password": make_password(None)}
        )
        if is_new:
            return user
        theirs = Member.objects.filter(user=user, team__is_baseline=False)
        if not user.has_usable_password() and not user.is_staff and not theirs.exists():
            return user
    raise Refused(f"The accounts {arch} and {arch}.baseline belong to people. Rename one.")


def _join(competition: Competition, user: Any, title: str) -> None:
    """Not by ``teams.join``: who may join is a question for people."""
    if teams.of(competition, user) is not None:
        return
    names = (title, *(f"{title} ({n})" for n in range(2, 100)))
    keys = [name.casefold() for name in names]
    taken = set(
        Team.objects.filter(competition=competition, name_key__in=keys).values_list(
            "name_key", flat=True
        )
    )
    name = next(name for name in names if name.casefold() not in taken)
    team = Team.objects.create(competition=competition, name=name, is_baseline=True)
    Member.objects.create(team=team, competition=competition, user_id=user.pk)


def _competitions(runs: QuerySet[BaselineRun]) -> Iterable[int]:
    return runs.values_list("competition_id", flat=True)
