"""The final board on the leaderboard page: private scores, once everybody may see them."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Count
from django.utils.text import get_text_list

from competitions import final
from competitions.models import Competition, FinalStanding
from competitions.views import ties, whiskers
from competitions.views.challenge import Challenge
from competitions.views.paging import pages_around, prize_after
from competitions.views.whiskers import Whisker

PAGE = 100
NAMED = 5  # winners by name; more of them are counted


@dataclass(frozen=True)
class Place:
    """A row of the final board."""

    rank: int | None
    team_id: int
    team: str
    group: str
    members: int
    is_baseline: bool
    score: str
    value: float
    low: float | None
    high: float | None
    rank_low: int | None
    rank_high: int | None
    tied: bool | None
    public_rank: int | None
    public_score: str
    moved: int | None

    @property
    def half(self) -> float | None:
        return None if self.low is None or self.high is None else (self.high - self.low) / 2

    @property
    def places(self) -> int:
        """How many it moved by, whichever way."""
        return abs(self.moved or 0)

    @property
    def ranks(self) -> str:
        """The ranks that the private images allow: 2 to 5."""
        if self.rank_low is None or self.rank_high is None:
            return ""
        ends = (self.rank_low, self.rank_high)
        return f"{ends[0]} to {ends[1]}" if ends[0] != ends[1] else str(ends[0])


@dataclass(frozen=True)
class FinalLine:
    """A row with what its place on the page asks for."""

    row: Place
    whisker: Whisker
    is_you: bool
    in_band: bool
    is_first: bool
    is_last: bool


def context(challenge: Challenge, page: int) -> dict[str, Any]:
    """What final.html shows; asked for only after the publication."""
    competition, team = challenge.competition, challenge.team
    lines, teams = _counts(competition)
    pages = max(1, -(-lines // PAGE))
    page = min(page, pages)
    shown = _places(competition, slice((page - 1) * PAGE, page * PAGE))
    first = shown if page == 1 else _places(competition, slice(PAGE))
    winner = next((place for place in first if place.rank is not None), None)
    own = [Place(**row) for row in final.places(competition, team=team)] if team else []
    return {
        **_drawn(challenge, shown, winner),
        "challenge": challenge,
        "tab": "leaderboard",
        "winner": winner,
        "shared": _sharers(first),
        "own": own[0] if own else None,
        "teams": teams,
        "about": final.about(competition),
        "fraction": f"{competition.public_fraction:g}",  # as the terminal's command takes it
        "pager": pages_around(page, pages),
        "page": page,
        "pages": pages,
        "prize_after": prize_after(shown, competition.prizes),
    }


def _sharers(first: list[Place]) -> str:
    """Who shares the first place, in words; empty where one team has it alone.

    ``first`` are the rows of the first page, best first.
    """
    names = [place.team for place in first if place.rank == 1]
    if len(names) < 2:
        return ""
    return f"{len(names)} teams" if len(names) > NAMED else str(get_text_list(names, "and"))


def _counts(competition: Competition) -> tuple[int, int]:
    """The lines of the board, and the teams among them."""
    found = FinalStanding.objects.filter(competition=competition)
    counted = found.aggregate(lines=Count("*"), teams=Count("rank"))
    return counted["lines"], counted["teams"]


def _places(competition: Competition, wanted: slice) -> list[Place]:
    return [Place(**row) for row in final.places(competition, wanted)]


def _drawn(challenge: Challenge, shown: list[Place], winner: Place | None) -> dict[str, Any]:
    facts = challenge.competition.metric_facts
    sign = -1 if facts.direction == "minimize" else 1
    scale = whiskers.scale_of(shown, facts.bounds)
    found = ties.ties_of(shown, winner, None, sign)
    team = challenge.team
    lines = [
        FinalLine(
            place,
            whiskers.whisker(place, scale),
            is_you=team is not None and team.pk == place.team_id,
            in_band=found.is_band and found.tied[n],
            is_first=found.is_band and found.begins(n),
            is_last=found.is_band and found.ends(n),
        )
        for n, place in enumerate(shown)
    ]
    is_known = found.noise is not None or any(place.tied is not None for place in shown)
    return {
        "lines": lines,
        "scale": scale,
        "ties": found,
        "zone": whiskers.zone(shown, found.run, winner, scale, sign) if is_known else None,
        "has_ranks": any(place.ranks for place in shown),
        "direction": facts.direction,
    }
