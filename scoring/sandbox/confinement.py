"""Takes away from the warm process, and more from a job, what running a model does not need.

`settle` binds the warm process and so every job after it; `confine` binds the job, before it has
anything of a team's. Each returns the names of the measures that are in force: what the kernel
refuses is left out, and the server decides what may run without it (capabilities.py).

Not shared with scoring/custom/confinement.py: that one is read by its path into a process that has
this package nowhere, and forbids single calls to a program (pandas, a metric) of which nobody knows
what it will ask for. Here it is known, so here everything else is forbidden.
"""

import importlib.util
import os
import resource
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from scoring.sandbox import kernel, landlock, system_calls

NOBODY = 65534  # the overflow user, who owns nothing
_OPEN_FILES = {False: 64, True: 1024}  # with a GPU the driver opens many
_TASKS = 1024  # processes and threads of the sandbox's user: libraries start some for each core
_FIRST_VICTIM = "800"  # when the machine runs out of memory: before the site's own processes
_DRIVER = 4 << 30  # bytes that CUDA takes of the machine's memory for itself
# bytes of addresses: libraries that are loaded late, and what malloc keeps for threads
_RESERVED = 1 << 30
_POLITE = 10  # where site and models share the processor's cores, pages come first


@dataclass(frozen=True)
class Limits:
    """What one job may use, beyond what the warm process has taken already.

    `mapped_bytes` are those of the files it works on, which are no memory of its own. `gpu` opens
    the way to the driver.
    """

    memory_bytes: int
    mapped_bytes: int
    cpu_seconds: int
    gpu: bool = False


def readable(*, gpu: bool) -> list[Path]:
    """Python, installed packages, our own code, and what libraries ask of processor and driver."""
    prefixes = (sys.prefix, sys.base_prefix)
    paths = [f"{prefix}/{folder}" for prefix in prefixes for folder in ("lib", "lib64")]
    paths += ["/usr/lib", "/usr/lib64", "/usr/local/lib", "/lib", "/lib64"]
    paths += ["/etc/ld.so.cache", "/proc/cpuinfo", "/proc/meminfo", "/sys/devices/system/cpu"]
    if gpu:
        # cuInit fails without sysfs; which pages of /proc the driver reads differs by version
        paths += ["/sys", "/proc/driver/nvidia", "/proc/self", "/proc/devices", "/usr/local/cuda"]
    return [*map(Path, paths), *_packages()]


def devices(*, gpu: bool) -> list[Path]:
    paths = [Path("/dev/null"), Path("/dev/urandom")]
    if gpu:
        paths += [*Path("/dev").glob("nvidia*"), Path("/dev/nvidia-caps")]
    return paths


def _packages() -> list[Path]:
    """The folders of our own code; never the checkout, in which the site's data may lie."""
    specs = [importlib.util.find_spec(name) for name in ("scoring", "baselines")]
    return [Path(spec.origin).parent for spec in specs if spec and spec.origin]


# --- The warm process ----------------------------------------------------------------------------


def settle() -> list[str]:
    """Give up rank and rights, for good, and come first when memory runs out."""
    os.nice(_POLITE)
    _attempt(lambda: Path("/proc/self/oom_score_adj").write_text(_FIRST_VICTIM))
    measures: dict[str, Callable[[], object]] = {
        "no_new_privileges": lambda: kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1),
        "own_user": _become_nobody,
        "no_capabilities": kernel.drop_capabilities,
        # nobody of the same user may look into its memory, not even a job
        "not_traceable": lambda: kernel.prctl(kernel.PR_SET_DUMPABLE, 0),
        # whom a job leaves behind becomes this one's child, and is found
        "inherits_orphans": lambda: kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1),
    }
    return _taken(measures)


def _become_nobody() -> None:
    """Only root can; others stay who they are, which is then no measure."""
    if os.geteuid() != 0:
        raise PermissionError
    kernel.drop_bounding_set()
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)


# --- A job ---------------------------------------------------------------------------------------


def confine(limits: Limits, parent: int) -> list[str]:
    """Bind this process for good. To be called before it has a second thread.

    `parent` is the process id of the one that forked it and whose end it must not outlive.
    """
    measures: dict[str, Callable[[], object]] = {
        "limits": lambda: _limit(limits),
        "files": lambda: landlock.restrict(readable(gpu=limits.gpu), devices(gpu=limits.gpu)),
        "dies_with_parent": lambda: _die_with(parent),
        "system_calls": lambda: system_calls.restrict(gpu=limits.gpu),
    }
    return _taken(measures)


def _die_with(parent: int) -> None:
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before the kernel was asked
        os._exit(1)


def _limit(limits: Limits) -> None:
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_NOFILE, _OPEN_FILES[limits.gpu])
    if _has_own_user():
        _lower(resource.RLIMIT_NPROC, _TASKS + 4 * (os.cpu_count() or 1))
    # It writes into a mapping of a file that has its size already, and to pipes: neither counts.
    _lower(resource.RLIMIT_FSIZE, 0)
    # SIGXCPU can be ignored, the hard limit's SIGKILL a second later cannot
    _lower(resource.RLIMIT_CPU, limits.cpu_seconds, spare=1)
    used = _used()
    spare = _DRIVER if limits.gpu else 0
    # private memory that can be written to: what an allocator gets
    _lower(resource.RLIMIT_DATA, used["VmData"] + limits.memory_bytes + spare)
    if not limits.gpu:  # CUDA reserves addresses by the hundred gigabytes
        # shared memory as well, which is no data
        most = limits.memory_bytes + limits.mapped_bytes + _RESERVED
        _lower(resource.RLIMIT_AS, used["VmSize"] + most)


def _has_own_user() -> bool:
    """Whether the kernel counts this user's processes apart from the site's (setrlimit(2))."""
    mapped = Path("/proc/self/uid_map").read_text().split()
    return os.getuid() == NOBODY or mapped != ["0", "0", str(2**32 - 1)]


def _used() -> Mapping[str, int]:
    """Bytes, of what the libraries took before the job began, by the names of proc(5)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    fields = (line.split() for line in lines if line.startswith("Vm"))
    return {name.rstrip(":"): int(kib) << 10 for name, kib, _ in fields}


def _lower(kind: int, value: int, spare: int = 0) -> None:
    hard = resource.getrlimit(kind)[1]
    if hard == resource.RLIM_INFINITY or hard > value + spare:
        hard = value + spare
    resource.setrlimit(kind, (min(value, hard), hard))


def _taken(measures: Mapping[str, Callable[[], object]]) -> list[str]:
    """The names of those that worked. Elsewhere than on Linux their numbers mean other calls."""
    if sys.platform != "linux":
        return []
    return [name for name, measure in measures.items() if _attempt(measure)]


def _attempt(measure: Callable[[], object]) -> bool:
    try:
        measure()
    except (OSError, AttributeError, KeyError, ValueError):
        # refused by the kernel; a function that this system does not have; an unknown machine
        return False
    return True
