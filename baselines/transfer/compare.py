"""What is a pre-trained network worth? Transfer against training from scratch, for equal time.

python -m baselines.transfer.compare --photos photos.zip --weights mobilenet_v2.pth --seeds 3

Its settings are those that `baselines.transfer.choose` finds best on a part of the training photos;
the photos measured on have no say in them.

Equal is the time that the processor worked: where other programs run, the same time on the clock
may be a tenth of the work. OMP_NUM_THREADS=1 keeps threads from working at waiting for each other.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional
from torch.optim import AdamW

from baselines import measuring
from baselines.data.dataset import Dataset
from baselines.errors import BaselineError
from baselines.train import accuracy
from baselines.training.augmenting import flip
from baselines.training.device import device
from baselines.training.schedules import one_cycle
from baselines.transfer import photos, recipe
from baselines.transfer.learner import Transferred, transfer
from baselines.transfer.options import TransferOptions
from baselines.transfer.views import View
from baselines.watching import Nobody

SMALL_SIDE = 64  # of the small network's images: it sees each of them far more often for it
BATCH = 32
RATE = 3e-3  # of what learns from scratch
TITLES = "what learns", "seed", "wall s", "work s", "seen", "accuracy", "95 % interval", "trainable"


@dataclass(frozen=True)
class Row:
    name: str
    model: Transferred
    seen: int  # photos that went through the network, to learn or to be described
    wall: float  # seconds
    worked: float  # seconds, of all cores together


def main() -> None:
    parser = arguments(__doc__)
    called = parser.parse_args()
    lines = measuring.Lines("{:32} {:>4} {:>7} {:>7} {:>7} {:>9} {:>17} {:>10}", TITLES)
    found: dict[str, list[float]] = {}
    try:
        data, options = photos.read(called.photos, called.side), chosen(called)
        for seed in range(called.seeds):
            for row in rows(data, options, called.layer, seed):
                share = accuracy(row.model, data.test)
                lines.add(*_cells(row, seed, share, len(data.test)))
                found.setdefault(row.name, []).append(share)
    except BaselineError as error:
        parser.exit(error.exit_code, f"{error}\n")
    if called.seeds > 1:
        for name, shares in found.items():
            lines.say(f"{name}: {spread(shares)}")


def arguments(doc: str | None) -> argparse.ArgumentParser:
    parser = measuring.parser(doc)
    parser.add_argument("--photos", type=Path, required=True, help="folder or zip: train/, val/")
    parser.add_argument("--base", default="mobilenet_v2")
    parser.add_argument("--weights", help="a file; else torchvision's are downloaded")
    parser.add_argument("--layer", default="features.14", help="fine-tuning begins here")
    parser.add_argument("--side", type=int, default=224)
    parser.add_argument("--epochs", type=int, default=4, help="after unfreezing")
    parser.add_argument("--seeds", type=int, default=1, help="how many, from 0 on")
    return parser


def chosen(called: argparse.Namespace) -> TransferOptions:
    return TransferOptions(called.base, called.weights, tune_epochs=called.epochs, side=called.side)


def spread(shares: Sequence[float]) -> str:
    """Mean and standard deviation over the seeds, in per cent."""
    mean = f"{100 * statistics.fmean(shares):.1f}"
    if len(shares) == 1:
        return f"{mean} %"
    return f"{mean} ± {100 * statistics.stdev(shares):.1f} % (n = {len(shares)})"


def _cells(row: Row, seed: int, share: float, images: int) -> tuple[str, ...]:
    spent = f"{row.wall:.1f}", f"{row.worked:.1f}", f"{row.seen:,}"
    right = measuring.with_interval(share, images, digits=1)
    return row.name, str(seed), *spent, *right, f"{row.model.trainable:,}"


def rows(data: Dataset, options: TransferOptions, layer: str, seed: int) -> Iterator[Row]:
    """The head twice, to show the cache; the other transfers begin without one."""
    with tempfile.TemporaryDirectory() as folder:
        cached = replace(options, cache=Path(folder))
        yield _transferred("head, all else frozen", data, cached, seed, passes=1)
        yield _transferred("the same, from the cache", data, cached, seed, passes=0)
    until = replace(options, freeze=f"until {layer}")
    yield (some := _transferred(f"from {layer} on", data, until, seed, passes=2))
    none = replace(options, freeze="none")
    passes = 1 + options.tune_epochs
    yield (every := _transferred("everything", data, none, seed, passes=passes))
    budget = max(some.worked, every.worked)
    large = partial(untrained, options.base)
    yield from_scratch(f"{options.base} from scratch", large, data, options, budget, seed)
    small = replace(options, side=SMALL_SIDE)
    yield from_scratch("small network from scratch", small_network, data, small, budget, seed)


def _transferred(name: str, data: Dataset, options: TransferOptions, seed: int, passes: int) -> Row:
    """``passes`` are those of all photos through the frozen or the whole network."""
    wall, worked = time.perf_counter(), time.process_time()
    model = transfer(data, options, seed, Nobody())
    seen = passes * len(data.train)
    return Row(name, model, seen, time.perf_counter() - wall, time.process_time() - worked)


def from_scratch(
    name: str,
    make: Callable[[int], nn.Module],
    data: Dataset,
    options: TransferOptions,
    budget: float,
    seed: int = 0,
    rate: float = RATE,
) -> Row:
    """One-cycle AdamW over mirrored photos, until the processor's ``budget`` in seconds is spent.

    ``make`` gives an untrained network for so many classes.
    """
    torch.manual_seed(seed)
    on = device()
    network = on.placed(make(len(data.classes))).train()
    view = View(options.side).to(on.name)
    pixels, labels = torch.from_numpy(data.train.pixels), torch.from_numpy(data.train.labels)
    optimiser = AdamW(network.parameters(), rate, weight_decay=recipe.WEIGHT_DECAY)
    wall, begun, seen = time.perf_counter(), time.process_time(), 0
    while (worked := time.process_time() - begun) < budget:
        optimiser.param_groups[0]["lr"] = rate * one_cycle(worked / budget)
        batch = torch.randint(len(labels), (BATCH,))
        with on.autocast():
            scores = network(flip(view(on.floats(pixels[batch])), 0)).float()
        loss = functional.cross_entropy(
            scores, labels[batch].to(on.name), label_smoothing=recipe.LABEL_SMOOTHING
        )
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        seen += BATCH
    return Row(name, Transferred(network, options, on), seen, time.perf_counter() - wall, worked)


def untrained(base: str, classes: int) -> nn.Module:
    network = recipe.untrained(base)
    recipe.replace_head(network, classes)
    return network


def small_network(classes: int) -> nn.Module:
    """Four convolutions, each with half the side and twice the channels of the one before."""
    layers: list[nn.Module] = []
    for inputs, outputs in ((3, 32), (32, 64), (64, 128), (128, 256)):
        convolution = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        layers += [convolution, nn.BatchNorm2d(outputs), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(256, classes))


if __name__ == "__main__":
    main()
