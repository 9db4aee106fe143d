"""Published sets built into challenges: `python -m benchmarks.building FOLDER`.

FOLDER holds them as torchvision keeps them or as they were published. Each set is built by the
command of the operator's, in an installation of its own; seconds are of the wall, memory is the
command's largest (its children that decode images have theirs besides).
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

SETS = {"mnist": 70_000, "fashion-mnist": 70_000, "cifar10": 60_000}
ROOT = Path(__file__).resolve().parents[1]


def run(var: str, folder: Path, *command: str) -> tuple[float, int, str]:
    """Seconds, megabytes and what the command said."""
    known = {"HOLDOUT_VAR": var, "HOLDOUT_DATASETS": str(folder), "HOLDOUT_LOG_LEVEL": "error"}
    begun = time.monotonic()
    with subprocess.Popen(
        [sys.executable, "manage.py", *command],
        cwd=ROOT,
        env={**os.environ, **known},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        said = process.stdout.read() if process.stdout else ""
        _pid, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed: {said}")
    return time.monotonic() - begun, used.ru_maxrss // 1024, said


def main() -> None:
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    folder = Path(sys.argv[1]).resolve()
    table = Table("set", "images", "seconds", "images/s", "MB", "leak report")
    for name, images in SETS.items():
        with tempfile.TemporaryDirectory() as var:
            run(var, folder, "migrate", "-v0")
            seconds, memory, said = run(var, folder, "build_challenge", name, "--slug", name)
        report = "\n".join(said.strip().splitlines()[1:]).strip() or "nothing"
        table.add_row(
            name, f"{images:,}", f"{seconds:.1f}", f"{images / seconds:,.0f}", f"{memory}", report
        )
    Console().print(table)


if __name__ == "__main__":
    main()
