"""What is left of an image from layer to layer, in one that goes right and one that goes wrong?"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from baselines.data.dataset import Pixels
from baselines.explain.answers import Answers, floats
from baselines.explain.figures import Picture, coloured, picture, sheet, stretched
from baselines.explain.layers import Convolution, maps

LAYERS = 8
CHANNELS = 12
SIDE = 96  # pixels: larger maps are averaged down to it


@dataclass(frozen=True)
class Example:
    right: bool
    image: Picture
    truth: int
    said: int
    confidence: float


@dataclass(frozen=True)
class Layer:
    name: str
    number: int
    channels: int
    height: int
    width: int
    sheets: tuple[Picture, ...]  # one for each example, of the same channels


@dataclass(frozen=True)
class Maps:
    examples: tuple[Example, ...]
    layers: tuple[Layer, ...]
    all: int  # convolutions of the network
    most: int  # channels shown of each
    points: int  # convolutions whose maps are a single point, which shows nothing


def compare(
    network: nn.Module, convolutions: list[Convolution], pixels: Pixels, given: Answers
) -> Maps:
    pictured = [one for one in convolutions if max(one.height, one.width) > 1]
    chosen = _spread(pictured)
    shown = pair(given)
    seen = [maps(network, chosen, floats(network, pixels[at : at + 1])) for at in shown]
    names = ["right" if given.right[at] else "wrong" for at in shown]
    layers = tuple(
        Layer(
            one.name,
            one.number,
            one.channels,
            one.height,
            one.width,
            sheets(f"maps-{one.number:02}", names, list(of_examples)),
        )
        for one, of_examples in zip(chosen, zip(*seen, strict=True), strict=True)
    )
    examples = tuple(
        Example(
            bool(given.right[at]),
            picture(f"maps-{name}", pixels[at]),
            int(given.labels[at]),
            int(given.said[at]),
            float(given.confidence[at]),
        )
        for name, at in zip(names, shown, strict=True)
    )
    return Maps(examples, layers, len(convolutions), CHANNELS, len(convolutions) - len(pictured))


def pair(given: Answers) -> list[int]:
    """A right one and the worst mistake, of the same class where that class has a right one."""
    right, wrong = np.flatnonzero(given.right), given.mistakes()
    if len(wrong) == 0:
        return [int(right[given.confidence[right].argmax()])]
    if len(right) == 0:
        return [int(wrong[0])]
    alike = right[given.labels[right] == given.labels[wrong[0]]]
    candidates = alike if len(alike) else right
    return [int(candidates[given.confidence[candidates].argmax()]), int(wrong[0])]


def sheets(name: str, examples: list[str], seen: list[Tensor]) -> tuple[Picture, ...]:
    """The channels that vary most over the images, the same ones for every example."""
    strength = torch.stack([each.flatten(1).std(dim=1) for each in seen]).sum(dim=0)
    strongest = strength.argsort(descending=True, stable=True)[:CHANNELS]
    return tuple(
        _sheet(f"{name}-{example}", each[strongest])
        for example, each in zip(examples, seen, strict=True)
    )


def _sheet(name: str, channels: Tensor) -> Picture:
    if max(channels.shape[1:]) > SIDE:
        scale = SIDE / max(channels.shape[1:])
        size = [max(1, round(side * scale)) for side in channels.shape[1:]]
        channels = functional.interpolate(channels[None], size, mode="area")[0]
    tiles = [coloured(stretched(each), "viridis") for each in channels.double().numpy()]
    return sheet(name, np.stack(tiles), columns=4, side=72)


def _spread(convolutions: list[Convolution]) -> list[Convolution]:
    """The first, the last, and evenly between them."""
    places = np.linspace(0, len(convolutions) - 1, LAYERS).round().astype(int)
    kept = sorted(set(places.tolist())) if len(convolutions) > LAYERS else range(len(convolutions))
    return [convolutions[at] for at in kept]
