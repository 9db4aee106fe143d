"""The supervisor, as a person meets it: started, asked, killed at, stopped."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from tests.journeys.stack import Stack, until

pytestmark = [pytest.mark.journey, pytest.mark.services]


@pytest.fixture
def var():
    # Not pytest's own folder: the path of Valkey's socket must stay short.
    with tempfile.TemporaryDirectory(prefix="holdout-up-") as folder:
        yield Path(folder)


@pytest.fixture
def start(var):
    """``start(PORT=…)``: the site in that folder; in the end none is left running."""
    started = []

    def up(**settings):
        started.append(Stack(var, **settings))
        return started[-1].ready()

    yield up
    for one in started:
        if one.process.poll() is None:
            one.stop()
        for left in one.processes():
            os.kill(left, signal.SIGKILL)


def health(stack):
    return stack.ask("/healthz") or {}


def all_working(stack):
    workers = health(stack).get("workers", {})
    return workers if workers and None not in workers.values() else None


def test_from_nothing_to_ready_and_again_after_any_end(start, var):
    first = start()
    assert f"Holdout is ready at {first.url}\n" in first.said()
    password = (var / "admin_password").read_text().strip()
    assert password in first.said()
    assert (var / "admin_password").stat().st_mode & 0o077 == 0
    assert health(first)["status"] == "ok"
    until(lambda: all_working(first), "every queue has been consumed")
    for part in ("holdout.web", "-Q score", "-Q background", "beat", "valkey-server"):
        assert first.eldest(part)
    first.process.kill()
    first.process.wait()
    until(lambda: first.processes() == {}, "nothing outlives a killed supervisor", 30)

    again = start(port=first.port)
    assert health(again)["status"] == "ok"
    assert again.said().count(password) == 0  # it is printed once
    assert again.stop(signal.SIGINT) == 0
    assert again.processes() == {}


def test_the_demo_trains_its_baselines_and_a_stop_waits_for_none_of_them(start):
    site = start(HOLDOUT_DEMO="1")

    def posted():
        return {row["team"] for row in (site.board("digits") or {}).get("rows", [])}

    until(lambda: "Softmax regression" in posted(), "a baseline is on the board")
    assert site.stop() == 0
    assert site.processes() == {}


def test_a_second_start_is_refused_in_words(stack):
    second = subprocess.run(
        [sys.executable, "-m", "holdout.up"],
        env=stack.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert second.returncode == 1
    assert f"process {stack.process.pid}" in second.stdout
    with tempfile.TemporaryDirectory() as other:
        third = Stack(Path(other), stack.port)
        assert third.process.wait(30) == 1
        refusal = f"Port {stack.port} on 127.0.0.1 cannot be used: Address already in use"
        assert refusal in third.said()


def is_killed_and_comes_back(stack, part):
    said = stack.said().count("it starts again in")
    before = until(lambda: stack.eldest(part), part)
    os.kill(before, signal.SIGKILL)
    until(lambda: stack.said().count("it starts again in") > said, f"{part} is missed")
    until(lambda: stack.eldest(part) not in {0, before}, f"{part} is back")
    back = time.time()
    # work goes on, by workers old and new
    until(lambda: last_consumed(stack) > back, f"work goes on after {part} was killed")


def last_consumed(stack):
    age = health(stack).get("workers", {}).get("score")
    return 0 if age is None else time.time() - age


def test_a_killed_valkey_comes_back(stack):
    is_killed_and_comes_back(stack, "valkey-server")


def test_a_deaf_worker_is_replaced_and_killed_processes_come_back_meanwhile(stack):
    """To be sure that a worker is deaf takes half a minute."""
    deaf, said = until(lambda: stack.eldest("-Q background"), "it runs"), len(stack.said())
    os.kill(deaf, signal.SIGSTOP)  # alive, and takes no message
    for part in ("-Q score", "holdout.web", "beat"):
        is_killed_and_comes_back(stack, part)
    assert stack.eldest("-Q background") == deaf
    until(lambda: stack.eldest("-Q background") not in {0, deaf}, "the deaf one is replaced")
    assert "worker-background takes no work; it is replaced" in stack.said()[said:]
    until(lambda: all_working(stack) and health(stack)["status"] == "ok", "all is well")
