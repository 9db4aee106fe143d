"""Many listeners in one process, for `benchmarks.live`: raw sockets that note when bytes come.

Says when it is ready, reads its orders from the standard input as one JSON line, answers with one
line when every stream is open, and with one line for each further line.
"""

import asyncio
import gc
import json
import resource
import socket
import sys
import time
from typing import Any, cast

import uvloop

EVENT = b"event: board\n"
BIND_WITHOUT_PORT = 24  # IP_BIND_ADDRESS_NO_PORT of Linux, which Python does not name
# What a browser sends beside; a server that keeps it pays for it.
BROWSER = (
    "Accept: text/event-stream\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n"
    "Accept-Language: en-GB,en;q=0.9,de;q=0.8\r\nCache-Control: no-cache\r\n"
    "Connection: keep-alive\r\nPragma: no-cache\r\nSec-Fetch-Dest: empty\r\n"
    "Sec-Fetch-Mode: cors\r\nSec-Fetch-Site: same-origin\r\n"
    'sec-ch-ua: "Chromium";v="140", "Not=A?Brand";v="24"\r\n'
    'sec-ch-ua-mobile: ?0\r\nsec-ch-ua-platform: "Linux"\r\n'
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/140.0.0.0 Safari/537.36\r\n"
)


class Stream(asyncio.Protocol):
    """One listener: ``came`` holds the moment of each event, in ns of the monotonic clock."""

    def __init__(self, crowd: "Crowd", request: bytes) -> None:
        self.crowd = crowd
        self.request = request
        self.is_open = False
        self.came: list[int] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast(asyncio.Transport, transport).write(self.request)  # uvloop's is none by inheritance

    def data_received(self, data: bytes) -> None:
        now = time.monotonic_ns()
        self.crowd.bytes += len(data)
        if not self.is_open:
            self._begin(data)
        if events := data.count(EVENT):
            self.came.extend([now] * events)

    def connection_lost(self, _error: Exception | None) -> None:
        self.crowd.lost += 1

    def _begin(self, data: bytes) -> None:
        if b"retry: " in data:  # the first line of a stream, which no refusal has
            self.is_open = True
            self.crowd.opened()
        elif not data.startswith(b"HTTP/1.1 200"):
            self.crowd.refused(data.decode(errors="replace"))


class Crowd:
    """The streams of this process, opened a few at a time."""

    def __init__(self, orders: dict[str, Any]) -> None:
        self.orders = orders
        self.streams: list[Stream] = []
        self.still_to_open: int = orders["count"]
        self.room = asyncio.Semaphore(orders["at_once"])
        self.complete: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.bytes = self.lost = 0

    async def open(self) -> None:
        """Returns when the last stream has its first bytes."""
        for n in range(self.still_to_open):
            await self.room.acquire()
            await self._connect(n)
        await self.complete

    def opened(self) -> None:
        self.room.release()
        self.still_to_open -= 1
        if not self.still_to_open:
            self.complete.set_result(None)

    def refused(self, answer: str) -> None:
        if not self.complete.done():
            self.complete.set_exception(SystemExit(f"a stream was refused: {answer}"))
        self.room.release()

    def report(self) -> dict[str, Any]:
        """What has come since the last report: a list of moments for each stream."""
        answer = {"came": [s.came for s in self.streams], "bytes": self.bytes, "lost": self.lost}
        for stream in self.streams:
            stream.came = []
        self.bytes = 0
        return answer

    async def _connect(self, n: int) -> None:
        addresses = self.orders["addresses"]
        connection = socket.socket()
        connection.setblocking(False)
        # One port may then serve for many addresses: there are fewer ports than streams.
        connection.setsockopt(socket.SOL_IP, BIND_WITHOUT_PORT, 1)
        connection.bind((addresses[n % len(addresses)], 0))
        loop = asyncio.get_running_loop()
        await loop.sock_connect(connection, ("127.0.0.1", self.orders["port"]))
        _, stream = await loop.create_connection(
            lambda: Stream(self, self._request(n)), sock=connection
        )
        self.streams.append(stream)

    def _request(self, n: int) -> bytes:
        sessions = self.orders["sessions"]
        cookie = f"Cookie: sessionid={sessions[n]}\r\n" if n < len(sessions) else ""
        head = f"GET {self.orders['path']} HTTP/1.1\r\nHost: 127.0.0.1:{self.orders['port']}\r\n"
        return f"{head}{BROWSER}{cookie}\r\n".encode()


async def listen() -> None:
    say({"ready": True})
    loop = asyncio.get_running_loop()
    crowd = Crowd(json.loads(await loop.run_in_executor(None, sys.stdin.readline)))
    began = time.monotonic()
    await crowd.open()
    say({"seconds": time.monotonic() - began, "bytes": crowd.bytes})
    crowd.report()
    gc.collect()
    gc.disable()  # a pause of ours must not be taken for one of the server's
    while await loop.run_in_executor(None, sys.stdin.readline):
        say(crowd.report())


def say(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def allow_many_files() -> None:
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


if __name__ == "__main__":
    allow_many_files()
    uvloop.run(listen())
