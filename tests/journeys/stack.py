"""The whole site as real processes, for the journeys and the benchmark."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 120.0  # seconds; a busy machine takes its time
INHERITED = ("HOLDOUT_", "DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE", "PORT", "HOST")

Found = TypeVar("Found")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def until(condition: Callable[[], Found], what: str, seconds: float = PATIENCE) -> Found:
    """Asks again and again until the answer is truthy; then gives it."""
    end = time.monotonic() + seconds
    while not (result := condition()):
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds:g} s: {what}")
        time.sleep(0.05)
    return result


class Stack:
    """`python -m holdout.up` with a var folder and a port of its own, and no demo."""

    def __init__(self, var: Path, **settings: str) -> None:
        self.var, self.port = var, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.output = var / "output.txt"
        own = {"HOLDOUT_VAR": str(var), "PORT": str(self.port), "HOLDOUT_DEMO": "0", **settings}
        paths = os.pathsep.join([str(ROOT / "platform"), str(ROOT)])
        clean = {k: v for k, v in os.environ.items() if not k.startswith(INHERITED)}
        self.environment = {**clean, "PYTHONPATH": paths, **own}
        with open(self.output, "ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "holdout.up"],
                cwd=ROOT,
                env=self.environment,
                stdout=output,
                stderr=output,
            )

    def ready(self) -> "Stack":
        until(lambda: "Holdout is ready" in self.said() or self.process.poll() is not None, "ready")
        if self.process.poll() is not None:
            raise AssertionError(self.said())
        return self

    def said(self) -> str:
        return self.output.read_text()

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(60)

    # --- its database, from outside --------------------------------------------------------------

    def stage(self, **wanted: Any) -> Any:
        """Runs tests.journeys.stage in the stack's own surroundings."""
        return stage(self.environment, **wanted)

    # --- its processes ---------------------------------------------------------------------------

    def processes(self) -> dict[int, str]:
        """Number and command of every process of this stack but the supervisor."""
        mark = f"HOLDOUT_VAR={self.var}".encode()
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                surroundings = (folder / "environ").read_bytes().split(b"\0")
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
            if mark in surroundings and int(folder.name) != self.process.pid:
                found[int(folder.name)] = command
        return found

    def kill(self, *parts: str) -> None:
        """SIGKILL, all at once, to every process whose command holds one of the parts."""
        doomed = [pid for pid, line in self.processes().items() if any(p in line for p in parts)]
        if not doomed:
            raise AssertionError(f"no process of the stack is called {parts}")
        for pid in doomed:
            os.kill(pid, signal.SIGKILL)

    # --- its API ---------------------------------------------------------------------------------

    def ask(self, path: str, token: str = "", **request: Any) -> Any:
        """The JSON answer; None where nobody answers."""
        headers = {**request.pop("headers", {})}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        asked = urllib.request.Request(self.url + path, headers=headers, **request)  # noqa: S310
        try:
            with urllib.request.urlopen(asked, timeout=30) as answer:  # noqa: S310
                return json.load(answer)
        except urllib.error.HTTPError as error:
            return {"status_code": error.code, **json.loads(error.read() or b"{}")}
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return None

    def join(self, slug: str, token: str) -> Any:
        return self.ask(f"/api/competitions/{slug}/join/", token, method="POST", data=b"")

    def submit(self, slug: str, token: str, content: bytes, name: str = "answers.csv") -> Any:
        body, headers = multipart(content, name)
        path = f"/api/competitions/{slug}/submissions/"
        return self.ask(path, token, method="POST", data=body, headers=headers)

    def outcome(self, submission: Mapping[str, Any], token: str, seconds: float = PATIENCE) -> Any:
        """The submission as the API shows it once it has ended."""

        def ended() -> Any:
            shown = self.ask(f"/api/submissions/{submission['id']}/", token)
            return shown if shown and shown["status"] in ("scored", "invalid", "failed") else None

        return until(ended, f"the end of submission {submission['id']}", seconds)

    def board(self, slug: str) -> Any:
        return self.ask(f"/api/competitions/{slug}/leaderboard/")


def stage(environment: Mapping[str, str], **wanted: Any) -> Any:
    """Sets the stage in the database that the environment names; see tests.journeys.stage."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.journeys.stage", json.dumps(wanted)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        raise AssertionError(done.stderr.decode())
    return json.loads(done.stdout)


def multipart(content: bytes, name: str) -> tuple[bytes, dict[str, str]]:
    """A form with the one field ``file``."""
    border = "one-file-and-nothing-else"
    head = (
        f"--{border}\r\n"
        f'Content-Disposition: form-data; name="file"; filename="{name}"\r\n'
        "Content-Type: text/csv\r\n\r\n"
    )
    body = head.encode() + content + f"\r\n--{border}--\r\n".encode()
    return body, {"Content-Type": f"multipart/form-data; boundary={border}"}


def answers(rows: int, wrong: int = 0) -> bytes:
    """A submission to a staged competition whose first ``wrong`` rows are wrong."""
    lines = [f"{name},{label(n + (n < wrong))}" for n, name in enumerate(ids(rows))]
    return ("id,label\n" + "\n".join(lines) + "\n").encode()


def ids(rows: int) -> Iterator[str]:
    return (f"img_{n:06d}.png" for n in range(rows))


def label(n: int) -> str:
    return f"class_{n % 10}"
