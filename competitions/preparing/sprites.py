"""What everybody may see of the images: how many each class has, and four of them in one picture.

Only training images are looked at. The four are drawn by the hashes of their names, so the same
upload always shows the same ones and their order tells nothing.
"""

import hashlib
import io
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import nsmallest
from itertools import islice
from typing import cast

from celery.exceptions import SoftTimeLimitExceeded
from PIL import Image, ImageOps

from competitions import files
from competitions.files import Stored
from competitions.preparing import pictures
from competitions.preparing.archives import Archive

CELL = 56  # pixels, one of the four
GAP = 2
SHOWN = 4
TRIES = 8  # images looked at until four could be decoded
# A mosaic of more classes tells nobody more; further ones are counted and not drawn.
MAX_SPRITES = 100
# Forty of the largest images, some twenty seconds: classes behind that are only counted, too.
MAX_DECODED = 40 * pictures.MAX_PIXELS


@dataclass(frozen=True)
class Sample:
    """A class, how many training images it has, and its picture if one could be drawn."""

    name: str
    images: int
    sprite: Stored | None


def draw(train: Archive, classes: Mapping[str, str], order: Iterable[str]) -> list[Sample]:
    """One sample per class, in the given order; ``classes`` has each image's class."""
    names: dict[str, list[str]] = defaultdict(list)
    for name, label in classes.items():
        names[label].append(name)
    painter = _Painter(train)
    return [
        Sample(label, len(names[label]), painter.sprite(names[label]) if n < MAX_SPRITES else None)
        for n, label in enumerate(order)
    ]


class _Painter:
    """Draws sprites until the pixels that it may decode are used up."""

    def __init__(self, train: Archive) -> None:
        self._train = train
        self._pixels_left = MAX_DECODED

    def sprite(self, names: Iterable[str]) -> Stored | None:
        drawn = nsmallest(TRIES, names, key=_lot)
        found = list(islice(self._readable(drawn), SHOWN))
        return files.store_bytes("data", _grid(found)) if found else None

    def _readable(self, names: Iterable[str]) -> Iterator[Image.Image]:
        for name in names:
            small = self._decoded(pictures.read(self._train, name))
            if small is not None:
                yield small

    def _decoded(self, data: bytes) -> Image.Image | None:
        try:
            with Image.open(io.BytesIO(data), formats=pictures.FORMATS) as image:
                image.draft(None, (2 * CELL, 2 * CELL))  # a JPEG is decoded at an eighth
                self._pixels_left -= image.width * image.height
                return _fitted(image) if self._pixels_left >= 0 else None
        except SoftTimeLimitExceeded:
            raise
        except Exception:
            # A whole header before broken pixels: no reason to refuse the upload.
            return None


def _lot(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()


def _fitted(image: Image.Image) -> Image.Image:
    """Fit for a cell: small images enlarged by a whole factor, so that pixels stay square."""
    # Sixteen pixels for one are enough to filter; all of a huge image would cost seconds.
    image.thumbnail((16 * CELL, 16 * CELL), Image.Resampling.NEAREST)
    image = _eight_bits(image)
    longest = max(image.size)
    if longest < CELL:
        factor = round(CELL / longest)
        size = (image.width * factor, image.height * factor)
        image = image.resize(size, Image.Resampling.NEAREST)
    else:
        image.thumbnail((CELL, CELL), Image.Resampling.LANCZOS)
    return _on_white(ImageOps.exif_transpose(image))


def _eight_bits(image: Image.Image) -> Image.Image:
    """RGB or RGBA. Deeper greys are stretched: cut off at 255 most of them would be white."""
    if image.mode.startswith(("I", "F")):
        deep = image if image.mode == "F" else image.convert("I")
        low, high = cast(tuple[float, float], deep.getextrema())
        scale = 255 / (high - low) if high > low else 0.0
        image = deep.point(lambda value: value * scale - low * scale).convert("L")
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


def _on_white(image: Image.Image) -> Image.Image:
    """Dark lines on nothing would be invisible on a dark page."""
    if image.mode != "RGBA":
        return image
    ground = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(ground, image)


def _grid(images: Sequence[Image.Image]) -> bytes:
    """Two by two in the middle of a square PNG; what is left over is transparent."""
    width, height = (max(sizes) for sizes in zip(*(image.size for image in images), strict=True))
    side = 2 * max(width, height) + GAP
    grid = Image.new("RGBA", (side, side))
    for n, image in enumerate(images):
        row, column = divmod(n, 2)
        left = side // 2 - width - GAP // 2 + column * (width + GAP)
        top = side // 2 - height - GAP // 2 + row * (height + GAP)
        grid.paste(image, (left + (width - image.width) // 2, top + (height - image.height) // 2))
    stream = io.BytesIO()
    grid.save(stream, "PNG", optimize=True)
    return stream.getvalue()
