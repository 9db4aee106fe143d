"""Who cannot be told apart from the leader, and how much of a difference is noise.

`static/js/ties.js` follows the same rules when the board moves.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from competitions.views.whiskers import Scored

SHARE = (0.0, 1.0)
# Displayed values are floats: 0.94 - 0.93 is a hair more than 0.01.
HAIR = 1e-9


class Rival(Scored, Protocol):
    """A row that is tied with the leader or not."""

    @property
    def team_id(self) -> int: ...
    @property
    def is_baseline(self) -> bool: ...
    @property
    def tied(self) -> bool | None: ...


@dataclass(frozen=True)
class Ties:
    """``tied`` has a mark for each row; ``run`` are those around the leader without a gap."""

    noise: float | None
    tied: Sequence[bool]
    run: range
    is_band: bool  # somebody stands beside the leader

    @property
    def last(self) -> int:
        """The last row that is tied, -1 where there is no band."""
        return max(
            (n for n, is_tied in enumerate(self.tied) if is_tied and self.is_band), default=-1
        )

    @property
    def is_unbroken(self) -> bool:
        return sum(self.tied) == len(self.run)

    def begins(self, n: int) -> bool:
        return self.tied[n] and (n == 0 or not self.tied[n - 1])

    def ends(self, n: int) -> bool:
        return self.tied[n] and (n + 1 == len(self.tied) or not self.tied[n + 1])


def tie_width(leader: Rival | None) -> float | None:
    """The smallest difference to the leader that is more than noise, where nothing was compared.

    The half-width of the 95 % interval of a difference of two scores is that of one score
    times the square root of two, were they measured apart; on the same images it is at most
    about that, so the zone is on the careful side.
    """
    if leader is None or leader.low is None or leader.high is None:
        return None
    return math.sqrt(2) * (leader.high - leader.low) / 2


def ties_of(rows: Sequence[Rival], leader: Rival | None, noise: float | None, sign: int) -> Ties:
    """The ties of a page's rows, best first. ``sign`` is -1 where less is better.

    A row that was compared with the leader on the same images is tied or is not; any other one is
    tied while it is no further away than the noise.
    """
    noise = tie_width(leader) if noise is None else noise
    tied = [_is_tied(row, leader, noise, sign) for row in rows]
    run = _run(rows, tied, leader, sign)
    is_band = any(
        is_tied and not _is_same(row, leader) for row, is_tied in zip(rows, tied, strict=True)
    )
    return Ties(noise, tied, run, is_band)


def _run(rows: Sequence[Rival], tied: Sequence[bool], leader: Rival | None, sign: int) -> range:
    """Around the leader, or on a later page from its top on."""
    ahead = (n for n, row in enumerate(rows) if not _beats(row, leader, sign))
    first = next((n for n, row in enumerate(rows) if _is_same(row, leader)), next(ahead, len(rows)))
    end = first
    while first > 0 and tied[first - 1]:
        first -= 1
    while end < len(rows) and tied[end]:
        end += 1
    return range(first, end)


def difference(noise: float | None, bounds: tuple[float, float]) -> str:
    """In words: points of a hundred for shares, else two figures that count."""
    if noise is None:
        return ""
    if bounds == SHARE:
        points = 100 * noise
        return f"{points:.1f} points" if points >= 0.95 else f"{points:.2f} points"
    figures = max(0, 1 - math.floor(math.log10(noise))) if noise > 0 else 0
    return f"{noise:.{figures}f}"


def for_scripts(bounds: tuple[float, float]) -> str:
    """As JavaScript's Number reads them: Python writes inf for Infinity."""
    return " ".join(str(end).replace("inf", "Infinity") for end in bounds)


def _is_tied(row: Rival, leader: Rival | None, noise: float | None, sign: int) -> bool:
    # Baselines that beat the leader are outside: the bracket is about rivals and what lies between.
    if leader is None or leader.value is None or row.value is None or _beats(row, leader, sign):
        return False
    if _is_same(row, leader):
        return True
    if row.tied is not None:
        return row.tied
    return noise is not None and abs(leader.value - row.value) <= noise + HAIR


def _beats(row: Rival, leader: Rival | None, sign: int) -> bool:
    if leader is None or leader.value is None or row.value is None:
        return False
    return row.is_baseline and sign * row.value > sign * leader.value


def _is_same(row: Rival, leader: Rival | None) -> bool:
    return leader is not None and row.team_id == leader.team_id
