"""Takes away from this process what a metric does not need. Linux; elsewhere only the limits.

Read by child.py by its path, so nothing of this package may be imported here. Each measure is tried
and, where the kernel refuses it, left out: `confine` tells which are in force. They overlap on
purpose: containers commonly forbid user namespaces, old kernels have no Landlock.

Sources: prctl(2), namespaces(7), capabilities(7), landlock(7), seccomp(2), seccomp_data in
linux/seccomp.h; numbers of system calls from asm/unistd_64.h and asm-generic/unistd.h.
"""

import ctypes
import errno
import os
import platform
import resource
import signal
import struct
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

_libc = ctypes.CDLL(None, use_errno=True)

_PR_SET_PDEATHSIG, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 1, 22, 38
_CLONE_THREAD, _CLONE_NEWIPC, _CLONE_NEWUSER, _CLONE_NEWNET = 1 << 16, 1 << 27, 1 << 28, 1 << 30
_CAPABILITY_VERSION_3 = 0x20080522
# Threads, in a user namespace, where other processes of the same user do not count. BLAS and polars
# start one per processor; 256 is beyond what most machines have.
_THREADS = 256


def confine(limits: dict[str, int]) -> list[str]:
    """Bind this process for good; return the names of the measures that are in force.

    `limits` has `memory_bytes`, `cpu_seconds`, `file_bytes` and `open_files`. To be called before
    a second thread exists: a namespace and a filter would not bind the others. The process dies
    with the thread that started it.
    """
    measures: dict[str, Callable[[], None]] = {
        "no_new_privileges": lambda: _prctl(_PR_SET_NO_NEW_PRIVS, 1),
        "namespaces": _enter_namespaces,
        "limits": lambda: _limit(limits),
        "no_capabilities": _drop_capabilities,
        "files": _bind_files,
        # the kernel forgets this one when credentials change, so it comes after those that do
        "dies_with_parent": lambda: _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL),
        "system_calls": _filter_system_calls,
    }
    return [name for name, measure in measures.items() if _done(measure)]


def _done(measure: Callable[[], None]) -> bool:
    try:
        measure()
    except (OSError, AttributeError, KeyError):
        # refused by the kernel; a function that this libc does not have; an unknown machine
        return False
    return True


def _checked(result: int) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def _prctl(option: int, *values: int) -> None:
    padded = (*values, 0, 0, 0)[:4]
    _checked(_libc.prctl(option, *(ctypes.c_ulong(value) for value in padded)))


# --- Namespaces: no network but a loopback that is down, no signals' or IPC's way out


def _enter_namespaces() -> None:
    user, group = os.getuid(), os.getgid()
    _checked(_libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET | _CLONE_NEWIPC))
    # without a map no file could be made: its owner would have no number
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
    Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    _lower(resource.RLIMIT_NPROC, _THREADS)


def _limit(limits: dict[str, int]) -> None:
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_NOFILE, limits["open_files"])
    _lower(resource.RLIMIT_FSIZE, limits["file_bytes"])
    # SIGXCPU can be ignored, the hard limit's SIGKILL a second later cannot
    _lower(resource.RLIMIT_CPU, limits["cpu_seconds"], spare=1)
    _lower(resource.RLIMIT_AS, limits["memory_bytes"])


def _lower(kind: int, value: int, spare: int = 0) -> None:
    hard = resource.getrlimit(kind)[1]
    if hard == resource.RLIM_INFINITY or hard > value + spare:
        hard = value + spare
    resource.setrlimit(kind, (min(value, hard), hard))


def _drop_capabilities() -> None:
    # also root's, and those that a new user namespace gave
    header = struct.pack("Ii", _CAPABILITY_VERSION_3, 0)
    _checked(_libc.capset(header, bytes(24)))


# --- Landlock: files


