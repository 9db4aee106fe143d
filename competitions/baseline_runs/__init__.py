"""Baselines that the site trains for a challenge and posts by itself.

    waiting -> training -> ready -> posted
                       -> failed

The row is the truth and the queue's message only a bell, as with submissions: one UPDATE lets one
worker begin, and every ending is fenced by the attempt and by the solution that it trained for.
Ready means that there is a file with answers and what it scores on the public rows; it becomes a
submission like any other once the challenge is open.
"""

from competitions.baseline_runs.posting import post, postable
from competitions.baseline_runs.rows import (
    BASELINES,
    QUEUE,
    USUAL,
    are_trained_here,
    claim,
    queue,
    queue_usual,
)
from competitions.baseline_runs.sweeping import forgotten, give_up, renew_outdated, rung
from competitions.baseline_runs.working import TIME_LIMIT, work

__all__ = [
    "BASELINES", "QUEUE", "TIME_LIMIT", "USUAL", "are_trained_here", "claim", "forgotten",
    "give_up", "post", "postable", "queue", "queue_usual", "renew_outdated", "rung", "work",
]  # fmt: skip
