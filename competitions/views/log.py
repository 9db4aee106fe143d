"""What the own team has sent: the log with its picks, and one submission with its problems."""

import uuid
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from competitions import access, attempts, final, picks
from competitions.leaderboard import public_score
from competitions.models import Competition, PublicScore, Submission, Team
from competitions.models.submission import PICKS
from competitions.remarks import feedback, remarks
from competitions.views import challenge as challenges
from competitions.views.challenge import Challenge
from scoring import displayed

PER_PAGE = 50


@dataclass(frozen=True)
class Entry:
    """A line of the log. ``private`` is empty until the final board is published."""

    submission: Submission
    number: int
    score: str | None
    private: str = ""

    @property
    def may_be_picked(self) -> bool:
        return self.submission.counts


@dataclass(frozen=True)
class Pick:
    """A chosen file, with its number in the log: files may have the same name."""

    submission: Submission
    number: int


@dataclass(frozen=True)
class Picks:
    """What the team has chosen for the end, or what counts while it has chosen nothing."""

    chosen: list[Pick]
    default: Submission | None
    may_change: bool
    at_most: int = len(PICKS)


@never_cache
@login_required
@require_safe
def submissions(request: HttpRequest, slug: str) -> HttpResponse:
    """The team's submissions, newest first."""
    challenge = challenges.find(request, slug)
    competition, team = challenge.competition, challenge.team
    sent = Submission.objects.filter(team=team) if team else Submission.objects.none()
    page = Paginator(sent.select_related("user"), PER_PAGE).get_page(request.GET.get("page"))
    newest = page.paginator.count - page.start_index() + 1
    context = {
        "challenge": challenge,
        "tab": "submissions",
        "page": page,
        "entries": _entries(competition, list(page), newest),
        "attempts": attempts.of(competition, team) if team else None,
        "picks": picks_of(challenge, team) if team and page.paginator.count else None,
        "feedback": feedback(competition),
        "is_published": competition.published_at is not None,
    }
    return render(request, "competitions/submissions.html", context)


@never_cache
@login_required
@require_safe
def submission(request: HttpRequest, slug: str, public_id: uuid.UUID) -> HttpResponse:
    """One submission, moving while it is scored."""
    challenge = challenges.find(request, slug)
    mine = access.submissions(request.user).select_related("model_run")
    found = mine.filter(public_id=public_id, team__competition=challenge.competition)
    sent = found.first()
    if sent is None:
        raise Http404("Your team has no submission of that number.")
    context = {
        "challenge": challenge,
        "tab": "submissions",
        "submission": sent,
        "run": sent.model_run if sent.is_model else None,
        "score": public_score(sent),
        "remarks": remarks(sent, challenge.competition),
        **_in_the_end(challenge, sent),
    }
    return render(request, "competitions/submission.html", context)


def picks_of(challenge: Challenge, team: Team) -> Picks:
    chosen = list(picks.chosen(team))
    return Picks(
        chosen=_numbered(chosen, team),
        default=None if chosen else picks.by_default(challenge.competition, team),
        may_change=challenge.phase.is_running,
    )


def _numbered(chosen: list[Submission], team: Team) -> list[Pick]:
    """One query, and none where nothing is chosen."""
    if not chosen:
        return []
    sent = list(Submission.objects.filter(team=team).values_list("pk", flat=True))
    return [Pick(one, len(sent) - sent.index(one.pk)) for one in chosen]


def _in_the_end(challenge: Challenge, sent: Submission) -> dict[str, Any]:
    """The file's part in the final ranking; its own team alone chooses, and alone is told."""
    if challenge.team is None or sent.team_id != challenge.team.pk:
        return {"picks": None, "private": ""}
    private = final.private_scores(challenge.competition, [sent])
    is_pickable = sent.counts
    return {
        "picks": picks_of(challenge, challenge.team) if is_pickable else None,
        "private": private.get(sent.pk, ""),
    }


def _entries(competition: Competition, sent: list[Submission], newest: int) -> list[Entry]:
    """With the scores of a page's submissions, in one query (two once published)."""
    found = PublicScore.objects.filter(submission__in=sent, solution=competition.solution_id)
    values = {
        pk: displayed(shown, competition.decimals)
        for pk, shown in found.values_list("submission_id", "shown")
        if shown is not None
    }
    private = final.private_scores(competition, sent)
    return [
        Entry(
            submission=one,
            number=newest - place,
            score=values.get(one.pk),
            private=private.get(one.pk, ""),
        )
        for place, one in enumerate(sent)
    ]
