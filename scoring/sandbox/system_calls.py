"""Which system calls a process may still make: an allow-list, as a program of seccomp(2).

What is not on the list fails with EPERM, so that a library that merely asks can go on. Numbers are
those of asm/unistd_64.h and asm-generic/unistd.h; the layout is seccomp_data's in linux/seccomp.h.
"""

import ctypes
import errno
import os
import platform
import struct
from collections.abc import Iterator

from scoring.sandbox import kernel

_X86_64, _AARCH64 = 0, 1  # columns of the tables
_MACHINES = {"x86_64": (_X86_64, 0xC000003E), "aarch64": (_AARCH64, 0xC00000B7)}
_X32 = 0x40000000  # x86_64's second set of numbers, which the tables do not know

Numbers = tuple[int | None, int | None]

_MEMORY: dict[str, Numbers] = {
    "mmap": (9, 222), "munmap": (11, 215), "mprotect": (10, 226), "mremap": (25, 216),
    "madvise": (28, 233), "brk": (12, 214), "mincore": (27, 232), "msync": (26, 227),
    "membarrier": (324, 283), "get_mempolicy": (239, 236),
}  # fmt: skip
_THREADS: dict[str, Numbers] = {
    "futex": (202, 98), "sched_yield": (24, 124), "set_robust_list": (273, 99),
    "get_robust_list": (274, 100), "rseq": (334, 293), "set_tid_address": (218, 96),
    "arch_prctl": (158, None), "sched_getaffinity": (204, 123), "sched_getparam": (143, 121),
    "sched_getscheduler": (145, 120), "sched_get_priority_max": (146, 125),
    "sched_get_priority_min": (147, 126), "getcpu": (309, 168), "exit": (60, 93),
    "exit_group": (231, 94), "restart_syscall": (219, 128),
}  # fmt: skip
_SIGNALS: dict[str, Numbers] = {
    "rt_sigaction": (13, 134), "rt_sigprocmask": (14, 135), "rt_sigreturn": (15, 139),
    "sigaltstack": (131, 132),
}  # fmt: skip
_DESCRIPTORS: dict[str, Numbers] = {
    "read": (0, 63), "write": (1, 64), "readv": (19, 65), "writev": (20, 66),
    "pread64": (17, 67), "lseek": (8, 62), "close": (3, 57), "dup": (32, 23),
    "dup2": (33, None), "dup3": (292, 24), "pipe2": (293, 59), "eventfd2": (290, 19),
    "epoll_create1": (291, 20), "epoll_ctl": (233, 21), "epoll_wait": (232, None),
    "epoll_pwait": (281, 22), "poll": (7, None), "ppoll": (271, 73), "select": (23, None),
    "pselect6": (270, 72), "fadvise64": (221, 223),
    # takes the images from the other end of a socket that was there before; none can be made
    "recvmsg": (47, 212),
}  # fmt: skip
# Which files, Landlock says; nothing here makes, renames or removes one.
_FILES: dict[str, Numbers] = {
    "openat": (257, 56), "open": (2, None), "fstat": (5, 80), "stat": (4, None),
    "lstat": (6, None), "newfstatat": (262, 79), "statx": (332, 291), "access": (21, None),
    "faccessat": (269, 48), "faccessat2": (439, 439), "readlink": (89, None),
    "readlinkat": (267, 78), "getcwd": (79, 17), "getdents64": (217, 61), "statfs": (137, 43),
    "fstatfs": (138, 44),
}  # fmt: skip
_QUESTIONS: dict[str, Numbers] = {
    "getpid": (39, 172), "gettid": (186, 178), "getppid": (110, 173), "getuid": (102, 174),
    "geteuid": (107, 175), "getgid": (104, 176), "getegid": (108, 177),
    "clock_gettime": (228, 113), "clock_getres": (229, 114), "clock_nanosleep": (230, 115),
    "nanosleep": (35, 101), "gettimeofday": (96, 169), "time": (201, None), "times": (100, 153),
    "getrusage": (98, 165), "getrlimit": (97, 163), "sysinfo": (99, 179), "uname": (63, 160),
    "getrandom": (318, 278),
}  # fmt: skip
ALLOWED = _MEMORY | _THREADS | _SIGNALS | _DESCRIPTORS | _FILES | _QUESTIONS
# What NVIDIA's driver asks for besides. Not tried on a GPU; what is missing here fails with EPERM.
ALLOWED_WITH_GPU: dict[str, Numbers] = {
    "ioctl": (16, 29), "mlock": (149, 228), "munlock": (150, 229), "mbind": (237, 235),
    "set_mempolicy": (238, 237), "sched_setaffinity": (203, 122), "memfd_create": (319, 279),
    "ftruncate": (77, 46), "flock": (73, 32),
}  # fmt: skip

