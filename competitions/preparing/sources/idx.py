"""The idx files of MNIST and what was published like it: images and labels as plain numbers.

The form: http://yann.lecun.com/exdb/mnist/ (two zeros, the type 8 for bytes, the number of
dimensions, each dimension in four bytes, the highest first, then the numbers).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from competitions.pictures.examining import Picture, Raw
from competitions.preparing import tables
from competitions.preparing.sources import expanding
from competitions.preparing.sources.containers import Container
from competitions.preparing.sources.item import Item, Part, Source

IMAGES = re.compile(r"(?P<set>.*)images.*ubyte|(?P<other>.*)images.*idx3.*", re.IGNORECASE)
GARMENTS = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
    "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip
CLASSES = "classes.txt"


@dataclass(frozen=True)
class Numbers:
    """Pictures that lie in arrays, one behind the other."""

    form: str
    items: Sequence[Item]
    arrays: Sequence[NDArray[np.uint8]]  # each (n, height, width[, 3])

    def read(self, index: int) -> Picture:
        for array in self.arrays:
            if index < len(array):
                return Raw(array[index])
            index -= len(array)
        raise IndexError(index)


def fits(names: Sequence[str]) -> bool:
    return any(_is_images(name) for name in names)


def read(container: Container, name: str) -> Source:
    names = container.names
    items: list[Item] = []
    arrays: list[NDArray[np.uint8]] = []
    classes = _classes(container, name)
    for images in [each for each in names if _is_images(each)]:
        labels = _labels_of(container, images, names)
        pixels = _array(container, images, dimensions=3)
        codes = _array(container, labels, dimensions=1)
        if len(pixels) != len(codes):
            raise container.refusal(
                f"has {len(pixels)} images in {images!r} and {len(codes)} labels in {labels!r}."
            )
        arrays.append(pixels)
        items += _items(container, images, codes.tolist(), classes)
    if len({item.label for item in items}) < 2:
        raise container.refusal("has images of fewer than two classes.")
    parts = {item.part for item in items}
    if parts == {"test"} or "" in parts:  # no split of its own after all
        items = [Item(item.name, item.label) for item in items]
    return Numbers("idx files", items, arrays)


def _is_images(name: str) -> bool:
    plain = PurePosixPath(expanding.plain(name)).name
    return IMAGES.fullmatch(plain) is not None


def _labels_of(container: Container, images: str, names: Sequence[str]) -> str:
    """The file whose name differs by "labels" for "images" (and by the dimensions)."""
    wanted = re.sub("images", "labels", expanding.plain(images), flags=re.IGNORECASE)
    wanted = wanted.replace("idx3", "idx1")
    found = next((name for name in names if expanding.plain(name) == wanted), None)
    if found is None:
        raise container.refusal(f"lacks {wanted!r}, the labels of {images!r}. Pack both together.")
    return found


def _array(container: Container, name: str, *, dimensions: int) -> NDArray[np.uint8]:
    data = expanding.read(container, name)
    header = 4 + 4 * dimensions
    shape = np.frombuffer(data[4:header], ">u4").tolist()
    is_whole = (
        data[:4] == bytes([0, 0, 8, dimensions])
        and len(shape) == dimensions
        and len(data) == header + int(np.prod(shape, dtype=object))
    )
    if not is_whole or 0 in shape:
        raise container.refusal(f"holds {name!r}, which is not a whole idx file of bytes.")
    return np.frombuffer(data, np.uint8, offset=header).reshape(shape)


def _items(
    container: Container, images: str, codes: Sequence[int], classes: Sequence[str]
) -> list[Item]:
    if classes and max(codes) >= len(classes):
        raise container.refusal(
            f"has the label {max(codes)} in {images!r}, and names for {len(classes)} classes."
        )
    base = PurePosixPath(expanding.plain(images)).name.lower()
    part: Part = "train" if "train" in base else "test" if re.search("t10k|test", base) else ""
    short = PurePosixPath(images).name.split("-idx")[0]
    return [
        Item(f"{short}[{n}]", classes[code] if classes else str(code), part)
        for n, code in enumerate(codes)
    ]


def _classes(container: Container, name: str) -> tuple[str, ...]:
    """From a classes.txt, a name a line; of Fashion-MNIST as published; else the numbers."""
    table = next((n for n in container.names if PurePosixPath(n).name == CLASSES), None)
    if table is not None:
        lines = container.read(table).decode("utf-8", "replace").split("\n")
        found = tuple(line.strip() for line in lines if line.strip())
        if len(set(found)) != len(found):
            raise container.refusal(f"names a class twice in {CLASSES}: {tables.some(found)}.")
        return found
    is_fashion = any("fashion" in each.lower() for each in (name, *container.names))
    return GARMENTS if is_fashion else ()
