"""The classic sets from the mirrors that torchvision knows, which checks every file by its md5."""

from pathlib import Path
from urllib.error import URLError

from baselines.errors import BaselineError
from baselines.vision import datasets

SETS = {
    "mnist": datasets.MNIST,
    "fashion-mnist": datasets.FashionMNIST,
    "cifar10": datasets.CIFAR10,
}
# Where `baselines.data.published` looks first.
FOLDERS = {
    "mnist": "MNIST/raw",
    "fashion-mnist": "FashionMNIST/raw",
    "cifar10": "cifar-10-batches-py",
}


def download(name: str, root: Path) -> Path:
    """The set's files below ``root``, as torchvision lays them out; what is there is kept.

    Returns their folder. Raises BaselineError where no mirror answers or a file is not the
    published one.
    """
    folder = root / FOLDERS[name]
    try:
        root.mkdir(parents=True, exist_ok=True)
        SETS[name](root, download=True)
    except (URLError, OSError, RuntimeError) as error:  # torchvision's own are RuntimeErrors
        raise BaselineError(
            f"{name} could not be downloaded ({error}). Without internet, copy its files from "
            f"somebody who has them into {folder}/, or fetch a challenge from your class's site."
        ) from error
    return folder
