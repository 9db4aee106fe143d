"""One reader per competition and web process, and the queues of those who listen to it."""

import asyncio
import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

import redis.asyncio
import structlog
from django.conf import settings
from redis.exceptions import RedisError

from competitions.live.events import KEPT_EVENTS, TO_ALL, stream_key

log = structlog.get_logger(__name__)

START = "0-0"  # the cursor of a page made before the first event
READY_WITHIN = 2.0  # seconds the reader may take to find its place
READ_BLOCK = 5000  # milliseconds one XREAD waits before it asks again
PAUSE_AFTER_ERROR = 1.0  # seconds
QUEUE_LENGTH = 256  # events a slow client may lag behind before it is told to start afresh
RESET = b"event: reset\ndata: {}\n\n"

Entry = tuple[bytes, dict[bytes, bytes]]
Queue = asyncio.Queue[bytes | None]


@dataclass(eq=False)
class Subscriber:
    teams: frozenset[str]
    queue: Queue = field(default_factory=lambda: asyncio.Queue(QUEUE_LENGTH))

    def push(self, event: bytes | None) -> None:
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
        if self._reader is None:
            self._reader = asyncio.create_task(self._read())
        try:
            yield subscriber.queue
        finally:
            self._subscribers.discard(subscriber)
            if not self._subscribers and self._reader is not None:
                self._reader.cancel()
                self._reader = None
                self._following.clear()

    async def since(self, cursor: str, teams: frozenset[str]) -> list[bytes]:
        """What was missed after the cursor, or one reset where that is not known any more.

        The reader must know its place before this looks back: what comes in between would be in
        neither. An event may so be both here and in the queue; rows are applied by version, and
        hearing one twice changes nothing.
        """
        if not cursor:
            return [RESET]
        try:
            async with asyncio.timeout(READY_WITHIN):
                await self._following.wait()
                return await self._replay(cursor, teams)
        except (RedisError, TimeoutError):
            return [RESET]

    def close(self) -> None:
        """Lets every listener go: the server is shutting down, they will come back."""
        self.closing = True
        for subscriber in self._subscribers:
            subscriber.push(None)

    async def _replay(self, cursor: str, teams: frozenset[str]) -> list[bytes]:
        entries: list[Entry] = await _connection().xrange(stream_key(self.slug), min=cursor)
        if cursor == START:
            # The page was made before the first event; all of them are here unless trimmed.
            return [RESET] if len(entries) >= KEPT_EVENTS else _frames(entries, teams)
        if not entries or entries[0][0] != cursor.encode():
            return [RESET]  # the page's last event is gone: trimmed, or lost with Valkey
        return _frames(entries[1:], teams)

    async def _read(self) -> None:
        """Follows the stream from its end; after an error every listener starts afresh."""
        position = await self._end()
        self._following.set()
        while True:
            try:
                answer = await _connection().xread(
                    {stream_key(self.slug): position}, count=100, block=READ_BLOCK
                )
                for _, entries in answer or []:
                    for entry in entries:
                        self._fan_out(entry)
                        position = entry[0]
            except RedisError as error:
                log.warning("live stream interrupted", competition=self.slug, reason=str(error))
                await asyncio.sleep(PAUSE_AFTER_ERROR)
                position = await self._end()
                self._push_to_all(RESET)

    async def _end(self) -> bytes:
        while True:
            try:
                newest: list[Entry] = await _connection().xrevrange(stream_key(self.slug), count=1)
            except RedisError:
                await asyncio.sleep(PAUSE_AFTER_ERROR)
            else:
                return newest[0][0] if newest else START.encode()

    def _fan_out(self, entry: Entry) -> None:
        frame = _frame(entry)
        for subscriber in self._subscribers:
            if _is_for(entry, subscriber.teams):
                subscriber.push(frame)

    def _push_to_all(self, frame: bytes) -> None:
        for subscriber in self._subscribers:
            subscriber.push(frame)


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


def _frames(entries: list[Entry], teams: frozenset[str]) -> list[bytes]:
    return [_frame(entry) for entry in entries if _is_for(entry, teams)]


def _frame(entry: Entry) -> bytes:
    identifier, fields = entry
    return b"id: %b\nevent: %b\ndata: %b\n\n" % (identifier, fields[b"event"], fields[b"data"])


@lru_cache(maxsize=1)
def _connection() -> redis.asyncio.Redis:
    return redis.asyncio.Redis.from_url(
        settings.REDIS_URL, socket_connect_timeout=1, socket_timeout=READ_BLOCK / 1000 + 5
    )
