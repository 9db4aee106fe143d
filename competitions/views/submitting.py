"""The submit page. The script sends to the REST door; without it this form posts here."""

from dataclasses import dataclass
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import AbstractUser
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from competitions import (
    attempts,
    files,
    leaderboard,
    model_rules,
    model_runs,
    submissions,
    tasks,
)
from competitions.forms import SubmissionForm
from competitions.model_runs import workers
from competitions.models import Competition, DataFile, ModelRules, Sent, Submission
from competitions.refusals import Refused
from competitions.remarks import feedback
from competitions.views import challenge as challenges
from competitions.views import layouts
from competitions.views.challenge import Challenge
from competitions.views.overview import site
from scoring.sandbox.contract import Format

TITLES = {
    Format.ONNX: "ONNX",
    Format.SAFETENSORS: "safetensors",
    Format.PT2: "torch.export .pt2",
    Format.TORCHSCRIPT: "TorchScript",
}
ENDINGS = {
    Format.ONNX: ".onnx",
    Format.SAFETENSORS: ".safetensors",
    Format.PT2: ".pt2",
    Format.TORCHSCRIPT: ".pt,.ts",
}


@dataclass(frozen=True)
class FormatKind:
    """A kind of model file that the challenge takes, and why nobody runs it now, if so."""

    title: str
    why_not: str


@never_cache
@login_required
@require_http_methods(["GET", "POST"])
def submit(request: HttpRequest, slug: str) -> HttpResponse:
    """The drop zone; a POST takes the file and leads to its own page."""
    challenge = challenges.find(request, slug)
    if request.method == "POST":
        return _take(request, challenge)
    return _page(request, challenge, SubmissionForm())


def _take(request: HttpRequest, challenge: Challenge) -> HttpResponse:
    form = SubmissionForm(request.POST, request.FILES)
    is_sample = "sample" in request.POST
    if not is_sample and not form.is_valid():
        return _page(request, challenge, form, status=400)
    competition = challenge.competition
    user = cast(AbstractUser, request.user)
    try:
        if is_sample:
            sample, message = _sample(competition), "the sample, as it comes"
            submission = submissions.submit(competition, user, sample, message)
        else:
            submission = _send(competition, user, form.cleaned_data)
    except Refused as error:
        messages.error(request, str(error))
        return _page(request, challenge, SubmissionForm(), status=error.http_status)
    tasks.enqueue(submission)
    return redirect("competitions:submission", competition.slug, submission.public_id)


def _send(competition: Competition, user: AbstractUser, sent: dict[str, Any]) -> Submission:
    """By the verb for what the file is here; raises Refused."""
    file, message = sent["file"], sent["message"]
    if model_rules.kind_of(competition, file.name) == Sent.FILE:
        return submissions.submit(competition, user, file, message)
    keywords = model_runs.parse_arguments(sent["arguments"])
    return model_runs.submit(competition, user, file, message, sent["architecture"], keywords)


def _sample(competition: Competition) -> SimpleUploadedFile:
    """Raises Refused where no files are taken, and so none is offered."""
    model_rules.require_files(competition)
    with files.open_data(files.data_file(competition, files.SAMPLE)) as stream:
        return SimpleUploadedFile(files.SAMPLE, stream.read(), "text/csv")


def _page(
    request: HttpRequest, challenge: Challenge, form: SubmissionForm, *, status: int = 200
) -> HttpResponse:
    competition, team = challenge.competition, challenge.team
    context = {
        "challenge": challenge,
        "tab": "submit",
        "form": form,
        "site": site(request),
        "attempts": attempts.of(competition, team) if team else None,
        "limit": files.submission_limit(competition),
        "example": layouts.example(competition),
        "own": leaderboard.line_of(competition, team),
        "sample": _offered_sample(competition),
        "feedback": feedback(competition),
        **_of_models(model_rules.of(competition)),
    }
    return render(request, "competitions/submit.html", context, status=status)


def _offered_sample(competition: Competition) -> DataFile | None:
    if model_rules.takes_models_alone(competition):
        return None
    return competition.files.filter(name=files.SAMPLE).first()


def _of_models(rules: ModelRules | None) -> dict[str, Any]:
    """What the page says of models; nothing where the challenge takes none."""
    if rules is None:
        return {}
    taken = rules.formats
    reasons = workers.running(taken) if model_runs.are_run_here() else {}
    return {
        "models": rules,
        "model_limit": rules.file_mib * model_rules.MIB,
        "model_formats": " or ".join(TITLES[kind] for kind in taken),
        "model_endings_taken": ",".join(ENDINGS[kind] for kind in taken),
        "model_kinds": [
            FormatKind(TITLES[kind], reasons.get(kind, model_runs.NO_WORKER)) for kind in taken
        ],
    }
