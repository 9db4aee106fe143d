"""A control group around the warm process and its jobs: memory as the kernel counts it.

The limits of a single process (confinement.py) hold without it. It adds what they do not see,
shared memory above all, and is the better of the two where a GPU is used and addresses cannot be
counted.
Whether one can be made depends on who gave this process its own: in version 2 the group above must
hand on the memory controller and be writable (systemd: Delegate=yes with DelegateSubgroup=worker).
Sources: cgroups(7), "Control Group v2" and "Memory Resource Controller" of the kernel.
"""

import os
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_NAME = "holdout-models-"  # and the process id of its maker, and a number
_PROCESSES = 4096  # and threads: of a GPU's driver there may be hundreds
_PATIENCE = 2.0  # seconds until the kernel has buried the last process


@dataclass(frozen=True)
class _Files:
    limit: str
    used: str


_VERSION_1 = _Files("memory.limit_in_bytes", "memory.usage_in_bytes")
_VERSION_2 = _Files("memory.max", "memory.current")


class ControlGroup:
    """Made by `make`; empty until a process is put into it."""

    def __init__(self, folder: Path, files: _Files) -> None:
        self._folder, self._files = folder, files

    @classmethod
    def make(cls, own: Path = Path("/proc/self/cgroup")) -> "ControlGroup | None":
        """None where this process may not make one. Also removes those of processes that died."""
        for parent, files in _places(own):
            _remove_forgotten(parent)
            folder = parent / f"{_NAME}{os.getpid()}-{time.monotonic_ns()}"
            try:
                folder.mkdir()
            except OSError:
                continue
            group = cls(folder, files)
            if group._works():
                return group
            group.close()
        return None

    def add(self, process: int) -> bool:
        """Whether the process is in it now, with all that it will fork."""
        return _written(self._folder / "cgroup.procs", process)

    def limit(self, more: int) -> None:
        """Let those in it take `more` bytes than they have now."""
        used = int((self._folder / self._files.used).read_text())
        _written(self._folder / self._files.limit, used + more)

    def close(self) -> None:
        """Its processes must have ended, or be about to."""
        until = time.monotonic() + _PATIENCE
        while True:
            try:
                self._folder.rmdir()
            except FileNotFoundError:
                return
            except OSError:
                if time.monotonic() > until:
                    return
                time.sleep(0.01)
            else:
                return

    def _works(self) -> bool:
        _written(self._folder / "pids.max", _PROCESSES)  # not there in version 1: another tree
        _written(self._folder / "memory.swap.max", 0)
        return all(
            os.access(self._folder / file, os.W_OK) for file in (self._files.limit, "cgroup.procs")
        )


def _remove_forgotten(parent: Path) -> None:
    """Groups whose maker was killed; the kernel keeps those that still have a process."""
    for folder in parent.glob(f"{_NAME}*"):
        maker = folder.name.removeprefix(_NAME).partition("-")[0]
        if not Path("/proc", maker).exists():
            with suppress(OSError):
                folder.rmdir()


def _places(own: Path) -> list[tuple[Path, _Files]]:
    """Where a group with a limit of memory may be made, from this process's own."""
    try:
        lines = [line.split(":", 2) for line in own.read_text().splitlines()]
    except OSError:
        return []
    found = []
    root = Path("/sys/fs/cgroup")
    for _, controllers, path in lines:
        if "memory" in controllers.split(","):
            found.append((root / "memory" / path.lstrip("/"), _VERSION_1))
        elif not controllers:  # a group with processes hands no controller on: so beside it
            found.append(((root / path.lstrip("/")).parent, _VERSION_2))
    return [(folder, files) for folder, files in found if folder.is_relative_to(root)]


def _written(file: Path, value: int) -> bool:
    try:
        # not write_text(), which would make a file where there is none
        descriptor = os.open(file, os.O_WRONLY)
        try:
            os.write(descriptor, str(value).encode())
        finally:
            os.close(descriptor)
    except OSError:
        return False
    return True
