"""The public board, read. What it shows is written by standings.py and, a moment later, insight/.

The first page costs one query; a later or a filtered one two, however long the board is.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from zlib import crc32

from django.db.models import Count, F, OuterRef, QuerySet, Subquery, Window

from competitions import deadlines, ranks
from competitions.models import (
    BoardStatistics,
    Competition,
    Feedback,
    Member,
    PublicScore,
    Standing,
    Submission,
    Team,
)
from competitions.models.metrics import MetricFacts
from competitions.models.standing import BEST_FIRST
from scoring import displayed

PAGE = 100
LARGEST_PAGE = 1000
MODEL = "submission__model_run"


@dataclass(frozen=True)
class Cost:
    """What the best score's model takes, as it was measured here; None: not known."""

    images_per_second: float | None
    parameters: int | None
    macs: int | None  # multiply-accumulates for one image


@dataclass(frozen=True)
class Row:
    """One line of the board: public values alone, ready to be shown or sent."""

    rank: int | None
    team_id: int
    team: str
    group: str
    members: int
    is_baseline: bool
    score: str  # empty while scores are hidden
    value: float | None
    low: float | None
    high: float | None
    entries: int
    last_at: datetime
    reached_at: datetime
    tied: bool | None = None
    moved: int | None = None
    expected: str = ""
    curve: Sequence[Sequence[float]] = ()
    cost: Cost | None = None  # of a model; a file of predictions has none

    def public(self) -> dict[str, Any]:
        """The row as JSON: times in ISO 8601, UTC."""
        times = {"last_at": iso(self.last_at), "reached_at": iso(self.reached_at)}
        return {**asdict(self), **times}


@dataclass(frozen=True)
class Board:
    """A page of the board. ``noise``: a difference to the leader under it may be chance."""

    version: int
    metric: MetricFacts
    decimals: int
    rows: list[Row]
    teams: int = 0
    page: int = 1
    pages: int = 1
    leader: Row | None = None
    noise: float | None = None
    frozen_since: datetime | None = None
    feedback: str = Feedback.ROUNDED  # as it is now: what was hidden is rounded once published

    def public(self) -> dict[str, Any]:
        """The page as JSON, the same for everybody."""
        leader = self.leader if self.leader and self.leader.value is not None else None
        return {
            "version": self.version,
            "metric": self.metric.key,
            "metric_title": self.metric.title,
            "direction": self.metric.direction,
            "decimals": self.decimals,
            "feedback": str(self.feedback),
            "frozen_since": _iso_or_none(self.frozen_since),
            "noise": self.noise,
            "leader": leader and {"team_id": leader.team_id, "value": leader.value},
            "teams": self.teams,
            "page": self.page,
            "pages": self.pages,
            "rows": [row.public() for row in self.rows],
        }


