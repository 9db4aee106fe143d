"""Recipes: an architecture, a data set and the settings that were tuned for the two together.

Each is a file of this folder, whose header says what it reaches: mean ± standard deviation of n
seeds, on which hardware, with which versions. `python -m baselines bench` measures them anew.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from baselines.errors import CallError

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Recipe:
    name: str
    arch: str
    data: str
    accuracy: float  # that it promises, on the held-out images
    seconds: float  # within which it promises that, on two CPU cores
    options: Mapping[str, Any] = field(default_factory=dict)


def names() -> list[str]:
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def read(name: str) -> Recipe:
    """Raises CallError for an unknown name."""
    path = FOLDER / f"{name}.toml"
    if name not in names():
        raise CallError(f"There is no recipe {name}. Choose one of {', '.join(names())}.")
    return Recipe(name, **tomllib.loads(path.read_text(encoding="utf-8")))


def tuned(arch: str, data: str) -> Mapping[str, Any]:
    """The settings of the quickest recipe for both; none where nobody has tuned them."""
    fitting = [one for one in map(read, names()) if (one.arch, one.data) == (arch, data)]
    return min(fitting, key=lambda one: one.seconds).options if fitting else {}
