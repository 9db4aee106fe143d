"""What an interrupted run goes on from: written after an epoch, whole or not at all."""

import pickle
import time
from collections.abc import Callable
from pathlib import Path

import torch

from baselines.errors import BaselineError
from baselines.training.loop import Trainer

NAME = "checkpoint.pt"
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
    draft = folder / f".{NAME}"
    torch.save(trainer.state(), draft)
    draft.replace(folder / NAME)


def restore(trainer: Trainer, folder: Path) -> bool:
    """Set the trainer to where the run was interrupted; False where it has to begin."""
    path = folder / NAME
    if not path.is_file():
        return False
    try:
        trainer.restore(torch.load(path, weights_only=True))
    except (OSError, EOFError, KeyError, ValueError, RuntimeError, pickle.UnpicklingError) as error:
        raise BaselineError(f"{path} cannot be gone on from. Remove it to begin anew.") from error
    return True


def remove(folder: Path) -> None:
    (folder / NAME).unlink(missing_ok=True)
