"""Does any file make the reader fail, hang, or take what it should refuse?

    python -m benchmarks.fuzz_reader --minutes 10               our own mutations
    python -m benchmarks.fuzz_reader --minutes 10 --coverage    steered by atheris, where installed
    python -m benchmarks.fuzz_reader --minutes 0.1 --seed 7 --layout sets

Right files of every layout are broken a little or a lot. For each: only InvalidSubmission is
raised, its problems are well formed, `check` and `evaluate` say the same, the reading in bulk takes
only what the careful one takes, with the same values, and all this is done in two seconds. Files
with a new outcome are broken further. Those that fail are kept, and end it with exit code 1.
"""

import argparse
import importlib
import os
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FunctionType
from typing import Any
from unittest.mock import patch

from benchmarks.broken_files import LONGEST, Random, broken, seeded
from scoring import (
    InvalidSubmission,
    Problem,
    ProblemCode,
    Solution,
    Spec,
    check,
    evaluate,
    layouts,
)
from scoring.reading import blocks, bulk
from scoring.template import Template
from tests.scoring.readings import agree

SECONDS = 2.0  # for one file
POOL = 500  # files to break, for each case
CASES = 60
FURTHER = 200  # broken files from one case before the next

METRICS: dict[str, tuple[Spec, ...]] = {
    "labels": (Spec("f1"), Spec("accuracy", layout="labels")),
    "score": (Spec("brier", layout="score"), Spec("average_precision", layout="score")),
    "probabilities": (
        Spec("log_loss"),
        Spec("mean_column_log_loss"),
        Spec("hamming_loss", layout="probabilities"),
        Spec("roc_auc", layout="probabilities"),
    ),
    "ranked": (Spec("map_at_k", {"k": 3}), Spec("top_k_accuracy", {"k": 2}, layout="ranked")),
    "sets": (Spec("jaccard", layout="sets"), Spec("subset_accuracy", layout="sets")),
}
IDS = (
    "{}", "img_{:04d}.png", "{:03d}", "val/{}.JPEG", "\u00e9\u00e8{}", "\U0001f431{}", "a b {}",
    "={}", "{}" + "x" * 60, "y" * 140 + "{}", "x" * 8 + "{}",
)  # fmt: skip
CLASSES = ("c{}", "{}", "Kr\u00f6te{}", "\u540d{}", "class-{:02d}", "k" * 20 + "{}", "-{}", "nan{}")
NUMBERS = {
    "any": ("0", "-1", "0.5", "1e-5", "123456.75", "-0.0", "1e22", "0.30000000000000004", "1e300"),
    "unit": ("0", "1", "0.5", "1e-5", "0.000", "5e-324", "0.123456789012345678901"),
    "shares": ("0.1", "1", "0.5", "1e-5", "0.30000000000000004", "7", "1e300", "2.5e-310"),
    "binary": ("0", "1", "0.0", "1.00", "1e0", "-0"),
}
EQUALLY_LONG = ("1.00", "1.00", "0.00")


@dataclass(frozen=True)
class Case:
    """A small challenge, a right file for it, and files made of that one."""

    solution: Solution
    spec: Spec
    layout: str
    pool: list[bytes]


def case(rng: Random, layout: str) -> Case:
    spec = rng.choice(METRICS[layout])
    # mostly of one kind, as the names of most challenges are
    patterns = IDS if rng.random() < 0.3 else [rng.choice(IDS)]
    ids = [rng.choice(patterns).format(at) for at in range(rng.randint(4, 12))]
    names = [rng.choice(CLASSES).format(at) for at in range(rng.randint(2, 9))]
    classes = ["0", "1"] if layout == "score" else names
    truth = [classes[at % len(classes)] for at in range(len(ids))]
    if layout == "sets":
        truth = [f"{name} {rng.choice(classes)}" for name in truth]
    rows = "".join(f"{name},{label}\n" for name, label in zip(ids, truth, strict=True))
    solution = Solution.read(f"id,label\n{rows}".encode(), classes=classes, spec=spec)
    template = layouts.template(solution, spec)[1]
    numbers = EQUALLY_LONG if rng.random() < 0.3 else NUMBERS[template.numbers]
    lines = [template.header, *((name, *_cells(rng, template, numbers)) for name in ids)]
    return Case(solution, spec, layout, [written(rng, lines)])


