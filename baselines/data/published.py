"""The classic sets: MNIST, Fashion-MNIST, CIFAR-10.

The files are looked for under `--root` as torchvision lays them out (MNIST/raw/*-ubyte,
cifar-10-batches-py/) or compressed as published (mnist/*.gz, cifar-10/*.xz).
"""

import gzip
import hashlib
import lzma
import pickle
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baselines.data.dataset import Dataset, Labelled
from baselines.errors import BaselineError, CallError

DIGITS = tuple("0123456789")
GARMENTS = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
    "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip
OBJECTS = (
    "airplane", "automobile", "bird", "cat", "deer",
    "dog", "frog", "horse", "ship", "truck",
)  # fmt: skip

# md5 of the files as their authors published them, unpacked (also torchvision's list)
CIFAR_MD5 = {
    "data_batch_1": "c99cafc152244af753f735de768cd75f",
    "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    "data_batch_4": "634d18415352ddfa80567beed471001a",
    "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
    "test_batch": "40351d587109b95175f43aff81a1287e",
}


def mnist(root: Path) -> Dataset:
    """60 000 + 10 000 handwritten digits, 28x28 grey (LeCun, Cortes)."""
    return _idx_set("mnist", root, ("MNIST/raw", "mnist"), DIGITS)


def fashion_mnist(root: Path) -> Dataset:
    """60 000 + 10 000 garments, 28x28 grey (Xiao, Rasul, Vollgraf 2017)."""
    return _idx_set("fashion-mnist", root, ("FashionMNIST/raw", "fashion-mnist"), GARMENTS)


def cifar10(root: Path) -> Dataset:
    """50 000 + 10 000 small photos, 32x32 colour (Krizhevsky 2009)."""
    folders = ("cifar-10-batches-py", "cifar-10")
    batches = [_cifar_batch(_find("cifar10", root, folders, name), name) for name in CIFAR_MD5]
    train, test = batches[:-1], batches[-1]
    joined = Labelled(
        np.concatenate([batch.pixels for batch in train]),
        np.concatenate([batch.labels for batch in train]),
    )
    return Dataset("cifar10", OBJECTS, joined, test, "test set")


def _find(name: str, root: Path, folders: tuple[str, str], file: str) -> Path:
    candidates = [root / folder / (file + end) for folder in folders for end in ("", ".gz", ".xz")]
    for path in candidates:
        if path.is_file():
            return path
    plain, packed = candidates[0], root / folders[1]
    raise CallError(
        f"{name} is not under {root}: looked for {plain} and for {file} in {packed}/. "
        f"`python -m baselines fetch {name} --out {root}` downloads it."
    )


def _unpacked(path: Path) -> bytes:
    unpack = {".gz": gzip.decompress, ".xz": lzma.decompress}.get(path.suffix, bytes)
    try:
        return unpack(path.read_bytes())
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise BaselineError(f"{path} cannot be read ({error}). Fetch it again.") from error


def _idx(path: Path) -> NDArray[np.uint8]:
    """LeCun's idx format: 0, 0, type 8 (bytes), number of axes, then each axis as 4 bytes."""
    data = _unpacked(path)
    axes = data[3] if data[:3] == b"\0\0\x08" else 0
    shape = np.frombuffer(data[4 : 4 + 4 * axes], ">u4").astype(int)
    if axes == 0 or len(data) != 4 + 4 * axes + shape.prod():
        raise BaselineError(f"{path} is not an idx file of bytes, or is cut short. Fetch it again.")
    return np.frombuffer(data, np.uint8, offset=4 + 4 * axes).reshape(shape).copy()


def _idx_set(name: str, root: Path, folders: tuple[str, str], classes: tuple[str, ...]) -> Dataset:
    def half(prefix: str) -> Labelled:
        images = _idx(_find(name, root, folders, f"{prefix}-images-idx3-ubyte"))
        labels = _idx(_find(name, root, folders, f"{prefix}-labels-idx1-ubyte"))
        if images.ndim != 3 or len(images) != len(labels):
            raise BaselineError(f"{name}: the {prefix} images and labels do not belong together.")
        return Labelled(images[:, None], labels.astype(np.int64))

    return Dataset(name, classes, half("train"), half("t10k"), "test set")


def _cifar_batch(path: Path, name: str) -> Labelled:
    data = _unpacked(path)
    found = hashlib.md5(data, usedforsecurity=False).hexdigest()
    if found != CIFAR_MD5[name]:  # unpickling runs what the file says: only the published bytes may
        message = f"{path} is not CIFAR-10's published {name} (md5 {found}); it was not opened."
        raise BaselineError(message + " Fetch it again.")
    batch: dict[bytes, Any] = pickle.loads(data, encoding="bytes")  # noqa: S301 - known bytes
    pixels = batch[b"data"].reshape(-1, 3, 32, 32).copy()
    return Labelled(pixels, np.array(batch[b"labels"], np.int64))
