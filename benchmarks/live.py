"""How many open boards does one web process carry, and how fast do they hear?

    python -m benchmarks.live                              1000, 5000 and 10 000 streams
    python -m benchmarks.live --streams 10000 --events 20

For each number the streams are opened twice on this machine: at the barest endpoint that the same
server can have (`benchmarks.live_bare`), and at `holdout.web` with a Valkey and a var folder of
its own, a tenth of them signed in. Now and then something happens, and every client notes when
its bytes come; the clock starts before a worker publishes and is the same for all. Then the same
again while somebody fetches the leaderboard's page ten times a second. Clients and servers share
the cores.

Goals on two cores: 10 000 streams, a 99th percentile under 400 ms and at most 1.5 times the bare
one's, under 15 kB of memory for a stream, and a 95th percentile under 300 ms for the page.
"""

import argparse
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Self, cast

from benchmarks.submit_to_board import percentile
from holdout import embedded
from tests.journeys.stack import INHERITED, ROOT, until

STREAMS = (1000, 5000, 10_000)
EVENTS = 10
QUIET = 1.5  # seconds between two events
AT_ONCE = 200  # connections that are being opened at the same time
PER_ADDRESS = 400  # streams of one address: less than a web process allows
CLIENT_PROCESSES = 2
SIGNED_IN = 10  # every tenth stream, in pairs: one person has two
PAGE_EVERY = 0.1  # seconds
SLUG = "open-boards"
PATIENCE = 120.0  # seconds until anything has an answer
LONGEST = 230  # seconds for one number of streams at both servers


class Talker:
    """A child process that answers a JSON line with a JSON line."""

    def __init__(self, module: str, environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", module],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def tell(self, what: Any) -> None:
        orders = cast(IO[str], self.process.stdin)
        orders.write(json.dumps(what) + "\n")
        orders.flush()

    def answer(self) -> Any:
        if not (line := cast(IO[str], self.process.stdout).readline()):
            raise SystemExit(f"{self.process.args!r} ended with {self.process.wait()}")
        return json.loads(line)

    def ask(self, what: Any) -> Any:
        self.tell(what)
        return self.answer()


@dataclass
class Result:
    """One server with one number of streams; times in ms where nothing else is said."""

    server: str
    streams: int
    opened_in: float = 0.0  # seconds
    memory: int = 0  # bytes of the server's, all streams together
    cpu_to_open: float = 0.0  # seconds
    cpu_of_events: float = 0.0
    first_bytes: int = 0
    event_bytes: int = 0
    delays: list[float] = field(default_factory=list)
    delays_beside_pages: list[float] = field(default_factory=list)
    pages: list[float] = field(default_factory=list)
    pages_while_opening: list[float] = field(default_factory=list)
    missing: int = 0  # events that some stream did not hear, or heard twice

    def line(self, events: int) -> str:
        cells = [
            f"{self.streams:7d}  {self.server:<8}",
            f"{self.streams / self.opened_in:7.0f}",
            f"{1e6 * self.cpu_to_open / self.streams:8.0f}",
            f"{self.memory / self.streams / 1000:9.1f}",
            *(f"{percentile(self.delays, p):6.0f}" for p in (50, 99, 100)),
            f"{1e6 * self.cpu_of_events / events / self.streams:8.1f}",
        ]
        if self.pages:
            cells += [
                f"{percentile(self.delays_beside_pages, 99):10.0f}",
                *(f"{percentile(self.pages, p):6.0f}" for p in (50, 95)),
                f"{percentile(self.pages_while_opening, 95):9.0f}",
            ]
        return "".join(cells) + (f"  {self.missing} events missing" if self.missing else "")


HEADER = (
    "                   opened  CPU us  kB for a     event after ms  CPU us  event p99"
    "  page after ms\n"
    "streams  server  a second    each    stream   p50   p99   max    each  and pages"
    "   p50   p95  opening"
)


# --- the two servers -----------------------------------------------------------------------------


@dataclass
class Server:
    """A running server: where its streams are, and how something happens on them."""

    name: str
    pid: int
    port: int
    path: str
    publish: Callable[[], int]
    sessions: list[str] = field(default_factory=list)
    page: str = ""


@contextmanager
def bare() -> Iterator[Server]:
    with listener() as (port, fd), child("benchmarks.live_bare", str(fd), fd=fd) as process:
        yield Server("bare", process.pid, port, "/", lambda: post(port))


def post(port: int) -> int:
    """Sends as many bytes as a row of the board has; returns the moment before."""
    frame = b'id: 1700000000000-0\nevent: board\ndata: {"version":1,"row":"%b"}\n\n' % (b"x" * 300)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    connection.connect()
    began = time.monotonic_ns()
    connection.request("POST", "/", frame)
    connection.getresponse().read()
    connection.close()
    return began


@contextmanager
def site(people: int) -> Iterator[Server]:
    """`holdout.web` as the supervisor starts it, its Valkey, and what a worker would do."""
    with ExitStack() as stack:
        var = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="holdout-live-")))
        environment = surroundings(HOLDOUT_VAR=str(var), HOLDOUT_LOG_LEVEL="warning")
        embedded.make_room(var)
        stack.enter_context(running(embedded.command(var), environment))
        until(lambda: embedded.answers(var), "Valkey answers")
        command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
        subprocess.run(command, cwd=ROOT, env=environment, check=True)
        port, fd = stack.enter_context(listener())
        web = stack.enter_context(child("holdout.web", "--fd", str(fd), fd=fd, env=environment))
        worker = stack.enter_context(talker("benchmarks.live_worker", environment))
        stage = worker.ask({"slug": SLUG, "people": people})
        yield Server(
            "holdout",
            web.pid,
            port,
            f"{stage['path']}/live/?after=0-0",
            lambda: int(worker.ask("publish")["began"]),
            sessions=stage["sessions"] * 2,
            page=f"{stage['path']}/leaderboard/",
        )


