"""The first page: what runs now, what one may practise on, what is over."""

from dataclasses import dataclass

from django.db.models import Case, Count, OuterRef, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from competitions import access, attempts, deadlines, leaderboard, teams
from competitions.attempts import Attempts
from competitions.deadlines import Phase
from competitions.leaderboard import Row
from competitions.models import ClassSample, Competition, FinalStanding, Standing
from competitions.views.challenge import Challenge

ON_THE_CARD = 4
THUMBS = 10


@dataclass(frozen=True)
class Feature:
    """The challenge on the big card, with the top of its board and one's own line."""

    challenge: Challenge
    rows: list[Row]
    own: Row | None
    attempts: Attempts | None
    thumbs: list[ClassSample]


@require_safe
@cache_control(private=True, no_cache=True)
def index(request: HttpRequest) -> HttpResponse:
    """All challenges this visitor may know of."""
    by_phase: dict[Phase, list[Competition]] = {phase: [] for phase in Phase}
    for competition in _listed(request.user):
        by_phase[deadlines.phase(competition)].append(competition)
    running = sorted([*by_phase[Phase.OPEN], *by_phase[Phase.PAUSED]], key=_closes_first)
    context = {
        "running": len(running),
        "feature": _feature(request.user, running[0]) if running else None,
        "others": running[1:],
        "upcoming": by_phase[Phase.UPCOMING],
        "finished": [*by_phase[Phase.CLOSED], *by_phase[Phase.REVEALED]],
        "drafts": by_phase[Phase.DRAFT],
    }
    return render(request, "competitions/list.html", context)


def _listed(user: access.Person) -> QuerySet[Competition]:
    """The visible challenges with ``team_count``, and one's own ``place`` on each board.

    That is the final board once it is published.
    """
    board = Standing.objects.filter(competition=OuterRef("pk"), is_baseline=False)
    found = access.visible(user).annotate(team_count=_count(board))
    if not user.is_authenticated:
        return found
    mine = board.filter(team__members__user=user.pk).values("sort_key")[:1]
    ahead = board.filter(sort_key__gt=OuterRef("own_key"))
    final = FinalStanding.objects.filter(
        competition=OuterRef("pk"), team__members__user=user.pk
    ).values("rank")[:1]
    place = Case(
        When(published_at__isnull=False, then=Subquery(final)),
        When(own_key__isnull=False, then=_count(ahead) + 1),
    )
    return found.annotate(own_key=Subquery(mine)).annotate(place=place)


def _count(rows: QuerySet[Standing]) -> Coalesce:
    counted = rows.order_by().values("competition").annotate(n=Count("pk")).values("n")
    return Coalesce(Subquery(counted), Value(0))


def _teams(competition: Competition) -> int:
    count: int = competition.team_count  # type: ignore[attr-defined]  # annotated by _listed
    return count


def _closes_first(competition: Competition) -> tuple[bool, float]:
    """Those with a deadline first, the nearest at the top; then the newest."""
    if competition.closes_at is None:
        return True, -competition.created_at.timestamp()
    return False, competition.closes_at.timestamp()


def _feature(user: access.Person, competition: Competition) -> Feature:
    team = teams.of(competition, user)
    top = leaderboard.top(competition, ON_THE_CARD)
    own = leaderboard.line_of(competition, team)
    if own and own not in top:
        top = [*top[: ON_THE_CARD - 1], own]
    return Feature(
        challenge=Challenge(
            competition, deadlines.phase(competition), team, _teams(competition), 0
        ),
        rows=top,
        own=own,
        attempts=attempts.of(competition, team) if team else None,
        thumbs=list(competition.class_samples.exclude(path="")[:THUMBS]),
    )
