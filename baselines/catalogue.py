"""What can be named on the command line: data sets and architectures, each with its recipe.

A place is "module:function", imported only when chosen: `softmax` runs where torch was never
installed, and nobody waits for scikit-learn to read a folder of images.
"""

import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from numpy.typing import NDArray

from baselines.data import challenge
from baselines.data.dataset import Dataset, Pixels
from baselines.errors import CallError
from baselines.runs import Run

SETS = {
    "digits": "baselines.data.digits:load",
    "mnist": "baselines.data.published:mnist",
    "fashion-mnist": "baselines.data.published:fashion_mnist",
    "cifar10": "baselines.data.published:cifar10",
}


@dataclass(frozen=True)
class Architecture:
    """Who trains it, where its layers are written down, and how it differs from the defaults."""

    learner: str  # the module whose `fit` trains it and whose `load` brings it back
    network: str = ""  # "module:function", for those that are networks
    options: Mapping[str, Any] = field(default_factory=dict)
    decode: str = ""  # "module:function" for new images, where a run's size does not say enough


def _net(place: str, **options: Any) -> Architecture:
    return Architecture("baselines.deep", f"baselines.models.{place}", options)


def _classical() -> Architecture:
    return Architecture("baselines.classical.learners")


# Too few channels for the orders and numbers that make large networks fast.
FLAT = {"bf16": False, "channels_last": False}
FEW_CHANNELS = {"bf16": False, "channels_last": None}
ARCHITECTURES: Mapping[str, Architecture] = {
    "softmax": Architecture(
        "baselines.softmax", "", {"batch_size": 64, "rate": 5.0, "images_seen": 100_000}
    ),
    "knn": _classical(),
    "patches-logistic": _classical(),
    "hog-logistic": _classical(),
    "hog-svm": _classical(),
    "perceptron": _net("mlp:perceptron", images_seen=100_000, **FLAT),
    "mlp": _net("mlp:mlp", images_seen=40_000, **FLAT),
    "lenet5": _net("lenet:lenet5", rate=5e-3, images_seen=40_000, **FEW_CHANNELS),
    "alexnet": _net("alexnet:alexnet", rate=1e-3),
    "vgg11": _net("vgg:vgg11"),
    "vgg16": _net("vgg:vgg16"),
    "vgg19": _net("vgg:vgg19"),
    "googlenet": _net("googlenet:googlenet"),
    "resnet9": _net("resnet9:resnet9"),
    "resnet18": _net("resnet:resnet18", batch_size=64, images_seen=30_000),
    "resnet34": _net("resnet:resnet34", batch_size=64, images_seen=30_000),
    "resnet50": _net("resnet:resnet50", batch_size=64, images_seen=30_000),
    "resnet152": _net("resnet:resnet152", batch_size=32, images_seen=30_000),
    "resnet20": _net("resnet:resnet20"),
    "resnet56": _net("resnet:resnet56"),
    "transfer": Architecture(
        "baselines.transfer.learner", decode="baselines.transfer.learner:decode"
    ),
}


class Classifier(Protocol):
    """A trained model, whatever it is made of."""

    @property
    def parameters(self) -> int: ...
    @property
    def device(self) -> str: ...
    def probabilities(self, pixels: Pixels) -> NDArray[Any]: ...
    def save(self, folder: Path) -> None: ...


PACKAGES = {
    "torch": "`make install` (without LIGHT=1) adds it; --arch softmax does without.",
    "torchvision": "`make install` (without LIGHT=1) adds it; --arch softmax does without.",
    **dict.fromkeys(
        ("matplotlib", "tensorboard", "captum", "optuna", "onnx", "onnxscript", "onnxruntime",
         "safetensors"),
        "`make lab` adds it.",
    ),
    "sklearn": "`pip install scikit-learn` adds it.",
}  # fmt: skip


def named(place: str) -> Any:
    """Import "module" or "module:function", with a remedy where a package is missing."""
    try:
        # without its colon a name is looked up as an attribute, and a failed import goes unheard
        return pkgutil.resolve_name(place if ":" in place else f"{place}:")
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in PACKAGES:
            raise
        message = f"This needs {package}, which is not installed here. In your clone "
        raise CallError(message + PACKAGES[package]) from error


def dataset(name: str, root: Path, largest: int | None = None) -> Dataset:
    """The data set of that name, or the challenge in the folder of that name.

    The challenge's images are shrunk to sides of at most ``largest`` pixels.
    """
    if name in SETS:  # "digits/" with a slash is the folder
        found: Dataset = named(SETS[name])(root)
        return found
    if Path(name).exists():
        return challenge.load(Path(name), largest)
    raise CallError(f"{name} is neither a folder nor one of {', '.join(SETS)}.")


def architecture(arch: str) -> Architecture:
    if arch not in ARCHITECTURES:
        raise CallError(
            f"There is no architecture {arch}. Choose one of {', '.join(ARCHITECTURES)}."
        )
    return ARCHITECTURES[arch]


def network_place(arch: str) -> str:
    place = architecture(arch).network
    if not place:
        networks = ", ".join(name for name, one in ARCHITECTURES.items() if one.network)
        raise CallError(
            f"{arch} is no network that is written down here. Choose one of {networks}."
        )
    return place


def build(arch: str, task: Any, keywords: Mapping[str, Any]) -> Any:
    """An untrained network for a `models.task.Task`, of standardised images.

    Raises CallError for what is no network and for keywords that it does not take.
    """
    function = named(network_place(arch))
    try:
        return function(task, **keywords)
    except TypeError as error:
        raise CallError(f"{arch} does not take that: {error}.") from error


def trained_network(folder: Path, run: Run) -> Any:
    """A run's whole network as a torch module: images (N, C, H, W) in [0, 1] in, logits (N, K) out.

    It is in evaluation mode, on the CPU, in 32-bit floats. Raises CallError for a run of something
    else, BaselineError for weights of another run.
    """
    model = named(architecture(run.arch).learner).load(folder, run)
    network = getattr(model, "network", None)
    if network is None:
        raise CallError(f"{run.arch} is no network, so there is nothing to look into or to export.")
    return network.cpu().float().eval()
