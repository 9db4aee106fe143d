"""`python -m scoring check` in a process of its own: its answer, and what it took."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from tests.scoring.hostile import CHALLENGES, Hostile

ROOT = Path(__file__).resolve().parents[2]
SECONDS, MEMORY = 2.0, 300 * 1_000_000  # goals: wall-clock time on two cores, bytes
CPU_LIMIT, ADDRESS_LIMIT = 10, 4 << 30  # seconds, bytes: the child is killed beyond

# A child's peak counts from the fork on, when it still has its parent's memory: the parent must be
# small. It says what the child has used, and the child's output goes to where its own would go.
_LAUNCHER = """
import os, resource, sys
child = os.fork()
if not child:
    resource.setrlimit(resource.RLIMIT_CPU, (int(sys.argv[1]),) * 2)
    resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[2]),) * 2)
    os.execv(sys.argv[3], sys.argv[3:])
_, status, used = os.wait4(child, 0)
seconds = used.ru_utime + used.ru_stime
print(os.waitstatus_to_exitcode(status), seconds, used.ru_maxrss, file=sys.stderr)
"""

# Loads once what a command loads, by a first one, and forks for every line of its input. A child's
# peak counts what it got from here, which is what it would have loaded itself; the pages of files
# (libraries) it does not count until they are touched, so those of this process are added.
_NURSERY = """
import contextlib, io, json, os, resource, runpy, sys, tempfile
from scoring.terminal import app

with tempfile.NamedTemporaryFile() as file, contextlib.redirect_stdout(io.StringIO()):
    file.write(b"id,label\\n1,a\\n2,b\\n")
    file.flush()
    app(["check", "--solution", file.name, "--submission", file.name], standalone_mode=False)

def run(kind, what, *words):
    sys.argv = [what, *words]
    try:
        exec(what) if kind == "-c" else runpy.run_module(what, run_name="__main__")
    except SystemExit as end:
        return end.code or 0
    return 0

with open("/proc/self/status") as status:
    of_files = int(next(line.split()[1] for line in status if line.startswith("RssFile")))

for line in sys.stdin:
    cpu, address, words = json.loads(line)
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = os.fork()
        if not child:
            resource.setrlimit(resource.RLIMIT_CPU, (cpu,) * 2)
            resource.setrlimit(resource.RLIMIT_AS, (address,) * 2)
            os.dup2(out.fileno(), 1)
            os.dup2(err.fileno(), 2)
            code = run(*words)
            sys.stdout.flush()
            os._exit(code)  # to take everything down in good order takes longer than the command
        _, status, used = os.wait4(child, 0)
        texts = [os.pread(file.fileno(), 1 << 24, 0).decode() for file in (out, err)]
    seconds, peak = used.ru_utime + used.ru_stime, used.ru_maxrss + of_files
    print(json.dumps([os.waitstatus_to_exitcode(status), seconds, peak, *texts]))
    sys.stdout.flush()
"""


@dataclass(frozen=True)
class Verdict:
    """How a file was answered."""

    exit_code: int
    answer: dict[str, object]
    seconds: float
    cpu_seconds: float
    peak: int  # bytes

    @property
    def codes(self) -> list[str]:
        problems = self.answer["problems"]
        assert isinstance(problems, list)
        return [problem["code"] for problem in problems]


def write_solutions(folder: Path) -> None:
    for key, challenge in CHALLENGES.items():
        (folder / f"{key}.solution.csv").write_bytes(challenge.solution())


def measured(arguments: Sequence[str], cpu_limit: int = CPU_LIMIT) -> Verdict:
    """What a Python process prints as JSON, and what it took."""
    launch = [sys.executable, "-I", "-S", "-c", _LAUNCHER, str(cpu_limit), str(ADDRESS_LIMIT)]
    start = time.perf_counter()
    done = subprocess.run(
        [*launch, sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=True
    )
    seconds = time.perf_counter() - start
    *complaints, figures = done.stderr.splitlines()
    assert not complaints, done.stderr
    exit_code, cpu_seconds, peak = figures.split()
    answer = json.loads(done.stdout) if done.stdout else {}
    return Verdict(int(exit_code), answer, seconds, float(cpu_seconds), int(peak) * 1024)


class Nursery:
    """Many such processes, one after another, without the 0.3 s that each takes to start.

    They are forked from one that has loaded the library, and begin where `python` would.
    """

    def __enter__(self) -> "Nursery":
        self._process = subprocess.Popen(
            [sys.executable, "-c", _NURSERY],
            cwd=ROOT,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},  # a fork takes no threads along
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(self, *_error: object) -> None:
        self._process.communicate()

    def measured(self, arguments: Sequence[str], cpu_limit: int = CPU_LIMIT) -> Verdict:
        """As the function of this name; arguments: `-m MODULE …` or `-c CODE`."""
        asked, told = cast(IO[str], self._process.stdin), cast(IO[str], self._process.stdout)
        start = time.perf_counter()
        asked.write(json.dumps([cpu_limit, ADDRESS_LIMIT, arguments]) + "\n")
        asked.flush()
        exit_code, cpu_seconds, peak, printed, complaints = json.loads(told.readline())
        seconds = time.perf_counter() - start
        assert not complaints, complaints
        answer = json.loads(printed) if printed else {}
        return Verdict(exit_code, answer, seconds, cpu_seconds, peak * 1024)


def judge(folder: Path, file: Hostile, run: Callable[[list[str]], Verdict] = measured) -> Verdict:
    """Sends the file to a process of its own, in a folder with the solutions."""
    path = folder / f"{file}.csv".replace("/", " ")
    file.write(path)
    solution = folder / f"{file.challenge}.solution.csv"
    command = ["-m", "scoring", "check", "--json", "--solution", str(solution)]
    try:
        return run([*command, "--submission", str(path), *CHALLENGES[file.challenge].options])
    finally:
        path.unlink()
