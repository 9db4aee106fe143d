"""How soon, and with how much memory, is a file refused that wants to break the reader?

    python -m benchmarks.hostile_files                   every file
    python -m benchmarks.hostile_files --only quotes     those with this in their name

Every file goes to `python -m scoring check` in a process of its own; the times contain its start,
which is that of the first line, a right file. Goals: 2 seconds and 300 MB. Ends with exit code 1
where a file is not refused with its code, or a goal is missed.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.scoring.children import MEMORY, SECONDS, Verdict, judge, write_solutions
from tests.scoring.hostile import (
    ALMOST_RIGHT,
    FLOODS,
    GOOD,
    LONG_CELLS,
    SMALL,
    Hostile,
)

RIGHT = Hostile("a right file", "", lambda: GOOD)


def wrong(file: Hostile, found: Verdict) -> str:
    """What is not as it should be."""
    first = found.codes[0] if found.codes else ""
    return " ".join(
        name
        for name, holds in (
            ("CODE", first == file.code and found.exit_code == (1 if file.code else 0)),
            ("TIME", found.seconds < SECONDS),
            ("MEMORY", found.peak < MEMORY),
        )
        if not holds
    )


def line(file: Hostile, found: Verdict) -> str:
    code = found.codes[0] if found.codes else ""
    times = f"{found.seconds:7.2f}{found.cpu_seconds:7.2f}{found.peak / 1e6:6.0f}"
    return f"{file!s:46}{code:22}{times}  {wrong(file, found)}".rstrip()


def main() -> int:
    parser = argparse.ArgumentParser(description="Time and memory that hostile files take.")
    parser.add_argument("--only", default="", help="a part of the names of the files to send")
    only = parser.parse_args().only
    missed = 0
    print(f"{'file':46}{'code':22}{'s':>7}{'CPU s':>7}{'MB':>6}")
    with tempfile.TemporaryDirectory() as folder:
        write_solutions(Path(folder))
        for file in (RIGHT, *SMALL, *FLOODS, *ALMOST_RIGHT, *LONG_CELLS):
            if only in str(file):
                found = judge(Path(folder), file)
                missed += bool(wrong(file, found))
                print(line(file, found), flush=True)
    return min(missed, 1)


if __name__ == "__main__":
    sys.exit(main())
