"""Picking a file for the final ranking, from the log or from the file's own page."""

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_POST

from competitions import picks
from competitions.models import Submission
from competitions.models.submission import PICKS
from competitions.refusals import Refused
from competitions.views import challenge as challenges
from competitions.views.returning import back


@require_POST
@login_required
def pick(request: HttpRequest, slug: str, public_id: uuid.UUID) -> HttpResponse:
    """``wanted=yes`` picks the file, anything else takes the pick back; only its own team may."""
    challenge = challenges.find(request, slug)
    if challenge.team is None:
        raise Http404("Your team has no submission of that number.")
    found = Submission.objects.select_related("team").filter(
        public_id=public_id, team=challenge.team
    )
    submission = found.first()
    if submission is None:
        raise Http404("Your team has no submission of that number.")
    try:
        if request.POST.get("wanted") == "yes":
            picks.choose(submission)
            said = f"{submission.file_name} is picked for the final ranking."
        else:
            picks.withdraw(submission)
            said = f"{submission.file_name} is no longer picked."
    except Refused as error:
        messages.error(request, str(error))
    else:
        chosen = picks.chosen(submission.team).count()
        messages.success(request, f"{said} {chosen} of {len(PICKS)} picks made.")
    return back(request, reverse("competitions:submissions", args=[slug]))
