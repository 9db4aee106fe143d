"""The whole site on one machine: `make run`, or `python -m holdout.up`.

One supervisor, no thread: it opens the port, starts our Valkey, prepares the database, starts web,
workers and beat, says when everything answers, and then watches until it is told to stop.
"""

import errno
import fcntl
import hashlib
import http.client
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from holdout import embedded, settings
from holdout.processes import Child, stop_all

TICK = 0.2  # seconds between looks at the children
CHECK_EVERY = 5  # seconds between looks at /healthz
DEAF_AFTER = 30  # seconds without a consumed message, or a health answer, until a restart
READY_WITHIN = 90  # seconds
GRACE = 10  # seconds the children have to end in good order
BEHIND = ("baselines", "gpu")  # queues of long work, at low priority
PASSWORD = "HOLDOUT_ADMIN_PASSWORD"  # noqa: S105 - the name of a variable
PASSWORD_FILE = settings.VAR / "admin_password"
PREPARED_FILE = settings.VAR / "prepared"


class CannotStart(Exception):
    """The text says why, and what to do."""


class Stopped(Exception):
    """We were told to stop before everything was up."""


def say(*lines: str) -> None:
    sys.stdout.write("".join(line + "\n" for line in lines))
    sys.stdout.flush()


@contextmanager
def only_one(var: Path, address: str) -> Iterator[None]:
    """Holds the installation's lock; a second start learns who has it."""
    var.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open(var / "up.lock", "a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise CannotStart(
                f"Holdout already runs on {var}: {lock.read().strip() or 'it is just starting'}. "
                "Stop it there, or set HOLDOUT_VAR to another directory."
            ) from None
        lock.truncate(0)
        lock.write(f"process {os.getpid()}, {address}")
        lock.flush()
        try:
            yield
        finally:
            lock.truncate(0)


def listen(host: str, port: int) -> socket.socket:
    """The port, opened here and inherited by every web process."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.getaddrinfo(host, port, family)  # create_server would not say that this failed
        return socket.create_server((host, port), family=family, backlog=2048)
    except (socket.gaierror, UnicodeError):
        raise CannotStart(_not_ours(host, "the name is not known")) from None
    except OSError as error:
        if error.errno == errno.EADDRNOTAVAIL:
            raise CannotStart(_not_ours(host, "it belongs to another machine")) from None
        raise CannotStart(
            f"Port {port} on {host} cannot be used: {os.strerror(error.errno or 0)}. "
            "Another program may have it; choose another one with `make run PORT=8001`."
        ) from None


def _not_ours(host: str, why: str) -> str:
    return (
        f"HOST={host} is no address of this machine: {why}. Use HOST=127.0.0.1 for this machine "
        "alone, HOST=0.0.0.0 for the whole network."
    )


def lan_addresses() -> list[str]:
    """This machine's addresses as other machines see them; nothing is sent to find out."""
    found = set()
    for target in ("8.8.8.8", "10.255.255.255", "172.31.255.255", "192.168.255.255"):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect((target, 9))
            except OSError:
                continue
            found.add(probe.getsockname()[0])
    return sorted(found - {"127.0.0.1", "0.0.0.0"})  # noqa: S104 - left out, not bound


def host_names() -> list[str]:
    """The names under which visitors may ask for the site."""
    if settings.HOST in {"0.0.0.0", "::"}:  # noqa: S104 - the organiser's own choice
        name = socket.gethostname().lower()
        return [*lan_addresses(), name, f"{name}.local"]
    return [] if settings.HOST in settings.ALLOWED_HOSTS else [settings.HOST]


