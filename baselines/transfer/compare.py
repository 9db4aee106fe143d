"""What is a pre-trained network worth? Transfer against training from scratch, for equal time.

python -m baselines.transfer.compare --photos photos.zip --weights mobilenet_v2.pth
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import torch
from rich.console import Console
from torch import nn
from torch.nn import functional
from torch.optim import AdamW

from baselines import train
from baselines.data.dataset import Dataset
from baselines.errors import BaselineError
from baselines.training.augmenting import flip
from baselines.training.device import device
from baselines.training.schedules import one_cycle
from baselines.transfer import photos, recipe
from baselines.transfer.learner import Transferred, transfer
from baselines.transfer.options import TransferOptions
from baselines.transfer.views import View
from baselines.watching import Nobody
from scoring import wilson

SMALL_SIDE = 64  # of the small network's images: it sees each of them far more often for it
BATCH, RATE = 32, 3e-3
Row = tuple[str, Transferred, float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--photos", type=Path, required=True, help="folder or zip: train/, val/")
    parser.add_argument("--base", default="mobilenet_v2")
    parser.add_argument("--weights", help="a file; else torchvision's are downloaded")
    parser.add_argument("--layer", default="features.14", help="fine-tuning begins here")
    parser.add_argument("--side", type=int, default=224)
    parser.add_argument("--epochs", type=int, default=4, help="after unfreezing")
    called = parser.parse_args()
    console = Console(highlight=False)
    line = "{:36} {:>8} {:>9} {:>17} {:>10}"
    console.print(line.format("what learns", "seconds", "accuracy", "95 % interval", "trainable"))
    try:
        data = photos.read(called.photos, called.side)
        options = TransferOptions(
            called.base, called.weights, tune_epochs=called.epochs, side=called.side
        )
        for name, model, seconds in rows(data, options, called.layer):
            accuracy = train.accuracy(model, data.test)
            low, high = wilson(accuracy, len(data.test))
            interval, trainable = f"{low:.1%} to {high:.1%}", f"{model.trainable:,}"
            console.print(
                line.format(name, f"{seconds:.1f}", f"{accuracy:.1%}", interval, trainable)
            )
    except BaselineError as error:
        parser.exit(error.exit_code, f"{error}\n")


def rows(data: Dataset, options: TransferOptions, layer: str) -> Iterator[Row]:
    """Each transfer begins with an empty cache; from scratch takes as long as the longest did."""
    with tempfile.TemporaryDirectory() as folder:
        cached = replace(options, cache=Path(folder))
        yield (row := _timed("head, all else frozen", data, cached))
        yield _timed("the same, features from the cache", data, cached)
    longest = row[2]
    for name, freeze in ((f"from {layer} on", f"until {layer}"), ("everything", "none")):
        yield (row := _timed(name, data, replace(options, freeze=freeze)))
        longest = max(longest, row[2])
    same = recipe.untrained(options.base)
    recipe.replace_head(same, len(data.classes))
    yield from_scratch(f"{options.base} from scratch", same, data, options, longest)
    small = replace(options, side=SMALL_SIDE)
    network = small_network(len(data.classes))
    yield from_scratch("a small network from scratch", network, data, small, longest)


def _timed(name: str, data: Dataset, options: TransferOptions) -> Row:
    started = time.perf_counter()
    model = transfer(data, options, 0, Nobody())
    return name, model, time.perf_counter() - started


def from_scratch(
    name: str, network: nn.Module, data: Dataset, options: TransferOptions, seconds: float
) -> Row:
    """One-cycle AdamW over mirrored photos, until the time is up."""
    torch.manual_seed(0)
    on = device()
    network, view = on.placed(network).train(), View(options.side).to(on.name)
    pixels, labels = torch.from_numpy(data.train.pixels), torch.from_numpy(data.train.labels)
    optimiser = AdamW(network.parameters(), RATE, weight_decay=recipe.WEIGHT_DECAY)
    started = time.perf_counter()
    while (passed := time.perf_counter() - started) < seconds:
        optimiser.param_groups[0]["lr"] = RATE * one_cycle(passed / seconds)
        batch = torch.randint(len(labels), (BATCH,))
        with on.autocast():
            scores = network(flip(view(on.floats(pixels[batch])), 0)).float()
        loss = functional.cross_entropy(
            scores, labels[batch].to(on.name), label_smoothing=recipe.LABEL_SMOOTHING
        )
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    return name, Transferred(network, options, on), time.perf_counter() - started


def small_network(classes: int) -> nn.Module:
    """Four convolutions, each with half the side and twice the channels of the one before."""
    layers: list[nn.Module] = []
    for inputs, outputs in ((3, 32), (32, 64), (64, 128), (128, 256)):
        convolution = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        layers += [convolution, nn.BatchNorm2d(outputs), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(256, classes))


if __name__ == "__main__":
    main()
