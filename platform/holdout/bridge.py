"""A WSGI application behind an ASGI server, made for slow clients and large files.

A thread is held only while the application computes. The event loop receives the whole request
before a thread sees it, and sends the answer after the thread is done with it, so that forty slow
laptops downloading a data set leave the threads to the others.

A streamed answer is produced chunk by chunk on any thread of the pool, when the request's body is
gone: it must not hold a database cursor open.
"""

import asyncio
import io
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import IO, Any

from holdout.bodies import Bodies, ClientLeft, Receive, Refusal, Scope, Send, refuse

Environ = dict[str, Any]
WSGIApp = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]

BLOCK = 1 << 18


class FileBlocks:
    """What `wsgi.file_wrapper` makes: the open file, to be read in blocks."""

    streaming = True

    def __init__(self, file: IO[bytes], _block: int = BLOCK) -> None:
        self.file = file
        self.close: Callable[[], Any] = file.close

    def __iter__(self) -> Iterator[bytes]:
        return iter(lambda: self.file.read(BLOCK), b"")


@dataclass
class Answer:
    """What the application said; `rest` is what is still to be produced."""

    status: int = 500
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""
    rest: Iterator[bytes] | None = None
    close: Callable[[], Any] = lambda: None

    def start(self, status: str, headers: list[tuple[str, str]], _error: Any = None) -> None:
        self.status = int(status.split(" ", 1)[0])
        self.headers = [
            (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers
        ]


class Bridge:
    """The ASGI application in front of a WSGI one."""

    def __init__(self, app: WSGIApp, *, threads: int, limit: Callable[[Scope], int]) -> None:
        self.app = app
        self.pool = ThreadPoolExecutor(threads, thread_name_prefix="page")
        self.bodies = Bodies(partial(self._in_thread, limit))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with self.bodies.whole(scope, receive) as body:
                answer = await self._in_thread(self._run, environ(scope, body))
        except ClientLeft:
            return
        except Refusal as refusal:
            await refuse(refusal, scope, receive, send)
            return
        await self._send(answer, receive, send)

    async def _in_thread(self, function: Callable[..., Any], *args: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self.pool, function, *args)

    def _run(self, wsgi_environ: Environ) -> Answer:
        """In a thread: a whole answer, or the beginning of a streamed one."""
        answer = Answer()
        result = self.app(wsgi_environ, answer.start)
        answer.close = getattr(result, "close", answer.close)
        if getattr(result, "streaming", False):
            answer.rest = iter(result)
            return answer
        try:
            answer.body = b"".join(result)
        finally:
            answer.close()
        if answer.body and not any(name == b"content-length" for name, _ in answer.headers):
            answer.headers.append((b"content-length", str(len(answer.body)).encode()))
        return answer

    async def _send(self, answer: Answer, receive: Receive, send: Send) -> None:
        start = {
            "type": "http.response.start",
            "status": answer.status,
            "headers": answer.headers,
        }
        if answer.rest is None:
            await send(start)
            await send({"type": "http.response.body", "body": answer.body})
            return
        gone = asyncio.ensure_future(_disconnect(receive))
        try:
            await send(start)
            await self._stream(answer.rest, gone, send)
        finally:
            gone.cancel()
            await self._in_thread(answer.close)

    async def _stream(self, rest: Iterator[bytes], gone: asyncio.Future[None], send: Send) -> None:
        while not gone.done():
            chunk = await self._in_thread(next, rest, None)
            await send(
                {"type": "http.response.body", "body": chunk or b"", "more_body": chunk is not None}
            )
            if chunk is None:
                return


async def _disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def environ(scope: Scope, body: IO[bytes]) -> Environ:
    """The WSGI environment of an ASGI request (PEP 3333)."""
    host, port = scope.get("server") or ("localhost", 80)
    root = scope.get("root_path", "")
    values: Environ = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": _wsgi_text(root),
        "PATH_INFO": _wsgi_text(scope["path"].removeprefix(root)),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": host,
        "SERVER_PORT": str(port or 0),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": (scope.get("client") or ("", 0))[0],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.input": body,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "wsgi.file_wrapper": FileBlocks,
    }
    for name, value in scope["headers"]:
        _add_header(values, name, value)
    # The body is here whole, also where the client sent it in chunks without saying how long.
    if "HTTP_TRANSFER_ENCODING" in values:
        values["CONTENT_LENGTH"] = str(_length(body))
        del values["HTTP_TRANSFER_ENCODING"]
    return values


def _add_header(values: Environ, name: bytes, value: bytes) -> None:
    if b"_" in name:  # X_Forwarded_For would pass for X-Forwarded-For, which a proxy vouches for
        return
    key = name.decode("latin-1").upper().replace("-", "_")
    if key not in {"CONTENT_TYPE", "CONTENT_LENGTH"}:
        key = f"HTTP_{key}"
    joint = "; " if key == "HTTP_COOKIE" else ","
    text = value.decode("latin-1")
    values[key] = f"{values[key]}{joint}{text}" if key in values else text


def _wsgi_text(text: str) -> str:
    return text.encode().decode("latin-1")


def _length(body: IO[bytes]) -> int:
    length = body.seek(0, io.SEEK_END)
    body.seek(0)
    return length
