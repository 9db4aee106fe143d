"""The same site on servers that others run: DATABASE_URL and REDIS_URL are all it takes."""

import subprocess
import tempfile
import urllib.request
from pathlib import Path

import pytest

from holdout import embedded
from tests import with_postgres
from tests.journeys.stack import Stack, answers, free_port, until

pytestmark = [pytest.mark.journey, pytest.mark.services]

PASSWORD = "a chosen phrase 5"


@pytest.fixture
def redis_url():
    """A Valkey on a TCP port, as somebody else would run it."""
    port = free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    server = subprocess.Popen([embedded.program(), *options], stdout=subprocess.DEVNULL, cwd="/")
    yield f"redis://127.0.0.1:{port}/3"
    server.terminate()
    server.wait()


@pytest.fixture
def database_url():
    binaries = with_postgres.binaries()
    if binaries is None:
        pytest.skip("PostgreSQL is not installed: install the package postgresql")
    with with_postgres.server(binaries) as url:
        yield url


def test_postgresql_and_a_valkey_of_ones_own(database_url, redis_url):
    with tempfile.TemporaryDirectory(prefix="holdout-servers-") as folder:
        settings = {"DATABASE_URL": database_url, "REDIS_URL": redis_url}
        stack = Stack(Path(folder), HOLDOUT_ADMIN_PASSWORD=PASSWORD, **settings)
        try:
            stack.ready()
            assert "user host, with the password you chose" in stack.said()
            assert PASSWORD.encode() not in environments(stack)
            one_submission(stack)
            assert not any("valkey" in line for line in stack.processes().values())
            assert not list(Path(folder).glob("*.sqlite3*"))
        finally:
            code = stack.stop()
        assert code == 0
        assert stack.processes() == {}


def environments(stack):
    return b"".join(Path(f"/proc/{pid}/environ").read_bytes() for pid in stack.processes())


def one_submission(stack):
    slug = "elsewhere"
    made = stack.stage(competition={"slug": slug}, people={"names": ["ada"]})
    token = made["people"]["ada"]
    stack.join(slug, token)
    live = f"{stack.url}/competitions/{slug}/live/?after=0-0"
    with urllib.request.urlopen(live, timeout=30) as stream:  # noqa: S310 - our own address
        sent = stack.submit(slug, token, answers(60, wrong=3))
        assert stack.outcome(sent, token)["public_score"] == "0.9500"
        event = until(lambda: next_event(stream), "the board event")
    assert event == "board"
    wrong = stack.submit(slug, token, b"id,label\nimg_000001.png,class_1\n")
    assert stack.outcome(wrong, token)["status"] == "invalid"
    tally = stack.stage(tally={"slug": slug})["tally"]
    assert (tally["statuses"], tally["entries"]) == (["invalid", "scored"], 1)


def next_event(stream):
    line = stream.readline().decode()
    return line.removeprefix("event: ").strip() if line.startswith("event: ") else None
