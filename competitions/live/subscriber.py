"""One open stream: how far it has heard, and what is sent to it next."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Protocol

from competitions.live.backlog import Backlog, Position

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

# A comment for those who read along, and an empty message for pages: they cannot see comments,
# and must notice when nothing comes any more.
STILL_HERE = b": still here\ndata\n\n"


class Source(Protocol):
    """Where the events are: replaced as a whole when some of them may be missing."""

    backlog: Backlog

    @property
    def within(self) -> int:
        """See Backlog.reset."""


class Subscriber:
    """Sends what is new when it is woken; a task for that lives no longer than it has to.

    A client that reads slowly keeps its own task waiting and nobody else. Meanwhile it falls
    behind in the backlog, and in the end out of it: then it is told to start afresh.
    """

    __slots__ = ("_is_beat_due", "_is_over", "_send", "_sending", "_source", "beats", "error",
                 "patience", "position", "slot", "teams")  # fmt: skip

    def __init__(self, source: Source, teams: frozenset[str], send: Send, beats: int) -> None:
        """``beats``: after how many heartbeats the stream ends."""
        self.teams = teams
        self.beats = beats
        self.position: Position | None = None  # None: needs a reset
        self.slot = 0  # of the channel's wheel
        self.error: Exception | None = None
        self.patience = asyncio.timeout(None)
        self._source = source
        self._send = send
        self._sending: asyncio.Task[None] | None = None
        self._is_beat_due = self._is_over = False

    def wake(self) -> None:
        """There may be something new. Who is still being sent the last will come to it."""
        if self._sending is None and not self._is_over and (chunk := self._next()):
            self._sending = asyncio.create_task(self._send_all(chunk))

    def beat(self) -> None:
        """Another heartbeat's time has passed: a sign of life, or the end."""
        self.beats -= 1
        if self.beats > 0:
            self._is_beat_due = True
            self.wake()
        else:
            self.leave()

    def leave(self) -> None:
        """Ends the stream. What it has not heard is told to its client when that comes back."""
        if not self._is_over:
            self._is_over = True
            self.patience.reschedule(asyncio.get_running_loop().time())

    async def stop(self) -> None:
        """Sends nothing more, also not the rest of what is being sent."""
        self._is_over = True
        if self._sending is not None:
            self._sending.cancel()
            await asyncio.wait([self._sending])

    async def _send_all(self, chunk: bytes) -> None:
        try:
            while chunk:
                await self._send({"type": "http.response.body", "body": chunk, "more_body": True})
                chunk = self._next()
        except Exception as error:
            self.error = error  # belongs to the stream's own task
            self.leave()
        finally:
            self._sending = None

    def _next(self) -> bytes:
        backlog = self._source.backlog
        if self.position is None or self.position < backlog.floor:
            self.position = backlog.end
            return backlog.reset(self._source.within)
        while (chunk := backlog.after(self.position)) is not None:
            self.position = chunk.reached
            if data := chunk.of(self.teams):
                return data
        beat, self._is_beat_due = self._is_beat_due, False
        return STILL_HERE if beat else b""
