"""A challenge's own page, and the button that joins it."""

from dataclasses import dataclass
from datetime import datetime
from typing import cast

from django.contrib import messages
from django.contrib.auth.models import AbstractUser
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_POST, require_safe

from competitions import attempts, deadlines, files, final, leaderboard, teams
from competitions.live import events
from competitions.models import Competition, Submission
from competitions.refusals import Refused
from competitions.remarks import feedback
from competitions.views import challenge as challenges
from competitions.views.challenge import Challenge
from competitions.views.returning import back
from scoring import displayed

OWN_END = "Submissions close for your team: a host gave it more time"


@dataclass(frozen=True)
class Date:
    """One line of the agenda."""

    at: datetime
    words: str
    state: str  # done, now or to come


@dataclass(frozen=True)
class Result:
    """The own team's place in the end, once everybody may know."""

    rank: int | None
    ranked: int
    score: str
    public_rank: int | None
    moved: int | None  # places gained between the public and the final board
    file: Submission

    @property
    def lost(self) -> int:
        return max(0, -(self.moved or 0))


@require_safe
@cache_control(private=True, no_cache=True)
def detail(request: HttpRequest, slug: str) -> HttpResponse:
    """The overview: the task, how it is scored, one's own team, the dates."""
    challenge = challenges.find(request, slug)
    competition, team = challenge.competition, challenge.team
    context = {
        "challenge": challenge,
        "tab": "overview",
        "site": site(request),
        "metric": competition.metric_facts,
        "files": {file.name: file for file in files.downloads(competition)},
        "agenda": agenda(challenge),
        "own": leaderboard.line_of(competition, team),
        "attempts": attempts.of(competition, team) if team else None,
        "lifetime_limit": attempts.lifetime_limit(competition),
        "feedback": feedback(competition),
        "result": result(challenge),
    }
    return render(request, "competitions/detail.html", context)


@require_POST
def join(request: HttpRequest, slug: str) -> HttpResponse:
    """Joins and goes on to where the button stood; strangers sign in first."""
    challenge = challenges.find(request, slug)
    page = reverse("competitions:detail", args=[slug])
    if not request.user.is_authenticated:
        return redirect_to_login(page)
    try:
        team = teams.join(challenge.competition, cast(AbstractUser, request.user))
    except Refused as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"You are in, as team {team.name}. Fetch the data and begin.")
        events.publish_to_hosts(team, "joined")
    return back(request, page)


def site(request: HttpRequest) -> str:
    """This site's address as the visitor reached it, for commands to copy."""
    return f"{request.scheme}://{request.get_host()}"


def result(challenge: Challenge) -> Result | None:
    competition = challenge.competition
    own = final.own_result(competition, challenge.team)
    if own is None:
        return None
    before, now = own.public_rank, own.rank
    return Result(
        rank=now,
        ranked=final.ranked(competition),
        score=displayed(own.score, competition.decimals),
        public_rank=before,
        moved=None if before is None or now is None else before - now,
        file=own.submission,
    )


def agenda(challenge: Challenge) -> list[Date]:
    """The dates in order, with a line for now where the challenge runs."""
    competition = challenge.competition
    dates = [
        *_date(competition, competition.opens_at, "Submissions open"),
        *_date(competition, challenge.freezes_at, "The board freezes; scores still count"),
        *_date(competition, competition.closes_at, "Submissions close"),
        *_date(competition, challenge.closes_at if challenge.has_own_end else None, OWN_END),
        *_date(competition, competition.published_at, "The final board is published"),
    ]
    if challenge.phase.is_running:
        words = "Now" if challenge.is_open else "Now, paused"
        dates.append(Date(deadlines.clock(competition), words, "now"))
    return sorted(dates, key=lambda date: date.at)


def _date(competition: Competition, at: datetime | None, words: str) -> list[Date]:
    if at is None:
        return []
    return [Date(at, words, "done" if at <= deadlines.clock(competition) else "")]
