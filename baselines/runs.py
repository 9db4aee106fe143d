"""A run folder: run.json says what was trained and how well, the model file lies beside it."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

from baselines.errors import BaselineError, CallError
from baselines.training.options import Options

CHECKPOINT = "checkpoint.pt"  # of an interrupted training, from which it can go on
MODELS = "model.pt", "model.npz"
EVENTS = "events"  # the folder in it that TensorBoard reads
# what a recorder writes there; the tables and the picture are the projector's
RECORDED = (
    "events.out.tfevents.*", "projector_config.pbtxt",
    "*/*/tensors.tsv", "*/*/metadata.tsv", "*/*/sprite.png",
)  # fmt: skip
LARGEST_SEED = 2**32 - 1  # that every library takes: scikit-learn's have 32 bits


@dataclass(frozen=True)
class Run:
    arch: str
    data: str
    classes: tuple[str, ...]
    channels: int
    height: int
    width: int
    mean: tuple[float, ...]  # of each channel, pixels counted from 0 to 1
    deviation: tuple[float, ...]
    seed: int
    options: Mapping[str, Any]  # those of baselines/training/options.py
    source: Mapping[str, Any]  # where the images came from: --data, --root and --largest
    metrics: Mapping[str, Any]  # empty until it is trained and measured
    seconds: float = 0.0  # it trained; 0 until the model is saved

    @cached_property
    def training(self) -> Options:
        return Options().changed(self.options)

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(asdict(self), indent=2, ensure_ascii=False)
        (folder / "run.json").write_text(text + "\n", encoding="utf-8")


def read(folder: Path) -> Run:
    """Raises CallError for a folder that is no run, BaselineError for a damaged one."""
    path = folder / "run.json"
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        found = {"seconds": 0.0, **found}  # which runs of before its time do not tell
        run = Run(**{field.name: found[field.name] for field in fields(Run)})
        run.training.batches(1)
    except FileNotFoundError as error:
        message = f"{folder} is not a run folder: it has no run.json. `train --out` makes one."
        raise CallError(message) from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError, CallError) as error:
        raise BaselineError(f"{path} is damaged ({error!r}). Train it again.") from error
    return run


def finished(folder: Path) -> Run:
    """As ``read``, of a run that is trained and measured. Raises CallError for one that is not."""
    run = read(folder)
    if not run.metrics:
        message = f"{folder} is not trained to its end."
        raise CallError(f"{message} `python -m baselines resume {folder}` goes on with it.")
    return run


def clear(folder: Path) -> None:
    """Remove what an earlier run left in the folder that is to be trained into: it is not this
    run's."""
    for name in (CHECKPOINT, f".{CHECKPOINT}", *MODELS):
        (folder / name).unlink(missing_ok=True)


def is_recorded(folder: Path) -> bool:
    """Whether events of the run were written."""
    return any((folder / EVENTS).glob(RECORDED[0]))


def clear_events(folder: Path) -> None:
    """Remove those of an earlier run, which TensorBoard would draw into the same curve.

    To be called before a recorder begins there.
    """
    events = folder / EVENTS
    for written in [path for pattern in RECORDED for path in events.glob(pattern)]:
        written.unlink()
    for emptied in (*events.glob("*/*"), *events.glob("*"), events):
        _remove_if_empty(emptied)


def remove(folder: Path) -> None:
    """Remove a run, and its folder if nothing else lies in it."""
    clear(folder)
    clear_events(folder)
    (folder / "run.json").unlink(missing_ok=True)
    _remove_if_empty(folder)


def _remove_if_empty(folder: Path) -> None:
    if folder.is_dir() and not folder.is_symlink() and not any(folder.iterdir()):
        folder.rmdir()


def can_go_on(folder: Path) -> bool:
    """Whether there is a checkpoint to go on from."""
    return (folder / CHECKPOINT).is_file()
