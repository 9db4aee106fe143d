"""A run folder: run.json says what was trained and how well, the model file lies beside it."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from baselines.errors import BaselineError, CallError


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
    epochs: int
    metrics: Mapping[str, Any]

    def save(self, folder: Path) -> None:
        text = json.dumps(asdict(self), indent=2, ensure_ascii=False)
        (folder / "run.json").write_text(text + "\n", encoding="utf-8")


def read(folder: Path) -> Run:
    path = folder / "run.json"
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        run = Run(**{field.name: found[field.name] for field in fields(Run)})
    except FileNotFoundError as error:
        message = f"{folder} is not a run folder: it has no run.json. `train --out` makes one."
        raise CallError(message) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BaselineError(f"{path} is damaged ({error!r}). Train it again.") from error
    return run
