"""How fast is a file scored, beside the fastest unchecked program and the one everyone writes?

    python -m benchmarks.scoring              all tables (about three minutes)
    python -m benchmarks.scoring --quick      up to 100 000 rows

Three programs read the same bytes and give the same number:

    holdout    scoring.evaluate: every check on (UTF-8, header, exact ids, exact classes, number
               grammar, nothing missing or doubled), the solution compiled before, as on the site
    floor      polars + numpy, no checks: parse, scatter by an integer id, compute
    pandas     read_csv of both files, merge on the id, scikit-learn's metric

They take turns within one process, and the table gives each one's median and the ratios of these.
"memory" is what a fresh process needs at its peak for one file, above what it held before, in sizes
of the file. Goals on two cores: at most 1.5 times the floor at 100 000 and 1 000 000 rows, at least
5 times faster than pandas, at most 3 times the file.
"""

import argparse
import io
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

import scoring

QUICK = (10_000, 100_000)
SIZES = (*QUICK, 1_000_000)
CLASSES = 10
SEED = 20261
BUDGET = 12.0  # seconds of turns for one row of the table

Program = Callable[[bytes, bytes, "Case"], float]


@dataclass(frozen=True)
class Case:
    """One kind of file."""

    name: str
    metric: str
    ids: Callable[[int], str]
    cell: Callable[[float], str] | None  # how a probability is written; None: labels
    has_floor: bool = True


CASES = (
    Case("accuracy", "accuracy", str, None),
    Case("accuracy, ids as img_0000001.png", "accuracy", "img_{:07d}.png".format, None, False),
    Case("log loss, 10 columns, 6 decimals", "log_loss", str, "{:.6f}".format),
    Case("log loss, 10 columns, all digits", "log_loss", str, repr),
)


def files(case: Case, rows: int) -> tuple[bytes, bytes]:
    """A solution in order and a submission in random order."""
    draw = np.random.default_rng(SEED)
    truth = draw.integers(0, CLASSES, rows).tolist()
    order = draw.permutation(rows).tolist()
    solution = "".join(f"{case.ids(at)},{label}\n" for at, label in enumerate(truth))
    guesses: Iterable[str]
    if case.cell is None:
        header, guesses = "label", map(str, draw.integers(0, CLASSES, rows).tolist())
    else:
        header = ",".join(map(str, range(CLASSES)))
        shares = draw.dirichlet(np.ones(CLASSES), rows).tolist()
        guesses = (",".join(map(case.cell, row)) for row in shares)
    answers = "".join(f"{case.ids(at)},{guess}\n" for at, guess in zip(order, guesses, strict=True))
    return f"id,label\n{solution}".encode(), f"id,{header}\n{answers}".encode()


def holdout(case: Case, solution: bytes) -> Callable[[bytes], float]:
    compiled = scoring.Solution.read(solution)
    spec = scoring.Spec(case.metric, max_bytes=1 << 30)
    return lambda submission: scoring.evaluate(submission, compiled, spec).score


def floor(case: Case, solution: bytes) -> Callable[[bytes], float]:
    import polars  # noqa: PLC0415 - only this program may pay for it

    truth = polars.read_csv(io.BytesIO(solution))["label"].to_numpy()
    rows = np.arange(len(truth))

    def labels(submission: bytes) -> float:
        table = polars.read_csv(io.BytesIO(submission))
        aligned = np.full(len(truth), -1, np.int64)
        aligned[table["id"].to_numpy()] = table["label"].to_numpy()
        return float((aligned == truth).mean())

    def shares(submission: bytes) -> float:
        table = polars.read_csv(io.BytesIO(submission))
        aligned = np.empty((len(truth), CLASSES))
        aligned[table["id"].to_numpy()] = table.drop("id").to_numpy()
        chosen = aligned[rows, truth] / aligned.sum(axis=1)
        return float(-np.log(np.clip(chosen, 1e-15, 1 - 1e-15)).mean())

    return labels if case.cell is None else shares


def pandas(case: Case, solution: bytes) -> Callable[[bytes], float]:
    import pandas  # noqa: PLC0415
    from sklearn import metrics  # noqa: PLC0415

    def program(submission: bytes) -> float:
        merged = pandas.read_csv(io.BytesIO(solution)).merge(
            pandas.read_csv(io.BytesIO(submission)), on="id", suffixes=("", "_guess")
        )
        if case.cell is None:
            return float(metrics.accuracy_score(merged["label"], merged["label_guess"]))
        shares = merged[[str(at) for at in range(CLASSES)]].to_numpy()
        return float(metrics.log_loss(merged["label"], shares / shares.sum(1, keepdims=True)))

    return program


