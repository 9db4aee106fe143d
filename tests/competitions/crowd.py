"""A challenge large enough for statistics: 600 rows of three classes, and guesses at them."""

from typing import Any

import numpy as np

from competitions import lifecycle, reveal
from competitions.models import Competition
from tests.classroom import CLASSES, make_competition, table

ROWS, PUBLIC = 600, 200
TRUTH = np.random.default_rng(0).integers(0, 3, ROWS)
IS_PUBLIC = np.random.default_rng(1).permutation(ROWS) < PUBLIC

METRIC = b"""
class ParticipantVisibleError(Exception):
    pass


def score(solution, submission, row_id_column_name) -> float:
    return 1.0
"""


def solution(truth: Any = TRUTH) -> bytes:
    usage = np.where(IS_PUBLIC, "Public", "Private")
    return table(("id", "label", "Usage"), zip(range(ROWS), named(truth), usage, strict=True))


def named(codes: Any) -> list[str]:
    return [CLASSES[code] for code in codes]


def guesses(right: float, seed: int) -> Any:
    """Class codes, of which that share is right."""
    draw = np.random.default_rng(seed)
    wrong = (TRUTH + draw.integers(1, 3, ROWS)) % 3
    return np.where(draw.random(ROWS) < right, TRUTH, wrong)


def labels(right: float, seed: int) -> bytes:
    return as_labels(guesses(right, seed))


def as_labels(codes: Any) -> bytes:
    return table(("id", "label"), zip(range(ROWS), named(codes), strict=True))


def probabilities(right: float, seed: int) -> bytes:
    return sure(guesses(right, seed))


def sure(codes: Any) -> bytes:
    """Each class with a probability of 0.9."""
    rows = np.full((ROWS, 3), 0.05) + 0.85 * np.eye(3)[codes]
    values = ((at, *map(repr, row)) for at, row in enumerate(rows.tolist()))
    return table(("id", *CLASSES), values)


def crowd(slug: str = "crowd", truth: Any = TRUTH, **fields: Any) -> Competition:
    return make_competition(slug, solution(truth), **{"decimals": 3, "daily_limit": 50, **fields})


def end(where: Competition) -> None:
    """Closed and revealed, and kept for the ceremony."""
    lifecycle.close_now(Competition.objects.get(pk=where.pk))
    reveal.reveal(Competition.objects.get(pk=where.pk), despite="no seal in this test")
