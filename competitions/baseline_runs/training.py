"""A baseline trained on a challenge's public files, by the program that participants have.

The site imports nothing of it: a folder as `python -m baselines fetch` leaves it, then its own
command lines, each a process of low priority that is ended with us. They see neither the solution
nor what this process knows of the database.
"""

import contextlib
import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import structlog
from django.conf import settings

from competitions import files
from competitions.models import BaselineRun

NEEDED = ("train.zip", "test.zip", "train.csv", files.SAMPLE)
LARGEST = 64  # pixels a side: larger images take these networks hours and teach them little more
LOOK_EVERY = 10  # seconds between two signs of life
NICENESS = 10
# What a program needs to run, and nothing that opens a door.
PASSED_ON = ("PATH", "HOME", "LANG", "TMPDIR", "PYTHONPATH", "LD_LIBRARY_PATH")
_PR_SET_PDEATHSIG = 1
# Loaded before any fork: between fork and exec nothing may be imported.
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None

log = structlog.get_logger(__name__)


class Failed(Exception):
    """The text is a sentence for the organiser."""


class Overtaken(Exception):
    """Nobody waits for this attempt any more."""


@dataclass(frozen=True)
class Trained:
    answers: bytes  # a submission
    seconds: float  # of training alone


def can_run(needs_torch: bool) -> bool:
    """Whether the program finds its libraries in this installation; nothing is imported."""
    return not needs_torch or find_spec("torch") is not None


def train(run: BaselineRun, is_awaited: Callable[[], bool]) -> Trained:
    """Trains and answers. ``is_awaited`` is asked every few seconds; after a no it stops.

    Raises Failed, or Overtaken.
    """
    with _workplace(run) as folder:
        data, out, answers = folder / "data", folder / "run", folder / "answers.csv"
        _fetch(run, data)
        learn = ["train", "--arch", run.arch, "--data", str(data), "--out", str(out), "--no-log"]
        told = _command([*learn, "--largest", str(LARGEST)], folder, is_awaited)
        predict = ["predict", str(out), "--images", str(data), "--out", str(answers)]
        _command(predict, folder, is_awaited)
        return Trained(answers.read_bytes(), float(told["train_seconds"]))


@contextmanager
def _workplace(run: BaselineRun) -> Iterator[Path]:
    """An empty folder of this attempt's own; what killed attempts left behind is removed."""
    place = Path(settings.VAR) / "baselines"
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    for left in place.glob(f"{run.pk}-*"):
        shutil.rmtree(left, ignore_errors=True)
    folder = place / f"{run.pk}-{run.attempt}"
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _fetch(run: BaselineRun, folder: Path) -> None:
    """The public files, as a participant has them; never the solution."""
    folder.mkdir()
    for file in run.competition.files.filter(name__in=NEEDED):
        with files.open_data(file) as stored, (folder / file.name).open("wb") as copy:
            shutil.copyfileobj(stored, copy, files.CHUNK)


def _command(words: Sequence[str], folder: Path, is_awaited: Callable[[], bool]) -> dict[str, Any]:
    """One command line of the program's; what it told. Raises Failed, or Overtaken."""
    said, complained = folder / "said", folder / "complained"
    with said.open("wb") as out, complained.open("wb") as errors:
        process = subprocess.Popen(  # noqa: S603 - our own command lines
            [sys.executable, "-m", "baselines", *words, "--json"],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=errors,
            cwd=settings.BASE,
            env=_environment(),
            start_new_session=True,  # a group of its own, which is ended whole
            preexec_fn=_low_and_mortal,
        )
        try:
            _wait(process, is_awaited)
        finally:
            _end(process)
    told = _last_object(said)
    if process.returncode:
        last = complained.read_text(errors="replace").strip().splitlines()[-1:]
        log.error(
            "a baseline's step failed", step=words[0], exit_code=process.returncode, said=last
        )
        raise Failed(_reason(words[0], process.returncode, told, folder))
    return told


def _environment() -> dict[str, str]:
    """A thread a core would leave nothing to the site, and threads that wait slow each other."""
    threads = str(max(1, (os.cpu_count() or 1) // 2))
    kept = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    return {**kept, "OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads}


def _low_and_mortal() -> None:
    """Between fork and exec: behind everything else, and ended with its parent."""
    os.nice(max(0, NICENESS - os.nice(0)))
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _wait(process: "subprocess.Popen[bytes]", is_awaited: Callable[[], bool]) -> None:
    while True:
        try:
            process.wait(LOOK_EVERY)
        except subprocess.TimeoutExpired:
            if not is_awaited():
                raise Overtaken from None
        else:
            return


def _end(process: "subprocess.Popen[bytes]") -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _last_object(said: Path) -> dict[str, Any]:
    """The JSON object in the last line; empty where there is none."""
    lines = said.read_text(errors="replace").splitlines()
    try:
        found = json.loads(lines[-1]) if lines else {}
    except ValueError:
        found = {}
    return found if isinstance(found, dict) else {}


def _reason(step: str, exit_code: int, told: dict[str, Any], folder: Path) -> str:
    """The program's own sentence, without the places of this machine."""
    if message := told.get("error", {}).get("message"):
        return str(message).replace(f"{folder / 'data'}/", "").replace(f"{folder}/", "")
    if exit_code == -signal.SIGKILL:
        return f"The step “{step}” was ended by the system, most likely for lack of memory."
    return f"The step “{step}” ended without a word (exit code {exit_code})."
