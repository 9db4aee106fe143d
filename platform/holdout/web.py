"""The web process: `python -m holdout.web`, uvicorn around `holdout.asgi`.

The supervisor opens the port and hands it down as a file descriptor: the port stays ours while a
web process is replaced, and visitors who come meanwhile wait instead of being refused.
"""

import argparse
import contextlib
import gc
import resource
import socket

import uvicorn
from django.conf import settings

from holdout import bodies
from holdout.asgi import application

# isort: split
from competitions.live.channel import channels

GRACE = 5  # seconds a running request has when the process is told to stop
KEEP_ALIVE = 30  # seconds an idle browser keeps its connection
GARBAGE = (20_000, 20, 100)  # Python's own: 700, 10, 10; see gc.set_threshold
LET_GO = 600  # seconds in which a client has taken nothing of what we sent it


class Server(uvicorn.Server):
    """Tells the live streams to let go first: uvicorn would wait for them until the grace ends."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        channels.close()
        await super().shutdown(sockets=sockets)


def configuration() -> uvicorn.Config:
    return uvicorn.Config(
        application,
        host=settings.HOST,
        port=settings.PORT,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,  # Django's LOGGING is in force already
        access_log=False,
        # Off: by default uvicorn believes X-Forwarded-For from any program on this machine.
        # Behind a proxy HOLDOUT_PROXIES says how much of it to believe.
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=GRACE,
    )


def allow_many_files() -> None:
    """Every live board is an open file, and most systems allow 1024 unless one asks for more."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):  # macOS names a limit that it does not allow
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def let_go_of_the_silent(listener: socket.socket) -> None:
    """Ends connections whose other end is gone without a word, or will not read: for ever else.

    Every connection that the listener accepts inherits the option. Linux alone has it.
    """
    if hasattr(socket, "TCP_USER_TIMEOUT") and listener.family != socket.AF_UNIX:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, LET_GO * 1000)


def rarely_look_for_garbage() -> None:
    """Looking through everything takes 40 ms for what is imported, 230 ms with 10 000 streams.

    Nobody is served meanwhile, and there is little to find: nearly all is freed when it is let go.
    """
    gc.freeze()  # what is imported stays
    gc.set_threshold(*GARBAGE)


def main() -> None:
    parser = argparse.ArgumentParser(description="Run one web process.")
    parser.add_argument("--fd", type=int, help="a listening socket inherited from the parent")
    allow_many_files()
    bodies.keep_in(settings.VAR / "incoming")
    fd = parser.parse_args().fd
    config = configuration()
    listener = socket.socket(fileno=fd) if fd is not None else config.bind_socket()
    let_go_of_the_silent(listener)
    rarely_look_for_garbage()
    Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
