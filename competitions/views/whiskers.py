"""Where the board's dots, whiskers and grey zone lie on one scale for all rows.

`static/js/whiskers.js` does the same arithmetic when a row arrives over the live stream.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

WIDTH, MARGIN = 240.0, 12.0
# The scale fits the upper part of the board; what lies far behind is an arrow at the edge,
# or one sample file would press all others into one dot.
FITTED = 0.75
PADDING = 0.06
TICKS = 2
DOT = 6.0  # a dot with some air: the zone ends after the last dot in it


class Scored(Protocol):
    """What has a place on the scale: a row of the public board or of the final one."""

    @property
    def score(self) -> str: ...
    @property
    def value(self) -> float | None: ...
    @property
    def low(self) -> float | None: ...
    @property
    def high(self) -> float | None: ...


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


@dataclass(frozen=True)
class Zone:
    """The grey column: a dot inside it cannot be told apart from the leader's."""

    x: float
    width: float


def scale_of(rows: Sequence[Scored], bounds: tuple[float, float]) -> Scale:
    """The scale of a board, best first; rows without a score have no place on it."""
    shown = [row for row in rows if row.value is not None]
    fitted = shown[: max(1, math.ceil(len(shown) * FITTED))]
    low = min((_end(row.low, row.value) for row in fitted), default=0.0)
    high = max((_end(row.high, row.value) for row in fitted), default=1.0)
    room = (high - low) * PADDING or abs(high) * 0.05 or 0.05
    return Scale(max(low - room, bounds[0]), min(high + room, bounds[1]))


def whisker(row: Scored, scale: Scale) -> Whisker:
    """The row's mark on the scale, with its sentence for those who do not see it."""
    if row.value is None:
        return Whisker(0.0, "", "", "No score is shown")
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


def zone(
    rows: Sequence[Scored], run: range, leader: Scored | None, scale: Scale, sign: int
) -> Zone | None:
    """From the leader's better end to the last row of the run, short of the next row's dot.

    ``run`` are the tied rows from the top without a gap; ``sign`` is -1 where less is better.
    Where the next row has the very score of the last ones, those stay outside as well: no dot in
    the zone belongs to a row that was told apart.
    """
    if leader is None or leader.value is None or not run:
        return None
    best = leader.high if sign > 0 else leader.low
    top = scale.x(leader.value) + sign * DOT if best is None else scale.x(best)
    stop = run.stop
    while stop < len(rows) and stop > run.start and rows[stop - 1].value == rows[stop].value:
        stop -= 1
    if stop == run.start:
        return None
    last = _x(rows[stop - 1], scale)
    air = DOT if stop == len(rows) else min(DOT, abs(_x(rows[stop], scale) - last) / 2)
    left, right = sorted((_inside(top), _inside(last - sign * air)))
    return Zone(round(left, 1), round(right - left, 1))


def _end(end: float | None, value: float | None) -> float:
    return (0.0 if value is None else value) if end is None else end


def _x(row: Scored, scale: Scale) -> float:
    return scale.x(0.0 if row.value is None else row.value)


def _inside(x: float) -> float:
    return min(max(x, 0.0), WIDTH)


def _round_step(most: float) -> float:
    """The largest 1, 2 or 5 times a power of ten that is not above ``most``."""
    power = 10.0 ** math.floor(math.log10(most))
    return next(power * factor for factor in (5, 2, 1) if power * factor <= most * 1.001)
