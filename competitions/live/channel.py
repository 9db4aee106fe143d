"""One reader per competition and web process, and all who listen to it.

Every listener sits in one slot of a wheel that turns once per heartbeat: so the heartbeats of
thousands need one timer, and do not all fall due in the same moment.
"""

import asyncio
import contextlib
from collections.abc import Callable, Collection
from functools import lru_cache
from typing import Any

import redis.asyncio
import structlog
from django.conf import settings
from redis.exceptions import RedisError

from competitions.live.backlog import Backlog, Entry, Position, position_of
from competitions.live.events import KEPT_EVENTS, START, stream_key
from competitions.live.subscriber import Subscriber

log = structlog.get_logger(__name__)

HEARTBEAT = 15.0  # seconds; proxies close what is silent for 30 to 60
SLOTS = 30
AT_ONCE = 200  # listeners woken in one go; then the event loop sees to everybody else
READY_WITHIN = 2.0  # seconds the reader may take to find its place, or to come to the client's
LOOK_AGAIN = 0.05  # seconds
RETURNING = 500  # a second: how many can be looked up, or fetch a board, beside other visitors
READ_BLOCK = 5000  # milliseconds one XREAD waits before it asks again
PAUSE_AFTER_ERROR = 1.0  # seconds
# The last: a connection that closes while redis-py 8.1 writes to it has no writer any more.
AWAY = (RedisError, OSError, AttributeError)


class Channel:
    """Reads one competition's stream while anybody listens and fans the same bytes out."""

    def __init__(self, slug: str) -> None:
        self.slug = slug
        self.backlog = Backlog()
        self.listeners = 0
        self.back_within = 0  # milliseconds, once everybody has been sent home
        self._wheel: list[set[Subscriber]] = [set() for _ in range(SLOTS)]
        self._turn = 0  # the slot whose heartbeat was last
        self._reader: asyncio.Task[None] | None = None
        self._following = asyncio.Event()  # set while the backlog reaches up to the present

    @property
    def within(self) -> int:
        """In how many milliseconds all who listen could fetch a board, one after another."""
        return 1000 * self.listeners // RETURNING

    async def join(self, subscriber: Subscriber, cursor: str) -> None:
        """From now on the subscriber is sent what came after the cursor, and what comes."""
        self.listeners += 1
        if self._reader is None:
            self._reader = asyncio.create_task(self._read())
        subscriber.position = await self._place(cursor)
        subscriber.slot = self._turn
        self._wheel[self._turn].add(subscriber)
        subscriber.beat()
        if self.back_within:
            subscriber.leave()

    def part(self, subscriber: Subscriber) -> None:
        """To be called once after every `join`, also after one that was broken off."""
        self.listeners -= 1
        self._wheel[subscriber.slot].discard(subscriber)

    def close(self, back_within: int) -> None:
        """Sends everybody home: the server is shutting down, and they come back to another."""
        self.back_within = back_within
        for slot in self._wheel:
            for subscriber in slot:
                subscriber.leave()

    async def _place(self, cursor: str) -> Position | None:
        """Where to go on; None where it is not known what came after the cursor."""
        position = position_of(cursor or START)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(READY_WITHIN):
                await self._following.wait()
                while position > self.backlog.end:  # whoever made the page was faster than we
                    await asyncio.sleep(LOOK_AGAIN)
        known = cursor and self._following.is_set() and self.backlog.knows(position)
        return position if known else None

    async def _read(self) -> None:
        """Follows the stream until it finds that nobody listens any more.

        Nobody cancels it: a connection to Valkey that is cancelled in the middle of a command may
        go back to the pool half open.
        """
        beating = asyncio.create_task(self._beat())
        try:
            position = await self._begin()
            self._following.set()
            await self._wake_all()
            while self.listeners:
                try:
                    position = await self._follow(position)
                except AWAY as error:
                    log.warning("live stream interrupted", competition=self.slug, reason=str(error))
                    await asyncio.sleep(PAUSE_AFTER_ERROR)
                    position = await self._begin(interrupted=True)
                    await self._wake_all()
        finally:
            self._following.clear()
            beating.cancel()
            self._reader = None

    async def _begin(self, *, interrupted: bool = False) -> bytes:
        """Fills the backlog; returns the id of the newest entry.

        What came while Valkey was away may be lost with it, and is made up for by a reset.
        """
        while True:
            try:
                entries = await _newest_entries(self.slug)
            except AWAY:
                interrupted = True
                await asyncio.sleep(PAUSE_AFTER_ERROR)
                continue
            newest = entries[-1][0] if entries else START.encode()
            if interrupted:
                self._leave_a_gap(newest)
            else:
                self.backlog = Backlog(entries, is_whole=len(entries) < KEPT_EVENTS)
            return newest

    async def _follow(self, position: bytes) -> bytes:
        """Waits for what comes after the position and tells everybody; returns the new one."""
        entries = await _next_entries(self.slug, position)
        if not entries:
            return position
        newest = entries[-1][0]
        # So many at once: we were slow, and Valkey may have dropped some that we never saw.
        if len(entries) > KEPT_EVENTS // 2 and not await _is_there(self.slug, position):
            self._leave_a_gap(newest)
        else:
            self.backlog.add(entries, self.within)
        await self._wake_all()
        return newest

    def _leave_a_gap(self, newest: bytes) -> None:
        self.backlog = Backlog.after_a_gap(position_of(newest.decode()))
        for slot in self._wheel:
            for subscriber in slot:
                subscriber.position = None

    async def _beat(self) -> None:
        """Turns the wheel."""
        while True:
            await asyncio.sleep(HEARTBEAT / SLOTS)
            self._turn = (self._turn + 1) % SLOTS
            await _to_each(Subscriber.beat, self._wheel[self._turn])

    async def _wake_all(self) -> None:
        for slot in self._wheel:
            await _to_each(Subscriber.wake, slot)


