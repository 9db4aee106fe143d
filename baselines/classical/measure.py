"""How good are features that people thought of? Every approach on the three published sets.

python -m baselines.classical.measure --root data
"""

import time
from pathlib import Path

from baselines import measuring, train
from baselines.classical import learners
from baselines.data import published
from baselines.data.dataset import Dataset
from baselines.watching import Nobody

SETS = (published.mnist, published.fashion_mnist, published.cifar10)
ARCHES = (*learners.LINEAR, "knn")
TITLES = "set", "arch", "accuracy", "95 % interval", "fit, s", "answers, s"


def main() -> None:
    parser = measuring.parser(__doc__)
    parser.add_argument("--root", type=Path, default=Path("data"), help="where mnist/, ... lie")
    parser.add_argument("--arch", nargs="*", choices=ARCHES, default=ARCHES)
    called = parser.parse_args()
    lines = measuring.Lines("{:14} {:17} {:>9} {:>17} {:>7} {:>10}", TITLES)
    for load in SETS:
        data = load(called.root)
        for arch in called.arch:
            lines.add(data.name, arch, *_measured(data, arch))


def _measured(data: Dataset, arch: str) -> tuple[str, ...]:
    run = train.plan(arch, data, seed=0)
    started = time.perf_counter()
    model = learners.fit(data, run, Nobody())
    fitted = time.perf_counter()
    share = train.accuracy(model, data.test)
    answered = time.perf_counter()
    right = measuring.with_interval(share, len(data.test), digits=2)
    return *right, f"{fitted - started:.1f}", f"{answered - fitted:.1f}"


if __name__ == "__main__":
    main()
