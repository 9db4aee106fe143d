"""How far a preparation has come: told on the organiser's page, and the sign that it is alive."""

import time

from competitions.models import Competition
from competitions.preparing import claims

RENEW_EVERY = 20  # seconds
TELL_EVERY = 1  # second


class Overtaken(Exception):
    """Another upload or another attempt counts now: stop, and change nothing."""


class Progress:
    """Called once per image. Keeps the lease, and stops work that nobody waits for."""

    def __init__(self, competition: Competition) -> None:
        self._competition = competition
        self._renewed = self._told = time.monotonic()
        self._words, self._done, self._total = "", 0, 0

    def step(self, words: str, total: int = 0) -> None:
        """A new step begins, of so many images; raises Overtaken."""
        self._words, self._done, self._total = words, 0, total
        self._tell()

    def __call__(self) -> None:
        """One image more is done; raises Overtaken."""
        self._done = min(self._done + 1, self._total)
        now = time.monotonic()
        if now - self._told >= TELL_EVERY or now - self._renewed >= RENEW_EVERY:
            self._tell()

    def _tell(self) -> None:
        far = {
            "preparation_step": self._words,
            "preparation_done": self._done,
            "preparation_total": self._total,
        }
        if not claims.renew(self._competition, **far):
            raise Overtaken
        self._renewed = self._told = time.monotonic()
