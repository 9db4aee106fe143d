"""Challenges that take models, and models sent to them: some are never run, some really are."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.db.models.functions import Now
from django.utils import timezone

from competitions import deadlines, files, model_runs, submissions, teams
from competitions.models import Competition, Finding, ModelRules, ModelRun, Sent, Submission
from holdout.accounts.models import User


@pytest.fixture(autouse=True)
def queues(settings: Any) -> None:
    settings.QUEUES = ["score", "background", "gpu"]


@pytest.fixture
def rules(competition: Competition) -> ModelRules:
    return ModelRules.objects.create(competition=competition, takes="both", height=8, width=8)


@pytest.fixture
def send(competition: Competition, rules: ModelRules) -> Callable[..., ModelRun]:
    """``send(alice)``: a model of hers as it stands after the upload, inspected by nobody."""

    def make(user: User, where: Competition | None = None, **fields: Any) -> ModelRun:
        there = where or competition
        team = teams.join(there, user)
        stored = files.store_bytes("submissions", b"no model at all")
        sent = submissions.enter(there, team, user, "net.onnx", stored, "", Sent.MODEL)
        return ModelRun.objects.create(
            submission=sent,
            competition=there,
            team=team,
            path=stored.path,
            format="onnx",
            queued_at=Now(),
            **fields,
        )

    return make


@pytest.fixture
def challenge(prepared: Callable[..., Competition]) -> Competition:
    """Open, with images of 4 by 4 grey pixels, and it takes models beside files."""
    competition = prepared()
    Finding.objects.all().delete()
    ModelRules.objects.create(competition=competition, channels=1, height=4, width=4)
    Competition.objects.filter(pk=competition.pk).update(state="open", opens_at=timezone.now())
    return deadlines.read(competition.pk)


@pytest.fixture
def send_file(challenge: Competition) -> Callable[..., Submission]:
    """``send_file(alice, content)``: her model for it, as it stands after the upload."""

    def make(user: User, content: bytes, name: str = "net.onnx", **options: Any) -> Submission:
        there = deadlines.read(challenge.pk)
        teams.join(there, user)
        return model_runs.submit(there, user, ContentFile(content, name=name), **options)

    return make
