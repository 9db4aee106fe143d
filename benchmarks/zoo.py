"""The zoo, measured: every architecture of the course on MNIST, Fashion-MNIST and CIFAR-10.

    python -m benchmarks.zoo accuracy --root data --out runs/zoo [--only resnet20 --only cifar10]
    python -m benchmarks.zoo pace --root data --out runs/zoo
    python -m benchmarks.zoo table --out runs/zoo

`accuracy` trains each for so many passes over the whole training set as stand in PASSES, with the
settings that `python -m baselines train` would take, and measures it once on the test set. It may
run beside other work. `pace` times some steps of each and reckons a pass from them (what is no
network is trained): for quiet cores. What was measured is kept in OUT and not measured again.
"""

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from baselines import bench, catalogue, deep, train
from baselines.data.dataset import Dataset, Labelled
from baselines.runs import Run
from baselines.watching import Nobody

SETS = ("mnist", "fashion-mnist", "cifar10")
FEW, SECONDS = 2048, 3.0  # images to take batches from, and how long steps are timed
TUNED = 0  # as long as the recipe or the architecture's own settings say
# Passes over 28x28 and over 32x32 images: the large ones are stopped long before their best, so
# that a whole column can be measured in an hour on two cores.
PASSES = {
    "softmax": (TUNED, TUNED), "knn": (TUNED, TUNED), "patches-logistic": (TUNED, TUNED),
    "hog-logistic": (TUNED, TUNED), "hog-svm": (TUNED, TUNED), "perceptron": (TUNED, TUNED),
    "mlp": (5, 5), "lenet5": (TUNED, 5), "alexnet": (1, 3), "vgg11": (1, 3), "vgg16": (1, 2),
    "googlenet": (1, 1), "resnet20": (1, 3), "resnet56": (1, 1), "resnet9": (TUNED, TUNED),
    "resnet18": (1, 1),
}  # fmt: skip


Cell = dict[str, Any]
Cells = dict[tuple[str, str], Cell]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["accuracy", "pace", "table"])
    parser.add_argument("--root", type=Path, default=Path("data"))
    parser.add_argument("--out", type=Path, default=Path("runs/zoo"))
    parser.add_argument("--only", action="append", default=[], help="an architecture or a set")
    called = parser.parse_args()
    called.out.mkdir(parents=True, exist_ok=True)
    if called.what == "table":
        print(f"{bench.machine()}\n")
        print("\n".join(table(_read(called.out, "accuracy"), _read(called.out, "pace"))))
        return
    measure = {"accuracy": accuracy, "pace": pace}[called.what]
    found = _read(called.out, called.what)
    for cell in _cells(called.only):
        if cell not in found:
            one = {"arch": cell[0], "data": cell[1], **measure(*cell, called.root, called.out)}
            with _file(called.out, called.what).open("a", encoding="utf-8") as file:
                file.write(json.dumps(one) + "\n")


def accuracy(arch: str, data: str, root: Path, out: Path) -> Cell:
    images = catalogue.dataset(data, root)
    run = _planned(arch, data, images, root)
    result = train.train(run, images, out / f"{arch}-{data}", Nobody())
    is_network = bool(catalogue.ARCHITECTURES[arch].network)
    return {
        "accuracy": result.test_accuracy,
        "parameters": result.parameters,
        "passes": run.training.total_epochs(len(images.train)) if is_network else None,
    }


def pace(arch: str, data: str, root: Path, out: Path) -> Cell:
    """Seconds of a pass, from steps over a few seconds; of the whole training of what has none."""
    images = catalogue.dataset(data, root)
    run = _planned(arch, data, images, root)
    if not catalogue.ARCHITECTURES[arch].network:
        return {"seconds": train.train(run, images, out / "pace", Nobody()).train_seconds}
    few = Labelled(images.train.pixels[:FEW], images.train.labels[:FEW])
    trainer = deep.begun(replace(images, train=few), run)
    batch = trainer.feed.take(torch.arange(run.training.batch_size))
    trainer.learn_from(*batch)
    steps, began = 0, time.perf_counter()
    while time.perf_counter() - began < SECONDS or steps < 3:
        trainer.learn_from(*batch)
        steps += 1
    each = (time.perf_counter() - began) / steps
    return {"seconds": each * run.training.batches(len(images.train))}


def table(accuracies: Cells, paces: Cells) -> Iterator[str]:
    """In Markdown: a row for each architecture, and for each set its accuracy and its pace."""
    yield "| architecture | parameters | " + " | ".join(f"{name} | s" for name in SETS) + " |"
    yield "| --- | ---: |" + " ---: | ---: |" * len(SETS)
    for arch in PASSES:
        cells = [(accuracies.get((arch, data)), paces.get((arch, data))) for data in SETS]
        sizes = [f"{cell['parameters']:,}".replace(",", " ") for cell, _pace in cells if cell]
        if sizes:
            row = " | ".join(_shown(*cell) for cell in cells)
            yield f"| `{arch}` | {sizes[-1]} | {row} |"


def _shown(cell: Cell | None, pace: Cell | None) -> str:
    seconds = f"{pace['seconds']:.1f}" if pace else "?"
    if cell is None:
        return f"not measured | {seconds}"
    passes = f" ({cell['passes']})" if cell["passes"] else ""
    return f"{100 * cell['accuracy']:.1f}{passes} | {seconds}"


def _planned(arch: str, data: str, images: Dataset, root: Path) -> Run:
    passes = PASSES[arch][data == "cifar10"] or None
    source = {"data": data, "root": str(root), "largest": None}
    return train.plan(arch, images, seed=0, options={"epochs": passes}, source=source)


def _cells(only: list[str]) -> Iterator[tuple[str, str]]:
    """What was asked for: of each kind that is named, only the named ones."""
    for arch in [arch for arch in PASSES if arch in only] or PASSES:
        for data in [name for name in SETS if name in only] or SETS:
            yield arch, data


def _file(out: Path, what: str) -> Path:
    return out / f"{what}.jsonl"


def _read(out: Path, what: str) -> Cells:
    kept = _file(out, what)
    lines = kept.read_text(encoding="utf-8").splitlines() if kept.exists() else []
    return {(one["arch"], one["data"]): one for one in map(json.loads, lines)}


if __name__ == "__main__":
    main()
