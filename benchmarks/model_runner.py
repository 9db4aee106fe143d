"""Submitted models: how long until the first batch, and how fast against a bare loop?

    python -m benchmarks.model_runner [--rounds 3] [--side 32] [--side 224]

A ResNet-18 with fresh weights in every format of the contract, over images of noise. "Ready" is the
time from a claimed job to a model that has answered its first images of noise: the fork, the lock,
the file's way into the job, loading. "Bare" is a process of its own that does nothing but the same
batches through the same file (model_runner_bare.py). Both take turns, so that a busy machine slows
them alike; what counts is the ratio of their medians.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from scoring.sandbox.contract import Budgets, Contract, Format, Job, Upload
from scoring.sandbox.server import ForkServer

IMAGES = {32: 1024, 224: 192}  # enough for some seconds on two cores
CLASSES = tuple("0123456789")
MADE = (Format.ONNX, Format.SAFETENSORS, Format.PT2, Format.TORCHSCRIPT)


@dataclass(frozen=True)
class Case:
    side: int
    kind: Format
    file: Path
    images: Path

    @property
    def job(self) -> Job:
        contract = Contract(
            3, self.side, self.side, CLASSES, frozenset(Format), Budgets(file_bytes=1 << 30)
        )
        architecture = "resnet18" if self.kind is Format.SAFETENSORS else ""
        return Job(Upload(self.file, self.kind, architecture), self.images, contract)


@dataclass(frozen=True)
class Measured:
    ready: float  # seconds
    inside: float  # images per second
    bare: float
    batch: int


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--side", type=int, action="append", choices=sorted(IMAGES))
    called = parser.parse_args()
    cores = len(os.sched_getaffinity(0))
    line = "{:>6}  {:12} {:>4} {:>9} {:>9} {:>6} {:>6} {:>6}"
    print(f"ResNet-18, {cores} cores, medians of {called.rounds}")
    print(line.format("pixels", "format", "MB", "ready", "images/s", "bare", "ratio", "batch"))
    with tempfile.TemporaryDirectory() as folder, ForkServer.start() as server:
        for case in cases(Path(folder), called.side or sorted(IMAGES)):
            found = [measure(server, case, cores) for _round in range(called.rounds)]
            ready = statistics.median(one.ready for one in found)
            inside = statistics.median(one.inside for one in found)
            bare = statistics.median(one.bare for one in found)
            cells = (
                case.side, case.kind, f"{case.file.stat().st_size / 1e6:.0f}",
                f"{1000 * ready:.0f} ms", f"{inside:,.0f}", f"{bare:,.0f}", f"{inside / bare:.0%}",
                found[0].batch,
            )  # fmt: skip
            print(line.format(*cells), flush=True)


def cases(folder: Path, sides: list[int]) -> Iterator[Case]:
    """Every format at every size; torch is at work in a process of its own."""
    for side in sides:
        images = folder / f"{side}.npy"
        noise = np.random.default_rng(0)
        np.save(images, noise.integers(0, 256, (IMAGES[side], 3, side, side), np.uint8))
        _bare("make", str(side), str(folder))
        for kind in MADE:
            yield Case(side, kind, folder / f"{side}.{kind}", images)


def measure(server: ForkServer, case: Case, cores: int) -> Measured:
    outcome, _answers = server.run(case.job)
    if not outcome.images_per_second:
        raise SystemExit(f"{case.kind} at {case.side}: {outcome.ending}: {outcome.message}")
    places = (str(case.file), str(case.images), str(outcome.batch_size), str(cores))
    bare = float(json.loads(_bare("run", case.kind, *places)))
    return Measured(outcome.load_seconds, outcome.images_per_second, bare, outcome.batch_size)


def _bare(*words: str) -> str:
    program = (sys.executable, "-m", "benchmarks.model_runner_bare", *words)
    done = subprocess.run(program, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return done.stdout.strip().rpartition("\n")[2]


if __name__ == "__main__":
    main()
