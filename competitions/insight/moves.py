"""Where each team stood an hour ago: from the curves alone, by the rule of the board."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from operator import itemgetter
from typing import NamedTuple

from scoring import Direction, rank

SPAN = timedelta(hours=1)


class Path(NamedTuple):
    """A team's way up: ``curve`` as in ``Standing``, ``before`` what is stored so far."""

    key: int
    team_id: int
    is_baseline: bool
    curve: Sequence[Sequence[float]]
    before: int | None


def changed(paths: Iterable[Path], then: datetime, direction: Direction) -> dict[int, int | None]:
    """The ranks at that moment, by key, where they are not what is stored.

    None for a team that was not on the board yet, and for a baseline, which takes no rank.
    """
    everybody = list(paths)
    scores = {
        path.key: score
        for path in everybody
        if not path.is_baseline and (score := _score_at(path.curve, then)) is not None
    }
    places = dict(zip(scores, rank(list(scores.values()), direction), strict=True))
    return {
        path.key: places.get(path.key) for path in everybody if places.get(path.key) != path.before
    }


def _score_at(curve: Sequence[Sequence[float]], then: datetime) -> float | None:
    at = bisect_right(curve, then.timestamp(), key=itemgetter(0))
    return curve[at - 1][1] if at else None
