"""The newest events of one competition as Server-Sent Events write them, for all who listen.

A listener has no queue of its own, only a place in this one: how far it has heard. So an event is
written once, whoever is slow costs no memory, and whoever was away is told the rest from here.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from operator import attrgetter
from typing import NamedTuple

from competitions.live.events import KEPT_EVENTS, TO_ALL

Entry = tuple[bytes, dict[bytes, bytes]]
Position = tuple[int, int]  # milliseconds and a count: an entry's id in Valkey

BEGINNING: Position = (0, 0)  # events.START: before the first event
LONGEST_CHUNK = 1 << 16  # bytes; one event may be longer


class Frame(NamedTuple):
    """One event: the bytes for the wire, its place, and the one team it is for."""

    data: bytes
    position: Position
    team: str


class Chunk(NamedTuple):
    """Some events in a row, and where one stands who has heard them."""

    for_all: bytes
    reached: Position
    teams: frozenset[str]  # who hears more than the others
    frames: list[Frame]

    def of(self, teams: frozenset[str]) -> bytes:
        """What a member of these teams hears: nearly always the same bytes as everybody."""
        if self.teams.isdisjoint(teams):
            return self.for_all
        return b"".join(f.data for f in self.frames if f.team == TO_ALL or f.team in teams)


_position = attrgetter("position")


class Backlog:
    """Everything after ``floor``, in order.

    ``floor`` itself is a place that one can go on from, unless events may be missing there.
    """

    def __init__(self, entries: Iterable[Entry] = (), *, is_whole: bool = True) -> None:
        """``is_whole``: nothing came before the first of these entries."""
        self._frames = [_frame(entry) for entry in entries]
        self._chunks: dict[Position, Chunk] = {}
        self.floor = BEGINNING if is_whole else self._frames[0].position
        self._is_floor_known = True

    @classmethod
    def after_a_gap(cls, position: Position) -> "Backlog":
        """An empty one; who stood at the position, or before, may have missed something."""
        made = cls()
        made.floor, made._is_floor_known = position, False
        return made

    @property
    def end(self) -> Position:
        """The newest event's place."""
        return self._frames[-1].position if self._frames else self.floor

    def add(self, entries: Iterable[Entry], within: int) -> None:
        """Appends what came, and drops the oldest of what is more than Valkey keeps.

        ``within``: see ``reset``; an organiser's act may have put one among the entries.
        """
        self._frames.extend(_frame(entry, within) for entry in entries)
        self._chunks.clear()
        if (surplus := len(self._frames) - KEPT_EVENTS) > 0:
            self.floor, self._is_floor_known = self._frames[surplus - 1].position, True
            del self._frames[:surplus]

    def knows(self, position: Position) -> bool:
        """Whether all that followed this very event is still here."""
        if position == self.floor:
            return self._is_floor_known
        found = bisect_left(self._frames, position, key=_position)
        return found < len(self._frames) and self._frames[found].position == position

    def after(self, position: Position) -> Chunk | None:
        """The next events, or None for who has heard everything.

        The position is ``floor`` or later: whoever is further behind needs a reset.
        """
        if position >= self.end:
            return None
        if (chunk := self._chunks.get(position)) is None:
            chunk = self._chunks[position] = self._chunk(position)
        return chunk

    def reset(self, within: int) -> bytes:
        """Tells a page to fetch everything anew; it then stands at the end.

        ``within``: the milliseconds over which as many pages as there are had better spread.
        """
        return b"id: %d-%d\nevent: reset\ndata: %b\n\n" % (*self.end, _spread(within))

    def _chunk(self, position: Position) -> Chunk:
        size = 0
        frames: list[Frame] = []
        for n in range(bisect_right(self._frames, position, key=_position), len(self._frames)):
            frame = self._frames[n]
            size += len(frame.data)
            if frames and size > LONGEST_CHUNK:
                break
            frames.append(frame)
        for_all = b"".join(frame.data for frame in frames if frame.team == TO_ALL)
        teams = frozenset(frame.team for frame in frames if frame.team != TO_ALL)
        return Chunk(for_all, frames[-1].position, teams, frames if teams else [])


def position_of(identifier: str) -> Position:
    """Of an id in Valkey's form, such as START or ``1700000000000-0``."""
    milliseconds, count = identifier.split("-")
    return int(milliseconds), int(count)


def _frame(entry: Entry, within: int = 0) -> Frame:
    identifier, fields = entry
    data = _spread(within) if fields[b"event"] == b"reset" else fields[b"data"]
    frame = b"id: %b\nevent: %b\ndata: %b\n\n" % (identifier, fields[b"event"], data)
    return Frame(frame, position_of(identifier.decode()), fields[b"team"].decode())


def _spread(within: int) -> bytes:
    return b'{"within":%d}' % within if within else b"{}"
