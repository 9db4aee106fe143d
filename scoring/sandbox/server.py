"""The fork server, as its user sees it: a job in, an outcome and the answers out.

    with ForkServer.start() as server:
        outcome, answers = server.run(job)

This process imports neither torch nor onnxruntime. It starts a warm one that does (warm.py), with
an environment from a list and no open file but a channel; each job is forked from that, locks
itself down, and gets what it needs piece by piece (protocol.py).
"""

import math
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from types import TracebackType
from typing import Any

from scoring.sandbox import images, verdicts
from scoring.sandbox.batches import Batches
from scoring.sandbox.capabilities import Host
from scoring.sandbox.confinement import Limits
from scoring.sandbox.contract import Ending, Job, Outcome
from scoring.sandbox.dialogue import Cancelled, Dialogue, Late, Nonsense, Over, WarmProcessLost
from scoring.sandbox.outputs import Answers, BadOutput, OutputFile
from scoring.sandbox.process import Options, SandboxUnavailable, WarmProcess
from scoring.sandbox.protocol import Step

__all__ = ["ForkServer", "SandboxUnavailable"]

Progress = Callable[[int, float], None]  # images answered, images per second

_SPARE_CPU_SECONDS = 60  # the clock's limit comes first; this one needs nobody to watch it
_GPU = Path("/dev/nvidiactl")
_OF_A_JOB = frozenset({"limits", "files", "dies_with_parent", "system_calls"})


