"""One reader per competition and web process, and the queues of those who listen to it."""

import asyncio
import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

import redis.asyncio
import structlog
from django.conf import settings
from redis.exceptions import RedisError

from competitions.live.events import KEPT_EVENTS, START, TO_ALL, stream_key

log = structlog.get_logger(__name__)

READY_WITHIN = 2.0  # seconds the reader may take to find its place
READ_BLOCK = 5000  # milliseconds one XREAD waits before it asks again
PAUSE_AFTER_ERROR = 1.0  # seconds
# The last: a connection that closes while redis-py 8.1 writes to it has no writer any more.
AWAY = (RedisError, OSError, AttributeError)
QUEUE_LENGTH = 256  # events a slow client may lag behind before it is told to start afresh
Entry = tuple[bytes, dict[bytes, bytes]]
Position = tuple[int, int]


class Event(NamedTuple):
    """What a client is sent, and where in the stream it stands (a reset stands nowhere)."""

    frame: bytes
    position: Position | None = None


RESET = Event(b"event: reset\ndata: {}\n\n")
Queue = asyncio.Queue[Event | None]


@dataclass(eq=False)
class Subscriber:
    teams: frozenset[str]
    queue: Queue = field(default_factory=lambda: asyncio.Queue(QUEUE_LENGTH))

    def push(self, event: Event | None) -> None:
        """Hands the event over; a client that is too slow loses its backlog for a reset."""
        try:
            self.queue.put_nowait(event)
        except asyncio.QueueFull:
            while not self.queue.empty():
                self.queue.get_nowait()
            self.queue.put_nowait(RESET)


class Channel:
    """Reads one competition's stream while anybody listens and fans the same bytes out."""

    def __init__(self, slug: str) -> None:
        self.slug = slug
        self.closing = False
        self._subscribers: set[Subscriber] = set()
        self._reader: asyncio.Task[None] | None = None
        self._following = asyncio.Event()  # set while the reader knows its place in the stream

    @contextlib.contextmanager
    def subscription(self, teams: frozenset[str]) -> Iterator[Queue]:
        """The queue of one listener, for as long as the block lasts."""
        subscriber = Subscriber(teams)
        self._subscribers.add(subscriber)
        if self._reader is None or self._reader.done():
            self._reader = asyncio.create_task(self._read())
        try:
            yield subscriber.queue
        finally:
            self._subscribers.discard(subscriber)

    async def since(self, cursor: str, teams: frozenset[str]) -> list[Event]:
        """What was missed after the cursor, or one reset where that is not known any more.

        The reader must know its place before this looks back: what comes in between would be in
        neither. An event may so be both here and in the queue; ``position`` tells.
        """
        if not cursor:
            return [RESET]
        try:
            async with asyncio.timeout(READY_WITHIN):
                await self._following.wait()
                # Shielded from the listener's leaving: a connection to Valkey that is cancelled in
                # the middle of a command may swallow that, or go back to the pool half open.
                return await asyncio.shield(self._replay(cursor, teams))
        except (*AWAY, TimeoutError):
            return [RESET]

    def close(self) -> None:
        """Lets every listener go: the server is shutting down, they will come back."""
        self.closing = True
        for subscriber in self._subscribers:
            subscriber.push(None)

    async def _replay(self, cursor: str, teams: frozenset[str]) -> list[Event]:
        entries = await _entries(self.slug, since=cursor)
        if cursor == START:
            # The page was made before the first event; all of them are here unless trimmed.
            return [RESET] if len(entries) >= KEPT_EVENTS else _events(entries, teams)
        if not entries or entries[0][0] != cursor.encode():
            return [RESET]  # the page's last event is gone: trimmed, or lost with Valkey
        return _events(entries[1:], teams)

    async def _read(self) -> None:
        """Follows the stream from its end; after an error every listener starts afresh.

        Nobody cancels it (see ``since``): it ends when it finds that nobody listens any more.
        """
        position = await self._end()
        self._following.set()
        while self._subscribers:
            try:
                for entry in await _next_entries(self.slug, position):
                    self._fan_out(entry)
                    position = entry[0]
            except AWAY as error:
                log.warning("live stream interrupted", competition=self.slug, reason=str(error))
                await asyncio.sleep(PAUSE_AFTER_ERROR)
                position = await self._end(interrupted=True)
        self._following.clear()
        self._reader = None

    async def _end(self, *, interrupted: bool = False) -> bytes:
        """The newest entry's id. What came while Valkey was away is made up for by a reset."""
        while True:
            try:
                newest = await _newest(self.slug)
            except AWAY:
                interrupted = True
                await asyncio.sleep(PAUSE_AFTER_ERROR)
            else:
                if interrupted:
                    self._push_to_all(RESET)
                return newest

    def _fan_out(self, entry: Entry) -> None:
        event = _event(entry)
        for subscriber in self._subscribers:
            if _is_for(entry, subscriber.teams):
                subscriber.push(event)

    def _push_to_all(self, event: Event) -> None:
        for subscriber in self._subscribers:
            subscriber.push(event)


class Channels:
    """The channels of this web process, by slug."""

    def __init__(self) -> None:
        self._by_slug: dict[str, Channel] = {}

    def get(self, slug: str) -> Channel:
        return self._by_slug.setdefault(slug, Channel(slug))

    def close(self) -> None:
        for channel in self._by_slug.values():
            channel.close()


channels = Channels()


def _is_for(entry: Entry, teams: frozenset[str]) -> bool:
    team = entry[1][b"team"].decode()
    return team == TO_ALL or team in teams


def _events(entries: list[Entry], teams: frozenset[str]) -> list[Event]:
    return [_event(entry) for entry in entries if _is_for(entry, teams)]


def _event(entry: Entry) -> Event:
    """The entry as Server-Sent Events write it: made once, sent to everybody."""
    identifier, fields = entry
    frame = b"id: %b\nevent: %b\ndata: %b\n\n" % (identifier, fields[b"event"], fields[b"data"])
    milliseconds, sequence = identifier.split(b"-")
    return Event(frame, (int(milliseconds), int(sequence)))


async def _entries(slug: str, *, since: str) -> list[Entry]:
    """Everything from the cursor's own entry on."""
    found: list[Entry] = await _connection().xrange(stream_key(slug), min=since)
    return found


async def _next_entries(slug: str, position: bytes) -> list[Entry]:
    """Waits up to READ_BLOCK for what comes after the position."""
    answer: list[tuple[bytes, list[Entry]]] = await _connection().xread(
        {stream_key(slug): position}, count=100, block=READ_BLOCK
    )
    return answer[0][1] if answer else []


async def _newest(slug: str) -> bytes:
    found: list[Entry] = await _connection().xrevrange(stream_key(slug), count=1)
    return found[0][0] if found else START.encode()


@lru_cache(maxsize=1)
def _connection() -> Any:
    """Untyped on purpose: the client's stubs name every shape that any protocol could answer."""
    return redis.asyncio.Redis.from_url(
        settings.REDIS_URL,
        protocol=2,
        socket_connect_timeout=1,
        socket_timeout=READ_BLOCK / 1000 + 5,
    )
