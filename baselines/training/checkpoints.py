"""What an interrupted run goes on from: written after an epoch, whole or not at all."""

import pickle
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from baselines.errors import BaselineError
from baselines.runs import CHECKPOINT
from baselines.training.loop import Trainer

DAMAGED = (
    OSError, EOFError, KeyError, TypeError, ValueError, RuntimeError, pickle.UnpicklingError,
)  # fmt: skip
SELDOM = 10.0  # seconds between two: a small network's epoch is over in less


def keeper(folder: Path) -> Callable[[Trainer], None]:
    """Writes one after an epoch, unless the last is younger than ten seconds."""
    last = time.monotonic()

    def keep(trainer: Trainer) -> None:
        nonlocal last
        if time.monotonic() - last >= SELDOM:
            write(trainer, folder)
            last = time.monotonic()

    return keep


def write(trainer: Trainer, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / f".{CHECKPOINT}"
    torch.save(trainer.state(), draft)
    draft.replace(folder / CHECKPOINT)


def restore(trainer: Trainer, folder: Path) -> bool:
    """Set the trainer to where the run was interrupted; False where it has to begin.

    A checkpoint of a GPU is gone on from on a CPU as well, though not with the same numbers.
    """
    with _in_words(folder / CHECKPOINT) as state:
        if state is not None:
            trainer.restore(state)
    return state is not None


def seconds(folder: Path) -> float:
    """How long the run had trained until its checkpoint; 0 where there is none."""
    with _in_words(folder / CHECKPOINT) as state:
        return 0.0 if state is None else float(state["progress"]["seconds"])


@contextmanager
def _in_words(path: Path) -> Iterator[dict[str, Any] | None]:
    """What a checkpoint holds, None where there is none. Raises BaselineError for a damaged one."""
    try:
        yield torch.load(path, "cpu", weights_only=True) if path.is_file() else None
    except DAMAGED as error:
        raise BaselineError(f"{path} cannot be gone on from. Remove it to begin anew.") from error
