"""1 797 handwritten digits, 8x8, from scikit-learn's own files: half to train, half to test."""

import csv
import hashlib
import hmac
import io
import secrets
import zipfile
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from scoring import split_ids

EPOCH = (1980, 1, 1, 0, 0, 0)  # one date for all, or the order of writing would be told
GREYS = 16  # the brightest value of a pixel in the original


def prepare(public: Path, private: Path) -> None:
    """Writes train.zip and test.zip for everyone, solution.csv for nobody."""
    pixels, labels = _digits()
    names = _opaque_names(len(labels))
    test = split_ids(names, labels, 0.5, secrets.token_bytes(16))
    # Names are random, so their order tells nothing of the order of the original.
    images = sorted(zip(names, labels, pixels, strict=True), key=lambda image: image[0])
    _pack(public / "train.zip", ((f"{y}/{x}", p) for x, y, p in images if x not in test))
    _pack(public / "test.zip", ((x, p) for x, _y, p in images if x in test))
    _write(private / "solution.csv", ((x, y) for x, y, _p in images if x in test))


def _digits() -> tuple[list[NDArray[np.uint8]], list[str]]:
    """Pixels and labels, read from the file itself: importing scikit-learn takes seconds."""
    package = find_spec("sklearn")
    if package is None or package.origin is None:
        raise FileNotFoundError("scikit-learn is not installed; its digits are the demo's images.")
    table = np.loadtxt(Path(package.origin).parent / "datasets/data/digits.csv.gz", delimiter=",")
    grey = np.round(table[:, :-1] * (255 / GREYS)).astype(np.uint8)
    return list(grey.reshape(-1, 8, 8)), [str(int(label)) for label in table[:, -1]]


def _opaque_names(count: int) -> list[str]:
    secret = secrets.token_bytes(16)
    digests = (hmac.new(secret, b"%d" % i, hashlib.sha256).hexdigest() for i in range(count))
    return [f"{digest[:12]}.png" for digest in digests]


def _pack(path: Path, images: Iterable[tuple[str, NDArray[np.uint8]]]) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, pixels in images:
            archive.writestr(zipfile.ZipInfo(name, EPOCH), _png(pixels))


def _png(pixels: NDArray[np.uint8]) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def _write(path: Path, rows: Iterable[Sequence[str]]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("id", "label"))
        writer.writerows(rows)
