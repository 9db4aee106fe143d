"""The ceremony: the final board as a play in steps, after the reveal."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.html import json_script
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from competitions import access, final, snapshots
from competitions.models import Competition
from competitions.refusals import NotFound
from competitions.views import challenge as challenges
from competitions.views.challenge import Challenge

ORDINALS = "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth"


@dataclass(frozen=True)
class Play:
    """What the page shows of the final board: the same for everybody who may see it."""

    about: dict[str, Any]  # as in final.about
    noise: str
    has_teams: bool
    script: str  # the board as JSON in its element


@require_safe
@cache_control(private=True, no_store=True)
def ceremony(request: HttpRequest, slug: str) -> HttpResponse:
    """For organisers once the final board is revealed, for everybody once it is published."""
    challenge = challenges.find(request, slug)
    competition = challenge.competition
    try:
        final.require_visible(competition, request.user)
    except NotFound:
        return _too_early(request, challenge)
    play = _play(competition)
    context = {
        "challenge": challenge,
        "final": play.about,
        "play": play,
        "can_publish": competition.published_at is None
        and access.may_edit(request.user, competition),
    }
    return render(request, "competitions/ceremony.html", context)


def _too_early(request: HttpRequest, challenge: Challenge) -> HttpResponse:
    """The address is right, and there is nothing to see yet."""
    competition = challenge.competition
    context = {
        "competition": competition,
        "is_organiser": access.is_organiser(request.user, competition),
        "can_reveal": challenge.is_over and access.may_edit(request.user, competition),
    }
    return render(request, "competitions/too_early.html", context, status=404)


def _play(competition: Competition) -> Play:
    """Kept once it is published; before that it is an organiser's alone, and made each time."""

    def make() -> Play:
        board = final.results(competition)
        teams = [row for row in board["rows"] if row["rank"] is not None]
        about = {name: told for name, told in board.items() if name != "rows"}
        return Play(about, noise(teams), bool(teams), json_script(board, "final"))

    if competition.published_at is None:
        return make()
    return snapshots.latest(f"ceremony-{competition.pk}", final.version_of(competition), make)


def noise(teams: Sequence[dict[str, Any]]) -> str:
    """Who cannot be told apart from the winner, as a sentence; empty while that is not known.

    ``teams`` are the ranked rows of the final board, best first. Where several share the first
    place nobody is second, and the sentence counts.
    """
    others = teams[1:]
    if not others or others[0]["tied"] is None:
        return ""
    count = 1 + len(list(takewhile(lambda row: row["tied"] is True, others)))
    if others[0]["rank"] == 1:
        return f"The first {count} teams cannot be told apart." if count > 1 else ""
    if count == 1:
        return "The winner is ahead by more than noise."
    words = ORDINALS.split()
    if count == 2:
        return "The second cannot be told apart from the winner."
    if count > len(words):
        return f"The {count - 1} teams behind the winner cannot be told apart from it."
    joint = "and" if count == 3 else "to"
    return f"Second {joint} {words[count - 1]} cannot be told apart from the winner."
