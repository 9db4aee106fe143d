"""What can be named on the command line: data sets and architectures, each with its recipe.

An entry is a name, "module:function", imported only when chosen: `softmax` runs where torch was
never installed, and nobody waits for scikit-learn to read a folder of images.
"""

import pkgutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from numpy.typing import NDArray

from baselines import challenge
from baselines.dataset import Dataset, Pixels
from baselines.errors import CallError

SETS = {
    "digits": "baselines.digits:load",
    "mnist": "baselines.published:mnist",
    "fashion-mnist": "baselines.published:fashion_mnist",
    "cifar10": "baselines.published:cifar10",
}


@dataclass(frozen=True)
class Recipe:
    """How an architecture is trained unless the caller says otherwise."""

    learner: str  # the module whose `fit` trains it and whose `load` brings it back
    network: str  # where its layers are written down
    batch_size: int
    learning_rate: float  # the highest one of the schedule
    images_seen: int  # training length; small sets are repeated, large ones passed at least thrice

    def epochs(self, n_images: int) -> int:
        return max(3, round(self.images_seen / n_images))

    def batches(self, n_images: int) -> int:
        return -(-n_images // self.batch_size)


# On scikit-learn's digits, 359 images held out, n = 5 seeds, mean and standard deviation:
# softmax 96.66 % (0.00: from zero, all seeds end alike), mlp 98.50 % (0.15), lenet5 98.77 % (0.42).
# Two x86 cores, Python 3.11, numpy 2.4.6, torch 2.13.0+cpu, scikit-learn 1.9.1.
RECIPES = {
    "softmax": Recipe("baselines.softmax", "baselines.softmax:new", 64, 5.0, 100_000),
    "mlp": Recipe("baselines.deep", "baselines.networks:mlp", 128, 2e-3, 40_000),
    "lenet5": Recipe("baselines.deep", "baselines.networks:lenet5", 128, 5e-3, 40_000),
    "resnet18": Recipe("baselines.deep", "baselines.resnet:resnet18", 64, 2e-3, 30_000),
}


class Watch(Protocol):
    """Somebody looking on while a network learns."""

    def step(self) -> None: ...
    def epoch(self, accuracy: float) -> None: ...


class Classifier(Protocol):
    """A trained model, whatever it is made of."""

    @property
    def parameters(self) -> int: ...
    @property
    def device(self) -> str: ...
    def probabilities(self, pixels: Pixels) -> NDArray[Any]: ...
    def save(self, folder: Path) -> None: ...


def named(place: str) -> Any:
    """Import "module" or "module:function", with a remedy where a package is missing."""
    try:
        # without its colon a name is looked up as an attribute, and a failed import goes unheard
        return pkgutil.resolve_name(place if ":" in place else f"{place}:")
    except ModuleNotFoundError as error:
        if error.name not in ("torch", "torchvision", "sklearn"):
            raise
        message = f"This needs {error.name}, which is not installed here."
        if error.name != "sklearn":
            message += " In your clone `make install` (without LIGHT=1) adds it;"
            message += " --arch softmax does without."
        raise CallError(message) from error


def dataset(name: str, root: Path, largest: int | None = None) -> Dataset:
    """The data set of that name, or the challenge in the folder of that name.

    The challenge's images are shrunk to sides of at most ``largest`` pixels.
    """
    if name in SETS:  # "digits/" with a slash is the folder
        found: Dataset = named(SETS[name])(root)
        return found
    if Path(name).is_dir():
        return challenge.load(Path(name), largest)
    raise CallError(f"{name} is neither a folder nor one of {', '.join(SETS)}.")


def recipe(arch: str) -> Recipe:
    if arch not in RECIPES:
        raise CallError(f"There is no architecture {arch}. Choose one of {', '.join(RECIPES)}.")
    return RECIPES[arch]