_LANDLOCK_CREATE_RULESET, _LANDLOCK_ADD_RULE, _LANDLOCK_RESTRICT_SELF = 444, 445, 446  # everywhere
_LANDLOCK_CREATE_RULESET_VERSION = 1
_LANDLOCK_RULE_PATH_BENEATH = 1
_READ_FILE, _READ_DIR, _WRITE_FILE = 1 << 2, 1 << 3, 1 << 1
_EXECUTE, _REMOVE_DIR, _REMOVE_FILE, _MAKE_DIR, _MAKE_REG = 1 << 0, 1 << 4, 1 << 5, 1 << 7, 1 << 8
_TRUNCATE = 1 << 14
# by version of the interface: the rights of the first, linking across folders, truncating
_HANDLED = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1}
_OWN_FOLDER = (
    _READ_FILE | _READ_DIR | _WRITE_FILE | _REMOVE_DIR | _REMOVE_FILE | _MAKE_DIR | _MAKE_REG
) | _TRUNCATE
# Python and installed packages, shared libraries, time zones, and what BLAS asks of the processor:
# neither the site's own folders nor /proc, where other processes show their environment.
_READABLE = (
    *(
        str(Path(home, folder))
        for home in (sys.prefix, sys.base_prefix)
        for folder in ("lib", "lib64")
    ),
    *("/usr/lib", "/usr/lib64", "/usr/local/lib", "/lib", "/lib64", "/usr/share/zoneinfo"),
    *("/etc/ld.so.cache", "/etc/localtime", "/dev/urandom"),
    *("/proc/cpuinfo", "/proc/meminfo", "/sys/devices/system/cpu"),
)


def _bind_files() -> None:
    version = _checked(
        _libc.syscall(_LANDLOCK_CREATE_RULESET, None, 0, _LANDLOCK_CREATE_RULESET_VERSION)
    )
    handled = _HANDLED[min(version, max(_HANDLED))]
    ruleset = _checked(
        _libc.syscall(_LANDLOCK_CREATE_RULESET, struct.pack("Q", handled), ctypes.c_size_t(8), 0)
    )
    for path in _READABLE:
        if os.path.exists(path):
            _allow(ruleset, path, handled & (_READ_FILE | _READ_DIR | _EXECUTE))
    _allow(ruleset, "/dev/null", handled & (_READ_FILE | _WRITE_FILE))
    _allow(ruleset, ".", handled & _OWN_FOLDER)
    _checked(_libc.syscall(_LANDLOCK_RESTRICT_SELF, ruleset, 0))
    os.close(ruleset)


def _allow(ruleset: int, path: str, rights: int) -> None:
    if not os.path.isdir(path):
        rights &= _READ_FILE | _WRITE_FILE | _EXECUTE
    place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    rule = struct.pack("=Qi", rights, place)
    try:
        _checked(_libc.syscall(_LANDLOCK_ADD_RULE, ruleset, _LANDLOCK_RULE_PATH_BENEATH, rule, 0))
    finally:
        os.close(place)


# --- seccomp: one process without sockets, which reaches no other