def _cells(rng: Random, template: Template, pool: Sequence[str]) -> list[str]:
    if template.layout == "labels":
        return [rng.choice(template.classes)]
    if template.layout in ("score", "probabilities"):
        return rng.choices(pool, k=len(template.header) - 1)
    return [" ".join(rng.sample(template.classes, rng.randint(1, len(template.classes))))]


def written(rng: Random, lines: Sequence[Sequence[str]]) -> bytes:
    quoted = rng.choice((0.0, 0.0, 0.3, 1.0))
    newline = rng.choice(("\n", "\n", "\r\n"))
    text = newline.join(
        ",".join(f'"{cell}"' if rng.random() < quoted else cell for cell in line) for line in lines
    )
    return text.encode() + rng.choice(("", newline)).encode()


@contextmanager
def alarm() -> Iterator[None]:
    """Raises TimeoutError in the middle of what takes too long."""

    def ring(*_: object) -> None:
        raise TimeoutError(f"more than {SECONDS} seconds")

    signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def judged(case: Case, data: bytes) -> tuple[str, ...]:
    """The outcome: the codes, or how the file was read. Fails where something must not be."""
    template = layouts.template(case.solution, case.spec, data)[1]
    problems, more = check(data, template)
    taken = agree(data, template) is not None
    try:
        report = evaluate(data, case.solution, case.spec)
    except InvalidSubmission as error:
        require((list(error.problems), error.more) == (problems, more), "evaluate and check differ")
        _well_formed(problems, more, data)
        return (case.layout, *sorted({problem.code.value for problem in problems}))
    require(not problems, "evaluate took what check refuses")
    require(report.rows == len(case.solution.ids), "not every row was scored")
    return (case.layout, "read in bulk" if taken else "read with care")


def _well_formed(problems: list[Problem], more: int, data: bytes) -> None:
    require(0 < len(problems) <= 20, "no problem, or too many")
    require(more == 0 or len(problems) == 20, "fewer problems told than could be")
    for problem in problems:
        message, line = problem.message, problem.line
        require(problem.code in ProblemCode, "a code that does not exist")
        require(line is None or 1 <= line <= data.count(b"\n") + 1, "a line that does not exist")
        require(10 < len(message) < 400 and message.isprintable(), f"the message {message!r}")


def require(holds: bool, what: str) -> None:
    if not holds:
        raise AssertionError(what)


@dataclass
class Hunt:
    """What was tried and found."""

    folder: Path
    count: int = 0
    slowest: float = 0.0
    outcomes: Counter[tuple[str, ...]] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)

    def send(self, case: Case, data: bytes) -> bool:
        """Whether the outcome is new."""
        self.count += 1
        start = time.perf_counter()
        try:
            with alarm():
                outcome = judged(case, data)
        except Exception as error:
            self.keep(error, case, data)
            return False
        self.slowest = max(self.slowest, time.perf_counter() - start)
        self.outcomes[outcome] += 1
        return self.outcomes[outcome] == 1 and len(data) < LONGEST

    def keep(self, error: Exception, case: Case, data: bytes) -> None:
        where = traceback.extract_tb(error.__traceback__)[-1]
        failure = f"{type(error).__name__} in {Path(where.filename).name}:{where.lineno}"
        self.failures[failure] += 1
        if self.failures[failure] == 1:
            path = self.folder / f"failure-{len(self.failures)}.csv"
            path.write_bytes(data)
            print(f"{failure}: {error}\n  {case.spec}, kept as {path}", flush=True)

    def report(self, seconds: float) -> int:
        codes = {code for outcome in self.outcomes for code in outcome[1:]}
        print(f"{self.count} files in {seconds:.0f} s, {self.count / seconds:.0f} a second")
        print(f"slowest {self.slowest * 1000:.0f} ms, {len(self.outcomes)} different outcomes")
        for code in sorted(codes):
            print(f"  {code:24}{sum(n for at, n in self.outcomes.items() if code in at):9}")
        print(f"{sum(self.failures.values())} failures of {len(self.failures)} kinds")
        return min(1, len(self.failures))


