"""The least that a live stream can be, on the same server: what `benchmarks.live` compares with.

One answer that never ends, one shared event to wake everybody with, and no question asked: who
it is, what was missed, whether the client still reads. `python -m benchmarks.live_bare FD` serves
on the listening socket of that number; ``POST /`` sends its body to every stream.
"""

import argparse
import asyncio
import socket
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import uvicorn

from benchmarks.live_clients import allow_many_files

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

HEADERS = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-store")]


class News:
    """The newest frame; ``came`` is set when there is a newer one, and replaced."""

    def __init__(self) -> None:
        self.frame = b""
        self.came = asyncio.Event()

    def publish(self, frame: bytes) -> None:
        self.frame = frame
        came, self.came = self.came, asyncio.Event()
        came.set()


news = News()


async def application(scope: Message, receive: Receive, send: Send) -> None:
    if scope["method"] == "POST":
        news.publish((await receive())["body"])
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})
        return
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": b"retry: 2000\n\n", "more_body": True})
    while True:
        await news.came.wait()
        await send({"type": "http.response.body", "body": news.frame, "more_body": True})


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve the barest live stream.")
    parser.add_argument("fd", type=int, help="a listening socket inherited from the parent")
    listener = socket.socket(fileno=parser.parse_args().fd)
    allow_many_files()
    config = uvicorn.Config(
        application,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="off",
        access_log=False,
        log_level="critical",
        timeout_graceful_shutdown=1,
    )
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
