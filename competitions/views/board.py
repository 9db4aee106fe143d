"""The leaderboard page: the public board, and the final one once it is published."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.template.loader import get_template
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from competitions import deadlines, model_rules, snapshots, standings
from competitions import leaderboard as verbs
from competitions.leaderboard import Board, Row
from competitions.models import Competition, Feedback, Team
from competitions.views import challenge as challenges
from competitions.views import feed, finals, ties, whiskers
from competitions.views.challenge import Challenge
from competitions.views.paging import page_number, pages_around, prize_after
from competitions.views.sparklines import Spark, spark
from competitions.views.ties import Ties
from competitions.views.whiskers import Scale, Whisker

LONGEST_SEARCH = 60
GROUPS_KEPT = 600  # seconds
DAY = timedelta(days=1).total_seconds()


@dataclass(frozen=True)
class Line:
    """A row of the board with what its place on the page asks for."""

    row: Row
    whisker: Whisker
    spark: Spark
    is_you: bool = False
    in_band: bool = False
    is_first: bool = False  # of the band's bracket
    is_last: bool = False
    html: str = ""

    @property
    def half(self) -> float | None:
        """Of the interval's width."""
        low, high = self.row.low, self.row.high
        return None if low is None or high is None else (high - low) / 2

    @property
    def then(self) -> int | None:
        """The rank an hour ago."""
        rank, moved = self.row.rank, self.row.moved
        return None if rank is None or moved is None else rank + moved

    @property
    def places(self) -> int:
        """How many it moved by within the hour, whichever way."""
        return abs(self.row.moved or 0)

    @property
    def curve(self) -> str:
        """For the script that lets the sparkline grow."""
        return " ".join(f"{at} {value}" for at, value in self.row.curve)


@dataclass(frozen=True)
class Day:
    """The time axis of the sparklines and the chart, in epoch seconds."""

    start: float
    now: float

    @property
    def title(self) -> str:
        return "Today" if self.now - self.start <= DAY else "So far"


@dataclass(frozen=True)
class Wanted:
    """What of the board the address asks for; what makes no sense is left out."""

    page: int
    group: str
    search: str

    @property
    def is_whole(self) -> bool:
        return not self.group and not self.search


@dataclass(frozen=True)
class Sheet:
    """A page of the board as everybody gets it, with the rows' HTML."""

    board: Board
    rows: Sequence[str]


# For the page's template element, which the script fills when a new team arrives.
_START = datetime.fromtimestamp(0, UTC)
_NOBODY = Row(None, 0, "", "", 1, False, "", 0, None, None, 0, _START, _START)
BLANK = Line(_NOBODY, Whisker(0, "", "", ""), Spark("", None, None))


@require_safe
@cache_control(private=True, no_cache=True)
def leaderboard(request: HttpRequest, slug: str) -> HttpResponse:
    """The board as it is now, with the cursor from which the live stream goes on."""
    challenge = challenges.find(request, slug)
    competition, team = challenge.competition, challenge.team
    if competition.published_at is not None and request.GET.get("board") != "public":
        context = finals.context(challenge, page_number(request.GET.get("page", "")))
        return render(request, "competitions/final.html", context)
    groups = _groups(competition)
    wanted = _wanted(request.GET, competition, team, groups)
    sheet = _kept_sheet(challenge, wanted)
    own = _own(sheet.board, competition, team)
    context = {**context_of(challenge, wanted, sheet, own), "groups": groups}
    return render(request, "competitions/leaderboard.html", context)


def context_of(
    challenge: Challenge, wanted: Wanted, sheet: Sheet, own: Row | None = None
) -> dict[str, Any]:
    """What leaderboard.html shows; ``own`` is the team's line where it is not in the sheet."""
    competition, board = challenge.competition, sheet.board
    day = day_of(challenge, board)
    context = drawn(board, challenge.team, own, day)
    rows = zip(context["lines"], sheet.rows, strict=True)
    return {
        **context,
        "challenge": challenge,
        "models": model_rules.of(competition),
        "tab": "leaderboard",
        "lines": [replace(line, html=html) for line, html in rows],
        "wanted": wanted,
        "pager": pages_around(board.page, board.pages),
        "step": _step(board, competition),
        "prize_after": prize_after(board.rows, competition.prizes) if wanted.is_whole else -1,
        "chart_title": _chart_title(day, wanted),
    }


def _kept_sheet(challenge: Challenge, wanted: Wanted) -> Sheet:
    """Most of a page's time goes into its hundred rows: they are made once for each version."""
    competition = challenge.competition

    def make() -> Sheet:
        asked = (wanted.page, verbs.PAGE, wanted.group, wanted.search)
        return sheet_of(challenge, verbs.board(competition, *asked))

    if wanted.search:
        return make()
    group = sha256(wanted.group.encode()).hexdigest()[:16]
    key = f"sheet-{verbs.version_of(competition)}-{wanted.page}-{group}"
    return snapshots.once(key, make, lambda made: made.board.page == wanted.page)


def sheet_of(challenge: Challenge, board: Board) -> Sheet:
    context = drawn(board, None, None, day_of(challenge, board))
    shared = {name: context[name] for name in ("zone", "hides_scores")}
    row = get_template("competitions/_board_row.html")
    return Sheet(board, [row.render({**shared, "line": line}) for line in context["lines"]])


