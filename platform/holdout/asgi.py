"""One port: the live stream as a plain ASGI application, everything else Django over the bridge."""

from django.conf import settings

from holdout.bodies import Receive, Scope, Send
from holdout.bridge import Bridge
from holdout.wsgi import application as django  # sets Django up, which the next import needs

# isort: split
from competitions.live import stream
from competitions.live.channel import channels
from holdout import limits

pages = Bridge(django, threads=settings.WEB_THREADS, limit=limits.of)


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
    elif scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1000})
    elif stream.PATH.match(scope["path"]):
        await stream.application(scope, receive, send)
    else:
        await pages(scope, receive, send)


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        event = (await receive())["type"]
        if event == "lifespan.shutdown":
            channels.close()
        await send({"type": f"{event}.complete"})
        if event == "lifespan.shutdown":
            return
