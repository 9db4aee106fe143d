"""How many streams one web process holds: in all, for one address and for one person.

Every stream is an open file. Without an end to them the process would one day have none left
for a page, and would refuse everybody with an error instead of some with a sentence.
"""

import resource
from collections import Counter
from typing import Self

from django.conf import settings

HEAD_ROOM = 200  # open files for pages, the database, Valkey and the log
PER_ADDRESS = 500  # a class of forty with many tabs stands behind one address
PER_PERSON = 10
LARGEST = 100_000  # at 9 kB each, where the system names no end to open files

Holder = tuple[str, str]  # "address" or "person", and which


class Full(Exception):
    """No place for one more; ``str()`` is the sentence for the reader."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.http_status = status


class Places:
    """The places of this process. Used on the event loop only, so nothing is locked."""

    def __init__(self) -> None:
        self.taken = 0
        self._holders: Counter[Holder] = Counter()

    def at(self, address: str) -> "Place":
        """One place, for as long as its block lasts: asked for before anything is looked up."""
        return Place(self, ("address", address))

    def take(self, holder: Holder, most: int) -> None:
        """One more for this holder; raises Full."""
        if self._holders[holder] >= most:
            kind, _name = holder
            raise Full(429, f"This {kind} has {most} live boards open. Close some of them.\n")
        self._holders[holder] += 1

    def give_back(self, holder: Holder) -> None:
        self._holders[holder] -= 1
        if not self._holders[holder]:
            del self._holders[holder]


class Place:
    """A place that is taken while the ``with`` block runs. A plain class: there are thousands."""

    __slots__ = ("_address", "_person", "_places")

    def __init__(self, places: Places, address: Holder) -> None:
        self._places = places
        self._address = address
        self._person: Holder | None = None

    def __enter__(self) -> Self:
        if self._places.taken >= _in_all():
            raise Full(503, "Too many live boards are open here. The page asks again by itself.\n")
        self._places.take(self._address, PER_ADDRESS)
        self._places.taken += 1
        return self

    def belongs_to(self, person: str) -> None:
        """Counts it as one of the person's too; visitors who are not signed in have none."""
        if person:
            holder = ("person", person)
            self._places.take(holder, PER_PERSON)
            self._person = holder

    def __exit__(self, *_error: object) -> None:
        self._places.taken -= 1
        self._places.give_back(self._address)
        if self._person is not None:
            self._places.give_back(self._person)


places = Places()


def _in_all() -> int:
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return LARGEST if soft == resource.RLIM_INFINITY else min(LARGEST, soft - HEAD_ROOM)


def address_of(peer: str, forwarded: str) -> str:
    """Who asks: the neighbour, or whom the outermost of our own proxies names."""
    named = [each.strip() for each in forwarded.split(",") if each.strip()]
    return named[-settings.PROXIES] if 0 < settings.PROXIES <= len(named) else peer
