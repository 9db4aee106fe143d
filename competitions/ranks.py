"""The ranks of lines of the board, counted by the database: a page never reads what it skips."""

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from django.db.models import Case, Count, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce

from competitions.models import Standing


def following(standings: Sequence[Any], start: int) -> list[int | None]:
    """The ranks of lines that follow one another from a place of the whole board on.

    Baselines stand in the order but take no rank: they are lines to beat, not rivals.
    """
    if not standings or standings[0].sort_key is None:
        return [None] * len(standings)
    ahead = above = 0  # teams with a better score than the first line's, teams before it
    if start:
        ahead, above = _before(standings[0])
    ranks: list[int | None] = []
    key = standings[0].sort_key
    for standing in standings:
        if standing.sort_key != key:
            key, ahead = standing.sort_key, above
        ranks.append(None if standing.is_baseline else ahead + 1)
        above += not standing.is_baseline
    return ranks


def _before(first: Standing) -> tuple[int, int]:
    """The teams with a better score, and those before the line in the order, in one query."""
    ranked = Standing.objects.filter(competition=first.competition_id, is_baseline=False)
    better = ranked.filter(sort_key__gt=first.sort_key)
    equal = ranked.filter(sort_key=first.sort_key)
    earlier = equal.filter(reached_at__lt=first.reached_at)
    same = equal.filter(reached_at=first.reached_at, team__lt=first.team_id)
    counts = [count(rows, "competition") for rows in (better, earlier, same)]
    one = Standing.objects.filter(pk=first.pk)
    ahead, before, beside = one.annotate(
        better=counts[0], earlier=counts[1], same=counts[2]
    ).values_list("better", "earlier", "same")[0]
    return ahead, ahead + before + beside


def anywhere(standings: Sequence[Any]) -> list[int | None]:
    """The ranks on the whole board of lines from anywhere, best first: one query.

    One walk over the board's index puts each team between two of the lines' scores.
    """
    keys = [one.sort_key for one in standings if one.sort_key is not None]
    if not keys:
        return [None] * len(standings)
    distinct = sorted(set(keys), reverse=True)
    teams = Standing.objects.filter(competition=standings[0].competition_id, is_baseline=False)
    counted = (
        teams.filter(sort_key__gt=distinct[-1])
        .annotate(place=_place(distinct, 0))
        .values("place")
        .annotate(n=Count("*"))
        .values_list("place", "n")
    )
    numbers = dict(counted)
    ahead = dict(
        zip(distinct, accumulate(numbers.get(n, 0) for n in range(len(distinct))), strict=True)
    )
    return [
        None if one.is_baseline or one.sort_key is None else ahead[one.sort_key] + 1
        for one in standings
    ]


def _place(keys: Sequence[float], first: int) -> Case | Value:
    """Which of the keys, the greatest first, is the first that a line is better than."""
    if not keys:
        return Value(first)
    middle = len(keys) // 2
    return Case(
        When(sort_key__gt=keys[middle], then=_place(keys[:middle], first)),
        default=_place(keys[middle + 1 :], first + middle + 1),
    )


def count(rows: QuerySet[Any], by: str) -> Coalesce:
    counted = rows.order_by().values(by).annotate(n=Count("*")).values("n")
    return Coalesce(Subquery(counted), Value(0))
