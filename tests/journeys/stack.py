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
from typing import IO, Any, TypeVar, cast

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
        time.sleep(0.1)  # an answer costs the site as much as it costs the one who asks
    return result


class Stack:
    """`python -m holdout.up` with a var folder and a port of its own, and no demo."""

    def __init__(self, var: Path, port: int | None = None, **settings: str) -> None:
        self.var, self.port = var, port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.output = var / f"output-{time.monotonic_ns()}.txt"  # of this start
        own = {"HOLDOUT_VAR": str(var), "PORT": str(self.port), "HOLDOUT_DEMO": "0", **settings}
        paths = os.pathsep.join([str(ROOT / "platform"), str(ROOT)])
        clean = {k: v for k, v in os.environ.items() if not k.startswith(INHERITED)}
        self.environment = {**clean, "PYTHONPATH": paths, **own}
        self._hand: subprocess.Popen[str] | None = None
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

    def stop(self, number: int = signal.SIGTERM) -> int:
        if self._hand is not None:
            self._hand.communicate()
            self._hand = None
        self.process.send_signal(number)
        return self.process.wait(60)

    # --- its database, from outside --------------------------------------------------------------

    def stage(self, **wanted: Any) -> Any:
        """What tests.journeys.stage makes in the stack's own surroundings.

        One process for all calls: to load the site takes longer than to set a stage.
        """
        if self._hand is None:
            self._hand = subprocess.Popen(
                [sys.executable, "-m", "tests.journeys.stage"],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        asked, made = cast(IO[str], self._hand.stdin), cast(IO[str], self._hand.stdout)
        asked.write(json.dumps(wanted) + "\n")
        asked.flush()
        if not (line := made.readline()):
            raise AssertionError("the stage was not set: its traceback is in what was captured")
        return json.loads(line)

    # --- its processes ---------------------------------------------------------------------------

    def processes(self) -> dict[int, str]:
        """Number and command of every process of this stack but the supervisor."""
        mark = f"HOLDOUT_VAR={self.var}".encode()
        others = {self.process.pid, self._hand.pid if self._hand else 0}
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                surroundings = (folder / "environ").read_bytes().split(b"\0")
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
            # Valkey writes its title over its environment, and names the folder in it.
            ours = mark in surroundings or f"{self.var}/valkey.sock" in command
            if ours and command and int(folder.name) not in others:
                found[int(folder.name)] = command
        return found

    def eldest(self, part: str) -> int:
        """The number of the process whose command holds the part, not of its workers; or 0."""
        return min((pid for pid, line in self.processes().items() if part in line), default=0)

    def kill(self, *parts: str) -> None:
        """SIGKILL, all at once, to every process whose command holds one of the parts."""
        processes = self.processes().items()
        doomed = {part: [pid for pid, line in processes if part in line] for part in parts}
        for part, pids in doomed.items():
            if not pids:
                raise AssertionError(f"no process of the stack is called {part}")
        for pid in {pid for pids in doomed.values() for pid in pids}:
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
