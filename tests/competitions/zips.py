"""Small uploads, right and wrong, made on the spot."""

import io
import zipfile
from collections.abc import Iterable, Mapping

from PIL import Image

CLASSES = ("cat", "dog", "owl")


def image(shade: int = 0, size: tuple[int, int] = (4, 4), kind: str = "PNG") -> bytes:
    stream = io.BytesIO()
    Image.new("L", size, shade).save(stream, kind)
    return stream.getvalue()


def packed(files: Mapping[str, bytes] | Iterable[tuple[str | zipfile.ZipInfo, bytes]]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items() if isinstance(files, Mapping) else files:
            archive.writestr(name, data)
    return stream.getvalue()


def train_zip(classes: Iterable[str] = CLASSES, each: int = 2) -> bytes:
    names = [(label, n) for label in classes for n in range(each)]
    return packed({f"{label}/{n}.png": image(n) for label, n in names})


TRUTH = {f"x{n:02d}.png": CLASSES[n % len(CLASSES)] for n in range(30)}


def hidden_zip(names: Iterable[str] = TRUTH) -> bytes:
    return packed({name: image(n) for n, name in enumerate(names)})


def solution_csv(truth: Mapping[str, str] = TRUTH, header: str = "id,label") -> bytes:
    return "\n".join([header, *(f"{name},{label}" for name, label in truth.items())]).encode()