class ForkServer:
    """One warm process and one job at a time. Call `start`, not the constructor."""

    def __init__(self, options: Options, threads: int, scratch: Path | None) -> None:
        self._options, self._threads, self._scratch = options, threads, scratch
        self._warm: WarmProcess | None = WarmProcess(options)
        self._host = self._warm.host
        self._one_at_a_time = threading.Lock()

    @classmethod
    def start(
        cls,
        *,
        container: bool = False,
        trusted: bool = False,
        gpu: bool | None = None,
        threads: int | None = None,
        scratch: Path | None = None,
        namespaces: bool = True,
        bare: bool = False,
    ) -> "ForkServer":
        """Start the warm process, which takes seconds; `host` then says what runs here.

        `container`: a container without network and rights is around this process. `trusted`: the
        models are the caller's own and run even where nothing can hold them in. `gpu`: None takes
        one where there is one. `threads`: of a job on the processor, as many as it may use if None.
        `scratch`: a folder for answers. `namespaces`: False does as if there were none. `bare`: no
        library is loaded and no job can be run, only the measures are found out. Raises
        SandboxUnavailable.
        """
        on_gpu = _GPU.exists() if gpu is None else gpu
        options = Options(container, trusted, on_gpu, namespaces, bare)
        return cls(options, threads or _processors(), scratch)

    @property
    def host(self) -> Host:
        """What this machine can do to hold a model in, and so which formats run here."""
        return self._host

    @property
    def pid(self) -> int | None:
        """The process id of the warm process, which is also that of its session; None if lost."""
        return None if self._warm is None else self._warm.pid

    def run(
        self,
        job: Job,
        progress: Progress | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> tuple[Outcome, Answers | None]:
        """Run the model over the images; answers float32 (N, classes) if the ending is DONE.

        `progress` is told how many images are answered and how many a second; `cancelled` is asked
        ten times a second. Raises ImagesError where the job's images are not the contract's, and
        OSError where upload or images cannot be opened or there is no room for the answers.
        """
        with self._one_at_a_time:
            if refusal := self._host.refusal(job.upload.format):
                return verdicts.unavailable(refusal), None
            if self._options.bare:
                raise ValueError("This server was started bare: it runs no jobs.")
            packed = images.read_head(job.images, job.contract)
            if (size := job.upload.path.stat().st_size) > job.contract.budgets.file_bytes:
                return verdicts.too_large(size, job.contract.budgets), None
            try:
                warm = self._warm or self._start_anew()
            except SandboxUnavailable as error:
                return verdicts.unavailable(str(error)), None
            with tempfile.TemporaryDirectory(prefix="job-", dir=self._scratch) as folder:
                output = OutputFile(
                    Path(folder, "answers"), packed.shape[0], len(job.contract.classes)
                )
                try:
                    return self._run(warm, job, packed, output, progress, cancelled)
                finally:
                    output.close()

    def close(self) -> None:
        """End the warm process, and with it whatever runs."""
        warm, self._warm = self._warm, None
        if warm is not None:
            warm.close()

    def __enter__(self) -> "ForkServer":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _start_anew(self) -> WarmProcess:
        """After the last one was lost. Raises SandboxUnavailable."""
        self._warm = WarmProcess(self._options)
        self._host = self._warm.host
        return self._warm

    def _run(
        self,
        warm: WarmProcess,
        job: Job,
        packed: images.Packed,
        output: OutputFile,
        progress: Progress | None,
        cancelled: Callable[[], bool] | None,
    ) -> tuple[Outcome, Answers | None]:
        began = time.monotonic()
        limits = self._limits(job, packed, output)
        warm.limit_memory(limits.memory_bytes + limits.mapped_bytes)
        talk = Dialogue(warm.channel, began + job.contract.budgets.seconds, cancelled)
        try:
            outcome = self._converse(talk, limits, job, packed, output, progress)
        except Over as over:
            outcome = verdicts.of_death(over.status, job.contract)
        except Late:
            outcome = verdicts.timed_out(job.contract, talk.answered, packed.shape[0])
        except Cancelled:
            outcome = verdicts.cancelled()
        except Nonsense:
            outcome = verdicts.nonsense()
        except WarmProcessLost:
            outcome = verdicts.unavailable("The process that runs models was lost. Try again.")
        finally:
            self._end(talk)
        if outcome.ending is not Ending.DONE:
            return outcome, None
        try:
            return outcome, output.read()
        except BadOutput as error:
            return Outcome(Ending.REFUSED, str(error)), None

    def _end(self, talk: Dialogue) -> None:
        try:
            talk.end()
        except WarmProcessLost:
            self.close()  # the next job gets a new one
        finally:
            talk.close()

    def _converse(
        self,
        talk: Dialogue,
        limits: Limits,
        job: Job,
        packed: images.Packed,
        output: OutputFile,
        progress: Progress | None,
    ) -> Outcome:
        contract, upload = job.contract, job.upload
        began = time.monotonic()
        talk.begin(asdict(limits))
        held = frozenset(map(str, talk.line().get("measures", ())))
        if not self._host.trusted and not held >= self._host.measures & _OF_A_JOB:
            return verdicts.unavailable("The job's process could not be locked down.")
        with upload.path.open("rb") as file:
            talk.hand(self._upload(job), [file.fileno()])
        reply = talk.line()
        if not isinstance(facts := reply.get("loaded"), dict):
            return verdicts.of_trouble(reply, upload.format, contract)
        parameters, macs = (verdicts.count(facts.get(what)) for what in ("parameters", "macs"))
        sizes = _sizes(facts, job, packed)  # while it knows nothing but the team's own
        loaded = time.monotonic()
        outcome = verdicts.of_budgets(parameters, macs, contract.budgets)
        if outcome is None:
            _hand_images(talk, job, packed, output)
            step, number = talk.verdict(packed.shape[0], _timed(progress, loaded))
            if step is not Step.DONE:
                outcome = verdicts.of_step(step, contract)
            elif number in sizes:
                outcome = Outcome(Ending.DONE, "", packed.shape[0], batch_size=number)
            else:
                raise Nonsense
        return replace(
            outcome,
            images=outcome.images or talk.answered,
            load_seconds=loaded - began,
            seconds=_coarse(time.monotonic() - loaded),
            parameters=parameters,
            macs=macs,
            device=_gpu_name() if facts.get("device") == "cuda" else "cpu",
        )

    def _limits(self, job: Job, packed: images.Packed, output: OutputFile) -> Limits:
        budgets = job.contract.budgets
        return Limits(
            memory_bytes=budgets.memory_bytes,
            mapped_bytes=packed.bytes + output.bytes,
            cpu_seconds=math.ceil(budgets.seconds * self._threads) + _SPARE_CPU_SECONDS,
            gpu=self._options.gpu,
        )

    def _upload(self, job: Job) -> dict[str, Any]:
        contract, upload = job.contract, job.upload
        return {
            "format": upload.format,
            "architecture": upload.architecture,
            "arguments": dict(upload.arguments),
            "wanted": {
                "channels": contract.channels,
                "height": contract.height,
                "width": contract.width,
                "classes": len(contract.classes),
                "bf16": contract.bf16,
                "threads": self._threads,
            },
        }


def _hand_images(talk: Dialogue, job: Job, packed: images.Packed, output: OutputFile) -> None:
    message = {
        "images": packed.shape,
        "offset": packed.offset,
        "classes": len(job.contract.classes),
        "seed": job.seed,
        "batch_size": job.batch_size,
    }
    with job.images.open("rb") as file:
        talk.hand(message, [file.fileno(), output.descriptor])


def _timed(progress: Progress | None, began: float) -> Callable[[int], None]:
    """Images per second by this process's clock: a job's own would be its word."""
    if progress is None:
        return lambda _answered: None
    return lambda answered: progress(answered, answered / _coarse(time.monotonic() - began))


def _coarse(seconds: float) -> float:
    """Two digits: a model that waits by what it saw would say more with each further one."""
    return float(f"{max(seconds, 1e-6):.2g}")


def _sizes(facts: Mapping[str, Any], job: Job, packed: images.Packed) -> frozenset[int]:
    """Of batches, those that a run of our program can end with. Raises Nonsense."""
    try:
        return Batches.said(facts.get("batches")).sizes(job.batch_size, packed.shape[0])
    except ValueError:
        raise Nonsense from None


def _processors() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def _gpu_name() -> str:
    """As the driver has it: what a job says of itself is not shown."""
    for file in sorted(Path("/proc/driver/nvidia/gpus").glob("*/information")):
        for line in file.read_text().splitlines():
            if line.startswith("Model:"):
                return line.partition(":")[2].strip()
    return "cuda"
