"""The last bests beside the board, in the words that they had when they came in live.

`static/js/moves.js` says the same of a move that it sees.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter

from competitions.leaderboard import Row

LENGTH = 8


@dataclass(frozen=True)
class Best:
    """A row's last improvement: what it meant, at which rank, and how many places it gained."""

    row: Row
    words: str
    place: int | None = None  # where the words end with one
    gained: int = 0


def feed(rows: Sequence[Row], sign: int) -> list[Best]:
    """The newest bests of the first page's rows. ``sign`` is -1 where less is better.

    What each one meant follows from the curves: they tell the board of any moment.
    """
    latest = sorted(rows, key=lambda row: row.reached_at, reverse=True)[:LENGTH]
    return [_best(row, rows, sign) for row in latest]


def _best(row: Row, rows: Sequence[Row], sign: int) -> Best:
    if row.is_baseline or not row.curve:
        return Best(row, "a line to beat" if row.is_baseline else "")
    at, value = row.curve[-1]
    others = list(_values_before(at, row, rows))
    rank, is_shared = _place(value, others, sign), value in others
    if len(row.curve) == 1:
        return Best(row, *_arrival(rank, is_shared))
    before = _place(row.curve[-2][1], others, sign)
    return Best(row, *_move(rank, before, is_shared), max(0, before - rank))


def _arrival(rank: int, is_shared: bool) -> tuple[str, int | None]:
    return _lead(is_shared) if rank == 1 else ("enters at", rank)


def _move(rank: int, before: int, is_shared: bool) -> tuple[str, int | None]:
    if rank == 1 and (is_shared or before > 1):
        return _lead(is_shared)
    if rank == before:
        return "own best, stays", rank
    return "ties for" if is_shared else "now", rank


def _lead(is_shared: bool) -> tuple[str, int | None]:
    return "shares the lead" if is_shared else "takes the lead", None


def _values_before(at: float, row: Row, rows: Sequence[Row]) -> Iterator[float]:
    """What the other teams had just before that moment."""
    for other in rows:
        if other.is_baseline or other.team_id == row.team_id:
            continue
        if count := bisect_left(other.curve, at, key=itemgetter(0)):
            yield other.curve[count - 1][1]


def _place(value: float, others: Sequence[float], sign: int) -> int:
    return 1 + sum(sign * other > sign * value for other in others)
