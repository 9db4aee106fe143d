"""Every choice of a training run, with the name that the command line gives it."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Self

from baselines.errors import CallError

MOST_EPOCHS = 40  # of a set of a few hundred images; more of them teach it nothing
# Of each optimiser, where no rate is asked for; they differ by what they make of a gradient.
USUAL_RATES: Mapping[str, float] = {
    "sgd": 0.1, "momentum": 0.02, "rmsprop": 5e-4, "adam": 2e-3, "adamw": 2e-3, "muon": 0.05,
}  # fmt: skip


@dataclass(frozen=True)
class Options:
    """How a network is trained. The defaults are a plain recipe that suits most networks here."""

    images_seen: int = 300_000  # the length of training; small sets are repeated
    epochs: int | None = None  # passes over the training images; instead of images_seen
    batch_size: int = 128
    part: int = 0  # images that go through the network at once; 0: all of the batch

    optimiser: str = "adamw"
    rate: float = 2e-3  # the highest learning rate of the schedule
    momentum: float = 0.9  # with muon, of what is no filter
    weight_decay: float = 0.01  # L2; with sgd and adamw a weight shrinks by this share of the rate
    l1: float = 0.0  # the loss grows by this times the sum of all absolute weights
    schedule: str = "one-cycle"

    label_smoothing: float = 0.05
    mixup: float = 0.0  # alpha of the Beta distribution; 0 mixes nothing
    augment: tuple[str, ...] = ()
    early_stopping: int = 0  # epochs without a better validation loss; 0 trains to the end
    ema: float = 0.0  # decay per step of the averaged weights that are kept; 0 keeps the last ones

    flips: bool = False  # answers are the mean over an image and its mirror image
    bf16: bool = True  # 16-bit floats where the device is faster with them
    # The channels of a pixel side by side: faster from some 16 on; None: where that is so of few.
    channels_last: bool | None = True
    compile: bool = False  # torch.compile; pays off in long runs only
    deterministic: bool = False  # the same numbers on every run, more slowly on a GPU
    model: Mapping[str, Any] = field(default_factory=dict)  # the architecture's own keywords

    def total_epochs(self, n_images: int) -> int:
        return self.epochs or min(MOST_EPOCHS, max(3, round(self.images_seen / n_images)))

    def batches(self, n_images: int) -> int:
        return -(-n_images // self.batch_size)

    def changed(self, changes: Mapping[str, Any]) -> Self:
        """With other values for some; None leaves one as it is. Raises CallError."""
        known = {each.name for each in fields(self)}
        if unknown := sorted(changes.keys() - known):
            raise CallError(f"There is no option {unknown[0]}. Known: {', '.join(sorted(known))}.")
        wanted = {name: value for name, value in changes.items() if value is not None}
        if "augment" in wanted:
            wanted["augment"] = tuple(wanted["augment"])
        if "model" in wanted:
            wanted["model"] = {**self.model, **wanted["model"]}
        if "images_seen" in wanted and "epochs" not in wanted:
            wanted["epochs"] = None
        if wanted.get("optimiser", self.optimiser) != self.optimiser:
            wanted.setdefault("rate", USUAL_RATES.get(wanted["optimiser"], self.rate))
        rate = wanted.get("rate", self.rate)
        if not (math.isfinite(rate) and rate >= 0):
            raise CallError(f"A rate of {rate} is none to learn with. Take one from 0 on.")
        return replace(self, **wanted)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)
