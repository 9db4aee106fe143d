"""`python -m scoring check` in a process of its own: its answer, and what it took."""

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

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


def judge(folder: Path, file: Hostile) -> Verdict:
    """Sends the file to a process of its own, in a folder with the solutions."""
    path = folder / f"{file}.csv".replace("/", " ")
    file.write(path)
    solution = folder / f"{file.challenge}.solution.csv"
    command = ["-m", "scoring", "check", "--json", "--solution", str(solution)]
    try:
        return measured([*command, "--submission", str(path), *CHALLENGES[file.challenge].options])
    finally:
        path.unlink()


def measured(arguments: list[str], cpu_limit: int = CPU_LIMIT) -> Verdict:
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