def stamp() -> str:
    """Changes with every migration and every dependency; while it stays, nothing is to migrate."""
    digest = hashlib.sha256((settings.BASE / "requirements" / "site.txt").read_bytes())
    for file in sorted(settings.BASE.glob("*/migrations/*.py")):
        digest.update(file.read_bytes())
    for file in sorted(settings.PACKAGE.glob("*/migrations/*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()


class Supervisor:
    """The children and what is expected of them."""

    def __init__(self, listener: socket.socket) -> None:
        self.stopping = 0
        self.address = "127.0.0.1" if settings.HOST == "0.0.0.0" else settings.HOST  # noqa: S104
        self.begun = time.time()
        self.last_answer = self.next_check = time.monotonic()
        python = [sys.executable, "-m"]
        celery = [*python, "celery", "-q", "-A", "holdout"]
        worker = [*celery, "worker", "--without-gossip", "--without-mingle", "-l", "warning"]
        self.valkey = self._child("valkey")
        self.prepare = self._child("prepare", *python, "holdout.prepare")
        self.prepare.environment = {**self.prepare.environment, PASSWORD: settings.ADMIN_PASSWORD}
        self.web = self._child("web", *python, "holdout.web", "--fd", str(listener.fileno()))
        self.web.pass_fds = (listener.fileno(),)
        self.workers = {
            "score": self._child(
                "worker-score", *worker, "-Q", "score", "-c", "2", "-n", "score@%h"
            ),
            "background": self._child(
                "worker-background", *worker, "-Q", "background", "-c", "1", "-n", "background@%h"
            ),
            "insight": self._child(
                "worker-insight", *worker, "-Q", "insight", "-c", "1", "-n", "insight@%h"
            ),
        }
        self.beat = self._child("beat", *celery, "beat", "-l", "warning", "--pidfile=")
        for queue in BEHIND:
            if queue in settings.QUEUES:
                self.workers[queue] = self._behind(worker, queue)

    def _behind(self, worker: Sequence[str], queue: str) -> Child:
        """Trains baselines, or runs models, behind everything else; when it stops it waits for
        neither."""
        child = self._child(f"worker-{queue}", *worker, "-Q", queue, "-c", "1", "-n", f"{queue}@%h")
        child.environment = {**child.environment, "REMAP_SIGTERM": "SIGQUIT"}
        child.niceness = 10
        return child

    @property
    def url(self) -> str:
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"http://{host}:{settings.PORT}"

    @property
    def services(self) -> list[Child]:
        return [self.web, *self.workers.values(), self.beat]

    def _child(self, name: str, *command: str) -> Child:
        hosts = ",".join([*settings.ALLOWED_HOSTS, *host_names()])
        paths = os.pathsep.join([str(settings.PACKAGE.parent), str(settings.BASE)])
        return Child(
            name,
            command,
            settings.VAR / "log" / f"{name}.log",
            {
                "ALLOWED_HOSTS": hosts,
                "PYTHONPATH": paths,
                "PYTHONUNBUFFERED": "1",
                # Where a machine forbids bytecode files every start would compile Django anew.
                "PYTHONDONTWRITEBYTECODE": "",
                # Every worker has a core; more threads of one would only wait for each other.
                "OPENBLAS_NUM_THREADS": "1",
                "OMP_NUM_THREADS": "1",
                PASSWORD: "",  # for `prepare` alone
            },
        )

    def stop(self, _number: int, _frame: object) -> None:
        """SIGINT, SIGTERM, SIGHUP; the second one does not wait any more."""
        self.stopping += 1
        if self.stopping > 1:
            for child in (*self.services, self.prepare):
                child.signal(signal.SIGKILL)

    def run(self) -> None:
        try:
            self._start()
            while True:
                self._watch()
                self._pause(TICK)
        except Stopped:
            pass
        finally:
            if self.stopping:
                say("", "Stopping …")
            stop_all([*self.services, self.prepare], GRACE)
            stop_all([self.valkey], GRACE)  # last: the workers still had something to say to it

    def _start(self) -> None:
        if settings.EMBEDDED_VALKEY:
            self._start_valkey()
        if self._is_to_prepare():
            self._prepare()
        self.web.start()
        self.workers["score"].start()
        self._wait_until_ready()
        for queue, worker in self.workers.items():
            if queue != "score":
                worker.start()
        self.beat.start()
        self._welcome()

    def _start_valkey(self) -> None:
        embedded.make_room(settings.VAR)
        if embedded.answers(settings.VAR):
            raise CannotStart(
                f"A Valkey of an earlier start still runs on {settings.VAR}. Try again in a moment."
            )
        self.valkey.command = embedded.command(settings.VAR)
        self.valkey.start()
        if not embedded.wait(settings.VAR, 20):
            raise CannotStart(f"Valkey does not start; its reason is in {self.valkey.log}.")
        # Heartbeats of the last run must not pass for this one's.
        embedded.ask(
            settings.VAR, " ".join(["DEL", *(f"holdout:consumed:{q}" for q in self.workers)])
        )

    def _is_to_prepare(self) -> bool:
        """False on an ordinary later start, which so saves seconds."""
        if settings.DATABASE_URL or settings.ADMIN_PASSWORD or not PREPARED_FILE.exists():
            return True
        database = Path(str(settings.DATABASES["default"]["NAME"]))
        return not database.exists() or PREPARED_FILE.read_text() != stamp()

    def _prepare(self) -> None:
        self.prepare.start()
        while self.prepare.running:
            self._pause(0.05)
        if self.prepare.exit_code:
            raise CannotStart(f"The database could not be prepared:\n{tail(self.prepare.log)}")
        PREPARED_FILE.write_text(stamp())

    def _wait_until_ready(self) -> None:
        end = time.monotonic() + READY_WITHIN
        while not self._is_ready():
            for child in (self.web, self.workers["score"]):
                if not child.running:
                    raise CannotStart(f"{child.name} does not start:\n{tail(child.log)}")
            if time.monotonic() > end:
                raise CannotStart(
                    f"The site does not answer within {READY_WITHIN} s: {self._health()}"
                )
            self._pause(0.05)

    def _pause(self, seconds: float) -> None:
        time.sleep(seconds)
        if self.stopping:
            raise Stopped

    def _is_ready(self) -> bool:
        return self._health().get("status") == "ok"

    def _health(self) -> dict[str, Any]:
        connection = http.client.HTTPConnection(self.address, settings.PORT, timeout=3)
        try:
            connection.request("GET", "/healthz")
            health: dict[str, Any] = json.loads(connection.getresponse().read())
        except (OSError, ValueError, http.client.HTTPException):
            return {}
        finally:
            connection.close()
        return health

    def _welcome(self) -> None:
        others = [f"http://{address}:{settings.PORT}" for address in host_names()[:-2]]
        also = f" and, in this network, {', '.join(others)}" if others else ""
        say(f"Holdout is ready at {self.url}{also}")
        say(f"  organiser   {self.url}/admin/   {login(self.begun)}")
        if (code := settings.VAR / "class_code").exists():
            say(f"  class code  {code.read_text()}   typed at {self.url}/join/ (digits)")
        say(f"  data        {settings.VAR}", "  stop        Ctrl-C")

    def _watch(self) -> None:
        valkey = [self.valkey] if settings.EMBEDDED_VALKEY else []
        for child in (*valkey, *self.services):
            if sentence := child.keep_up():
                say(sentence)
        for child in (*valkey, *self.services):
            child.trim_log()
        for child in self.services:
            for line in child.new_lines():
                say(f"{child.name}: {line}")
        if time.monotonic() >= self.next_check:
            self._check()
            self.next_check = time.monotonic() + CHECK_EVERY

    def _check(self) -> None:
        """Restarts what lives and does not work."""
        health, now = self._health(), time.monotonic()
        if health:
            self.last_answer = now
        elif now - max(self.last_answer, self.web.started) > DEAF_AFTER:
            self._replace(self.web, "gives no answer")
        if health.get("valkey") != "ok":
            return
        for queue, worker in self.workers.items():
            silent = health["workers"].get(queue)
            if now - worker.started > DEAF_AFTER and (silent is None or silent > DEAF_AFTER):
                # Beat too: the heartbeats that do not arrive may never have been sent.
                self._replace(self.beat, "may have stopped ringing")
                self._replace(worker, "takes no work")

    def _replace(self, child: Child, why: str) -> None:
        if child.running:
            say(f"{child.name} {why}; it is replaced.")
            child.signal(signal.SIGKILL)


def login(since: float) -> str:
    """The organiser's name, and the password the first time; later only where it lies."""
    if not PASSWORD_FILE.exists():
        return "user host, with the password you chose"
    if PASSWORD_FILE.stat().st_mtime < since:
        return f"user host, password in {PASSWORD_FILE}"
    return f"user host, password {PASSWORD_FILE.read_text().strip()} (kept in {PASSWORD_FILE})"


def tail(log: Path, lines: int = 15) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


def main() -> int:
    os.umask(0o077)  # var holds uploads, solutions and keys
    try:
        with only_one(settings.VAR, f"http://{settings.HOST}:{settings.PORT}"):
            listener = listen(settings.HOST, settings.PORT)
            supervisor = Supervisor(listener)
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, supervisor.stop)
            supervisor.run()
    except (CannotStart, embedded.NoValkey) as error:
        say(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
