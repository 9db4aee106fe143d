"""A world of its own for the warm process: no network, no other processes, hardly any files.

Three steps: `enter`, a fork (a process-id namespace begins with the next child), and `furnish` in
the child. Its file system is an empty one, with what may be read bound into it, read-only.
Sources: namespaces(7), user_namespaces(7), mount_namespaces(7), pivot_root(2).
"""

import os
from collections.abc import Collection
from pathlib import Path

from scoring.sandbox import kernel

_ALL = (
    kernel.CLONE_NEWNS
    | kernel.CLONE_NEWPID
    | kernel.CLONE_NEWNET
    | kernel.CLONE_NEWIPC
    | kernel.CLONE_NEWUTS
)
_STAGE = "/tmp"  # noqa: S108 - where the new root is put together; every system has this folder
_OLD = "/.old"
_READ_ONLY = kernel.MS_RDONLY | kernel.MS_NOSUID | kernel.MS_NODEV
# A mount of another user's keeps these flags: leaving one out when it is changed is refused.
_KEPT = kernel.MS_NOEXEC | 1024 | 2048  # with MS_NOATIME and MS_NODIRATIME, as statvfs has them
_ST_RELATIME, _MS_RELATIME = 4096, 1 << 21


def enter() -> None:
    """Raises OSError where the kernel refuses; then nothing has changed.

    Root needs no user namespace, and without one may read what only root can reach.
    """
    user, group = os.geteuid(), os.getegid()
    if user == 0:
        kernel.unshare(_ALL)
        return
    kernel.unshare(_ALL | kernel.CLONE_NEWUSER)
    # without a map its own files would belong to nobody
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
    Path("/proc/self/gid_map").write_text(f"{group} {group} 1")


def furnish(readable: Collection[Path], devices: Collection[Path]) -> None:
    """Leave only these files, at the places where they were, and a /proc of this namespace.

    Raises OSError where the kernel refuses, with the work half done: the process should end.
    """
    # links are followed while their ends can still be seen
    places = {path: os.path.realpath(path) for path in (*readable, *devices)}
    kernel.mount("none", "/", "", kernel.MS_REC | kernel.MS_PRIVATE)
    kernel.mount("tmpfs", _STAGE, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, "mode=755,size=1m")
    os.mkdir(_STAGE + _OLD)
    kernel.pivot_root(_STAGE, _STAGE + _OLD)
    os.chdir("/")
    os.mkdir("/proc")
    kernel.mount("proc", "/proc", "proc", kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC)
    for path in sorted(places):
        _bind(_OLD + places[path], path, read_only=path in readable)
    kernel.unmount(_OLD)
    os.rmdir(_OLD)
    kernel.mount("none", "/", "", kernel.MS_REMOUNT | kernel.MS_BIND | _READ_ONLY)


def _bind(source: str, path: Path, *, read_only: bool) -> None:
    """Nothing happens where the source does not exist, or came along with a folder above it."""
    if path.exists() or not os.path.exists(source):
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    if os.path.isdir(source):
        path.mkdir()
    else:
        path.touch()
    kernel.mount(source, str(path), "", kernel.MS_BIND | kernel.MS_REC)
    if read_only:
        found = os.statvfs(path).f_flag
        kept = found & _KEPT | (_MS_RELATIME if found & _ST_RELATIME else 0)
        flags = kernel.MS_REMOUNT | kernel.MS_BIND | _READ_ONLY | kept
        kernel.mount("none", str(path), "", flags)
