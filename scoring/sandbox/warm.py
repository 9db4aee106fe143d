"""The warm process: imports the libraries once, then forks a locked job for each request.

    python -s -P -m scoring.sandbox.warm DESCRIPTOR [--apart] [--gpu] [--bare]

DESCRIPTOR is its end of the channel to the server, and all it is given. `--apart` puts it into
namespaces of its own, with the GPU's devices in them where `--gpu` stands; `--bare` imports no
library, to find out what the host provides. It never works with more than one thread or with CUDA:
neither survives a fork.
"""

import contextlib
import gc
import importlib
import importlib.util
import os
import select
import signal
import socket
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NoReturn

from scoring.sandbox import confinement, kernel, namespaces, protocol
from scoring.sandbox.contract import Format
from scoring.sandbox.inside import child

_LOADERS = ("onnx_models", "torch_models")  # of scoring.sandbox.inside
_NOWHERE = "/nowhere"  # torch asks where temporary files go, and fails if there is no place
# Statuses by which the server knows what went wrong before there was a channel to say it on.
NO_NAMESPACES, NOT_ALONE = 70, 71


def main(arguments: list[str]) -> None:
    """Ends when the server's end of the channel is closed; nothing it forked outlives it."""
    channel = socket.socket(fileno=int(arguments[0]))
    os.umask(0o022)  # the site's own would shut the folders of its small world to its own user
    gpu = "--gpu" in arguments
    measures = []
    if "--apart" in arguments:
        _go_apart(channel, gpu)
        measures.append("namespaces")
    loaders, missing = _look_for_libraries() if "--bare" in arguments else _import_libraries()
    measures += confinement.settle()
    if "namespaces" in measures:  # the other half of this program; forgotten when users change
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    if _threads() > 1:  # a fork would take locks along that nobody opens
        sys.exit(NOT_ALONE)
    gc.collect()
    gc.freeze()  # or a job's first collection would copy every page of the libraries
    protocol.send(
        channel,
        {"measures": measures, "formats": list(loaders), "missing": missing},
    )
    _Nursery(channel, loaders, apart="--apart" in arguments).serve()


def _go_apart(channel: socket.socket, gpu: bool) -> None:
    """The caller goes on as the first process of a namespace; who it was waits for its end."""
    try:
        namespaces.enter()
    except OSError:
        sys.exit(NO_NAMESPACES)
    if inside := os.fork():
        channel.close()
        _, status = os.waitpid(inside, 0)
        os._exit(os.waitstatus_to_exitcode(status) & 0xFF)
    try:
        namespaces.furnish(confinement.readable(gpu=gpu), confinement.devices(gpu=gpu))
    except OSError:
        os._exit(NO_NAMESPACES)


def _import_libraries() -> tuple[dict[Format, Any], dict[str, str]]:
    """By format the function that loads it, and what is not installed."""
    tempfile.tempdir = _NOWHERE
    loaders: dict[Format, Any] = {}
    missing: dict[str, str] = {}
    for name in _LOADERS:
        try:
            module = importlib.import_module(f"scoring.sandbox.inside.{name}")
        except ImportError as error:
            missing[name] = str(error)
        else:
            module.rehearse()
            loaders |= dict.fromkeys(module.FORMATS, module.load)
    return loaders, missing


def _look_for_libraries() -> tuple[dict[Format, Any], dict[str, str]]:
    """The same without an import, and so without functions."""
    needed = {Format.ONNX: ("onnxruntime",)} | dict.fromkeys(
        (Format.SAFETENSORS, Format.PT2, Format.TORCHSCRIPT),
        ("torch", "torchvision", "safetensors"),
    )
    absent = {
        name: "it is not installed"
        for names in needed.values()
        for name in names
        if importlib.util.find_spec(name) is None
    }
    return {kind: None for kind, names in needed.items() if not absent.keys() & names}, absent


def _threads() -> int:
    tasks = Path("/proc/self/task")
    return len(list(tasks.iterdir())) if tasks.exists() else 1


class _Nursery:
    """Forks jobs, one at a time, and leaves nothing of them behind."""

    def __init__(
        self, channel: socket.socket, loaders: Mapping[Format, Any], *, apart: bool
    ) -> None:
        self._channel, self._loaders, self._apart = channel, loaders, apart
        self._ended, self._wake = os.pipe()
        for end in (self._ended, self._wake):
            os.set_blocking(end, False)

    def serve(self) -> None:
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)
        while True:
            message, descriptors = protocol.receive(self._channel)
            if message is None:
                return
            if "job" in message:  # to stop one that has ended is asked for in vain
                status = self._run(message["job"], message["limits"], descriptors)
                protocol.send(self._channel, {"job": message["job"], "ended": status})

    def _run(self, number: int, limits: Mapping[str, Any], descriptors: list[int]) -> int:
        """The exit status of the job's process, negative for a signal."""
        warm = os.getpid()
        job = os.fork()
        if job == 0:
            self._become_job(confinement.Limits(**limits), descriptors, warm)
        for descriptor in descriptors:
            os.close(descriptor)
        status = self._watch(job, number)
        self._sweep(job)
        return os.waitstatus_to_exitcode(status)

    def _become_job(
        self, limits: confinement.Limits, descriptors: list[int], warm: int
    ) -> NoReturn:
        status = 1
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.setpgid(0, 0)
            talk, records = descriptors
            for descriptor in (self._channel.detach(), self._ended, self._wake):
                os.close(descriptor)
            child.work(socket.socket(fileno=talk), records, limits, warm, self._loaders)
            status = 0
        finally:
            os._exit(status)  # what a model left registered or running has no say any more

    def _watch(self, job: int, number: int) -> int:
        """Wait for its end, and bring it about when the server says so or is gone."""
        channel = self._channel.fileno()
        while True:
            ready, _, _ = select.select([channel, self._ended], [], [])
            if self._ended in ready:
                os.read(self._ended, 512)
                found, status = os.waitpid(job, os.WNOHANG)
                if found:
                    return status
            if channel in ready:
                message, _ = protocol.receive(self._channel)
                if message is None:
                    self._sweep(job)
                    os._exit(0)
                if message.get("stop") == number:
                    os.kill(job, signal.SIGKILL)

    def _sweep(self, job: int) -> None:
        """End whom a job may have left behind, should it ever have been able to fork."""
        while True:
            if self._apart:
                _kill(-1)  # everybody in this namespace but its first process, which this is
            else:
                _kill(-job)
                for orphan in _children():
                    _kill(orphan)
            try:
                os.waitpid(-1, 0)
            except ChildProcessError:
                return


def _children() -> Iterable[int]:
    listed = Path(f"/proc/self/task/{os.getpid()}/children")
    return map(int, listed.read_text().split()) if listed.exists() else ()


def _kill(process: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):  # nobody there, or only itself
        os.kill(process, signal.SIGKILL)


if __name__ == "__main__":
    main(sys.argv[1:])
