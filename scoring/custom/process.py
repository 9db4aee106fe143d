"""Runs a metric in a process of its own and believes nothing of what comes back.

The process gets the two tables and an environment from a list, and nothing else of this one. It
limits itself (confinement.py) before the metric is loaded; this side keeps the time and the sizes.
"""

import json
import math
import os
import signal
import subprocess
import sys
import tempfile
import time
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from scoring.custom.conversation import Conversation, Pipes
from scoring.custom.errors import MetricError
from scoring.custom.metric import CustomMetric

# Not -I: it would ignore PYTHONHASHSEED too. Together with the environment below these two leave
# as little: no user site-packages, and no folder of the program in front of the installed ones.
INTERPRETER = (sys.executable, "-s", "-P")
_CHILD = str(Path(__file__).with_name("child.py"))
_ENVIRONMENT = {
    "LANG": "C.UTF-8",
    "TZ": "UTC",
    "PYTHONDONTWRITEBYTECODE": "1",
    # more threads would cost address space, and add floats in an order of their own
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "JOBLIB_MULTIPROCESSING": "0",
}
_FIELDS = {"kind": str, "value": float, "text": str, "examples": str, "confinement": list}


@dataclass(frozen=True)
class Limits:
    """What one call of a metric may use: bytes, seconds and a number of files.

    The time on the clock is longer than that of the processor, so that a busy machine is not taken
    for a slow metric.
    """

    memory_bytes: int = 2 << 30
    cpu_seconds: int = 60
    wall_seconds: float = 90.0
    file_bytes: int = 1 << 20
    open_files: int = 64
    log_bytes: int = 64 << 10


LIMITS = Limits()


@dataclass(frozen=True)
class Outcome:
    """How a call ended that ended well: with a value, or with the metric's refusal of the file.

    `refusal` (None when there is a value), `failed_examples` and `log`, which is stdout and stderr,
    are the metric's own words and for the host alone. `confinement` names what the kernel granted:
    `no_new_privileges`, `namespaces`, `limits`, `no_capabilities`, `files`, `dies_with_parent`,
    `system_calls`. There is no network if it has `namespaces` or `system_calls`, and there are no
    further processes if it has `system_calls`.
    """

    value: float
    refusal: str | None
    failed_examples: str
    log: str
    confinement: tuple[str, ...]


@dataclass(frozen=True)
class _Ended:
    answer: bytes
    log: str
    status: int
    in_time: bool


def call(
    metric: CustomMetric,
    solution_csv: bytes,
    submission_csv: bytes,
    id_column: str,
    parameters: Mapping[str, Any],
    limits: Limits = LIMITS,
    *,
    hash_seed: int = 0,
    examples: bool = False,
) -> Outcome:
    """Call the metric once, in a fresh process; `examples` runs the doctest of `score` as well.

    Raises `SpecError` for a wrong parameter and `MetricError` if there is neither a finite value
    nor a ParticipantVisibleError. The process does not outlive the calling thread.
    """
    request = {
        "source": metric.source,
        "arguments": metric.arguments(parameters),
        "id_column": id_column,
        "solution": b64encode(solution_csv).decode(),
        "submission": b64encode(submission_csv).decode(),
        "examples": examples,
        "limits": {
            name: getattr(limits, name)
            for name in ("memory_bytes", "cpu_seconds", "file_bytes", "open_files")
        },
    }
    return _outcome(_execute(json.dumps(request).encode(), limits, hash_seed), limits)


def _outcome(ended: _Ended, limits: Limits) -> Outcome:
    if not ended.in_time or ended.status != 0:
        raise MetricError(_early_end(ended, limits), log=ended.log)
    reply = _reply(ended.answer)
    if reply is None:
        raise MetricError("The metric's process did not answer with one result.", log=ended.log)
    if reply["kind"] not in ("value", "refused"):
        raise MetricError(_sentence(reply["kind"], limits), None, reply["text"], ended.log)
    return Outcome(
        value=reply["value"],
        refusal=reply["text"] if reply["kind"] == "refused" else None,
        failed_examples=reply["examples"],
        log=ended.log,
        confinement=tuple(reply["confinement"]),
    )


def _early_end(ended: _Ended, limits: Limits) -> str:
    if not ended.in_time:
        return f"The metric did not end within {limits.wall_seconds:g} seconds."
    if ended.status == -signal.SIGXCPU:
        return f"The metric used more than {limits.cpu_seconds} seconds of processor time."
    if ended.status < 0:
        return f"The metric's process was ended by signal {-ended.status}, perhaps at a limit."
    return f"The metric's process ended without a result, with status {ended.status}."


def _sentence(kind: str, limits: Limits) -> str:
    sentences = {
        "memory": f"The metric needs more than {limits.memory_bytes >> 20} MiB of memory.",
        "frames": "The solution and the submission cannot be read as two tables of the same rows.",
        "not_a_number": "The metric did not return one finite float.",
        "no_pandas": "Custom metrics need pandas. Install it: pip install pandas",
    }
    return sentences.get(kind, "The metric raised an exception.")


def _reply(answer: bytes) -> dict[str, Any] | None:
    """The child's one JSON object, or None if it is anything else."""
    try:
        reply = json.loads(answer.decode("ascii"))
    except (ValueError, RecursionError):
        return None
    if not isinstance(reply, dict) or set(reply) != set(_FIELDS):
        return None
    if not all(isinstance(reply[name], kind) for name, kind in _FIELDS.items()):
        return None
    if not all(isinstance(name, str) for name in reply["confinement"]):
        return None
    return reply if math.isfinite(reply["value"]) else None


def _execute(request: bytes, limits: Limits, hash_seed: int) -> _Ended:
    deadline = time.monotonic() + limits.wall_seconds
    with tempfile.TemporaryDirectory(prefix="metric-", ignore_cleanup_errors=True) as folder:
        process, pipes = _start(folder, hash_seed)
        conversation = Conversation(pipes, request, limits.log_bytes)
        try:
            in_time = conversation.hold(deadline)
        finally:
            # before wait(): until then the number of the group cannot belong to another one. A
            # process that is already ending keeps its status.
            os.killpg(process.pid, signal.SIGKILL)
            status = process.wait()
            conversation.close()
    log = conversation.log.kept.decode("utf-8", "replace")
    return _Ended(bytes(conversation.answer.kept), log, status, in_time)


def _start(folder: str, hash_seed: int) -> tuple[subprocess.Popen[bytes], Pipes]:
    reading, writing = os.pipe()
    own = {"HOME": folder, "TMPDIR": folder, "PYTHONHASHSEED": str(hash_seed)}
    try:
        process = subprocess.Popen(  # noqa: S603 - our interpreter and our program
            (*INTERPRETER, _CHILD, str(writing)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            bufsize=0,
            pass_fds=(writing,),
            cwd=folder,
            env=_ENVIRONMENT | own,
            start_new_session=True,
        )
    except BaseException:
        os.close(reading)
        raise
    finally:
        os.close(writing)
    request, log = cast(IO[bytes], process.stdin), cast(IO[bytes], process.stdout)
    return process, Pipes(request, log, os.fdopen(reading, "rb", buffering=0))