def hunt(found: Hunt, seconds: float, seed: int, wanted: Sequence[str]) -> None:
    rng, stop = seeded(seed), time.monotonic() + seconds
    cases = [case(rng, wanted[at % len(wanted)]) for at in range(CASES)]
    for each in cases:
        found.send(each, each.pool[0])
    while time.monotonic() < stop:
        each = rng.choice(cases)
        sizes = rng.choice(((1 << 18, 4 << 20), (64, 4 << 20), (1, 4 << 20), (64, 0)))
        with patch.object(blocks, "SIZE", sizes[0]), patch.object(bulk, "THREADED", sizes[1]):
            for _ in range(FURTHER):
                data = broken(rng, each.pool)
                if found.send(each, data) and len(each.pool) < POOL:
                    each.pool.append(data)


def _functions_of_the_reader() -> Iterator[FunctionType]:
    for name, module in list(sys.modules.items()):
        if name.startswith(("scoring.reading", "scoring.decoding", "scoring.vocabulary")):
            own = [at for at in vars(module).values() if getattr(at, "__module__", "") == name]
            inside = [at for each in own if isinstance(each, type) for at in vars(each).values()]
            yield from (at for at in [*own, *inside] if isinstance(at, FunctionType))


def hunt_by_coverage(found: Hunt, seconds: float, seed: int, wanted: Sequence[str]) -> None:
    """With libFuzzer, which keeps the files that reach new branches of the reader."""
    atheris = importlib.import_module("atheris")
    bytecode = importlib.import_module("atheris.instrument_bytecode")
    rng, start = seeded(seed), time.monotonic()
    cases = [case(rng, wanted[at % len(wanted)]) for at in range(CASES)]
    for function in _functions_of_the_reader():
        # without tracing comparisons: atheris 3.1 does not free the arrays that numpy answers with
        function.__code__ = bytecode.patch_code(function.__code__, trace_dataflow=False)

    def send(data: bytes) -> None:
        if data:
            found.send(cases[data[0] % CASES], data[1:])
        if (passed := time.monotonic() - start) > seconds:
            code = found.report(passed)
            sys.stdout.flush()
            os._exit(code)  # libFuzzer would not let an exception end it quietly

    def mutate(data: bytes, longest: int, chosen: int) -> bytes:
        ours = seeded(chosen)
        if ours.random() < 0.3 or len(data) < 2:
            return bytes(atheris.Mutate(data, longest))
        return (data[:1] + broken(ours, [data[1:]]))[:longest]

    seeds = found.folder / "seeds"
    seeds.mkdir()
    for at, each in enumerate(cases):
        (seeds / str(at)).write_bytes(bytes([at]) + each.pool[0])
    options = ["-max_len=4096", f"-seed={seed + 1}", "-verbosity=0"]  # a seed of 0 is none
    options += [f"-artifact_prefix={found.folder}/"]
    atheris.Setup([sys.argv[0], *options, str(seeds)], send, custom_mutator=mutate)
    atheris.Fuzz()


def main() -> int:
    parser = argparse.ArgumentParser(description="Break files until the reader breaks.")
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--layout", choices=METRICS, help="default: all")
    parser.add_argument("--coverage", action="store_true", help="needs atheris")
    arguments: Any = parser.parse_args()
    wanted = [arguments.layout] if arguments.layout else list(METRICS)
    found = Hunt(Path(tempfile.mkdtemp(prefix="fuzz-")))
    start = time.monotonic()
    way = hunt_by_coverage if arguments.coverage else hunt
    way(found, arguments.minutes * 60, arguments.seed, wanted)
    return found.report(time.monotonic() - start)


if __name__ == "__main__":
    sys.exit(main())
