"""Published data sets by name: from this machine's own files, else over the network by torchvision.

torchvision is never imported here, for it brings torch with it: downloading.py runs as a program of
its own, with nothing of this site's environment but the way to the network. It downloads into a
folder of its own, from which whole results alone are moved: a download that is cut off leaves
nothing that is taken for the set afterwards.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
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
class Packed:
    """An archive as its author publishes it, told from what a broken download left of it."""

    name: str
    size: int  # bytes; a look, for pages
    md5: str  # as its author tells it


@dataclass(frozen=True)
class Published:
    """How a set is had from torchvision, and where its own files may lie already.

    Without ``folders`` its form is none of ours: its images are written out with a labels.csv.
    """

    kind: str  # torchvision's class
    halves: Halves
    folders: Sequence[str] = ()
    files: Sequence[str] = ("labels.csv",)  # all of them prove the set, packed or not
    archive: Packed | None = None


SETS: Mapping[str, Published] = {
    "mnist": Published("MNIST", BY_FLAG, ("MNIST/raw", "mnist"), IDX),
    "fashion-mnist": Published("FashionMNIST", BY_FLAG, ("FashionMNIST/raw", "fashion-mnist"), IDX),
    "kmnist": Published("KMNIST", BY_FLAG, ("KMNIST/raw", "kmnist"), IDX),
    "cifar10": Published(
        "CIFAR10",
        BY_FLAG,
        ("cifar-10-batches-py", "cifar10", "cifar-10"),
        (*(f"data_batch_{n}" for n in range(1, 6)), "test_batch", "batches.meta"),
        Packed("cifar-10-python.tar.gz", 170_498_071, "c58f30108f718f92721af3b95e74349a"),
    ),
    "cifar100": Published(
        "CIFAR100",
        BY_FLAG,
        ("cifar-100-python", "cifar100", "cifar-100"),
        ("train", "test", "meta"),
        Packed("cifar-100-python.tar.gz", 169_001_437, "eb9058c3a382ffc7106e4002c42a8d85"),
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
LOOK_EVERY = 5  # seconds, while it goes on
FETCHING = ".fetching-"  # begins the folder of a download
DEAD_AFTER = 2 * TIME_LIMIT  # seconds; then nobody writes into such a folder any more
PROGRAM = Path(__file__).with_name("downloading.py")
# What the program needs to find the network and its libraries; no word or secret of the site's.
ENVIRONMENT = (
    "PATH", "HOME", "TMPDIR", "LANG", "LD_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR",
    "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
)  # fmt: skip


def is_known(name: str) -> bool:
    return name.lower() in SETS


def is_on_this_machine(name: str, downloads: Path) -> bool:
    """By a look that costs nothing: pages ask for every set."""
    return _local(name.lower(), downloads) is not None


def published(name: str, downloads: Path, alive: Callable[[], None] = lambda: None) -> Path:
    """The set's folder or archive below ``downloads``; raises Refused in words.

    ``alive`` is called while a download goes on, which may take an hour, and may end it by raising.
    """
    name = name.lower()
    if name not in SETS:
        raise Refused(f"There is no published set {name!r} here. Known: {', '.join(SETS)}.")
    local = _local(name, downloads)
    if local is not None and _is_as_published(local, SETS[name].archive):
        return local
    _download(name, downloads, alive)
    found = _local(name, downloads)
    if found is None:
        raise Refused(f"{name} was downloaded, and its files are not where they should be.")
    return found


def _places(name: str, downloads: Path) -> list[Path]:
    """The folders that may hold it."""
    folders = SETS[name].folders or (f"{WRITTEN}/{name}",)
    return [downloads / folder for folder in folders]


def _local(name: str, downloads: Path) -> Path | None:
    one = SETS[name]
    for folder in _places(name, downloads):
        if _is_whole(folder, one.files):
            return folder
    archive = downloads / one.archive.name if one.archive else None
    if one.archive and archive and archive.is_file():
        return archive if archive.stat().st_size == one.archive.size else None
    return None


def _is_whole(folder: Path, files: Sequence[str]) -> bool:
    """Half a set is none: an interrupted copy leaves such."""
    if not folder.is_dir():
        return False
    return {expanding.plain(path.name) for path in folder.iterdir()} >= set(files)


def _is_as_published(local: Path, archive: Packed | None) -> bool:
    """An archive of the right size may still have holes."""
    if archive is None or local.is_dir():
        return True
    with local.open("rb") as file:
        found = hashlib.file_digest(file, partial(hashlib.md5, usedforsecurity=False))
    return found.hexdigest() == archive.md5


def _download(name: str, downloads: Path, alive: Callable[[], None]) -> None:
    """Raises Refused. The set appears as a whole or not at all."""
    is_there = False
    try:
        downloads.mkdir(parents=True, exist_ok=True)
        _clear(downloads)
        with tempfile.TemporaryDirectory(prefix=FETCHING, dir=downloads) as fresh:
            is_there = _fetch(name, downloads, Path(fresh), alive)
            if is_there:
                _move(name, Path(fresh), downloads)
    except OSError:
        is_there = False
    if not is_there:
        kind = "its files" if SETS[name].folders else "its images with a labels.csv"
        raise Refused(
            f"{name} is not on this machine and could not be downloaded. Put {kind} into "
            f"{_places(name, downloads)[-1]}, or try again where there is a network and "
            "torchvision is installed."
        )


def _clear(downloads: Path) -> None:
    """What a worker that was killed has left behind."""
    for left in downloads.glob(f"{FETCHING}*"):
        with suppress(FileNotFoundError):  # another worker clears, too
            if left.stat().st_mtime < time.time() - DEAD_AFTER:
                shutil.rmtree(left, ignore_errors=True)


def _move(name: str, fresh: Path, downloads: Path) -> None:
    """From the download's folder to its place: at once, or file by file where half a set lies."""
    target = _places(name, downloads)[0]
    target.parent.mkdir(parents=True, exist_ok=True)
    folder = fresh / target.relative_to(downloads)
    try:
        folder.rename(target)
    except OSError:
        for file in folder.iterdir():
            file.replace(target / file.name)


def _fetch(name: str, downloads: Path, fresh: Path, alive: Callable[[], None]) -> bool:
    """Whether torchvision had it in ``downloads``, or has it now below ``fresh``."""
    one = SETS[name]
    written = "" if one.folders else str(fresh / WRITTEN / name)
    words = (one.kind, json.dumps(one.halves), str(downloads), str(fresh), written)
    until = time.monotonic() + TIME_LIMIT
    with subprocess.Popen(  # noqa: S603 - our own words
        # -P: this folder's modules are not in the way of torchvision's imports
        [sys.executable, "-P", str(PROGRAM), *words],
        env={name: os.environ[name] for name in ENVIRONMENT if name in os.environ},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as child:
        try:
            while time.monotonic() < until:
                try:
                    return child.wait(LOOK_EVERY) == 0
                except subprocess.TimeoutExpired:
                    alive()
            return False
        finally:
            child.kill()
