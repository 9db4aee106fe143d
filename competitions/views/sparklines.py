"""A team's day as a step line of 80 by 24 units, better is up.

`static/js/sparkline.js` does the same arithmetic, to the digit, when a curve grows.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

LEFT, RIGHT = 2.0, 76.0
TOP, BOTTOM = 4.0, 20.0
MIDDLE = (TOP + BOTTOM) / 2


@dataclass(frozen=True)
class Spark:
    """The ``d`` of the line's path and the dot at its end; no dot where nothing has begun."""

    line: str
    dot_x: float | None
    dot_y: float | None


def spark(
    curve: Sequence[Sequence[float]],
    start: float,
    end: float,
    direction: str = "maximize",
    now: float | None = None,
) -> Spark:
    """The line of ``curve``, [[epoch seconds, value], …] oldest first.

    The axis runs from ``start`` to ``end``, both in epoch seconds; the line ends at ``now``.
    """
    until = end if now is None else now
    known = [(at, value) for at, value in curve if at <= until]
    if not known:
        return Spark("", None, None)
    values = [value for _, value in known]
    worst, best = min(values), max(values)
    if direction == "minimize":
        worst, best = best, worst
    places = [(_x(at, start, end), _y(value, worst, best)) for at, value in known]
    (first, height), steps = places[0], places[1:]
    line = "".join(f"H{x:g}V{y:g}" for x, y in steps)
    last = _x(until, start, end)
    return Spark(f"M{first:g} {height:g}{line}H{last:g}", last, places[-1][1])


def _x(at: float, start: float, end: float) -> float:
    share = (at - start) / (end - start) if end > start else 1.0
    return _tenth(LEFT + min(max(share, 0.0), 1.0) * (RIGHT - LEFT))


def _y(value: float, worst: float, best: float) -> float:
    if best == worst:
        return MIDDLE
    return _tenth(BOTTOM - (value - worst) / (best - worst) * (BOTTOM - TOP))


def _tenth(number: float) -> float:
    """Halves upwards, as JavaScript rounds and Python's ``round`` does not."""
    return math.floor(number * 10 + 0.5) / 10
