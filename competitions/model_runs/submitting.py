"""A model comes in: looked at without being loaded, then a submission with a run before it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.contrib.auth.models import AbstractUser
from django.core.files.base import File
from django.db import transaction
from django.db.models.functions import Now

from competitions import files, model_rules, submissions
from competitions.model_runs import workers
from competitions.model_runs.claiming import are_run_here
from competitions.models import Competition, ModelRun, Sent, Submission
from competitions.refusals import InvalidModel, NotReady
from scoring import InvalidSubmission
from scoring.sandbox.contract import Contract
from scoring.sandbox.inspection import Inspected, inspect

TOLD = 3  # problems in the sentence at the door
SMALLER = "Train a smaller network, or store its weights as 16-bit floats."
NO_WORKER = "nobody runs models here: the organiser has to start a worker for the queue “gpu”."
ARGUMENTS = (
    "The keywords of the architecture must be a JSON object, such as "
    '{"width": 64, "activation": "elu"}.'
)


def submit(
    competition: Competition,
    user: AbstractUser,
    upload: "File[bytes]",
    message: str = "",
    architecture: str = "",
    arguments: Mapping[str, Any] | None = None,
) -> Submission:
    """Takes a model: inspected, stored by its content, an attempt held, its run put into the line.

    Raises InvalidModel with what is wrong with the file, and whatever a file of predictions is
    refused for; then no row is made and no attempt spent.
    """
    rules = model_rules.require(competition)
    contract = model_rules.contract(rules, competition.solution)
    if not are_run_here():
        raise NotReady(f"{NO_WORKER.capitalize()} Nothing was sent.")
    team = submissions.sender(competition, user)
    limit = contract.budgets.file_bytes
    stored = files.store("submissions", upload.chunks(), limit=limit, advice=SMALLER)
    path = Path(files.storage("submissions").path(stored.path))
    inspected = _inspected(path, contract, architecture, arguments or {})
    found = inspected.upload
    workers.require(found.format)
    with transaction.atomic():
        name = upload.name or "model"
        sent = submissions.enter(competition, team, user, name, stored, message, Sent.MODEL)
        ModelRun.objects.create(
            submission=sent,
            competition=competition,
            team=team,
            path=stored.path,
            format=str(found.format),
            architecture=found.architecture,
            arguments=dict(found.arguments),
            parameters=inspected.parameters,
            queued_at=Now(),
        )
    return sent


def parse_arguments(text: str) -> dict[str, Any]:
    """The keywords as a form or a program sends them. Raises InvalidModel."""
    if not text.strip():
        return {}
    try:
        found = json.loads(text)
    except ValueError:
        raise InvalidModel(ARGUMENTS) from None
    if not isinstance(found, dict):
        raise InvalidModel(ARGUMENTS)
    return found


def _inspected(
    path: Path, contract: Contract, architecture: str, arguments: Mapping[str, Any]
) -> Inspected:
    try:
        return inspect(path, contract, architecture, arguments)
    except InvalidSubmission as error:
        told = [problem.message for problem in error.problems[:TOLD]]
        more = len(error.problems) - len(told) + error.more
        also = f" (and {more} more)" if more else ""
        raise InvalidModel(" ".join(told) + also) from None
