"""Processes are killed in the middle of things: every file ends once, and no attempt is lost."""

import os
import signal
import time
from pathlib import Path

import pytest

from tests.journeys.stack import answers, until

pytestmark = [pytest.mark.journey, pytest.mark.services]

SCORER = "-Q score"


def running(stack, submission, token):
    """Whether a worker holds it right now."""
    shown = stack.ask(f"/api/submissions/{submission['id']}/", token)
    return shown is not None and shown["status"] == "running"


def test_a_file_goes_through(stack, staged):
    stage = staged(["ada"])
    slug, token = stage["slug"], stage["tokens"]["ada"]
    stack.join(slug, token)
    began = time.monotonic()
    sent = stack.submit(slug, token, answers(60, wrong=3))
    assert sent["status"] in ("received", "queued")
    shown = stack.outcome(sent, token)
    assert (shown["status"], shown["public_score"]) == ("scored", "0.9500")
    assert time.monotonic() - began < 60
    assert [row["score"] for row in stack.board(slug)["rows"]] == ["0.9500"]
    assert "0.975" not in str(shown)  # the private score


def test_a_worker_killed_in_the_middle_of_a_score_loses_nothing(stack, staged):
    """The labels are replaced by a pipe that nobody writes to: the worker hangs in its reading."""
    stage = staged(["ada"])
    slug, token, solution = stage["slug"], stage["tokens"]["ada"], Path(stage["solution"])
    stack.join(slug, token)
    labels = solution.read_bytes()
    solution.unlink()
    os.mkfifo(solution)
    sent = stack.submit(slug, token, answers(60))
    until(lambda: running(stack, sent, token), "a worker has begun")

    stack.kill(SCORER)
    solution.unlink()
    solution.write_bytes(labels)
    until(lambda: stack.ask("/healthz")["status"] == "ok", "workers are back")
    assert running(stack, sent, token)  # nobody may take it before the lease has run out
    stack.stage(later={"slug": slug})

    assert stack.outcome(sent, token)["status"] == "scored"
    tally = stack.stage(tally={"slug": slug})["tally"]
    assert tally["attempts"] == [2]
    assert (tally["public"], tally["private"], tally["entries"], tally["slots"]) == (1, 1, 1, 1)


def test_everything_is_killed_while_files_are_under_way(stack, staged):
    """Valkey, web and workers at once, with files in every state: each is scored exactly once."""
    stage = staged(["ada", "ben", "cy"])
    slug, tokens = stage["slug"], stage["tokens"]
    for token in tokens.values():
        stack.join(slug, token)
    sent = []
    for wrong in range(4):
        for token in tokens.values():
            sent.append((stack.submit(slug, token, answers(60, wrong)), token))
            if len(sent) == 8:
                stack.kill("valkey-server", "holdout.web", SCORER)
                until(lambda: stack.ask("/healthz"), "the web answers again")
    until(lambda: stack.ask("/healthz")["status"] == "ok", "everything is back")
    accepted = [(one, token) for one, token in sent if one and "id" in one]
    assert len(accepted) >= 8
    # What a killed worker had taken is rung for again after a minute, which passes here.
    time.sleep(3)
    stack.stage(later={"slug": slug})
    for one, token in accepted:
        assert stack.outcome(one, token)["status"] == "scored"

    tally = stack.stage(tally={"slug": slug})["tally"]
    assert tally["scored"] == len(tally["statuses"]) >= len(accepted)
    assert tally["public"] == tally["private"] == tally["entries"] == tally["scored"]
    # intervals and ties that are reckoned meanwhile move the board on, too
    assert tally["slots"] == tally["scored"] <= tally["version"]
    assert {row["score"] for row in stack.board(slug)["rows"]} == {"1.0000"}


def test_a_worker_that_stands_still_delays_and_loses_nothing(stack, staged):
    stage = staged(["ada"])
    slug, token = stage["slug"], stage["tokens"]["ada"]
    stack.join(slug, token)
    workers = [pid for pid, line in stack.processes().items() if SCORER in line]
    for pid in workers:
        os.kill(pid, signal.SIGSTOP)
    sent = stack.submit(slug, token, answers(60))
    time.sleep(0.5)
    assert stack.ask(f"/api/submissions/{sent['id']}/", token)["status"] == "queued"
    for pid in workers:
        os.kill(pid, signal.SIGCONT)
    assert stack.outcome(sent, token)["status"] == "scored"
    assert stack.stage(tally={"slug": slug})["tally"]["attempts"] == [1]
