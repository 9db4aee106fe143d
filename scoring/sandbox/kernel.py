"""The few calls of Linux that Python's library does not have. Errors are OSErrors, as there.

Sources: prctl(2), unshare(2), mount(2), pivot_root(2), capset(2), capabilities(7).
"""

import ctypes
import os
import struct

_libc = ctypes.CDLL(None, use_errno=True)

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP = 1, 4, 22
PR_CAPBSET_DROP, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 24, 36, 38

CLONE_NEWNS, CLONE_THREAD, CLONE_NEWUTS, CLONE_NEWIPC = 1 << 17, 1 << 16, 1 << 26, 1 << 27
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 1 << 28, 1 << 29, 1 << 30

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT = 1, 2, 4, 8, 32
MS_BIND, MS_REC, MS_PRIVATE = 1 << 12, 1 << 14, 1 << 18
MNT_DETACH = 2

_CAPABILITY_VERSION_3 = 0x20080522
_LAST_CAPABILITY = 63  # more than any kernel has; the first unknown one ends the list


def checked(result: int) -> int:
    """The result of a call of libc, or the OSError that errno stands for."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def system_call(number: int, *arguments: object) -> int:
    return checked(_libc.syscall(number, *arguments))


def prctl(option: int, *values: int) -> None:
    padded = (*values, 0, 0, 0, 0)[:4]
    checked(_libc.prctl(option, *(ctypes.c_ulong(value) for value in padded)))


def unshare(flags: int) -> None:
    checked(_libc.unshare(flags))


def mount(source: str, target: str, kind: str, flags: int, data: str = "") -> None:
    texts = [text.encode() for text in (source, target, kind)]
    checked(_libc.mount(*texts, ctypes.c_ulong(flags), data.encode()))


def pivot_root(new: str, old: str) -> None:
    checked(_libc.pivot_root(new.encode(), old.encode()))


def unmount(target: str) -> None:
    checked(_libc.umount2(target.encode(), MNT_DETACH))


def drop_bounding_set() -> None:
    """What a program with privileges of its own could still get. Needs CAP_SETPCAP, as root has."""
    for capability in range(_LAST_CAPABILITY):
        try:
            prctl(PR_CAPBSET_DROP, capability)
        except OSError:
            break


def drop_capabilities() -> None:
    """Root's, and those that a new user namespace gave."""
    header = struct.pack("Ii", _CAPABILITY_VERSION_3, 0)
    checked(_libc.capset(header, bytes(24)))
