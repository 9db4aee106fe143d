"""What a host does for one team: more time or attempts, and off the board."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from competitions import allowances, attempts, deadlines, moderation, tasks
from competitions.allowances import Allowance
from competitions.live import events
from competitions.models import Act, Kind, Standing, State, Submission, Team
from competitions.refusals import Refused
from competitions.views.challenge import Challenge
from competitions.views.host_acts import acting
from competitions.views.host_forms import AllowanceForm, WhyForm

SHOWN = 5  # files, and acts


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def team(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """The team's page of the screen; a POST says with ``do`` what to do."""
    challenge = acting(request, slug)
    found = Team.objects.filter(competition=challenge.competition, pk=pk).first()
    if found is None:
        raise Http404("There is no such team in this challenge.")
    allowance = AllowanceForm(challenge.competition, found)
    status = 200
    if request.method == "POST":
        if request.POST.get("do") != "allow":
            return _do(request, challenge, found)
        allowance = AllowanceForm(challenge.competition, found, request.POST)
        if allowance.is_valid():
            return _allow(request, challenge, found, allowance)
        status = 400
    context = _context(challenge, found, allowance)
    return render(request, "competitions/host_team.html", context, status=status)


def _context(challenge: Challenge, found: Team, form: AllowanceForm) -> dict[str, Any]:
    competition = challenge.competition
    given = Act.objects.filter(
        competition=competition, kind=Kind.ALLOWED_MORE, details__team_id=found.pk
    )
    return {
        "challenge": challenge,
        "tab": "host",
        "team": found,
        "form": form,
        "why": WhyForm(auto_id="why_%s"),
        "members": [member.user for member in found.members.select_related("user")],
        "attempts": attempts.of(competition, found),
        "own_end": deadlines.closes_for(competition, found),
        "has_more": Allowance.of(found) != Allowance(0, None),
        "may_allow": competition.state == State.OPEN and not found.is_baseline,
        "files": Submission.objects.filter(team=found)[:SHOWN],
        "given": given.select_related("actor")[:SHOWN],
    }


def _allow(
    request: HttpRequest, challenge: Challenge, found: Team, form: AllowanceForm
) -> HttpResponse:
    asked = form.cleaned_data
    try:
        allowances.allow(
            found,
            asked["reason"],
            request.user,
            attempts=asked["attempts"],
            until=form.until,
            seen=Allowance.of(found),
        )
    except Refused as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"Given to {found}. Its pages show it already.")
        transaction.on_commit(lambda: events.publish_allowance(found))
    return redirect("competitions:host", challenge.competition.slug)


def _do(request: HttpRequest, challenge: Challenge, found: Team) -> HttpResponse:
    reason, by = request.POST.get("reason", "")[: moderation.REASON_LENGTH], request.user
    had_line = Standing.objects.filter(team=found).exists()
    try:
        match request.POST.get("do"):
            case "take_back":
                allowances.take_back(found, reason, by)
                done = f"{found} has the end and the limits that all have."
            case "hide":
                moderation.hide(found, by, reason)
                done = f"{found} stands on no board any more, and still takes part."
            case "show":
                moderation.show(found, by, reason)
                done = f"{found} stands on the board again."
            case _:
                raise Http404("There is no such button for a team.")
    except Refused as error:
        messages.error(request, str(error))
    else:
        messages.success(request, done)
        transaction.on_commit(lambda: _tell(challenge, found, had_line=had_line))
        tasks.enqueue_insight(found.competition_id)
    return redirect("competitions:host", challenge.competition.slug)


def _tell(challenge: Challenge, found: Team, *, had_line: bool) -> None:
    """The team's pages and the hosts; open boards of its new line, or that it has none any more."""
    events.publish_allowance(found)
    standing = Standing.objects.filter(team=found).first()
    if standing is not None:
        events.publish_board(standing)
    elif had_line or challenge.competition.state == State.REVEALED:
        events.publish_reset(challenge.competition)
