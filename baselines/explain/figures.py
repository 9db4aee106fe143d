"""How do numbers become pictures? Every picture is a PNG in memory, with a name and no text in it.

Words stand beside the pictures, in the page: there they wrap on a phone and can be read aloud. The
exception is the reliability diagram, whose axes need numbers; it comes in a light and a dark ink.
"""

import base64
import io
from dataclasses import dataclass

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from baselines.data.dataset import Pixels

LARGEST = 160  # pixels of a side: larger images are shrunk for the page
GAP = 4  # pixels between tiles
FRAME = 127, 127, 127, 255  # grey, a pixel wide: a white tile shows on a white page


@dataclass(frozen=True)
class Picture:
    name: str  # of its file, without .png
    png: bytes

    @property
    def uri(self) -> str:
        return "data:image/png;base64," + base64.b64encode(self.png).decode()


def picture(name: str, pixels: NDArray[np.uint8]) -> Picture:
    """One image of bytes, (C, H, W) or (H, W, 3)."""
    if pixels.shape[0] in (1, 3):
        pixels = np.moveaxis(pixels, 0, -1)
    image = Image.fromarray(pixels.squeeze(-1) if pixels.shape[-1] == 1 else pixels)
    image.thumbnail((LARGEST, LARGEST))
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    return Picture(name, file.getvalue())


def drawing(name: str, figure: Figure) -> Picture:
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=160)
    return Picture(name, file.getvalue())


def sheet(name: str, tiles: NDArray[np.uint8], *, columns: int, side: int) -> Picture:
    """Tiles (n, h, w, 3) in rows, each enlarged by whole numbers to about `side` pixels."""
    scale = max(1, side // max(tiles.shape[1:3]))
    large = tiles.repeat(scale, axis=1).repeat(scale, axis=2)
    count, height, width, _ = large.shape
    columns = min(columns, count)
    rows = -(-count // columns)
    shape = rows * (height + GAP) - GAP + 2, columns * (width + GAP) - GAP + 2
    canvas = np.zeros((*shape, 4), np.uint8)  # see-through between the tiles
    for at, tile in enumerate(large):
        top, left = at // columns * (height + GAP), at % columns * (width + GAP)
        canvas[top : top + height + 2, left : left + width + 2] = FRAME
        canvas[top + 1 : top + 1 + height, left + 1 : left + 1 + width, :3] = tile
    file = io.BytesIO()
    Image.fromarray(canvas).save(file, "PNG", optimize=True)
    return Picture(name, file.getvalue())


def coloured(values: NDArray[np.float64], colours: str) -> NDArray[np.uint8]:
    """Numbers in [0, 1] as RGB bytes, by one of matplotlib's colour maps."""
    rgba: NDArray[np.float64] = colormaps[colours](values)
    return np.rint(rgba[..., :3] * 255).astype(np.uint8)


def stretched(values: NDArray[np.float64], *, percentile: float = 100) -> NDArray[np.float64]:
    """From its lowest to its highest number (or that percentile) becomes 0 to 1."""
    low, high = values.min(), np.percentile(values, percentile)
    found: NDArray[np.float64] = np.clip((values - low) / max(high - low, 1e-12), 0, 1)
    return found


def heated(pixels: Pixels, heat: NDArray[np.float64]) -> NDArray[np.uint8]:
    """One image (C, H, W) in grey with heat in [0, 1] laid over it; (H, W, 3)."""
    grey = pixels.mean(axis=0)[..., None].repeat(3, axis=2) * 0.8
    veil = heat[..., None] * 0.75
    mixed: NDArray[np.float64] = grey * (1 - veil) + coloured(heat, "inferno") * veil
    return np.rint(mixed).astype(np.uint8)
