"""How long from the first byte of an upload until an open leaderboard shows it?

    python -m benchmarks.submit_to_board                 its own site, as `make run` starts it
    python -m benchmarks.submit_to_board --quick         a few submissions of each kind
    python -m benchmarks.submit_to_board --url URL       a running site; HOLDOUT_VAR, DATABASE_URL
                                                         and REDIS_URL must name its data

Files of 540, 10 000 and 100 000 rows are sent one at a time and at 20 a second, each by another
team. The clock starts before the first byte of the POST and stops when one subscribed client has
read the board event. Client and site share the machine. The column "answered" is the median time
until the 202, so that upload and scoring can be told apart. Goal on two cores, warm: a 95th
percentile under 300 ms for 10 000 rows one at a time.
"""

import argparse
import http.client
import json
import os
import secrets
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.journeys.stack import Stack, answers, multipart, stage

COUNTS = {540: 100, 10_000: 50, 100_000: 20}
QUICK = {540: 10, 10_000: 10, 100_000: 5}
RATE = 20.0  # submissions a second
WARM_UP = 6  # submissions before the clock counts: every worker process has read the labels
PATIENCE = 120.0  # seconds

Stage = Callable[..., Any]


class Board:
    """A client that has the board open and notes when each team's line came."""

    def __init__(self, url: str, slug: str) -> None:
        address = urlsplit(url)
        self.seen: dict[int, float] = {}
        self.news = threading.Condition()
        self.connection = http.client.HTTPConnection(address.hostname or "", address.port)
        self.connection.request("GET", f"/competitions/{slug}/live/?after=0-0")
        self.stream = self.connection.getresponse()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        kind = b""
        while line := self.stream.readline():
            if line.startswith(b"event: "):
                kind = line[7:].strip()
            elif line.startswith(b"data: ") and kind == b"board":
                self._note(json.loads(line[6:])["row"]["team_id"], time.perf_counter())

    def _note(self, team: int, moment: float) -> None:
        with self.news:
            self.seen.setdefault(team, moment)
            self.news.notify_all()

    def wait_for(self, team: int) -> float:
        """The moment at which the team's line came."""
        with self.news:
            if not self.news.wait_for(lambda: team in self.seen, PATIENCE):
                raise SystemExit(f"no event of team {team} within {PATIENCE:g} s")
            return self.seen[team]


@dataclass
class Upload:
    """One team's one submission, and its three moments."""

    team: int
    token: str
    began: float = 0.0
    answered: float = 0.0
    shown: float = 0.0

    def send(self, url: str, slug: str, content: bytes) -> None:
        body, headers = multipart(content, "answers.csv")
        address = urlsplit(url)
        connection = http.client.HTTPConnection(
            address.hostname or "", address.port, timeout=PATIENCE
        )
        connection.connect()
        headers["Authorization"] = f"Bearer {self.token}"
        self.began = time.perf_counter()
        connection.request("POST", f"/api/competitions/{slug}/submissions/", body, headers)
        answer = connection.getresponse()
        said = answer.read()
        self.answered = time.perf_counter()
        connection.close()
        if answer.status != 202:
            raise SystemExit(f"refused with {answer.status}: {said.decode(errors='replace')}")


@dataclass
class Run:
    """The uploads of one size under one load."""

    rows: int
    load: str
    uploads: list[Upload] = field(default_factory=list)

    def line(self) -> str:
        shown = [1000 * (one.shown - one.began) for one in self.uploads]
        answered = [1000 * (one.answered - one.began) for one in self.uploads]
        cells = [percentile(shown, p) for p in (50, 95, 99)] + [percentile(answered, 50)]
        figures = "".join(f"{cell:9.0f}" for cell in cells)
        return f"{self.rows:8d}  {self.load:<14}{len(shown):5d}{figures}"


def percentile(values: Sequence[float], percent: float) -> float:
    """By nearest rank: always a value that was measured."""
    return sorted(values)[max(0, ceil(len(values) * percent / 100) - 1)]


def one_at_a_time(uploads: Sequence[Upload], board: Board, send: Callable[[Upload], None]) -> None:
    for upload in uploads:
        send(upload)
        upload.shown = board.wait_for(upload.team)


def at_a_rate(uploads: Sequence[Upload], board: Board, send: Callable[[Upload], None]) -> None:
    """An open loop: a site that falls behind does not slow the senders."""
    threads = []
    start = time.perf_counter()
    for n, upload in enumerate(uploads):
        time.sleep(max(0.0, start + n / RATE - time.perf_counter()))
        threads.append(threading.Thread(target=send, args=(upload,), daemon=True))
        threads[-1].start()
    for thread, upload in zip(threads, uploads, strict=True):
        thread.join(PATIENCE)
        upload.shown = board.wait_for(upload.team)


def measure(url: str, make: Stage, rows: int, count: int) -> Iterator[Run]:
    """Both loads for one size, on a competition of their own."""
    slug = f"bench-{rows}-{secrets.token_hex(3)}"
    made = make(
        competition={"slug": slug, "rows": rows, "daily_limit": 1000},
        teams={"slug": slug, "count": WARM_UP + 2 * count},
    )
    uploads = [Upload(**team) for team in made["teams"]]
    board, content = Board(url, slug), answers(rows, wrong=rows // 20)

    def send(upload: Upload) -> None:
        upload.send(url, slug, content)

    one_at_a_time(uploads[:WARM_UP], board, send)
    single = Run(rows, "one at a time", uploads[WARM_UP : WARM_UP + count])
    one_at_a_time(single.uploads, board, send)
    yield single
    many = Run(rows, f"{RATE:g} a second", uploads[WARM_UP + count :])
    at_a_rate(many.uploads, board, send)
    yield many


@contextmanager
def site(url: str | None) -> Iterator[tuple[str, Stage]]:
    """The address of the site to measure, and what makes rows in its database."""
    if url:
        environment = dict(os.environ)
        yield url.rstrip("/"), lambda **wanted: stage(environment, **wanted)
        return
    with tempfile.TemporaryDirectory(prefix="holdout-bench-") as folder:
        stack = Stack(Path(folder))
        try:
            stack.ready()
            yield stack.url, stack.stage
        finally:
            stack.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description="Time from the upload to the open leaderboard.")
    parser.add_argument("--url", help="a running site instead of one of our own")
    parser.add_argument("--quick", action="store_true", help="a few submissions of each kind")
    options = parser.parse_args()
    print(f"milliseconds, {os.cpu_count()} cores")
    print("    rows  load              n      p50      p95      p99 answered")
    with site(options.url) as (url, make):
        for rows, count in (QUICK if options.quick else COUNTS).items():
            for run in measure(url, make, rows, count):
                print(run.line(), flush=True)


if __name__ == "__main__":
    main()
