"""The organiser's last act: everybody sees the final board from now on."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.views.decorators.http import require_POST

from competitions import access, reveal
from competitions.live import events
from competitions.models import Competition
from competitions.refusals import Refused
from competitions.views import challenge as challenges
from competitions.views.returning import back


@require_POST
@login_required
def publish(request: HttpRequest, slug: str) -> HttpResponse:
    """Back to ``next``, else to the board, which is the final one now.

    A script that asks for JSON gets 204 and nothing more, or the refusal as the API writes it.
    """
    competition = challenges.find(request, slug).competition
    if not access.may_edit(request.user, competition):
        raise PermissionDenied("Only an organiser publishes the final board.")
    refusal = None
    try:
        is_new = reveal.publish(competition, request.user)
    except Refused as error:
        refusal = error
    else:
        if is_new:
            transaction.on_commit(lambda: _tell(competition))
    if not request.accepts("text/html"):
        return _for_script(refusal)
    if refusal is None:
        messages.success(request, "Everybody sees the final board now.")
    else:
        messages.error(request, str(refusal))
    return back(request, reverse("competitions:leaderboard", args=[slug]))


def _for_script(refusal: Refused | None) -> HttpResponse:
    if refusal is None:
        return HttpResponse(status=204)
    told = {"error": {"code": refusal.code, "message": str(refusal)}}
    return JsonResponse(told, status=refusal.http_status)


def _tell(competition: Competition) -> None:
    events.publish_clock(competition)
    events.publish_reset(competition)