_CLONE, _CLONE3 = (56, 220), (435, 435)
_KILL, _TGKILL, _PRLIMIT64 = (62, 129), (234, 131), (302, 261)
_IOCTL, _PRCTL, _FCNTL = (16, 29), (157, 167), (72, 25)
_TCGETS = 0x5401  # "is it a terminal?", which Python asks of what it opens
# Copies of descriptors and their flags. With F_SETOWN a process could have signals sent to others.
_F_COMMANDS = (0, 1, 2, 3, 4, 1030)  # DUPFD, GETFD, SETFD, GETFL, SETFL, DUPFD_CLOEXEC
_PR_SET_NAME, _PR_GET_NAME, _PR_SET_VMA = 15, 16, 0x53564D41  # names of threads and of memory

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER_AT, _MACHINE_AT, _FIRST_AT, _SECOND_AT = 0, 4, 16, 24  # low halves of the arguments
_ALLOW, _DENY, _END_PROCESS = 0x7FFF0000, 0x00050000, 0x80000000


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def restrict(*, gpu: bool) -> None:
    """Bind this thread and those it will start, for good.

    Raises OSError where the kernel refuses and KeyError on an unknown kind of machine.
    """
    machine, identity = _MACHINES[platform.machine()]
    program = b"".join(_program(machine, identity, gpu))
    header = _Program(len(program) // 8, program)
    kernel.prctl(kernel.PR_SET_SECCOMP, 2, ctypes.addressof(header))


def _program(machine: int, identity: int, gpu: bool) -> Iterator[bytes]:
    yield _step(_LOAD, _MACHINE_AT)
    yield _step(_EQUAL, identity, 1, 0)
    yield _step(_RETURN, _END_PROCESS)
    yield _step(_LOAD, _NUMBER_AT)
    yield _step(_AT_LEAST, _X32, 0, 1)
    yield _step(_RETURN, _END_PROCESS)
    for numbers in (ALLOWED | ALLOWED_WITH_GPU if gpu else ALLOWED).values():
        if (number := numbers[machine]) is not None:
            yield _step(_EQUAL, number, 0, 1)
            yield _step(_RETURN, _ALLOW)
    # glibc asks for clone3 first; told that there is none it takes clone, whose flags a filter can
    # read, and starts a thread. On EPERM it would give up.
    yield _step(_EQUAL, _CLONE3[machine], 0, 1)
    yield _step(_RETURN, _DENY | errno.ENOSYS)
    yield from _only(_CLONE[machine], _ANY_BIT, (kernel.CLONE_THREAD,))
    yield from _only(_KILL[machine], _EQUAL, (os.getpid(),))
    yield from _only(_TGKILL[machine], _EQUAL, (os.getpid(),))
    yield from _only(_PRLIMIT64[machine], _EQUAL, (0,))
    yield from _only(_PRCTL[machine], _EQUAL, (_PR_SET_NAME, _PR_GET_NAME, _PR_SET_VMA))
    yield from _only(_IOCTL[machine], _EQUAL, (_TCGETS,), _SECOND_AT)
    yield from _only(_FCNTL[machine], _EQUAL, _F_COMMANDS, _SECOND_AT)
    yield _step(_RETURN, _DENY | errno.EPERM)


def _only(number: int, test: int, values: tuple[int, ...], at: int = _FIRST_AT) -> Iterator[bytes]:
    """The call `number` is allowed if one of its arguments passes the test with one of `values`."""
    yield _step(_EQUAL, number, 0, 2 + 2 * len(values))
    yield _step(_LOAD, at)
    for value in values:
        yield _step(test, value, 0, 1)
        yield _step(_RETURN, _ALLOW)
    yield _step(_RETURN, _DENY | errno.EPERM)


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("HBBI", code, if_true, if_false, value)
