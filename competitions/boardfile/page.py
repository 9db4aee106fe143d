"""What the file holds: everything follows from the public history and the published final board."""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe

from competitions import deadlines, final, leaderboard
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
    style, script = bundling.style(SHEETS), bundling.script(ENTRY)
    context = {
        "competition": competition,
        "made_at": deadlines.clock(competition),
        "history": history,
        "lines": standings(history),
        "final": final.results(competition) if is_published else None,
        "style": _own(style),
        "script": _own(script),
        "policy": _policy(style, script),
    }
    return render_to_string("competitions/export.html", context)


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
