"""Which settings of a transfer are best? Asked of a fifth of the training photos, held out.

python -m baselines.transfer.choose --photos photos.zip --weights mobilenet_v2.pth --seeds 3

The photos in val/ or test/ are not looked at: on them, `baselines.transfer.compare` then measures
what was chosen here. What learns from scratch has its rate chosen in the same way.
"""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from torch import nn

from baselines import measuring
from baselines.data.dataset import Dataset, hold_out
from baselines.errors import BaselineError
from baselines.train import accuracy
from baselines.transfer import compare, photos
from baselines.transfer.compare import from_scratch, small_network, spread
from baselines.transfer.learner import Transferred, transfer
from baselines.transfer.options import TransferOptions
from baselines.watching import Nobody

HEAD_RATES, HEAD_EPOCHS = (3e-4, 1e-3, 3e-3), (15, 30, 60)
TUNE_RATES = (3e-4, 1e-3, 3e-3)
SCRATCH_RATES = (1e-3, 3e-3, 1e-2)
TITLES = "what learns", "rate", "passes", "right of the photos held out"

Trial = tuple[str, str, str, Callable[[int], Transferred]]


def main() -> None:
    parser = compare.arguments(__doc__)
    parser.add_argument("--budget", type=float, default=120, help="seconds of work from scratch")
    called = parser.parse_args()
    lines = measuring.Lines("{:32} {:>7} {:>7}  {}", TITLES)
    try:
        whole, options = photos.read(called.photos, called.side), compare.chosen(called)
        data = hold_out(whole.name, whole.classes, whole.train)
        with tempfile.TemporaryDirectory() as folder:
            options = replace(options, cache=Path(folder))
            for name, rate, passes, fit in trials(data, options, called.layer, called.budget):
                shares = [accuracy(fit(seed), data.test) for seed in range(called.seeds)]
                lines.add(name, rate, passes, spread(shares))
    except BaselineError as error:
        parser.exit(error.exit_code, f"{error}\n")


def trials(data: Dataset, options: TransferOptions, layer: str, budget: float) -> Iterator[Trial]:
    """What to try, with its words; each is to be called with a seed."""
    for rate in HEAD_RATES:
        for epochs in HEAD_EPOCHS:
            head = replace(options, head_rate=rate, head_epochs=epochs)
            yield _transfer("head, all else frozen", rate, epochs, data, head)
    for rate in TUNE_RATES:
        until = replace(options, freeze=f"until {layer}", rate=rate)
        yield _transfer(f"from {layer} on", rate, options.tune_epochs, data, until)
    small = replace(options, side=compare.SMALL_SIDE)
    yield from _scratch("small network from scratch", small_network, data, small, budget)
    large = partial(compare.untrained, options.base)
    yield from _scratch(f"{options.base} from scratch", large, data, options, budget)


def _transfer(
    name: str, rate: float, passes: int, data: Dataset, options: TransferOptions
) -> Trial:
    def fit(seed: int) -> Transferred:
        return transfer(data, options, seed, Nobody())

    return name, f"{rate:g}", str(passes), fit


def _scratch(
    name: str,
    make: Callable[[int], nn.Module],
    data: Dataset,
    options: TransferOptions,
    budget: float,
) -> Iterator[Trial]:
    def fit(seed: int, rate: float) -> Transferred:
        return from_scratch(name, make, data, options, budget, seed, rate).model

    for rate in SCRATCH_RATES:
        yield name, f"{rate:g}", "", partial(fit, rate=rate)


if __name__ == "__main__":
    main()
