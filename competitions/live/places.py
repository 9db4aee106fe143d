"""How many streams one web process holds: in all, for one address and for one person.

Every stream is an open file. Without an end to them the process would one day have none left
for a page, and would refuse everybody with an error instead of some with a sentence.
"""

import contextlib
import resource
from collections import Counter
from collections.abc import Iterator

from django.conf import settings

HEAD_ROOM = 200  # open files for pages, the database, Valkey and the log
PER_ADDRESS = 500  # a class of forty with many tabs stands behind one address
PER_PERSON = 10
LARGEST = 100_000  # at 9 kB each, where the system names no end to open files


class Full(Exception):
    """No place for one more; ``str()`` is the sentence for the reader."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.http_status = status


class Places:
    """The places of this process. Used on the event loop only, so nothing is locked."""

    def __init__(self) -> None:
        self.taken = 0
        self._holders: Counter[tuple[str, str]] = Counter()

    @contextlib.contextmanager
    def at(self, address: str) -> Iterator[None]:
        """One place, for as long as the block lasts: asked for before anything is looked up."""
        if self.taken >= _in_all():
            raise Full(503, "Too many live boards are open here. The page asks again by itself.\n")
        with self._held("address", address, PER_ADDRESS):
            self.taken += 1
            try:
                yield
            finally:
                self.taken -= 1

    def of(self, person: str) -> contextlib.AbstractContextManager[None]:
        """One of a person's places; visitors who are not signed in have theirs by address."""
        return self._held("person", person, PER_PERSON) if person else contextlib.nullcontext()

    @contextlib.contextmanager
    def _held(self, kind: str, name: str, most: int) -> Iterator[None]:
        holder = (kind, name)
        if self._holders[holder] >= most:
            raise Full(429, f"This {kind} has {most} live boards open. Close some of them.\n")
        self._holders[holder] += 1
        try:
            yield
        finally:
            self._holders[holder] -= 1
            if not self._holders[holder]:
                del self._holders[holder]


places = Places()


def _in_all() -> int:
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return LARGEST if soft == resource.RLIM_INFINITY else min(LARGEST, soft - HEAD_ROOM)


def address_of(peer: str, forwarded: str) -> str:
    """Who asks: the neighbour, or whom the outermost of our own proxies names."""
    named = [each.strip() for each in forwarded.split(",") if each.strip()]
    return named[-settings.PROXIES] if 0 < settings.PROXIES <= len(named) else peer
