"""Who may listen, and patience that a test can wait for."""

import pytest

from competitions.live import channel, stream
from competitions.live.audience import Listener
from tests.competitions.live.browser import answering


@pytest.fixture
def anyone(monkeypatch):
    """Everybody may listen; ``anyone({"7"})`` to the events of team 7 too. No database."""

    def allow(own=()):
        answer = answering(lambda: Listener(frozenset(own)))
        monkeypatch.setattr(stream.desk, "find_listener", answer)

    allow()
    return allow


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(channel, "PAUSE_AFTER_ERROR", 0.05)
    monkeypatch.setattr(channel, "READY_WITHIN", 0.5)


@pytest.fixture(autouse=True)
def nothing_taken_for_granted():
    """Each test has a database of its own, and this process remembers the last one's."""
    stream.desk.forget()