def surroundings(**settings: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(INHERITED)}
    return {**kept, "PYTHONPATH": os.pathsep.join([str(ROOT / "platform"), str(ROOT)]), **settings}


@contextmanager
def listener() -> Iterator[tuple[int, int]]:
    """Port and file descriptor of a listening socket that a child inherits."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(2048)
        yield listening.getsockname()[1], listening.fileno()


@contextmanager
def child(
    module: str, *arguments: str, fd: int, env: dict[str, str] | None = None
) -> Iterator["subprocess.Popen[bytes]"]:
    command = [sys.executable, "-m", module, *arguments]
    with running(command, env or surroundings(), pass_fds=(fd,)) as process:
        yield process


@contextmanager
def running(
    command: list[str], environment: dict[str, str], **options: Any
) -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, **options
    )
    try:
        yield process
    finally:
        end(process)


@contextmanager
def talker(module: str, environment: dict[str, str]) -> Iterator[Talker]:
    made = Talker(module, environment)
    try:
        yield made
    finally:
        end(made.process)


def end(process: "subprocess.Popen[Any]") -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


# --- measuring -----------------------------------------------------------------------------------


class Visitor:
    """Somebody who fetches the leaderboard's page again and again, and notes the ms it took."""

    def __init__(self, server: Server, times: list[float]) -> None:
        self.server = server
        self.times = times
        self.leaves = threading.Event()
        self.thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.leaves.set()
        self.thread.join(PATIENCE)

    def _look(self) -> None:
        due = time.monotonic()
        while self.server.page and not self.leaves.wait(max(0.0, due - time.monotonic())):
            began = time.monotonic()
            fetch(self.server.port, self.server.page)
            self.times.append(1000 * (time.monotonic() - began))
            due = max(due + PAGE_EVERY, time.monotonic())


