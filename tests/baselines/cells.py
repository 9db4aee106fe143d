"""A notebook's cells run from top to bottom, as Jupyter runs them, without Jupyter."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from matplotlib import pyplot as plt
from matplotlib.figure import Figure

NOTEBOOKS = Path(__file__).parents[2] / "baselines" / "notebooks"


def read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((NOTEBOOKS / f"{name}.ipynb").read_text("utf-8"))
    return found


def code(name: str) -> Iterator[tuple[str, str]]:
    """Each code cell as (its id, its lines)."""
    for cell in read(name)["cells"]:
        if cell["cell_type"] == "code":
            yield cell["id"], "".join(cell["source"])


def run(name: str) -> tuple[dict[str, Any], dict[str, Figure]]:
    """What the cells named, and the picture below each cell that drew one.

    A picture is drawn and closed when its cell ends, as matplotlib's inline backend does it.
    """
    names: dict[str, Any] = {"__name__": "__main__"}
    pictures: dict[str, Figure] = {}
    plt.switch_backend("agg")
    with plt.rc_context():
        for number, (identity, lines) in enumerate(code(name), 1):
            exec(compile(lines, f"{name}, cell {number}", "exec"), names)  # noqa: S102 - our own
            for figure in map(plt.figure, plt.get_fignums()):
                figure.canvas.draw()
                pictures[identity] = figure
            plt.close("all")
    return names, pictures
