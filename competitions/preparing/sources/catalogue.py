"""Published data sets by name: from this machine's own files, else over the network by torchvision.

torchvision is never imported here, for it brings torch with it: downloading.py runs as a program of
its own, with nothing of this site's environment but the way to the network.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from competitions.preparing.sources import expanding
from competitions.refusals import Refused

Halves = Sequence[tuple[str, Mapping[str, Any]]]

BY_FLAG: Halves = (("train", {"train": True}), ("test", {"train": False}))
BY_NAME: Halves = (("train", {"split": "train"}), ("test", {"split": "test"}))
BY_TRAINVAL: Halves = (("train", {"split": "trainval"}), ("test", {"split": "test"}))
WITH_VAL: Halves = (
    ("train", {"split": "train"}),
    ("train", {"split": "val"}),
    ("test", {"split": "test"}),
)
IDX = tuple(
    f"{half}-{what}-ubyte" for half in ("train", "t10k") for what in ("images-idx3", "labels-idx1")
)
WRITTEN = "images"  # the folder below the downloads for what is written out


@dataclass(frozen=True)
class Published:
    """How a set is had from torchvision, and where its own files may lie already.

    Without ``folders`` its form is none of ours: its images are written out with a labels.csv.
    """

    kind: str  # torchvision's class
    halves: Halves
    folders: Sequence[str] = ()
    files: Sequence[str] = ("labels.csv",)  # all of them prove the set, packed or not
    archive: str = ""  # as its author publishes it


SETS: Mapping[str, Published] = {
    "mnist": Published("MNIST", BY_FLAG, ("MNIST/raw", "mnist"), IDX),
    "fashion-mnist": Published("FashionMNIST", BY_FLAG, ("FashionMNIST/raw", "fashion-mnist"), IDX),
    "kmnist": Published("KMNIST", BY_FLAG, ("KMNIST/raw", "kmnist"), IDX),
    "cifar10": Published(
        "CIFAR10",
        BY_FLAG,
        ("cifar-10-batches-py", "cifar10", "cifar-10"),
        (*(f"data_batch_{n}" for n in range(1, 6)), "test_batch", "batches.meta"),
        "cifar-10-python.tar.gz",
    ),
    "cifar100": Published(
        "CIFAR100",
        BY_FLAG,
        ("cifar-100-python", "cifar100", "cifar-100"),
        ("train", "test", "meta"),
        "cifar-100-python.tar.gz",
    ),
    "emnist-letters": Published(
        "EMNIST", [(part, {"split": "letters", **how}) for part, how in BY_FLAG]
    ),
    "emnist-balanced": Published(
        "EMNIST", [(part, {"split": "balanced", **how}) for part, how in BY_FLAG]
    ),
    "usps": Published("USPS", BY_FLAG),
    "semeion": Published("SEMEION", (("", {}),)),
    "svhn": Published("SVHN", BY_NAME),
    "stl10": Published("STL10", BY_NAME),
    "gtsrb": Published("GTSRB", BY_NAME),
    "eurosat": Published("EuroSAT", (("", {}),)),
    "imagenette": Published(
        "Imagenette",
        (
            ("train", {"split": "train", "size": "320px"}),
            ("test", {"split": "val", "size": "320px"}),
        ),
    ),
    "dtd": Published("DTD", WITH_VAL),
    "flowers102": Published("Flowers102", WITH_VAL),
    "oxford-iiit-pet": Published("OxfordIIITPet", BY_TRAINVAL),
    "fgvc-aircraft": Published("FGVCAircraft", BY_TRAINVAL),
    "food101": Published("Food101", BY_NAME),
    "rendered-sst2": Published("RenderedSST2", WITH_VAL),
    "country211": Published(
        "Country211",
        (("train", {"split": "train"}), ("train", {"split": "valid"}), ("test", {"split": "test"})),
    ),
}
TIME_LIMIT = 3600  # seconds for a download; Food-101 has 5 GB
PROGRAM = Path(__file__).with_name("downloading.py")
# What the program needs to find the network and its libraries; no word or secret of the site's.
ENVIRONMENT = (
    "PATH", "HOME", "TMPDIR", "LANG", "LD_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR",
    "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
)  # fmt: skip


def is_known(name: str) -> bool:
    return name.lower() in SETS


def is_on_this_machine(name: str, downloads: Path) -> bool:
    return _local(name.lower(), downloads) is not None


def published(name: str, downloads: Path) -> Path:
    """The set's folder or archive below ``downloads``; raises Refused in words."""
    name = name.lower()
    if name not in SETS:
        raise Refused(f"There is no published set {name!r} here. Known: {', '.join(SETS)}.")
    local = _local(name, downloads)
    if local is not None:
        return local
    _download(name, downloads)
    found = _local(name, downloads)
    if found is None:
        raise Refused(f"{name} was downloaded, and its files are not where they should be.")
    return found


def _places(name: str, downloads: Path) -> list[Path]:
    """The folders that may hold it, the one to put it into last."""
    folders = SETS[name].folders or (f"{WRITTEN}/{name}",)
    return [downloads / folder for folder in folders]


def _local(name: str, downloads: Path) -> Path | None:
    one = SETS[name]
    whole = [folder for folder in _places(name, downloads) if _is_whole(folder, one.files)]
    archive = downloads / one.archive
    if not whole and one.archive and archive.is_file():
        return archive
    return next(iter(whole), None)


def _is_whole(folder: Path, files: Sequence[str]) -> bool:
    """Half a set is none: an interrupted download leaves such."""
    if not folder.is_dir():
        return False
    return {expanding.plain(path.name) for path in folder.iterdir()} >= set(files)


def _download(name: str, downloads: Path) -> None:
    """Raises Refused. A set that is written out appears as a whole or not at all."""
    target = _places(name, downloads)[-1]
    draft = None
    try:
        downloads.mkdir(parents=True, exist_ok=True)
        if not SETS[name].folders:
            target.parent.mkdir(exist_ok=True)
            draft = Path(tempfile.mkdtemp(prefix=".", dir=target.parent))
        is_there = _fetch(SETS[name], downloads, draft)
        if is_there and draft:
            draft.rename(target)
    except OSError:
        is_there = False
    finally:
        if draft:
            shutil.rmtree(draft, ignore_errors=True)
    if not is_there:
        kind = "its files" if SETS[name].folders else "its images with a labels.csv"
        raise Refused(
            f"{name} is not on this machine and could not be downloaded. Put {kind} into {target}, "
            "or try again where there is a network and torchvision is installed."
        )


def _fetch(one: Published, downloads: Path, draft: Path | None) -> bool:
    """Whether torchvision had it, or has it now."""
    try:
        done = subprocess.run(  # noqa: S603 - our own words
            [
                # -P: this folder's modules are not in the way of torchvision's imports
                *(sys.executable, "-P", str(PROGRAM), one.kind),
                *(json.dumps(one.halves), str(downloads), str(draft or "")),
            ],
            env={name: os.environ[name] for name in ENVIRONMENT if name in os.environ},
            capture_output=True,
            timeout=TIME_LIMIT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0
