"""Child processes: started in a group of their own, watched, restarted, ended without orphans."""

import contextlib
import ctypes
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

_PAUSES = (0.5, 1, 2, 5, 10, 30)  # seconds before the 1st, 2nd, … restart in a row
_CALM = 60  # seconds after which a process counts as healthy again
LOG_LIMIT = 20 << 20
_AT_ONCE = 1 << 20
_NOTEWORTHY = re.compile(r"\[(warning|error|critical) *\]|\"level\": \"(warning|error|critical)\"")
_PR_SET_PDEATHSIG = 1
# Loaded before any fork: between fork and exec nothing may be imported or allocated needlessly.
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def end_with_parent(niceness: int = 0) -> None:
    """Between fork and exec: the kernel ends this child should its parent be killed outright."""
    os.nice(niceness)
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


@dataclass
class Child:
    """One child process and the place where its output goes."""

    name: str
    command: Sequence[str]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    pass_fds: tuple[int, ...] = ()
    niceness: int = 0
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    failures: int = 0
    due: float = 0.0
    _read: int = 0

    def start(self) -> None:
        self.log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.trim_log()
        self._read = self.log.stat().st_size if self.log.exists() else 0
        with open(self.log, "ab") as output:
            self.process = subprocess.Popen(  # noqa: S603 - our own command lines
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**os.environ, **self.environment},
                pass_fds=self.pass_fds,
                start_new_session=True,  # a group of its own: Ctrl-C reaches the supervisor alone
                preexec_fn=partial(end_with_parent, self.niceness),
            )
        self.started = time.monotonic()

    def trim_log(self) -> None:
        """Sets a long log aside. The process goes on writing, at the beginning of an empty one."""
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT:
            shutil.copyfile(self.log, self.log.with_suffix(".log.1"))
            os.truncate(self.log, 0)  # it is open for appending: not renamed, or it would move
            self._read = 0

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def exit_code(self) -> int | None:
        return None if self.process is None else self.process.poll()

    def keep_up(self) -> str:
        """Restarts a process that ended, after a pause that grows; returns a sentence to print."""
        if self.process is None or self.running:
            return ""
        now = time.monotonic()
        if not self.due:
            self.failures = 0 if now - self.started > _CALM else self.failures
            pause = _PAUSES[min(self.failures, len(_PAUSES) - 1)]
            self.failures, self.due = self.failures + 1, now + pause
            self.signal(signal.SIGKILL)  # what it may have left behind in its group
            return f"{self.name} ended ({self._how()}); it starts again in {pause:g} s."
        if now >= self.due:
            self.due = 0.0
            self.start()
        return ""

    def signal(self, number: int) -> None:
        """To the whole group: a worker's own children hear it too."""
        if self.process is None:
            return
        # Nothing to do where the group is empty.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, number)

    def new_lines(self) -> Iterator[str]:
        """Warnings and worse that the log gained since the last call."""
        if not self.log.exists():
            return
        with open(self.log, "rb") as stream:
            stream.seek(self._read)
            text = stream.read(_AT_ONCE)
        complete = text.rfind(b"\n") + 1
        if len(text) == _AT_ONCE and not complete:
            complete = len(text)  # no line is as long; the rest of it is passed over alike
        self._read += complete
        for line in text[:complete].decode(errors="replace").splitlines():
            if _NOTEWORTHY.search(line):
                yield line

    def _how(self) -> str:
        code = self.exit_code or 0
        return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def stop_all(children: Sequence[Child], grace: float) -> None:
    """SIGTERM to every main process, SIGKILL to whatever is left of every group after the grace."""
    for child in children:
        if child.process is not None and child.running:
            # Only the main process: it knows how to end its own children in good order.
            child.process.terminate()
    end = time.monotonic() + grace
    while any(child.running for child in children) and time.monotonic() < end:
        time.sleep(0.02)
    for child in children:
        child.signal(signal.SIGKILL)
    for child in children:
        if child.process is not None:
            child.process.wait()