def fetch(port: int, path: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    connection.request("GET", path)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    if answer.status != 200:
        raise SystemExit(f"{path} answers {answer.status}")


def measure(server: Server, streams: int, events: int) -> Result:
    result = Result(server.name, streams)
    with ExitStack() as stack:
        crowds = [
            stack.enter_context(talker("benchmarks.live_clients", surroundings()))
            for _ in range(CLIENT_PROCESSES)
        ]
        for crowd in crowds:
            crowd.answer()
        for _ in range(40):  # everything has been imported, and every thread has worked
            fetch(server.port, server.page) if server.page else server.publish()
        with Visitor(server, result.pages_while_opening):
            open_all(server, crowds, result)
        time.sleep(QUIET)
        result.memory += memory(server.pid)
        cpu = cpu_seconds(server.pid)
        result.delays = happen(server, crowds, events, result)
        result.cpu_of_events = cpu_seconds(server.pid) - cpu
        if server.page:
            with Visitor(server, result.pages):
                result.delays_beside_pages = happen(server, crowds, events, result)
    return result


def open_all(server: Server, crowds: Sequence[Talker], result: Result) -> None:
    count = result.streams // len(crowds)
    per_crowd = -(-count // PER_ADDRESS)
    sessions = server.sessions
    result.memory = -memory(server.pid)
    cpu = cpu_seconds(server.pid)
    for n, crowd in enumerate(crowds):
        first = 2 + n * per_crowd
        crowd.tell(
            {
                "port": server.port,
                "path": server.path,
                "count": count,
                "at_once": AT_ONCE // len(crowds),
                "addresses": [f"127.0.0.{first + k}" for k in range(per_crowd)],
                "sessions": sessions[n :: len(crowds)],
            }
        )
    answers = [crowd.answer() for crowd in crowds]
    result.first_bytes = sum(answer["bytes"] for answer in answers)
    result.opened_in = max(answer["seconds"] for answer in answers)
    result.cpu_to_open = cpu_seconds(server.pid) - cpu


def happen(server: Server, crowds: Sequence[Talker], events: int, result: Result) -> list[float]:
    """The events, one after another; every stream must hear each of them once. Their delays."""
    moments = []
    for _ in range(events):
        moments.append(server.publish())
        time.sleep(QUIET)
    delays = []
    result.event_bytes = 0
    for report in [crowd.ask("report") for crowd in crowds]:
        if report["lost"]:
            raise SystemExit(f"{report['lost']} streams were closed")
        result.event_bytes += report["bytes"]
        for came in report["came"]:
            result.missing += abs(events - len(came))
            delays += [(c - m) / 1e6 for m, c in zip(moments, came, strict=False)]
    return delays


def memory(pid: int) -> int:
    """Resident bytes."""
    pages = Path(f"/proc/{pid}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def stop(number: int, _frame: object) -> None:
    """Whatever ends us, the children end too: an exception passes every ``finally``."""
    raise SystemExit(f"ended by {signal.Signals(number).name}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Open many boards, and let something happen.")
    parser.add_argument("--streams", type=int, nargs="+", default=STREAMS)
    parser.add_argument("--events", type=int, default=EVENTS)
    options = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGALRM):
        signal.signal(number, stop)
    print(f"{os.cpu_count()} cores, one web process, {options.events} events")
    print(HEADER)
    for streams in options.streams:
        signal.alarm(LONGEST)
        compare(streams, options.events)


def compare(streams: int, events: int) -> None:
    results = []
    for running_server in (bare(), site(streams // SIGNED_IN // 2)):
        with running_server as server:
            results.append(measure(server, streams, events))
        print(results[-1].line(events), flush=True)
    plain, ours = results
    ratio = percentile(ours.delays, 99) / percentile(plain.delays, 99)
    heard = ours.event_bytes / events / streams
    print(
        f"         p99 is {ratio:.2f} times the bare one's; {heard:.0f} bytes for an event, "
        f"{ours.first_bytes / streams:.0f} to begin with"
    )


if __name__ == "__main__":
    main()