_X86_64, _AARCH64 = 0, 1  # columns of the table
_MACHINES = {"x86_64": (_X86_64, 0xC000003E), "aarch64": (_AARCH64, 0xC00000B7)}
# Limits hold for each process and a killed group leaves out who left it: so there is one process.
_PROCESSES = ((57, None), (58, None), (59, 221), (322, 281))  # fork, vfork, execve, execveat
# socket, io_uring_setup (which opens sockets too), shmget, msgget, semget, mq_open
_CHANNELS = ((41, 198), (425, 425), (29, 194), (68, 186), (64, 190), (240, 180))
_OTHER_PROCESSES = (
    *((101, 117), (310, 270), (311, 271)),  # ptrace, process_vm_readv, process_vm_writev
    *((434, 434), (438, 438), (424, 424)),  # pidfd_open, pidfd_getfd, pidfd_send_signal
    *((200, 130), (129, 138), (297, 240)),  # tkill, rt_sigqueueinfo, rt_tgsigqueueinfo
    *((141, 140), (203, 122), (144, 119)),  # setpriority, sched_setaffinity, sched_setscheduler
    *((314, 274), (251, 30), (312, 272)),  # sched_setattr, ioprio_set, kcmp
    *((256, 238), (279, 239), (440, 440)),  # migrate_pages, move_pages, process_madvise
)
_KERNEL = (
    *((272, 97), (308, 268), (161, 51), (155, 41)),  # unshare, setns, chroot, pivot_root
    *((165, 40), (166, 39), (428, 428), (429, 429)),  # mount, umount2, open_tree, move_mount
    *((430, 430), (304, 265), (321, 280), (298, 241)),  # fsopen, open_by_handle_at, bpf, perf_event
    *((323, 282), (250, 219), (248, 217), (249, 218)),  # userfaultfd, keyctl, add_key, request_key
)
# Landlock knows no right to modes, owners, times and attributes, and the site has the same user.
_FILES_OF_OTHERS = (
    *((90, None), (91, 52), (268, 53), (452, 452)),  # chmod, fchmod, fchmodat, fchmodat2
    *((92, None), (94, None), (93, 55), (260, 54)),  # chown, lchown, fchown, fchownat
    *((132, None), (235, None), (261, None), (280, 88)),  # utime, utimes, futimesat, utimensat
    *((188, 5), (189, 6), (190, 7), (463, 463)),  # setxattr, lsetxattr, fsetxattr, setxattrat
    *((197, 14), (198, 15), (199, 16), (466, 466)),  # removexattr and its kind
)
_DENIED = (*_PROCESSES, *_CHANNELS, *_OTHER_PROCESSES, *_FILES_OF_OTHERS, *_KERNEL)
_CLONE, _CLONE3, _KILL, _TGKILL, _PRLIMIT64 = (
    (56, 220),
    (435, 435),
    (62, 129),
    (234, 131),
    (302, 261),
)

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER_AT, _MACHINE_AT, _FIRST_ARGUMENT_AT = 0, 4, 16
_ALLOW, _DENY, _END_PROCESS = 0x7FFF0000, 0x00050000, 0x80000000
_X32 = 0x40000000  # x86_64's second set of numbers, which the table does not know


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def _filter_system_calls() -> None:
    machine, identity = _MACHINES[platform.machine()]
    program = b"".join(_program(machine, identity))
    header = _Program(len(program) // 8, program)
    _prctl(_PR_SET_SECCOMP, 2, ctypes.addressof(header))


def _program(machine: int, identity: int) -> Iterator[bytes]:
    yield _step(_LOAD, _MACHINE_AT)
    yield _step(_EQUAL, identity, 1, 0)
    yield _step(_RETURN, _END_PROCESS)
    yield _step(_LOAD, _NUMBER_AT)
    yield _step(_AT_LEAST, _X32, 0, 1)
    yield _step(_RETURN, _END_PROCESS)
    for numbers in _DENIED:
        if (number := numbers[machine]) is not None:
            yield _step(_EQUAL, number, 0, 1)
            yield _step(_RETURN, _DENY | errno.EPERM)
    # the C library asks for clone3 first; told that there is none it takes clone, whose flags the
    # filter can read
    yield _step(_EQUAL, _CLONE3[machine], 0, 1)
    yield _step(_RETURN, _DENY | errno.ENOSYS)
    yield from _only(_CLONE[machine], _ANY_BIT, _CLONE_THREAD)
    yield from _only(_KILL[machine], _EQUAL, os.getpid())
    yield from _only(_TGKILL[machine], _EQUAL, os.getpid())
    yield from _only(_PRLIMIT64[machine], _EQUAL, 0)
    yield _step(_RETURN, _ALLOW)


def _only(number: int, test: int, value: int) -> Iterator[bytes]:
    """The call `number` is allowed if its first argument passes the test."""
    yield _step(_EQUAL, number, 0, 4)
    yield _step(_LOAD, _FIRST_ARGUMENT_AT)
    yield _step(test, value, 0, 1)
    yield _step(_RETURN, _ALLOW)
    yield _step(_RETURN, _DENY | errno.EPERM)


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("HBBI", code, if_true, if_false, value)
