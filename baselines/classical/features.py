"""What can be said about an image without training anything?

`hog` describes shapes by the directions of their edges (Dalal, Triggs: Histograms of oriented
gradients for human detection, CVPR 2005), `patches` describes brightness and texture on a grid.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from baselines.data.dataset import Pixels

Floats = NDArray[np.float32]
Describe = Callable[[Pixels], Floats]  # images (N, C, H, W) to one row of features each

ACROSS = 7  # cells along the shorter side: 4 pixels each on MNIST and CIFAR-10
BINS = 9  # directions between 0 and 180 degrees: a dark-to-bright edge is a bright-to-dark one
BLOCK = 2  # cells along the side of a block
CLIP = 0.2  # no direction may outshout a block
AT_ONCE = 512  # images whose intermediate results fit into a processor's cache and any memory


def hog(pixels: Pixels) -> Floats:
    """Histograms of oriented gradients: block by block, cell by cell, direction by direction."""
    return _in_batches(_hog, pixels)


def patches(pixels: Pixels) -> Floats:
    """Mean and deviation of the pixels of each patch, channel by channel."""
    return _in_batches(_patches, pixels)


def _hog(pixels: Pixels) -> Floats:
    strength, angle = gradients(pixels)
    return normalised_blocks(cell_histograms(strength, angle, cell_side(pixels)))


def gradients(pixels: Pixels) -> tuple[Floats, Floats]:
    """Strength and angle (in bins, 0 to 9) of the change at each pixel, both (N, H, W).

    Of a colour image each pixel counts with the channel that changes most there.
    """
    # the square root evens out the light: an edge in the shade is as strong as one in the sun
    light = np.sqrt(_scaled(pixels))
    light = np.pad(light, ((0, 0), (0, 0), (1, 1), (1, 1)), mode="edge")
    across = light[:, :, 1:-1, 2:] - light[:, :, 1:-1, :-2]
    down = light[:, :, 2:, 1:-1] - light[:, :, :-2, 1:-1]
    strengths = np.hypot(across, down)
    strongest = strengths.argmax(axis=1)[:, None]
    across, down, strength = (
        np.take_along_axis(values, strongest, axis=1)[:, 0] for values in (across, down, strengths)
    )
    angle = np.arctan2(down, across) * (BINS / np.pi)
    return strength, np.where(angle < 0, angle + BINS, angle)


def cell_histograms(strength: Floats, angle: Floats, cell: int) -> Floats:
    """How much edge there is in each direction, cell by cell: (N, rows, columns, BINS).

    A pixel's strength is shared between the two directions nearest to its angle.
    """
    histograms = []
    for direction in range(BINS):
        apart = np.abs(angle - (direction + 0.5))
        apart = np.minimum(apart, BINS - apart)  # after 180 degrees comes 0
        share = np.maximum(0, 1 - apart) * strength
        histograms.append(_cells(share, cell).sum(axis=(2, 4)))
    return np.stack(histograms, axis=-1)


def normalised_blocks(cells: Floats) -> Floats:
    """Every 2x2 cells as one vector of length 1, clipped, again of length 1 ("L2-Hys").

    Blocks overlap: a cell is seen against each of its neighbourhoods.
    """
    rows, columns = (size - BLOCK + 1 for size in cells.shape[1:3])
    corners = [
        cells[:, down : down + rows, right : right + columns]
        for down in range(BLOCK)
        for right in range(BLOCK)
    ]
    blocks = np.concatenate(corners, axis=-1)  # (N, rows, columns, 4 * BINS)
    blocks = _unit(np.minimum(_unit(blocks), CLIP))
    return blocks.reshape(len(cells), -1)


def _unit(vectors: Floats) -> Floats:
    squares = np.einsum("...i,...i->...", vectors, vectors)[..., None]
    result: Floats = vectors / np.sqrt(squares + 1e-3)  # a block without edges stays near 0
    return result


def _patches(pixels: Pixels) -> Floats:
    grid = _cells(_scaled(pixels), cell_side(pixels))
    statistics = np.stack([grid.mean(axis=(-3, -1)), grid.std(axis=(-3, -1))], axis=-1)
    return statistics.reshape(len(pixels), -1)


def cell_side(pixels: Pixels) -> int:
    """Pixels along a cell's side; at least 2, or a cell would be a pixel."""
    height, width = pixels.shape[-2:]
    return max(2, int(min(height, width)) // ACROSS)


def _cells(values: Floats, cell: int) -> Floats:
    """(..., H, W) as (..., rows, cell, columns, cell); what is left over is cut off all round."""
    height, width = values.shape[-2:]
    rows, columns = height // cell, width // cell
    top, left = (height - rows * cell) // 2, (width - columns * cell) // 2
    whole = values[..., top : top + rows * cell, left : left + columns * cell]
    return whole.reshape(*values.shape[:-2], rows, cell, columns, cell)


def _scaled(pixels: Pixels) -> Floats:
    result: Floats = pixels.astype(np.float32) / np.float32(255)
    return result


def _in_batches(describe: Describe, pixels: Pixels) -> Floats:
    batches = np.array_split(pixels, len(pixels) // AT_ONCE + 1)
    return np.concatenate([describe(batch) for batch in batches]).astype(np.float32, copy=False)
