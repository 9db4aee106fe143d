"""What a page of the leaderboard costs the database, with many teams on it.

    python -m benchmarks.board_reads [--teams 100000] [--rounds 15]

Fills a database that is made for it and removed after it, SQLite first and PostgreSQL where its
programs are installed, and prints the queries and the median time of each kind of read.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests import with_postgres


def main(arguments: argparse.Namespace) -> None:
    numbers = ("--teams", str(arguments.teams), "--rounds", str(arguments.rounds))
    with tempfile.TemporaryDirectory() as folder:
        _measured("SQLite", folder, numbers)
        programs = with_postgres.binaries()
        if programs is None:
            print("PostgreSQL is not installed here.")
            return
        with with_postgres.server(programs) as url:
            _measured("PostgreSQL", folder, numbers, DATABASE_URL=url)


def _measured(engine: str, folder: str, numbers: tuple[str, ...], **addresses: str) -> None:
    """In a process of its own, because settings are read once."""
    variables = {**os.environ, "HOLDOUT_VAR": str(Path(folder, engine)), **addresses}
    if not addresses:
        variables.pop("DATABASE_URL", None)
    print(f"\n{engine}", flush=True)
    command = [sys.executable, "-m", "benchmarks.large_board", *numbers]
    subprocess.run(command, env=variables, check=True)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Times of the reads of a large leaderboard.")
    parser.add_argument("--teams", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=15)
    return parser.parse_args()


if __name__ == "__main__":
    main(arguments())
