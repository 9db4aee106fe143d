"""What the server, the warm process and a job say to each other.

    server -> warm     a job's number and limits, with its two ends below; to stop it
    warm -> server     that it is ready, once; that a job's process has ended, and how
    job -> server      a line each: that it is locked down; what it has loaded
    server -> job      the upload, once it is locked down; the images, once it is loaded
    job -> server      records of 16 bytes, from then on

Until a job has the images it may use words, since it knows none but the team's own. Afterwards it
has numbers from a list only: a word could carry a test image.
"""

import json
import os
import socket
import struct
from collections.abc import Sequence
from enum import IntEnum, StrEnum
from typing import Any

MAX_LINE = 16 << 10  # bytes
_MAX_DESCRIPTORS = 2
RECORD = struct.Struct("<QQ")  # a Step, and its number


class Step(IntEnum):
    """What a record says, and what its number is."""

    ANSWERED = 0  # how many images so far
    DONE = 1  # the batch size
    WRONG_SHAPE = 2
    NOT_FINITE = 3
    FAILED = 4
    OUT_OF_MEMORY = 5


class Trouble(StrEnum):
    """Why a model was not loaded."""

    UNREADABLE = "unreadable"  # the library does not take the file
    UNKNOWN_ARCHITECTURE = "unknown_architecture"
    WRONG_INPUT = "wrong_input"
    WRONG_OUTPUT = "wrong_output"
    FAILED = "failed"  # at its first images, which are noise
    OUT_OF_MEMORY = "out_of_memory"
    MISSING_PACKAGE = "missing_package"  # ours


def send(channel: socket.socket, message: Any, descriptors: Sequence[int] = ()) -> None:
    """The receiver gets descriptors of its own. Raises OSError where nobody listens any more."""
    socket.send_fds(channel, [_line(message)], descriptors)


def receive(channel: socket.socket) -> tuple[Any, list[int]]:
    """The next message of one who is believed, and its descriptors; None at the end.

    Two messages may lie in the socket one after the other; what belongs to the second stays there.
    """
    data, descriptors, _flags, _address = socket.recv_fds(channel, 1, _MAX_DESCRIPTORS)
    while data and not data.endswith(b"\n"):
        waiting, *_ = channel.recvmsg(MAX_LINE, 0, socket.MSG_PEEK)
        if not waiting:
            return None, descriptors
        length = waiting.find(b"\n") + 1 or len(waiting)
        data += channel.recvmsg(length)[0]
    return (json.loads(data) if data else None), descriptors


def say(descriptor: int, message: Any) -> None:
    """Without sendmsg, which a job may not call."""
    left = _line(message)
    while left:
        left = left[os.write(descriptor, left) :]


def _line(message: Any) -> bytes:
    return json.dumps(message).encode() + b"\n"
