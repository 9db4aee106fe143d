"""What the file holds: everything follows from the public history and the published final board."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe

from competitions import deadlines, final, leaderboard, snapshots
from competitions.boardfile import bundling
from competitions.models import Competition
from scoring import displayed, rank

SHEETS = (
    "tokens", "base", "shell", "controls", "parts", "progress", "tables", "board", "screens",
    "charts",
)  # fmt: skip
ENTRY = "boardfile.js"


@dataclass(frozen=True)
class Line:
    """A team's place on the public board at the end of its history."""

    rank: int | None
    team: str
    group: str
    is_baseline: bool
    score: str
    reached_at: datetime


def render(competition: Competition) -> str:
    """The file as HTML: no address in it is ever asked for.

    Private scores are in it once the final board is published, and not a moment earlier.
    """
    history = leaderboard.history(competition)
    is_published = competition.published_at is not None
    board = final.results(competition) if is_published else None
    style, script = _assets()
    context = {
        "competition": competition,
        "made_at": deadlines.clock(competition),
        "history": history,
        "lines": standings(history),
        "final": board,
        "tied": tied_with_winner(board["rows"]) if board else frozenset(),
        "style": _own(style),
        "script": _own(script),
        "policy": _policy(style, script),
    }
    return render_to_string("competitions/export.html", context)


def kept(competition: Competition) -> bytes:
    """The file as UTF-8, made once for each version of what it shows."""
    name = f"export-{competition.pk}"
    return snapshots.latest(name, _version(competition), lambda: render(competition).encode())


def standings(history: Mapping[str, Any]) -> list[Line]:
    """The board that a history (see ``leaderboard.history``) ends with, best first."""
    sign = -1 if history["direction"] == "minimize" else 1
    ends = [(team, *team["curve"][-1]) for team in history["teams"] if team["curve"]]
    ends.sort(key=lambda end: (-sign * end[2], end[1], end[0]["team_id"]))
    ranks = iter(rank([sign * value for team, _, value in ends if not team["is_baseline"]]))
    return [
        Line(
            rank=None if team["is_baseline"] else next(ranks),
            team=team["team"],
            group=team["group"],
            is_baseline=team["is_baseline"],
            score=displayed(value, history["decimals"]),
            reached_at=datetime.fromtimestamp(at, UTC),
        )
        for team, at, value in ends
    ]


def tied_with_winner(rows: Sequence[Mapping[str, Any]]) -> frozenset[int]:
    """The teams (by id) that the private images do not tell apart from the winner, itself among
    them; empty where it stands alone or nothing was compared yet.

    ``rows`` are those of ``final.results``, best first.
    """
    winner, *others = [row["team_id"] for row in rows if row["rank"] is not None] or [None]
    beside = {row["team_id"] for row in rows if row["tied"] and row["team_id"] in others}
    return frozenset({winner, *beside}) if beside else frozenset()


def _version(competition: Competition) -> str:
    """Whatever the file shows, changes this. The private scores are in it or not."""
    is_published = competition.published_at is not None
    ends = (competition.opens_at, competition.closes_at, competition.freezes_at)
    words = (competition.title, competition.summary, *map(str, ends), *_assets())
    head = hashlib.sha256("\0".join(words).encode()).hexdigest()[:20]
    last = final.version_of(competition) if is_published else "unpublished"
    return f"{leaderboard.version_of(competition)}-{head}-{last}"


@lru_cache(maxsize=1)
def _assets() -> tuple[str, str]:
    """Stylesheets and script, which stay the same as long as this process lives."""
    return bundling.style(SHEETS), bundling.script(ENTRY)


def _own(text: str) -> SafeString:
    return mark_safe(text)  # noqa: S308 - our own files, which bundling.py holds against their end tags


def _policy(style: str, script: str) -> str:
    """A content security policy for the file: nothing but this very style and script."""
    return (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
