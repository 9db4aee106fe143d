"""Published data sets by name: from this machine's own files, else over the network by torchvision.

torchvision is never imported here, for it brings torch with it: it runs as a program of its own.
"""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from competitions.refusals import Refused

# Name: torchvision's class, the folders in which its files may lie already, files that prove it.
SETS: dict[str, tuple[str, Sequence[str]]] = {
    "mnist": ("MNIST", ("MNIST/raw", "mnist")),
    "fashion-mnist": ("FashionMNIST", ("FashionMNIST/raw", "fashion-mnist")),
    "kmnist": ("KMNIST", ("KMNIST/raw", "kmnist")),
    "cifar10": ("CIFAR10", ("cifar-10-batches-py", "cifar-10", "cifar10")),
    "cifar100": ("CIFAR100", ("cifar-100-python", "cifar-100", "cifar100")),
}
TIME_LIMIT = 1800  # seconds for a download
DOWNLOAD = (
    "import sys; from torchvision import datasets; "
    "[getattr(datasets, sys.argv[1])(sys.argv[2], train=t, download=True) for t in (True, False)]"
)


def is_known(name: str) -> bool:
    return name.lower() in SETS


def is_on_this_machine(name: str, downloads: Path) -> bool:
    return _local(downloads, SETS[name.lower()][1]) is not None


def published(name: str, downloads: Path) -> Path:
    """The folder with the set's files below ``downloads``; raises Refused in words."""
    if not is_known(name):
        raise Refused(f"There is no published set {name!r} here. Known: {', '.join(SETS)}.")
    kind, folders = SETS[name.lower()]
    local = _local(downloads, folders)
    if local is not None:
        return local
    _download(name, kind, downloads)
    found = _local(downloads, folders)
    if found is None:
        raise Refused(f"{name} was downloaded, and its files are not where they should be.")
    return found


def _local(downloads: Path, folders: Sequence[str]) -> Path | None:
    found = (downloads / folder for folder in folders)
    return next((folder for folder in found if folder.is_dir() and any(folder.iterdir())), None)


def _download(name: str, kind: str, downloads: Path) -> None:
    downloads.mkdir(parents=True, exist_ok=True)
    try:
        done = subprocess.run(  # noqa: S603 - our own words
            [sys.executable, "-c", DOWNLOAD, kind, str(downloads)],
            capture_output=True,
            timeout=TIME_LIMIT,
            check=False,
        )
        is_there = done.returncode == 0
    except subprocess.TimeoutExpired:
        is_there = False
    if not is_there:
        raise Refused(
            f"{name} is not on this machine and could not be downloaded. Put its files into "
            f"{downloads / SETS[name.lower()][1][-1]}, or try again where there is a network "
            "and torchvision is installed."
        )
