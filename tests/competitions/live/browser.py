"""A client of the live stream, driven as a server would drive it."""

import asyncio
import json
import re
from collections import deque

from competitions.live import channel, events, stream

SLUG = "pets"
PATH = f"/competitions/{SLUG}/live/"
RETRY = re.compile(rb"retry: [123]\d{3}\n\n")


class Browser:
    """One connection to the stream, and what came over it."""

    def __init__(self, path=PATH, *, after="", headers=None, method="GET", peer="10.0.0.1"):
        self.scope = {
            "type": "http",
            "method": method,
            "path": path,
            "client": (peer, 50000),
            "query_string": f"after={after}".encode() if after else b"",
            "headers": [(k.encode(), v.encode("latin-1")) for k, v in (headers or {}).items()],
        }
        self.status = None
        self.raw = asyncio.Queue()
        self.told = deque()
        self.left = asyncio.Event()
        self.sent = self.longest = 0  # chunks, and bytes of the longest
        self.reads = asyncio.Event()  # cleared: the client does not read, and send() waits
        self.reads.set()

    async def __aenter__(self):
        self.task = asyncio.create_task(stream.application(self.scope, self._receive, self._send))
        return self

    async def __aexit__(self, *_reason):
        self.left.set()
        await asyncio.wait_for(self.task, 5)

    async def _receive(self):
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message):
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], dict(message["headers"])
            return
        await self.reads.wait()
        self.sent, self.longest = self.sent + 1, max(self.longest, len(message["body"]))
        self.raw.put_nowait(message["body"])
        if not message.get("more_body"):
            self.raw.put_nowait(None)

    async def chunk(self, seconds=5):
        async with asyncio.timeout(seconds):
            return await self.raw.get()

    async def next(self, seconds=5):
        """The next event as (kind, data, id); None at the end of the stream."""
        while not self.told:
            if (chunk := await self.chunk(seconds)) is None:
                return None
            self.told.extend(named_events(chunk.decode()))
        return self.told.popleft()

    async def until(self, wanted, seconds=10):
        """The numbers of all board events up to the wanted one."""
        seen = []
        while not seen or seen[-1] != wanted:
            kind, data, _ = await self.next(seconds)
            seen.append(data["n"] if kind == "board" else kind)
        return seen

    async def silent(self, seconds=0.2):
        try:
            await self.next(seconds)
        except TimeoutError:
            return True
        return False


def named_events(text):
    """The events in it that have a name: heartbeats have none."""
    for block in text.split("\n\n"):
        fields = dict(line.partition(": ")[::2] for line in block.splitlines())
        if "event" in fields:
            yield fields["event"], json.loads(fields["data"]), fields.get("id")


def answering(find):
    """A desk's answer without a database: what ``find`` returns, whoever asks."""

    async def find_listener(_slug, _cookies):
        return find()

    return find_listener


def publish(n, team="", **more):
    kind = "submission" if team else "board"
    events._add(SLUG, kind, {"n": n, **more}, team=team)


def run(coroutine):
    async def bounded():
        async with asyncio.timeout(30):
            try:
                await coroutine
            finally:
                await channel._connection().aclose()

    asyncio.run(bounded())


async def following():
    """Until the reader of the channel stands at the end of the stream."""
    await channel.channels.get(SLUG)._following.wait()
