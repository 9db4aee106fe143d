"""The submit page. The script sends to the REST door; without it this form posts here."""

from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import AbstractUser
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from competitions import attempts, files, leaderboard, submissions, tasks
from competitions.forms import SubmissionForm
from competitions.models import Competition
from competitions.refusals import Refused
from competitions.remarks import feedback
from competitions.views import challenge as challenges
from competitions.views import layouts
from competitions.views.challenge import Challenge
from competitions.views.overview import site


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
            upload, message = _sample(competition), "the sample, as it comes"
        else:
            upload, message = form.cleaned_data["file"], form.cleaned_data["message"]
        submission = submissions.submit(competition, user, upload, message)
    except Refused as error:
        messages.error(request, str(error))
        return _page(request, challenge, SubmissionForm(), status=error.http_status)
    tasks.enqueue(submission)
    return redirect("competitions:submission", competition.slug, submission.public_id)


def _sample(competition: Competition) -> SimpleUploadedFile:
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
        "sample": competition.files.filter(name=files.SAMPLE).first(),
        "feedback": feedback(competition),
    }
    return render(request, "competitions/submit.html", context, status=status)