def board(
    competition: Competition, page: int = 1, size: int = PAGE, group: str = "", search: str = ""
) -> Board:
    """A page of the board, best first; a page that is not there gives the last one."""
    wanted = Standing.objects.filter(competition=competition)
    if group or search:
        wanted = wanted.filter(team__in=_teams(competition, group, search))
    is_filtered = bool(group or search)
    page, total, found = _page(competition, wanted, max(page, 1), size, is_filtered)
    start = (page - 1) * size
    places = ranks.anywhere(found) if is_filtered else ranks.following(found, start)
    rows = [_row(one, rank, competition.decimals) for one, rank in zip(found, places, strict=True)]
    is_whole = not is_filtered and page == 1
    leader = next((row for row in rows if not row.is_baseline), None) if is_whole else None
    return Board(
        version=competition.board_version,
        metric=competition.metric_facts,
        decimals=competition.decimals,
        rows=rows,
        teams=found[0].ranked_count if found else _ranked(competition).count(),
        page=page,
        pages=max(1, -(-total // size)),
        leader=leader or _leader(competition, is_whole),
        noise=found[0].noise if found else None,
        frozen_since=deadlines.frozen_since(competition),
        feedback=feedback(competition),
    )


def version_of(competition: Competition) -> str:
    """Whatever changes the board, or how it is shown, changes this."""
    title = f"{crc32(competition.metric_title.encode()):x}"  # a class in it may have any letters
    frozen = "moving" if deadlines.frozen_since(competition) is None else "frozen"
    shown = (competition.decimals, title, feedback(competition), frozen)
    return "-".join(map(str, (competition.slug, competition.board_version, *shown)))


def feedback(competition: Competition) -> str:
    """What the board tells of a score now: nothing stays hidden after the publication."""
    told = competition.feedback
    return Feedback.ROUNDED if told == Feedback.HIDDEN and not competition.hides_scores else told


def top(competition: Competition, count: int) -> list[Row]:
    """The first teams; the baselines as long as no team has a score."""
    standings = _standings(competition)
    first = list(standings.filter(is_baseline=False)[:count]) or list(standings[:count])
    places = ranks.following(first, 0)
    return [_row(one, rank, competition.decimals) for one, rank in zip(first, places, strict=True)]


def line_of(competition: Competition, team: Team | None) -> Row | None:
    """The team's own line, once it has one: two queries, however long the board is."""
    standing = _standings(competition).filter(team=team).first() if team else None
    if standing is None:
        return None
    (rank,) = ranks.anywhere([standing])
    return _row(standing, rank, competition.decimals)


def page_of(competition: Competition, team: Team, size: int = PAGE) -> int:
    """The page of the whole board on which the team's line is: one query; 1 without a line."""
    own = Standing.objects.filter(team=team).first()
    if own is None:
        return 1
    lines = Standing.objects.filter(competition=competition)
    above = lines.filter(sort_key__gt=own.sort_key) if own.sort_key is not None else lines.none()
    beside = lines.filter(sort_key=own.sort_key, reached_at__lt=own.reached_at)
    return (above.count() + beside.count()) // size + 1


def row_of(competition: Competition, team_id: int) -> Row | None:
    """The team's line without its rank, as an event tells it: readers rank for themselves."""
    standing = _standings(competition).filter(team=team_id).first()
    return None if standing is None else _row(standing, None, competition.decimals)


def groups(competition: Competition) -> list[str]:
    """The groups that teams were sorted into."""
    named = Team.objects.filter(competition=competition).exclude(group="")
    return list(named.order_by("group").values_list("group", flat=True).distinct())


def history(competition: Competition) -> dict[str, Any]:
    """Every team's curve, from which the board of any moment follows: one query."""
    fields = ("team_id", "team__name", "team__group", "is_baseline", "curve")
    standings = Standing.objects.filter(competition=competition).order_by("team_id")
    return {
        "version": competition.board_version,
        "title": competition.title,
        "direction": competition.metric_facts.direction,
        "decimals": competition.decimals,
        "opens_at": _iso_or_none(competition.opens_at),
        "closes_at": _iso_or_none(competition.closes_at),
        "freezes_at": _iso_or_none(competition.freezes_at),
        "now": iso(deadlines.clock(competition)),
        "teams": [
            dict(zip(("team_id", "team", "group", "is_baseline", "curve"), one, strict=True))
            for one in standings.values_list(*fields)
        ],
    }


def with_public_score(submissions: QuerySet[Submission]) -> QuerySet[Submission]:
    """The submissions with ``public_value``: what the current solution's score shows, or None."""
    score = PublicScore.objects.filter(
        submission=OuterRef("pk"), solution=OuterRef("team__competition__solution")
    )
    return submissions.annotate(public_value=Subquery(score.values("shown")[:1]))


def public_score(submission: Submission) -> str | None:
    """The displayed public score of a submission under the current solution, if it has one."""
    competition = submission.team.competition
    value = (
        PublicScore.objects.filter(submission=submission, solution=competition.solution_id)
        .values_list("shown", flat=True)
        .first()
    )
    return None if value is None else displayed(value, competition.decimals)


def iso(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def _iso_or_none(moment: datetime | None) -> str | None:
    return None if moment is None else iso(moment)


def _standings(competition: Competition) -> QuerySet[Any]:
    """The lines in order. The annotations without a row of their own are computed once."""
    statistics = BoardStatistics.objects.filter(competition=competition)
    leader = _ranked(competition).order_by(*BEST_FIRST)
    return (
        Standing.objects.filter(competition=competition)
        .select_related("team")
        .annotate(
            members=ranks.count(Member.objects.filter(team=OuterRef("team")), "team"),
            noise=Subquery(statistics.values("noise")[:1]),
            compared=Subquery(statistics.values("leader")[:1]),
            leading=Subquery(leader.values("submission")[:1]),
            images_per_second=F(f"{MODEL}__images_per_second"),
            parameters=F(f"{MODEL}__parameters"),
            macs=F(f"{MODEL}__macs"),
        )
        .order_by(*BEST_FIRST)
    )


def _ranked(competition: Competition) -> QuerySet[Standing]:
    return Standing.objects.filter(competition=competition, is_baseline=False)


def _teams(competition: Competition, group: str, search: str) -> QuerySet[Any, Any]:
    """Found first, by one walk over the teams, instead of one look-up for each line."""
    found = Team.objects.filter(competition=competition)
    if group:
        found = found.filter(group=group)
    if search:
        found = found.filter(name_key__contains=search.casefold())
    return found.order_by().values("pk")


def _page(
    competition: Competition, wanted: QuerySet[Standing], page: int, size: int, is_filtered: bool
) -> tuple[int, int, list[Any]]:
    """The number of the page, else of the last one; how many lines there are in all; its lines."""
    read = _filtered if is_filtered else _whole
    total, found = read(competition, wanted, page, size)
    if found or page == 1:
        return page, total, found
    last = max(1, -(-wanted.count() // size))
    return last, *read(competition, wanted, last, size)


def _whole(
    competition: Competition, wanted: QuerySet[Standing], page: int, size: int
) -> tuple[int, list[Any]]:
    """One query. What is skipped is neither joined nor counted: the page's lines are found first,
    by their teams, which are in the board's index as the primary key is not."""
    there = wanted.order_by(*BEST_FIRST).values("team")[(page - 1) * size : page * size]
    everybody = Standing.objects.filter(competition=competition)
    lines = _numbered(competition).annotate(line_count=ranks.count(everybody, "competition"))
    found = list(lines.filter(team__in=there))
    return found[0].line_count if found else 0, found


def _filtered(
    competition: Competition, wanted: QuerySet[Standing], page: int, size: int
) -> tuple[int, list[Any]]:
    """Two queries: the walk that finds the lines counts them as well."""
    walk = wanted.annotate(total=Window(Count("*"))).order_by(*BEST_FIRST)
    there = list(walk.values_list("team", "total")[(page - 1) * size : page * size])
    found = _numbered(competition).filter(team__in=[team for team, _ in there])
    return there[0][1] if there else 0, list(found)


def _numbered(competition: Competition) -> QuerySet[Any]:
    ranked_count = ranks.count(_ranked(competition), "competition")
    lines: QuerySet[Any] = _standings(competition).annotate(ranked_count=ranked_count)
    return lines


def _leader(competition: Competition, is_known: bool) -> Row | None:
    if is_known:  # the first page has no team: there is none
        return None
    first = top(competition, 1)
    return first[0] if first and not first[0].is_baseline else None


def _row(standing: Any, rank: int | None, decimals: int) -> Row:
    before = standing.rank_before
    return Row(
        rank=rank,
        team_id=standing.team_id,
        team=standing.team.name,
        group=standing.team.group,
        members=standing.members,
        is_baseline=standing.is_baseline,
        score="" if standing.score is None else displayed(standing.score, decimals),
        value=standing.score,
        low=_rounded(standing.low, decimals + 2),
        high=_rounded(standing.high, decimals + 2),
        entries=standing.entries,
        last_at=standing.last_at,
        reached_at=standing.reached_at,
        # A tie with somebody who leads no more says nothing.
        tied=standing.tied if standing.leading == standing.compared else None,
        moved=None if rank is None or before is None else before - rank,
        expected="" if standing.expected is None else displayed(standing.expected, decimals),
        curve=standing.curve,
        cost=_cost(standing),
    )


def _cost(standing: Any) -> Cost | None:
    """Hidden with the score: it would tell which file that is."""
    found = (standing.images_per_second, standing.parameters, standing.macs)
    if standing.score is None or all(value is None for value in found):
        return None
    rate, parameters, macs = found
    return Cost(_rounded(rate, 1), parameters, macs)


def _rounded(value: float | None, decimals: int) -> float | None:
    return None if value is None else round(value, decimals)
