"""The warm process from outside: started with as little as possible, asked for a job, ended.

It gets an environment from a list and one open descriptor, its end of a channel, and starts apart
from everything where the kernel allows it.
"""

import importlib.util
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from scoring.errors import ScoringError
from scoring.sandbox import protocol
from scoring.sandbox.capabilities import Host
from scoring.sandbox.cgroups import ControlGroup
from scoring.sandbox.confinement import Limits
from scoring.sandbox.contract import Format
from scoring.sandbox.dialogue import Dialogue, Late, Nonsense, Over, WarmProcessLost

_START_SECONDS = 300.0  # on a busy machine torch alone takes half a minute
_ENVIRONMENT = {
    "LANG": "C.UTF-8",
    "TZ": "UTC",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONHASHSEED": "0",
    # NumPy's own threads would start with it, and a warm process has one
    "OPENBLAS_NUM_THREADS": "1",
    # each arena takes addresses, which are limited
    "MALLOC_ARENA_MAX": "4",
    # onnxruntime would start a thread and a database in the home folder at import
    "ORT_DISABLE_TELEMETRY": "1",
    # torch asks for this folder at import and would make one; it never needs it
    "TORCHINDUCTOR_CACHE_DIR": "/",
    "CUDA_MODULE_LOADING": "LAZY",
    "CUDA_CACHE_DISABLE": "1",
}
_HANDED_ON = ("CUDA_VISIBLE_DEVICES", "LD_LIBRARY_PATH")


class SandboxUnavailable(ScoringError):
    """The warm process does not start on this machine; the sentence says why."""


@dataclass(frozen=True)
class Options:
    """As in ForkServer.start."""

    container: bool
    trusted: bool
    gpu: bool
    namespaces: bool
    bare: bool


class WarmProcess:
    """Running from the constructor to `close`. `host` says what it found out of this machine."""

    def __init__(self, options: Options) -> None:
        """Raises SandboxUnavailable."""
        self._options = options
        self._group = ControlGroup.make()
        # apart from everything where the kernel allows it, else without namespaces
        ready = self._attempt("--apart") if options.namespaces else None
        ready = ready or self._attempt()
        if ready is None:
            self._remove_group()
            raise SandboxUnavailable(
                "The process that runs models does not start. Run `python -m scoring.sandbox.warm "
                "0` in a terminal to see what is wrong."
            )
        self.host = Host(
            measures=frozenset(ready["measures"]) | self._measures(),
            formats=frozenset(map(Format, ready["formats"])),
            missing=ready["missing"],
            gpu=options.gpu,
            container=options.container,
            trusted=options.trusted,
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    def limit_memory(self, more: int) -> None:
        """Bytes that a job may take, as the kernel counts them, where there is a control group."""
        if self._group is not None:
            self._group.limit(more)

    def close(self) -> None:
        """End it, and with it whatever runs."""
        self.channel.close()  # it sees the end of its channel and ends its job and itself
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._remove_group()

    def _attempt(self, *flags: str) -> dict[str, Any] | None:
        """What it says when it is ready; None where it ends instead."""
        flags += tuple(f"--{name}" for name in ("gpu", "bare") if getattr(self._options, name))
        self.channel, theirs = socket.socketpair()
        with theirs:
            end = theirs.fileno()
            self._process = subprocess.Popen(  # noqa: S603 - our interpreter and our program
                (sys.executable, "-s", "-P", "-m", "scoring.sandbox.warm", str(end), *flags),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(end,),
                cwd="/",
                env=_environment(),
                start_new_session=True,
            )
        if self._group is not None and not self._group.add(self._process.pid):
            self._remove_group()
        self.channel.settimeout(_START_SECONDS)
        try:
            ready, _ = protocol.receive(self.channel)
        except (OSError, ValueError):
            ready = None
        self.channel.settimeout(None)
        if isinstance(ready, dict):
            return ready
        self.channel.close()
        self._process.kill()
        self._process.wait()
        return None

    def _measures(self) -> set[str]:
        """Those that only a job takes, from one that is forked for nothing else; and the group."""
        found = {"control_group"} if self._group is not None else set()
        talk = Dialogue(self.channel, time.monotonic() + 30, None)
        try:
            talk.begin(asdict(Limits(1 << 30, 1 << 20, 60, self._options.gpu)))
            found |= set(talk.line()["measures"])
            talk.end()
        except (Over, Late, Nonsense, WarmProcessLost, KeyError):
            pass  # what nobody says is in force is not
        finally:
            talk.close()
        return found

    def _remove_group(self) -> None:
        if self._group is not None:
            self._group.close()
        self._group = None


def _environment() -> Mapping[str, str]:
    """Nothing of this process's own but where our code lies and which GPU is meant."""
    handed = {name: os.environ[name] for name in _HANDED_ON if name in os.environ}
    specs = [importlib.util.find_spec(name) for name in ("scoring", "baselines")]
    places = {Path(spec.origin).parents[1] for spec in specs if spec and spec.origin}
    return _ENVIRONMENT | handed | {"PYTHONPATH": os.pathsep.join(map(str, places))}
