"""The leaderboard page."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from competitions import leaderboard as verbs
from competitions.leaderboard import Board, Row
from competitions.live.events import cursor
from competitions.models import Team
from competitions.views import challenge as challenges
from competitions.views import whiskers
from competitions.views.whiskers import Scale, Whisker

LATEST = 5


@dataclass(frozen=True)
class Line:
    """A row of the board with what its place on the page asks for."""

    row: Row
    whisker: Whisker
    is_you: bool
    in_band: bool
    half: float | None


@dataclass(frozen=True)
class Zone:
    """The grey column: everything not distinguishable from the leader."""

    x: float
    width: float
    difference: float


# For the page's template element, which the script fills when a new team arrives.
_START = datetime.fromtimestamp(0, UTC)
_NOBODY = Row(None, 0, "", 1, False, "", 0, None, None, 0, _START, _START)
BLANK = Line(_NOBODY, Whisker(0, "", "", ""), is_you=False, in_band=False, half=None)


@require_safe
@cache_control(private=True, no_cache=True)
def leaderboard(request: HttpRequest, slug: str) -> HttpResponse:
    """The board as it is now, with the cursor from which the live stream goes on."""
    challenge = challenges.find(request, slug)
    # First the cursor, then the rows: an event between the two is then heard twice, never lost.
    after = cursor(slug)
    board = verbs.board(challenge.competition)
    context = {
        "challenge": challenge,
        "tab": "leaderboard",
        "cursor": after,
        **drawn(board, challenge.team),
    }
    return render(request, "competitions/leaderboard.html", context)


def drawn(board: Board, team: Team | None) -> dict[str, Any]:
    """The board's rows with their marks, zone and axis, ready for the template."""
    scale = whiskers.scale_of(board.rows, board.metric.bounds)
    leader = next((row for row in board.rows if not row.is_baseline), None)
    tie = whiskers.tie_width(leader)
    sign = -1 if board.metric.direction == "minimize" else 1
    lines = [_line(row, scale, team, _is_tied(row, leader, tie, sign)) for row in board.rows]
    band = [line for line in lines if line.in_band]
    latest = sorted(board.rows, key=lambda row: row.reached_at, reverse=True)
    return {
        "board": board,
        "bounds": " ".join(_for_scripts(end) for end in board.metric.bounds),
        "scale": scale,
        "lines": lines,
        "zone": _zone(scale, leader, tie, sign),
        "has_intervals": board.metric.has_interval,
        "band_first": band[0].row.team_id if len(band) > 1 else None,
        "band_last": band[-1].row.team_id if len(band) > 1 else None,
        "latest": latest[:LATEST],
        "blank": BLANK,
    }


def _for_scripts(number: float) -> str:
    """As JavaScript's Number reads it: Python writes inf for Infinity."""
    return str(number).replace("inf", "Infinity")


def _line(row: Row, scale: Scale, team: Team | None, in_band: bool) -> Line:
    half = None if row.low is None or row.high is None else (row.high - row.low) / 2
    is_you = team is not None and team.pk == row.team_id
    return Line(row, whiskers.whisker(row, scale), is_you, in_band, half)


def _is_tied(row: Row, leader: Row | None, tie: float | None, sign: int) -> bool:
    if leader is None or tie is None:
        return False
    # Baselines that beat the leader are outside: the bracket is about rivals and what lies between.
    return abs(leader.value - row.value) <= tie + 1e-9 and not _beats(row, leader, sign)


def _beats(row: Row, leader: Row, sign: int) -> bool:
    return row.is_baseline and sign * row.value > sign * leader.value


def _zone(scale: Scale, leader: Row | None, tie: float | None, sign: int) -> Zone | None:
    """From the leader's better end to the last that is tied; to the right where less is better."""
    if leader is None or tie is None or leader.low is None or leader.high is None:
        return None
    best = leader.high if sign > 0 else leader.low
    left, right = sorted((scale.x(best), scale.x(leader.value - sign * tie)))
    left, right = max(left, 0.0), min(right, whiskers.WIDTH)
    return Zone(left, round(right - left, 1), tie)
