"""The idx files of MNIST and what was published like it: images and labels as plain numbers.

The form: http://yann.lecun.com/exdb/mnist/ (two zeros, the type 8 for bytes, the number of
dimensions, each dimension in four bytes, the highest first, then the numbers).
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from competitions.preparing import tables
from competitions.preparing.sources import arrays, expanding
from competitions.preparing.sources.arrays import Numbers
from competitions.preparing.sources.containers import Container
from competitions.preparing.sources.folders import refuse_bad_classes
from competitions.preparing.sources.item import Item, Part, Source

IMAGES = re.compile(r"(?P<set>.*)images.*ubyte|(?P<other>.*)images.*idx3.*", re.IGNORECASE)
GARMENTS = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
    "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip
CLASSES = "classes.txt"


def fits(names: Sequence[str]) -> bool:
    return any(_is_images(expanding.plain(name)) for name in names)


def read(container: Container, name: str) -> Source:
    items: list[Item] = []
    found: list[NDArray[np.uint8]] = []
    files = _files(container.names)
    classes = _classes(container, name)
    for images in [each for each in sorted(files) if _is_images(each)]:
        labels = _labels_of(container, images, files)
        pixels = _array(container, files[images], arrays.room(found), dimensions=3)
        codes = _array(container, files[labels], expanding.MOST, dimensions=1)
        if len(pixels) != len(codes):
            raise container.refusal(
                f"has {len(pixels)} images in {images!r} and {len(codes)} labels in {labels!r}."
            )
        arrays.refuse_too_many(container, len(items) + len(codes))
        found.append(pixels)
        items += _items(container, images, codes.tolist(), classes)
    parts = {item.part for item in items}
    if parts == {"test"} or "" in parts:  # no split of its own after all
        items = [Item(item.name, item.label) for item in items]
    refuse_bad_classes(container, items)
    return Numbers("idx files", items, found)


def _files(names: Sequence[str]) -> dict[str, str]:
    """Each file by its unpacked name: torchvision keeps both, and one of them is enough."""
    by_length = sorted(names, key=len, reverse=True)
    return {expanding.plain(name): name for name in by_length}


def _is_images(name: str) -> bool:
    return IMAGES.fullmatch(PurePosixPath(name).name) is not None


def _labels_of(container: Container, images: str, files: Mapping[str, str]) -> str:
    """The file whose name differs by "labels" for "images" (and by the dimensions)."""
    path = PurePosixPath(images)
    changed = re.sub("images", "labels", path.name, flags=re.IGNORECASE).replace("idx3", "idx1")
    wanted = str(path.with_name(changed))
    if wanted not in files:
        raise container.refusal(f"lacks {wanted!r}, the labels of {images!r}. Pack both together.")
    return wanted


def _array(container: Container, name: str, most: int, *, dimensions: int) -> NDArray[np.uint8]:
    data = expanding.read(container, name, most)
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
    base = PurePosixPath(images).name.lower()
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
