"""The zoo, measured: every architecture of the course on MNIST, Fashion-MNIST and CIFAR-10.

    python -m benchmarks.zoo --root data --out runs/zoo [--only resnet20 --only cifar10]

Each cell is trained for so many passes over the whole training set as stand in PASSES, with the
settings that `python -m baselines train` would take, and measured once on the test set. What was
measured is kept in OUT/results.jsonl and not measured again; the table is printed at the end.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from baselines import bench, catalogue, train
from baselines.training.options import Options
from baselines.watching import Nobody

SETS = ("mnist", "fashion-mnist", "cifar10")
TUNED = 0  # as long as the recipe or the architecture's own settings say
# Passes over 28x28 and over 32x32 images: the large ones are stopped long before their best, so
# that a whole column can be measured in an hour on two cores.
PASSES = {
    "softmax": (TUNED, TUNED), "knn": (TUNED, TUNED), "patches-logistic": (TUNED, TUNED),
    "hog-logistic": (TUNED, TUNED), "hog-svm": (TUNED, TUNED), "perceptron": (TUNED, TUNED),
    "mlp": (5, 5), "lenet5": (TUNED, 5), "alexnet": (1, 3), "vgg11": (1, 3), "vgg16": (1, 3),
    "googlenet": (1, 3), "resnet20": (1, 3), "resnet56": (1, 3), "resnet9": (TUNED, TUNED),
    "resnet18": (1, 1),
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--root", type=Path, default=Path("data"))
    parser.add_argument("--out", type=Path, default=Path("runs/zoo"))
    parser.add_argument("--only", action="append", default=[], help="an architecture or a set")
    called = parser.parse_args()
    called.out.mkdir(parents=True, exist_ok=True)
    kept = called.out / "results.jsonl"
    found = {(one["arch"], one["data"]): one for one in _read(kept)}
    for arch, data in _cells(called.only):
        if (arch, data) not in found:
            found[arch, data] = measure(arch, data, called.root, called.out)
            with kept.open("a", encoding="utf-8") as file:
                file.write(json.dumps(found[arch, data]) + "\n")
    print(f"{bench.machine()}\n")
    print("\n".join(table(found)))


def measure(arch: str, data: str, root: Path, out: Path) -> dict[str, Any]:
    images = catalogue.dataset(data, root)
    passes = PASSES[arch][data == "cifar10"] or None
    run = train.plan(arch, images, seed=0, options={"epochs": passes})
    result = train.train(run, images, out / f"{arch}-{data}", Nobody())
    taken = Options().changed(run.options).total_epochs(len(images.train))
    is_network = bool(catalogue.ARCHITECTURES[arch].network)
    return {
        "arch": arch, "data": data, "accuracy": result.test_accuracy,
        "seconds": result.train_seconds, "parameters": result.parameters,
        "passes": taken if is_network else None,
    }  # fmt: skip


def table(found: dict[tuple[str, str], dict[str, Any]]) -> Iterator[str]:
    """In Markdown: a row for each architecture, and for each set its accuracy and seconds."""
    yield "| architecture | parameters | " + " | ".join(f"{name} | s" for name in SETS) + " |"
    yield "| --- | ---: |" + " ---: | ---: |" * len(SETS)
    for arch in PASSES:
        cells = [found.get((arch, data)) for data in SETS]
        sizes = [f"{cell['parameters']:,}".replace(",", " ") for cell in cells if cell]
        if sizes:
            row = " | ".join(_shown(cell) for cell in cells)
            yield f"| `{arch}` | {sizes[-1]} | {row} |"


def _shown(cell: dict[str, Any] | None) -> str:
    if cell is None:
        return "not measured | "
    passes = f" ({cell['passes']})" if cell["passes"] else ""
    return f"{100 * cell['accuracy']:.1f}{passes} | {cell['seconds']:.0f}"


def _cells(only: list[str]) -> Iterator[tuple[str, str]]:
    """What was asked for: of each kind that is named, only the named ones."""
    archs = [arch for arch in PASSES if arch in only] or list(PASSES)
    for arch in archs:
        for data in [name for name in SETS if name in only] or SETS:
            yield arch, data


def _read(kept: Path) -> list[dict[str, Any]]:
    lines = kept.read_text(encoding="utf-8").splitlines() if kept.exists() else []
    return [json.loads(line) for line in lines]


if __name__ == "__main__":
    main()
