"""How good are features that people thought of? Every approach on the three published sets.

python -m baselines.classical.measure --root data
"""

import argparse
import time
from pathlib import Path

from rich.console import Console

from baselines import train
from baselines.classical import learners
from baselines.data import published
from baselines.data.dataset import Dataset
from baselines.watching import Nobody
from scoring import wilson

SETS = (published.mnist, published.fashion_mnist, published.cifar10)
ARCHES = (*learners.LINEAR, "knn")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--root", type=Path, default=Path("data"), help="where mnist/, ... lie")
    parser.add_argument("--arch", nargs="*", choices=ARCHES, default=ARCHES)
    called = parser.parse_args()
    console, line = (
        Console(highlight=False, soft_wrap=True),
        "{:14} {:17} {:>9} {:>17} {:>7} {:>10}",
    )
    console.print(line.format("set", "arch", "accuracy", "95 % interval", "fit, s", "answers, s"))
    for load in SETS:
        data = load(called.root)
        for arch in called.arch:
            console.print(line.format(data.name, arch, *_measured(data, arch)))


def _measured(data: Dataset, arch: str) -> tuple[str, ...]:
    run = train.plan(arch, data, seed=0)
    started = time.perf_counter()
    model = learners.fit(data, run, Nobody())
    fitted = time.perf_counter()
    accuracy = train.accuracy(model, data.test)
    answered = time.perf_counter()
    low, high = wilson(accuracy, len(data.test))
    return (
        f"{accuracy:.2%}", f"{low:.2%} to {high:.2%}",
        f"{fitted - started:.1f}", f"{answered - fitted:.1f}",
    )  # fmt: skip


if __name__ == "__main__":
    main()
