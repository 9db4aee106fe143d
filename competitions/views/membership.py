"""A team's own page: who is in it, its name, its invitation, and the way into another one."""

from collections.abc import Callable
from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import AbstractUser
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from competitions import membership, teams
from competitions.models import Competition, Team
from competitions.refusals import Refused
from competitions.views import challenge as challenges


@login_required
@require_http_methods(["GET", "POST"])
def team(request: HttpRequest, slug: str) -> HttpResponse:
    """Each button of the page is a POST with its ``act``."""
    challenge = challenges.find(request, slug)
    user = cast(AbstractUser, request.user)
    if request.method == "POST":
        try:
            _act(request, challenge.competition, challenge.team, user)
        except Refused as error:
            messages.error(request, str(error))
        return redirect("competitions:team", slug=slug)
    context = {
        "challenge": challenge,
        "tab": "team",
        "members": membership.members(challenge.team) if challenge.team else [],
        "invitation": request.GET.get("invitation", "")[:24],
    }
    return render(request, "competitions/team.html", context)


def _act(
    request: HttpRequest, competition: Competition, own: Team | None, user: AbstractUser
) -> None:
    act = request.POST.get("act", "")
    if act == "accept":
        joined = membership.accept(competition, user, request.POST.get("invitation", ""))
        messages.success(request, f"You are in {joined.name} now.")
        return
    if own is None:
        raise Refused("Join the challenge first: the button is on its page.")
    acts: dict[str, Callable[[], str]] = {
        "invite": lambda: _invited(own),
        "revoke": lambda: _revoked(own),
        "rename": lambda: _renamed(own, request.POST.get("name", "")),
        "leave": lambda: f"You are alone again, as {membership.leave(own, user).name}.",
    }
    if act not in acts:
        raise Refused("There is no such button here.")
    messages.success(request, acts[act]())


def _invited(own: Team) -> str:
    membership.invite(own)
    return "Pass the invitation on: whoever has it may join your team."


def _revoked(own: Team) -> str:
    membership.revoke(own)
    return "The invitation leads nowhere any more."


def _renamed(own: Team, name: str) -> str:
    if own.disqualification:
        raise Refused("A disqualified team keeps its name.")
    teams.rename(own, name)
    return f"Your team is called {own.name} now."
