"""The supervisor, as a person meets it: started, asked, killed at, stopped."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 120  # seconds; a busy machine takes its time

pytestmark = [pytest.mark.journey, pytest.mark.services]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def until(condition, seconds=PATIENCE):
    end = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.1)
    return result


class Up:
    """One `python -m holdout.up` with a var folder of its own and no demo."""

    def __init__(self, var, port=None, **variables):
        self.var, self.port = var, port or free_port()
        self.output = var / f"output-{time.monotonic_ns()}.txt"
        kept = {k: v for k, v in os.environ.items() if not k.startswith("HOLDOUT_")}
        kept.pop("DATABASE_URL", None)
        paths = {"PYTHONPATH": os.pathsep.join([str(ROOT / "platform"), str(ROOT)])}
        mine = {"HOLDOUT_VAR": str(var), "PORT": str(self.port), "HOLDOUT_DEMO": "0", **variables}
        with open(self.output, "ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "holdout.up"],
                env={**kept, **paths, **mine},
                stdout=output,
                stderr=output,
            )

    def text(self):
        return self.output.read_text()

    def ready(self):
        until(lambda: "Holdout is ready" in self.text() or self.process.poll() is not None)
        assert self.process.poll() is None, self.text()
        return self

    def health(self):
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{self.port}/healthz", timeout=5
            ) as answer:
                return json.load(answer)
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            return {}

    def children(self):
        """Every process that works in this var folder, the supervisor left out."""
        mark = f"HOLDOUT_VAR={self.var}".encode()
        found = {}
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                words = (entry / "environ").read_bytes().split(b"\0")
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
            # Valkey writes its title over its environment, and names the folder in it.
            ours = mark in words or f"{self.var}/valkey.sock" in command
            if ours and command and int(entry.name) != self.process.pid:
                found[int(entry.name)] = command
        return found

    def environments(self):
        return [Path(f"/proc/{pid}/environ").read_bytes() for pid in self.children()]

    def child(self, part):
        """The number of the process whose command holds the part: the eldest, not its workers."""
        return min((pid for pid, command in self.children().items() if part in command), default=0)

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.process.wait(60)


@pytest.fixture
def var():
    # Not pytest's own folder: the path of Valkey's socket must stay short.
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@pytest.fixture
def up(var):
    """A site of one's own, for tests that end it."""
    started = Up(var)
    yield started.ready()
    if started.process.poll() is None:
        started.stop()


@pytest.fixture(scope="module")
def standing():
    """One site for all tests that leave it standing: a start takes a while."""
    with tempfile.TemporaryDirectory() as folder:
        started = Up(Path(folder))
        yield started.ready()
        started.stop()


def test_from_nothing_to_ready_and_back(up, var):
    assert f"Holdout is ready at http://127.0.0.1:{up.port}\n" in up.text()
    password = (var / "admin_password").read_text().strip()
    assert password in up.text()
    assert (var / "admin_password").stat().st_mode & 0o077 == 0
    assert up.health()["status"] == "ok"
    assert all(seconds is not None for seconds in until(lambda: _all_working(up)).values())
    assert up.stop(signal.SIGINT) == 0
    assert up.children() == {}

    again = Up(var, up.port).ready()
    assert again.text().count(password) == 0  # it is printed once
    assert again.stop(signal.SIGTERM) == 0
    assert again.children() == {}

    chosen = Up(var, up.port, HOLDOUT_ADMIN_PASSWORD="a chosen phrase 5").ready()
    assert "user host, with the password you chose" in chosen.text()
    assert b"a chosen phrase 5" not in b"".join(chosen.environments())
    assert chosen.stop(signal.SIGTERM) == 0


def _last_consumed(up):
    ages = up.health().get("workers", {})
    return time.time() - ages["score"] if ages.get("score") is not None else 0


def _all_working(up):
    workers = up.health().get("workers", {})
    return workers if workers and None not in workers.values() else None


def test_a_second_start_is_refused_in_words(standing):
    up, var = standing, standing.var
    second = subprocess.run(
        [sys.executable, "-m", "holdout.up"],
        env={**os.environ, "PYTHONPATH": f"{ROOT}/platform:{ROOT}", "HOLDOUT_VAR": str(var)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert second.returncode == 1
    assert f"process {up.process.pid}" in second.stdout
    with tempfile.TemporaryDirectory() as other:
        third = Up(Path(other), up.port)
        assert third.process.wait(30) == 1
        assert f"Port {up.port} on 127.0.0.1 cannot be used: Address already in use" in third.text()


@pytest.mark.parametrize("part", ["-Q score", "holdout.web", "beat", "valkey-server"])
def test_a_killed_child_comes_back(standing, part):
    up = standing
    said = up.text().count("it starts again in")
    before = until(lambda: up.child(part))
    os.kill(before, signal.SIGKILL)
    until(lambda: up.text().count("it starts again in") > said)
    until(lambda: up.child(part) not in {0, before})
    back = time.time()
    until(lambda: _last_consumed(up) > back)  # work goes on, by workers old and new


def test_a_worker_that_no_longer_consumes_is_replaced(standing):
    up = standing
    before = until(lambda: up.child("-Q score"))
    os.kill(before, signal.SIGSTOP)  # alive, and deaf
    until(lambda: up.child("-Q score") not in {0, before} and up.health().get("status") == "ok")
    assert "takes no work; it is replaced" in up.text()


def test_nothing_outlives_a_killed_supervisor(up):
    until(lambda: _all_working(up))
    up.process.kill()
    up.process.wait()
    until(lambda: up.children() == {}, 30)
