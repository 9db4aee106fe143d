"""A job, from the fork to its end: lock down, then load, then answer.

What it may hear and say is in scoring/sandbox/protocol.py. The server hands over the upload only
when it has read what is locked, and the images only when the model has answered noise.
"""

import os
import socket
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from scoring.sandbox import confinement, protocol
from scoring.sandbox.contract import Format
from scoring.sandbox.inside.forwarding import Records, answer_all
from scoring.sandbox.inside.network import Network, Unloadable, Wanted, is_out_of_memory
from scoring.sandbox.protocol import Step, Trouble

_MAX_DETAIL = 2000  # characters of a library's complaint
Load = Callable[[bytes, Format, str, Mapping[str, Any], Wanted], Network]


def work(
    server: socket.socket,
    records: int,
    limits: confinement.Limits,
    warm: int,
    loaders: Mapping[Format, Load],
) -> None:
    """Runs until the answers are written or a complaint is made; `warm` is the parent's id."""
    protocol.say(server.fileno(), {"measures": confinement.confine(limits, warm)})
    network = _load(server, limits, loaders)
    if network is None:
        return
    message, (images_file, answers_file) = protocol.receive(server)
    report = Records(records)
    try:
        images = np.memmap(
            os.fdopen(images_file, "rb"), np.uint8, "r", message["offset"], tuple(message["images"])
        )
        shape = (len(images), message["classes"])
        answers = np.memmap(os.fdopen(answers_file, "r+b", 0), np.float32, "r+", 0, shape)
        seed, asked = message["seed"], message["batch_size"]
        verdict = answer_all(network, images, answers, seed, asked, report.progress)
    except Exception as error:
        verdict = (Step.OUT_OF_MEMORY if is_out_of_memory(error) else Step.FAILED), 0
    report.end(verdict)


def _load(
    server: socket.socket, limits: confinement.Limits, loaders: Mapping[Format, Load]
) -> Network | None:
    """The model, after the server was told of it; None where it does not run."""
    message, (upload,) = protocol.receive(server)
    try:
        wanted = Wanted(**message["wanted"], gpu=limits.gpu, gpu_bytes=limits.memory_bytes)
        kind = Format(message["format"])
        if kind not in loaders:
            raise Unloadable(Trouble.MISSING_PACKAGE)
        with os.fdopen(upload, "rb", 0) as file:
            data = file.readall()
        network = loaders[kind](data, kind, message["architecture"], message["arguments"], wanted)
    except Exception as error:
        protocol.say(server.fileno(), _complaint(error))
        return None
    facts = {name: getattr(network, name) for name in ("parameters", "macs", "device")}
    facts["batches"] = [network.batches.least, network.batches.most]
    protocol.say(server.fileno(), {"loaded": facts})
    return network


def _complaint(error: Exception) -> dict[str, Any]:
    if not isinstance(error, Unloadable):
        trouble = Trouble.OUT_OF_MEMORY if is_out_of_memory(error) else Trouble.UNREADABLE
        error = Unloadable(trouble, str(error))
    detail = error.detail.encode("ascii", "replace").decode()[:_MAX_DETAIL]
    return {"trouble": error.trouble, "detail": detail, "numbers": error.numbers}