def drawn(
    board: Board, team: Team | None, pinned: Row | None = None, day: Day | None = None
) -> dict[str, Any]:
    """The board's rows with their marks, zone and axis, ready for the template.

    ``pinned`` is the team's line where it is not among the rows.
    """
    bounds, sign = board.metric.bounds, -1 if board.metric.direction == "minimize" else 1
    day = day or Day(0, 1)
    scale = whiskers.scale_of(board.rows, bounds)
    leader = board.leader or next((row for row in board.rows if not row.is_baseline), None)
    found = ties.ties_of(board.rows, leader, board.noise, sign)
    drawing = _Drawing(scale, day, board.metric.direction, team)
    own = pinned or next((row for row in board.rows if team and row.team_id == team.pk), None)
    is_known = found.noise is not None or any(row.tied is not None for row in board.rows)
    return {
        "board": board,
        "bounds": ties.for_scripts(bounds),
        "scale": scale,
        "day": day,
        "lines": [drawing.line(row, n, found) for n, row in enumerate(board.rows)],
        "ties": found,
        "zone": whiskers.zone(board.rows, found.run, leader, scale, sign) if is_known else None,
        "noise": ties.difference(found.noise, bounds),
        "hides_scores": board.feedback == Feedback.HIDDEN,
        "has_intervals": any(row.low is not None for row in board.rows)
        or board.metric.has_interval,
        "feed": feed.feed(board.rows, sign),
        "leader": leader,
        "leader_for_scripts": _for_scripts(leader),
        "own": own,
        "own_for_scripts": _for_scripts(own),
        "pinned": None if pinned is None else drawing.line(pinned),
        "is_above": _stands_above(pinned, board.rows),
        "blank": BLANK,
    }


def day_of(challenge: Challenge, board: Board) -> Day:
    """From the opening, or the first score, to now or to the end."""
    competition = challenge.competition
    now = deadlines.clock(competition).timestamp()
    firsts = [row.curve[0][0] for row in board.rows if row.curve and not row.is_baseline]
    if competition.opens_at is not None:
        firsts.append(competition.opens_at.timestamp())
    start = min(firsts, default=now)
    end = competition.closes_at.timestamp() if competition.closes_at else now
    return Day(start, max(start, min(now, end)))


@dataclass(frozen=True)
class _Drawing:
    """What all lines of one page share."""

    scale: Scale
    day: Day
    direction: str
    team: Team | None

    def line(self, row: Row, n: int = -1, found: Ties | None = None) -> Line:
        is_banded = found is not None and found.is_band
        return Line(
            row,
            whiskers.whisker(row, self.scale),
            self._spark(row),
            is_you=self.team is not None and self.team.pk == row.team_id,
            in_band=is_banded and found is not None and found.tied[n],
            is_first=is_banded and found is not None and found.begins(n),
            is_last=is_banded and found is not None and found.ends(n),
        )

    def _spark(self, row: Row) -> Spark:
        if row.is_baseline:
            return Spark("", None, None)
        return spark(row.curve, self.day.start, self.day.now, self.direction)


def _wanted(
    asked: QueryDict, competition: Competition, team: Team | None, groups: Sequence[str]
) -> Wanted:
    group = asked.get("group", "")
    search = " ".join(asked.get("search", "").replace("\0", " ").split())[:LONGEST_SEARCH]
    page = page_number(asked.get("page", ""))
    if asked.get("page") == "mine" and team is not None:
        page = verbs.page_of(competition, team, verbs.PAGE)
    return Wanted(page, group if group in groups else "", search)


def _groups(competition: Competition) -> list[str]:
    """Kept for each version: naming them reads every team, and setting one is a new version."""
    key = f"groups-{competition.pk}-{competition.board_version}"
    return list(cache.get_or_set(key, lambda: verbs.groups(competition), GROUPS_KEPT) or ())


def _own(board: Board, competition: Competition, team: Team | None) -> Row | None:
    """The team's line, where it is not on this page."""
    if team is None or any(row.team_id == team.pk for row in board.rows):
        return None
    return verbs.line_of(competition, team)


def _stands_above(own: Row | None, rows: Sequence[Row]) -> bool:
    """Whether the own line belongs above the page's rows, and not below them."""
    first = next((row.rank for row in rows if row.rank is not None), None)
    return bool(own and own.rank and first and own.rank < first)


def _chart_title(day: Day, wanted: Wanted) -> str:
    title = "The day so far" if day.title == "Today" else "So far"
    return f"{title}, {wanted.group}" if wanted.group else title


def _step(board: Board, competition: Competition) -> str:
    """The Ladder's step in words, where there is one."""
    if board.feedback != Feedback.LADDER:
        return ""
    return ties.difference(standings.step(competition), board.metric.bounds)


def _for_scripts(row: Row | None) -> str:
    """A row that may be on another page: team, value, and interval if any."""
    if row is None or row.value is None:
        return ""
    ends = (row.low, row.high)
    known = [row.team_id, row.value, *("" if end is None else end for end in ends)]
    return ",".join(map(str, known))