class Channels:
    """The channels of this web process, by slug."""

    def __init__(self) -> None:
        self._by_slug: dict[str, Channel] = {}

    def get(self, slug: str) -> Channel:
        return self._by_slug.setdefault(slug, Channel(slug))

    def close(self) -> None:
        listeners = sum(channel.listeners for channel in self._by_slug.values())
        for channel in self._by_slug.values():
            channel.close(back_within=1000 + 1000 * listeners // RETURNING)


channels = Channels()


async def _to_each(do: Callable[[Subscriber], None], slot: Collection[Subscriber]) -> None:
    """In portions, between which pages are answered and others' bytes go out."""
    subscribers = list(slot)
    for start in range(0, len(subscribers), AT_ONCE):
        for subscriber in subscribers[start : start + AT_ONCE]:
            do(subscriber)
        await asyncio.sleep(0)


async def _newest_entries(slug: str) -> list[Entry]:
    """As many as Valkey promises to keep, oldest first."""
    found: list[Entry] = await _connection().xrevrange(stream_key(slug), count=KEPT_EVENTS)
    return found[::-1]


async def _next_entries(slug: str, position: bytes) -> list[Entry]:
    """Waits up to READ_BLOCK for what comes after the position."""
    answer: list[tuple[bytes, list[Entry]]] = await _connection().xread(
        {stream_key(slug): position}, count=KEPT_EVENTS, block=READ_BLOCK
    )
    return answer[0][1] if answer else []


async def _is_there(slug: str, position: bytes) -> bool:
    return bool(await _connection().xrange(stream_key(slug), min=position, max=position))


@lru_cache(maxsize=1)
def _connection() -> Any:
    """Untyped on purpose: the client's stubs name every shape that any protocol could answer."""
    return redis.asyncio.Redis.from_url(
        settings.REDIS_URL,
        protocol=2,
        socket_connect_timeout=1,
        socket_timeout=READ_BLOCK / 1000 + 5,
    )
