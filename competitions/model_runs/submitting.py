"""A model comes in: looked at without being loaded, then a submission with a run before it."""

import contextlib
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.contrib.auth.models import AbstractUser
from django.core.cache import cache
from django.core.files.base import File
from django.db import transaction
from django.db.models.functions import Now

from competitions import files, model_rules, submissions
from competitions.attempts import REFUSED_FILES_PER_HOUR
from competitions.model_runs import workers
from competitions.model_runs.claiming import are_run_here
from competitions.models import Competition, ModelRun, Sent, Submission, Team
from competitions.refusals import InvalidModel, LimitReached, NotReady
from scoring import InvalidSubmission
from scoring.sandbox.contract import Contract
from scoring.sandbox.inspection import Inspected, inspect

HOUR = 3600  # seconds
TOLD = 3  # problems in the sentence at the door
SMALLER = "Train a smaller network, or store its weights as 16-bit floats."
NO_WORKER = "nobody runs models here: the organiser has to start a worker for the queue “gpu”."
TOO_MANY = (
    f"{REFUSED_FILES_PER_HOUR} of your models were refused within an hour. Try the next one with "
    "`python -m scoring run`, then send it in an hour."
)
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

    Raises InvalidModel with what is wrong with the file, LimitReached also after too many of those
    within an hour, and whatever a file of predictions is refused for; then nothing is stored, no
    row is made and no attempt spent.
    """
    rules = model_rules.require(competition)
    contract = model_rules.contract(rules, competition.solution)
    if not are_run_here():
        raise NotReady(f"{NO_WORKER.capitalize()} Nothing was sent.")
    team = submissions.sender(competition, user)
    if cache.get(_refusals(team), 0) >= REFUSED_FILES_PER_HOUR:
        raise LimitReached(TOO_MANY)
    with tempfile.NamedTemporaryFile(suffix=".upload") as draft:
        for chunk in files.within(contract.budgets.file_bytes, upload.chunks(), SMALLER):
            draft.write(chunk)
        draft.flush()
        try:
            inspected = _inspected(Path(draft.name), contract, architecture, arguments or {})
        except InvalidModel:
            _count_refusal(team)
            raise
        found = inspected.upload
        workers.require(found.format)
        draft.seek(0)
        stored = files.store("submissions", iter(lambda: draft.read(files.CHUNK), b""))
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
        if not isinstance(found, dict) or not _is_printable(found):
            raise InvalidModel(ARGUMENTS)
    except (ValueError, RecursionError):  # a thousand brackets within each other
        raise InvalidModel(ARGUMENTS) from None
    return found


def _is_printable(found: Any) -> bool:
    """Whether no text in it holds control characters: PostgreSQL would not even take a NUL."""
    if isinstance(found, str):
        return found.isprintable()
    if isinstance(found, dict):
        return all(map(_is_printable, [*found, *found.values()]))
    return all(map(_is_printable, found)) if isinstance(found, list) else True


def _refusals(team: Team) -> str:
    return f"models-refused:{team.pk}"


def _count_refusal(team: Team) -> None:
    """From the first one on for an hour: a refusal makes no row that could be counted."""
    cache.add(_refusals(team), 0, HOUR)
    with contextlib.suppress(ValueError):  # the hour ended between the two
        cache.incr(_refusals(team))


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
