"""What does the first layer look for?

A filter answers most where the image looks like the filter itself, so it can be drawn as an image.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from baselines.explain.figures import Picture, sheet
from baselines.explain.layers import Convolution

MOST = 64


@dataclass(frozen=True)
class Filters:
    kind: str  # "convolution" or "linear"
    name: str
    height: int
    width: int
    shown: int
    all: int
    picture: Picture


def first_layer(
    network: nn.Module, convolutions: list[Convolution], shape: tuple[int, ...]
) -> Filters | None:
    """The weights of the first convolution, or of a linear layer that sees every pixel."""
    if convolutions:
        first = convolutions[0]
        return _filters("convolution", first.name, first.module.weight)
    for name, module in network.named_modules():
        if isinstance(module, nn.Linear):
            if module.in_features != np.prod(shape):
                return None
            return _filters("linear", name, module.weight.reshape(-1, *shape))
    return None


def _filters(kind: str, name: str, weights: Tensor) -> Filters:
    count, _, height, width = weights.shape
    longest = weights.flatten(1).norm(dim=1).argsort(descending=True, stable=True)[:MOST]
    shown = weights[longest.sort().values] if count > MOST else weights
    tiles = images(shown.detach().float().cpu().numpy())
    columns = 8 if len(tiles) > 12 else 6
    side = 56 if kind == "convolution" else 64
    picture = sheet("filters", tiles, columns=columns, side=side)
    return Filters(kind, name, height, width, len(tiles), count, picture)


def images(weights: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Weights (n, C, h, w) as RGB bytes (n, h, w, 3); each on its own scale, mid grey is zero."""
    largest = np.abs(weights).max(axis=(1, 2, 3), keepdims=True)
    levels = 0.5 + weights / np.maximum(2 * largest, 1e-12)
    if levels.shape[1] != 3:  # grey images, or a layer that sees something else than colours
        levels = levels.mean(axis=1, keepdims=True).repeat(3, axis=1)
    found: NDArray[np.uint8] = np.rint(np.moveaxis(levels, 1, -1) * 255).astype(np.uint8)
    return found
