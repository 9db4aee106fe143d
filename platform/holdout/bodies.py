"""The bodies of requests, received whole and within bounds before a thread sees them.

Whoever comes from the street may send a little. What is larger is asked about first (`limit`), and
takes one of a few places; a body that does not get on gives its place back. So strangers can fill
neither the disk nor the memory.
"""

import asyncio
import contextlib
import io
import json
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, cast

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

MIB = 1 << 20
SMALL = MIB  # every request may be as large; it waits in memory, a larger one on disk
FREE = 1 << 16  # up to here a body needs no place
PLACES = 32
WAIT_FOR_PLACE = 10  # seconds
PATIENCE = 30  # seconds in which FREE bytes more, or the end, must have come
LEFT_OVER = 3600  # seconds without a byte
LINGER = 5  # seconds a refused client may go on sending: it reads our answer only afterwards


class ClientLeft(Exception):
    """The client closed the connection before its request was complete."""


@dataclass
class Refusal(Exception):
    """The answer to a body that is not taken."""

    status: int
    code: str
    message: str
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)


@dataclass
class Bodies:
    """Receives bodies; `limit` says how many bytes one above SMALL may have."""

    limit: Callable[[Scope], Awaitable[int]]
    places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(PLACES))

    @asynccontextmanager
    async def whole(self, scope: Scope, receive: Receive) -> AsyncIterator[IO[bytes]]:
        """The complete body. Raises Refusal or ClientLeft."""
        async with AsyncExitStack() as held:
            try:
                async with asyncio.timeout(PATIENCE) as patience:
                    body = await self._receive(scope, receive, held, patience)
            except TimeoutError:
                raise Refusal(
                    408, "too_slow", "The request did not arrive. Send it again."
                ) from None
            yield body

    async def _receive(
        self, scope: Scope, receive: Receive, held: AsyncExitStack, patience: asyncio.Timeout
    ) -> IO[bytes]:
        declared = int(dict(scope["headers"]).get(b"content-length", b"0"))
        limit = await self._checked(scope, declared, SMALL)
        message = await receive()
        if message["type"] == "http.request" and not message.get("more_body"):
            return io.BytesIO(message.get("body", b""))  # nearly every request ends here
        spool = tempfile.SpooledTemporaryFile(SMALL)  # noqa: SIM115 - held
        body = cast(IO[bytes], held.enter_context(spool))
        size, due, placed = 0, FREE, False
        while True:
            chunk = _chunk(message)
            size += len(chunk)
            limit = await self._checked(scope, size, limit)
            if size > FREE and not placed:
                placed = await self._take_place(held)
            await _write(body, chunk, size)
            if not message.get("more_body"):
                body.seek(0)
                return body
            if size >= due:
                due = size + FREE
                patience.reschedule(asyncio.get_running_loop().time() + PATIENCE)
            message = await receive()

    async def _checked(self, scope: Scope, size: int, limit: int) -> int:
        """The limit that this size needed; who wants more than SMALL is looked at once."""
        if size > limit == SMALL:
            limit = await self.limit(scope)
        if size > limit:
            sentence = f"This request may hold {limit // MIB} MB at most."
            if limit == SMALL:
                sentence += " Sign in before you send a larger file."
            raise Refusal(413, "too_large", sentence)
        return limit

    async def _take_place(self, held: AsyncExitStack) -> bool:
        try:
            async with asyncio.timeout(WAIT_FOR_PLACE):
                await self.places.acquire()
        except TimeoutError:
            sentence = f"Many files are arriving. Send yours again in {WAIT_FOR_PLACE} seconds."
            later = [(b"retry-after", str(WAIT_FOR_PLACE).encode())]
            raise Refusal(503, "busy", sentence, later) from None
        held.callback(self.places.release)
        return True


def _chunk(message: Message) -> bytes:
    if message["type"] == "http.disconnect":
        raise ClientLeft
    chunk: bytes = message.get("body", b"")
    return chunk


async def _write(body: IO[bytes], chunk: bytes, size: int) -> None:
    if size > SMALL:  # the disk may take its time; the loop must not wait for it
        await asyncio.to_thread(body.write, chunk)
    else:
        body.write(chunk)


async def refuse(refusal: Refusal, scope: Scope, receive: Receive, send: Send) -> None:
    """In the shape of the REST door below /api/, as a plain sentence elsewhere."""
    kind, text = b"text/plain; charset=utf-8", refusal.message
    if scope["path"].startswith("/api/"):
        kind = b"application/json"
        text = json.dumps({"error": {"code": refusal.code, "message": refusal.message}})
    headers = [
        (b"content-type", kind),
        (b"content-length", str(len(text.encode())).encode()),
        (b"connection", b"close"),
        *refusal.headers,
    ]
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": text.encode(), "more_body": True})
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LINGER):
            await _drain(receive)
    await send({"type": "http.response.body", "body": b""})


async def _drain(receive: Receive) -> None:
    while (await receive()).get("more_body"):
        pass


def keep_in(folder: Path) -> None:
    """Temporary files of this process lie beside the data, not on a small or shared /tmp.

    They are deleted while still open; what a killed process left under a name goes now.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    tempfile.tempdir = str(folder)
    for left in folder.iterdir():
        if (
            left.is_file() and time.time() - left.stat().st_mtime > LEFT_OVER
        ):  # younger: another web process's
            left.unlink(missing_ok=True)
