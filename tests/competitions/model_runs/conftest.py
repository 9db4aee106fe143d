"""A challenge that takes models, and models sent to it, without any that really runs."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db.models.functions import Now

from competitions import files, submissions, teams
from competitions.models import Competition, ModelRules, ModelRun, Sent
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
