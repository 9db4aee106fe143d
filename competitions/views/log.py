"""What the own team has sent: the log, and one submission with its problems."""

import uuid
from dataclasses import dataclass

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from competitions import access
from competitions import submissions as verbs
from competitions.leaderboard import public_score
from competitions.live.events import cursor
from competitions.models import Competition, PublicScore, Submission
from competitions.views import challenge as challenges
from scoring import displayed

PER_PAGE = 50


@dataclass(frozen=True)
class Entry:
    """A line of the log."""

    submission: Submission
    number: int
    score: str | None


@never_cache
@login_required
@require_safe
def submissions(request: HttpRequest, slug: str) -> HttpResponse:
    """The team's submissions, newest first."""
    challenge = challenges.find(request, slug)
    competition, team = challenge.competition, challenge.team
    sent = Submission.objects.filter(team=team) if team else Submission.objects.none()
    page = Paginator(sent.select_related("user"), PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "challenge": challenge,
        "tab": "submissions",
        "cursor": cursor(slug),
        "page": page,
        "entries": _entries(competition, list(page), page.paginator.count - page.start_index() + 1),
        "attempts": verbs.attempts(competition, team) if team else None,
    }
    return render(request, "competitions/submissions.html", context)


@never_cache
@login_required
@require_safe
def submission(request: HttpRequest, slug: str, public_id: uuid.UUID) -> HttpResponse:
    """One submission, moving while it is scored."""
    challenge = challenges.find(request, slug)
    after = cursor(slug)
    found = access.submissions(request.user).filter(
        public_id=public_id, team__competition=challenge.competition
    )
    sent = found.first()
    if sent is None:
        raise Http404("Your team has no submission of that number.")
    context = {
        "challenge": challenge,
        "tab": "submissions",
        "cursor": after,
        "submission": sent,
        "score": public_score(sent),
    }
    return render(request, "competitions/submission.html", context)


def _entries(competition: Competition, sent: list[Submission], newest: int) -> list[Entry]:
    """With the public scores of a page's submissions, in one query."""
    values = dict(
        PublicScore.objects.filter(
            submission__in=sent, solution=competition.solution_id
        ).values_list("submission_id", "value")
    )
    return [
        Entry(
            submission=one,
            number=newest - place,
            score=displayed(values[one.pk], competition.decimals) if one.pk in values else None,
        )
        for place, one in enumerate(sent)
    ]
