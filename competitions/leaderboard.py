"""The public board: written by one verb as scores arrive, read in one query."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, F, OuterRef, QuerySet, Subquery

from competitions.models import Competition, PublicScore, Standing, Submission, Team
from competitions.models.metrics import MetricFacts
from scoring import Report, displayed, rank, wilson
from scoring.custom.evaluate import SplitReport


@dataclass(frozen=True)
class Row:
    """One line of the board: public values alone, ready to be shown or sent."""

    rank: int | None
    team_id: int
    team: str
    members: int
    is_baseline: bool
    score: str
    value: float
    low: float | None
    high: float | None
    entries: int
    last_at: datetime
    reached_at: datetime

    def public(self) -> dict[str, Any]:
        """The row as JSON: times in ISO 8601, UTC."""
        times = {"last_at": _iso(self.last_at), "reached_at": _iso(self.reached_at)}
        return {**asdict(self), **times}


@dataclass(frozen=True)
class Board:
    version: int
    metric: MetricFacts
    decimals: int
    rows: list[Row]

    @property
    def teams(self) -> int:
        return sum(not row.is_baseline for row in self.rows)


def board(competition: Competition) -> Board:
    """The whole board, best first, in one query."""
    return Board(
        version=competition.board_version,
        metric=competition.metric_facts,
        decimals=competition.decimals,
        rows=_ranked(list(_standings(competition)), competition.decimals),
    )


def top(competition: Competition, count: int) -> list[Row]:
    """The first teams; the baselines as long as no team has a score."""
    standings = _standings(competition)
    first = list(standings.filter(team__is_baseline=False)[:count]) or list(standings[:count])
    return _ranked(first, competition.decimals)


def line_of(competition: Competition, team: Team | None) -> Row | None:
    """The team's own line, once it has one: two queries, however long the board is."""
    standing = _standings(competition).filter(team=team).first() if team else None
    if standing is None:
        return None
    ahead = Standing.objects.filter(
        competition=competition, team__is_baseline=False, sort_key__gt=standing.sort_key
    )
    place = None if standing.team.is_baseline else ahead.count() + 1
    return _row(standing, place, competition.decimals)


def row_of(standing: Standing) -> Row:
    """The team's line without its rank, as an event tells it: readers rank for themselves."""
    full = _standings(standing.competition).get(pk=standing.pk)
    return _row(full, None, standing.competition.decimals)


def record(submission: Submission, report: Report | SplitReport) -> Standing:
    """Counts a scored submission into its team's standing; the board's version moves on.

    Runs inside the transaction that ends the submission. The UPDATE of the competition comes
    first: its row lock puts concurrent finishes of one competition in a line.
    """
    competition = submission.team.competition
    Competition.objects.filter(pk=competition.pk).update(board_version=F("board_version") + 1)
    standing = Standing.objects.filter(team=submission.team).first()
    entry = _entry(competition, submission, report)
    if standing is None:
        return Standing.objects.create(
            competition=competition, team=submission.team, last_at=submission.received_at, **entry
        )
    standing.entries += 1
    standing.last_at = max(standing.last_at, submission.received_at)
    if _is_better(entry, standing):
        for name, value in entry.items():
            setattr(standing, name, value)
    standing.save()
    return standing


def with_public_score(submissions: QuerySet[Submission]) -> QuerySet[Submission]:
    """The submissions with ``public_value``: the score under the current solution, or None."""
    score = PublicScore.objects.filter(
        submission=OuterRef("pk"), solution=OuterRef("team__competition__solution")
    )
    return submissions.annotate(public_value=Subquery(score.values("value")[:1]))


def public_score(submission: Submission) -> str | None:
    """The displayed public score of a submission under the current solution, if it has one."""
    competition = submission.team.competition
    value = (
        PublicScore.objects.filter(submission=submission, solution=competition.solution_id)
        .values_list("value", flat=True)
        .first()
    )
    return None if value is None else displayed(value, competition.decimals)


def _entry(
    competition: Competition, submission: Submission, report: Report | SplitReport
) -> dict[str, Any]:
    if report.public is None:
        raise ValueError("the board shows public scores")
    score = float(displayed(report.public, competition.decimals))
    # The interval of the displayed value: drawn finely, it tells nothing that the score does not.
    interval = None if report.public_interval is None else wilson(score, report.public_rows)
    low, high = interval or (None, None)
    return {
        "submission": submission,
        "score": score,
        "sort_key": score if report.direction == "maximize" else -score,
        "low": low,
        "high": high,
        "reached_at": submission.received_at,
    }


def _is_better(entry: dict[str, Any], standing: Standing) -> bool:
    """Higher on the displayed value; of equals the file that came first, whoever ends first."""
    if entry["sort_key"] != standing.sort_key:
        return bool(entry["sort_key"] > standing.sort_key)
    return bool(entry["reached_at"] < standing.reached_at)


def _standings(competition: Competition) -> QuerySet[Standing]:
    return (
        Standing.objects.filter(competition=competition)
        .select_related("team", "competition")
        .annotate(members=Count("team__members"))
        .order_by(F("sort_key").desc(), "reached_at", "team_id")
    )


def _ranked(standings: Sequence[Any], decimals: int) -> list[Row]:
    """Baselines stand in the order but take no rank: they are lines to beat, not rivals."""
    ranks = iter(rank([s.sort_key for s in standings if not s.team.is_baseline]))
    return [_row(s, None if s.team.is_baseline else next(ranks), decimals) for s in standings]


def _row(standing: Any, place: int | None, decimals: int) -> Row:
    return Row(
        rank=place,
        team_id=standing.team_id,
        team=standing.team.name,
        members=standing.members,
        is_baseline=standing.team.is_baseline,
        score=displayed(standing.score, decimals),
        value=standing.score,
        low=_rounded(standing.low, decimals + 2),
        high=_rounded(standing.high, decimals + 2),
        entries=standing.entries,
        last_at=standing.last_at,
        reached_at=standing.reached_at,
    )


def _rounded(value: float | None, decimals: int) -> float | None:
    return None if value is None else round(value, decimals)


def _iso(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
