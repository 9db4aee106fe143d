"""Runs a command against a PostgreSQL server of its own, made for it and removed after it.

    python -m tests.with_postgres -- pytest tests/competitions

The server comes from the machine's binaries, listens on a unix socket in a temporary folder and
nowhere else, and trades durability for speed. DATABASE_URL names it to the command.
"""

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests import required

PLACES = ("/usr/lib/postgresql/*/bin", "/usr/local/bin", "/opt/homebrew/opt/postgresql*/bin")
SERVANTS = ("postgres", "nobody")  # PostgreSQL refuses to run as root
SPEED = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=150")


def binaries() -> Path | None:
    """The folder that holds initdb, pg_ctl and postgres: on the PATH or where packages put it."""
    on_path = shutil.which("initdb")
    folders = [Path(on_path).resolve().parent] if on_path else []
    for place in PLACES:
        folders += sorted(Path("/").glob(place.lstrip("/")), reverse=True)
    needed = ("initdb", "pg_ctl", "postgres")
    return next((f for f in folders if all((f / name).is_file() for name in needed)), None)


@contextmanager
def server(bin_folder: Path) -> Iterator[str]:
    """A running server; yields its DATABASE_URL."""
    home = Path(tempfile.mkdtemp(prefix="holdout-pg-"))
    owner = _servant()
    if owner is not None:
        shutil.chown(home, owner)
    data = home / "data"
    options = " ".join(f"-c {option}" for option in SPEED)
    listen = f"-c listen_addresses='' -k {home}"
    try:
        _call(
            owner, bin_folder / "initdb", "-D", data, "-U", "holdout", "-A", "trust", "-E", "UTF8"
        )
        _call(
            owner, bin_folder / "pg_ctl", "-D", data, "-w", "-l", home / "log",
            "-o", f"{listen} {options}", "start",
        )  # fmt: skip
        yield f"postgres://holdout@/postgres?host={home}"
    finally:
        if (data / "postmaster.pid").exists():
            _call(owner, bin_folder / "pg_ctl", "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(home, ignore_errors=True)


def _servant() -> str | None:
    """The user to run as; None where this one will do."""
    if os.getuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in SERVANTS if name in known)


def _call(owner: str | None, *words: str | Path) -> None:
    done = subprocess.run(
        [str(word) for word in words],
        user=owner,
        cwd="/",
        # Not a pipe: the server inherits it and would keep it open.
        stdout=subprocess.DEVNULL,
        env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{Path(words[0]).name} failed with {done.returncode}")


def main(arguments: Sequence[str]) -> int:
    words = list(arguments[1:] if arguments[:1] == ["--"] else arguments)
    if not words:
        raise SystemExit("usage: python -m tests.with_postgres -- COMMAND ...")
    bin_folder = binaries()
    if bin_folder is None:
        print("PostgreSQL is not installed here, so nothing was run on it.", flush=True)  # noqa: T201
        return 1 if required.everything() else 0
    if words[0] == "pytest":
        words[:1] = [sys.executable, "-m", "pytest"]
    with server(bin_folder) as url:
        return subprocess.run(words, env=_surroundings(url), check=False).returncode


def _surroundings(url: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name != "HOLDOUT_VAR"}
    return {**kept, "DATABASE_URL": url}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
