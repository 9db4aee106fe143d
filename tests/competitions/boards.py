"""Invented boards, for tests that need no database."""

import random
from typing import Any

from django.utils import timezone

from competitions.leaderboard import Row


def row(value: float | None, half: float | None = None, **fields: Any) -> Row:
    now = timezone.now()
    low, high = (None, None) if half is None or value is None else (value - half, value + half)
    known = {"rank": 1, "team_id": 1, "team": "A", "group": "", "members": 1}
    return Row(
        **{**known, "is_baseline": False, "low": low, "high": high, **fields},
        score="" if value is None else f"{value}", value=value,
        entries=1, last_at=now, reached_at=now,
    )  # fmt: skip


def some_board(seed: int, sign: int) -> list[Row]:
    """Best first, with ties that were tested, ties that were not, and a baseline in front."""
    chance = random.Random(seed)  # noqa: S311 - a board, not a secret
    values = sorted((round(chance.uniform(0.5, 0.99), 3) for _ in range(12)), reverse=True)
    return [
        row(
            value if sign > 0 else round(1 - value, 3),
            chance.choice([None, 0.02]) if n else 0.02,
            team_id=n,
            is_baseline=n == 0 or chance.random() < 0.2,
            tied=chance.choice([True, True, False, None]),
        )
        for n, value in enumerate(values)
    ]