def turns(programs: dict[str, Callable[[bytes], float]], submission: bytes) -> dict[str, float]:
    """Each program's median seconds, taking turns until the time is up."""
    values = {name: program(submission) for name, program in programs.items()}
    # scikit-learn clips probabilities elsewhere, which shows where one is nearly 0
    if max(values.values()) - min(values.values()) > 1e-4:
        raise SystemExit(f"the programs disagree: {values}")
    seconds: dict[str, list[float]] = {name: [] for name in programs}
    end = time.perf_counter() + BUDGET
    while len(seconds["holdout"]) < 5 or (
        time.perf_counter() < end and len(seconds["holdout"]) < 50
    ):
        for name, program in programs.items():
            start = time.perf_counter()
            program(submission)
            seconds[name].append(time.perf_counter() - start)
    return {name: median(found) for name, found in seconds.items()}


MEMORY = """
import ctypes, json, sys
from pathlib import Path
import scoring
def status(key):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(key))
folder, metric = Path(sys.argv[1]), sys.argv[2]
solution = scoring.Solution.read((folder / "solution.csv").read_bytes())
spec = scoring.Spec(metric, max_bytes=1 << 30)
scoring.evaluate((folder / "submission.csv").read_bytes(), solution, spec)  # what is kept for all
ctypes.CDLL(None).malloc_trim(0)  # what is free, but not given back, would hide what is needed
before = status("VmRSS")
Path("/proc/self/clear_refs").write_text("5")
scoring.evaluate((folder / "submission.csv").read_bytes(), solution, spec)
print(json.dumps(status("VmHWM") - before))
"""


def memory(case: Case, solution: bytes, submission: bytes) -> float:
    """Peak bytes above what the process held, in sizes of the file."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "solution.csv").write_bytes(solution)
        (Path(folder) / "submission.csv").write_bytes(submission)
        call = [sys.executable, "-c", MEMORY, folder, case.metric]
        done = subprocess.run(call, capture_output=True, text=True, check=True)
    return float(json.loads(done.stdout)) / len(submission)


def row(case: Case, rows: int) -> str:
    solution, submission = files(case, rows)
    programs = {"holdout": holdout(case, solution), "pandas": pandas(case, solution)}
    if case.has_floor:
        programs["floor"] = floor(case, solution)
    took = turns(programs, submission)
    bare = f"{took['floor'] * 1e3:8.2f}" if case.has_floor else f"{'-':>8}"
    ratio = f"{took['holdout'] / took['floor']:6.2f}" if case.has_floor else f"{'-':>6}"
    return (
        f"{case.name:36} {rows:>9,} {len(submission) / 1e6:7.1f} {took['holdout'] * 1e3:9.2f} "
        f"{bare} {took['pandas'] * 1e3:9.2f} {ratio} {took['pandas'] / took['holdout']:8.1f} "
        f"{memory(case, solution, submission):7.2f}"
    )


def fresh(code: str, tries: int = 7) -> float:
    """Median seconds of a whole Python process."""
    seconds = []
    for _ in range(tries):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        seconds.append(time.perf_counter() - start)
    return median(seconds)


def imports() -> str:
    loaded = "import sys, scoring; print(sorted({'pandas', 'torch', 'polars'} & set(sys.modules)))"
    heavy = subprocess.run(
        [sys.executable, "-c", loaded], capture_output=True, text=True, check=True
    ).stdout.strip()
    times: dict[str, Any] = {
        name: f"{fresh(f'import {name}') - fresh('pass'):.3f} s" for name in ("scoring", "numpy")
    }
    return f"import above a bare Python: {times}; of pandas, torch, polars it loads {heavy}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    print(
        f"{'':36} {'rows':>9} {'MB':>7} {'holdout':>9} {'floor':>8} {'pandas':>9} {'/floor':>6} "
        f"{'pandas/':>8} {'memory':>7}\n{'':36} {'':>9} {'':>7} {'ms':>9} {'ms':>8} {'ms':>9} "
        f"{'<=1.5':>6} {'>=5':>8} {'<=3':>7}"
    )
    for case in CASES:
        for rows in QUICK if quick else SIZES:
            print(row(case, rows), flush=True)
    print(imports())


if __name__ == "__main__":
    main()
