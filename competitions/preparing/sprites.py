"""What everybody may see of the images: how many each class has, and four of them in one picture.

Only training images are looked at. The four are drawn by the hashes of their names, so the same
upload always shows the same ones and their order tells nothing.
"""

import hashlib
import io
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import nsmallest
from itertools import islice, zip_longest

from PIL import Image

from competitions import files
from competitions.files import Stored
from competitions.pictures.examining import thumbnails

CELL = 56  # pixels, one of the four
GAP = 2
SHOWN = 4
# A mosaic of more classes tells nobody more; further ones are counted and not drawn.
MAX_SPRITES = 100


@dataclass(frozen=True)
class Sample:
    """A class, how many training images it has, and its picture if one could be drawn."""

    name: str
    images: int
    sprite: Stored | None


def draw(
    read: Callable[[str], bytes], classes: Mapping[str, str], order: Iterable[str]
) -> list[Sample]:
    """One sample per class, in the given order; ``classes`` has each image's class."""
    names: dict[str, list[str]] = defaultdict(list)
    for name, label in classes.items():
        names[label].append(name)
    drawn = [(label, nsmallest(SHOWN, names[label], key=_lot)) for label in order]
    wanted = [name for _label, some in drawn[:MAX_SPRITES] for name in some]
    cells = iter(thumbnails(map(read, wanted), CELL))
    sprites = [_sprite(islice(cells, len(some))) for _label, some in drawn[:MAX_SPRITES]]
    return [
        Sample(label, len(names[label]), sprite)
        for (label, _some), sprite in zip_longest(drawn, sprites)
    ]


def _sprite(cells: Iterable[bytes]) -> Stored | None:
    """A large file's cell may be missing: decoding it took too long."""
    found = [_opened(cell) for cell in cells if cell]
    return files.store_bytes("data", _grid(found)) if found else None


def _opened(cell: bytes) -> Image.Image:
    with Image.open(io.BytesIO(cell), formats=("PNG",)) as image:
        return image.convert("RGBA" if image.has_transparency_data else "RGB")


def _lot(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()


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
