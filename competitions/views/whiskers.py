"""Where the board's dots, whiskers and grey zone lie on one scale for all rows.

`static/js/whiskers.js` does the same arithmetic when a row arrives over the live stream.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from competitions.leaderboard import Row

WIDTH, MARGIN = 240.0, 12.0
# The scale fits the upper part of the board; what lies far behind is an arrow at the edge,
# or one sample file would press all others into one dot.
FITTED = 0.75
PADDING = 0.06
TICKS = 2


@dataclass(frozen=True)
class Scale:
    """The values at the two ends of the axis."""

    low: float
    high: float

    def x(self, value: float) -> float:
        """The place of a value, in the units of the view box."""
        share = (value - self.low) / (self.high - self.low)
        return round(MARGIN + share * (WIDTH - 2 * MARGIN), 1)

    @property
    def ticks(self) -> list[tuple[float, str]]:
        """Two to six round values with their labels."""
        step = _round_step((self.high - self.low) / TICKS)
        decimals = max(0, -math.floor(math.log10(step) + 1e-9))
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [(self.x(n * step), f"{n * step:.{decimals}f}") for n in range(first, last + 1)]


@dataclass(frozen=True)
class Whisker:
    """One row's mark: a dot with its interval, or an arrow where it lies outside the scale."""

    dot: float
    line: str
    arrow: str
    label: str


def scale_of(rows: Sequence[Row], bounds: tuple[float, float]) -> Scale:
    """The scale of a board, best first."""
    fitted = rows[: max(1, math.ceil(len(rows) * FITTED))]
    low = min((row.value if row.low is None else row.low for row in fitted), default=0.0)
    high = max((row.value if row.high is None else row.high for row in fitted), default=1.0)
    room = (high - low) * PADDING or abs(high) * 0.05 or 0.05
    return Scale(max(low - room, bounds[0]), min(high + room, bounds[1]))


def tie_width(leader: Row | None) -> float | None:
    """The smallest difference to the leader that is more than noise.

    The half-width of the 95 % interval of a difference of two scores is that of one score
    times the square root of two, were they measured apart; on the same images it is at most
    about that, so the zone is on the careful side.
    """
    if leader is None or leader.low is None or leader.high is None:
        return None
    return math.sqrt(2) * (leader.high - leader.low) / 2


def whisker(row: Row, scale: Scale) -> Whisker:
    """The row's mark on the scale, with its sentence for those who do not see it."""
    label = f"Score {row.score}"
    line = ""
    if row.low is not None and row.high is not None:
        label = f"95 % interval {row.low:.3f} to {row.high:.3f}"
        left, right = (_inside(scale.x(end)) for end in (row.low, row.high))
        line = f"M{left} 10H{right}M{left} 6.5v7M{right} 6.5v7"
    dot = scale.x(row.value)
    if dot < 0:
        return Whisker(dot, "", "M15 10H5M9 6l-4 4 4 4", label)
    if dot > WIDTH:
        return Whisker(dot, "", "M225 10h10M231 6l4 4-4 4", label)
    return Whisker(dot, line, "", label)


def _inside(x: float) -> float:
    return min(max(x, 0.0), WIDTH)


def _round_step(most: float) -> float:
    """The largest 1, 2 or 5 times a power of ten that is not above ``most``."""
    power = 10.0 ** math.floor(math.log10(most))
    return next(power * factor for factor in (5, 2, 1) if power * factor <= most * 1.001)
