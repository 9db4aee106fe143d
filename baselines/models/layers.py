"""Pieces that several networks share: their first step, their activation, their growth."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn
from torch.nn import functional

from baselines.errors import CallError


class FitInto(nn.Module):
    """Bring any small image to side x side: pad if it almost fits, else resample."""

    def __init__(self, side: int) -> None:
        super().__init__()
        self.side = side

    def forward(self, images: Tensor) -> Tensor:
        height, width = images.shape[-2:]
        down, right = self.side - height, self.side - width
        if 0 <= down <= 4 and 0 <= right <= 4:
            return functional.pad(
                images, (right // 2, right - right // 2, down // 2, down - down // 2)
            )
        smaller = max(height, width) > self.side  # else a fine pattern becomes a coarse one
        return functional.interpolate(
            images, (self.side, self.side), mode="bilinear", antialias=smaller
        )


class Standardise(nn.Module):
    """Images from [0, 1] to mean 0 and deviation 1; the numbers travel with the weights."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, mean: Sequence[float], deviation: Sequence[float]) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean)[:, None, None])
        self.register_buffer("deviation", torch.tensor(deviation)[:, None, None])

    def forward(self, images: Tensor) -> Tensor:
        return (images - self.mean) / self.deviation


@runtime_checkable
class LooksFirst(Protocol):
    """A network that is shown some training images before it learns, (N, C, H, W) and standard."""

    def look_at(self, images: Tensor) -> None: ...


class Whitening(nn.Conv2d):
    """Filters that tell apart what the pixels of a small patch have in common; they do not learn.

    Each is a principal direction of the training images' patches, scaled to variance 1, and there
    is its negative beside it, for the activation that follows lets only one of them through (Page
    2019; Jordan 2024, arXiv 2404.00498). Before `look_at` they are drawn at random.
    """

    LEAST = 5e-4  # added to variances: a direction that hardly occurs is noise, and stays small

    def __init__(self, channels: int, side: int, copies: int = 1) -> None:
        super().__init__(channels, 2 * copies * channels * side**2, side, bias=False)
        self.requires_grad_(False)

    @torch.no_grad()
    def look_at(self, images: Tensor) -> None:
        """Take the directions from images (N, C, H, W), as they will come in."""
        size = self.kernel_size[0]
        patches = functional.unfold(images, size, stride=size).transpose(1, 2).flatten(0, 1)
        variances, directions = torch.linalg.eigh(patches.T.cov().double())
        filters = (directions / (variances.clamp(min=0) + self.LEAST).sqrt()).T.float()
        filters = torch.cat([filters, -filters])
        # each copy begins one further on: where neighbours are compared (maxout), with others
        copies = range(len(self.weight) // len(filters))
        filters = torch.cat([filters.roll(-copy, 0) for copy in copies])
        self.weight.copy_(filters.view_as(self.weight))


class GlobalMax(nn.Module):
    """The largest value of each map, (N, C, H, W) to (N, C, 1, 1).

    As `nn.AdaptiveMaxPool2d(1)`, whose gradient on a GPU is not the same on every run.
    """

    def forward(self, maps: Tensor) -> Tensor:
        return functional.max_pool2d(maps, maps.shape[2:])  # quicker backwards than `amax`


class Mirrored(nn.Module):
    """The mean of the logits over an image and its mirror image."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = (self.network(images) + self.network(images.flip(-1))) / 2
        return logits


class Maxout(nn.Module):
    """The largest of k linear units (Goodfellow et al. 2013): k times the channels come in."""

    def __init__(self, pieces: int = 2) -> None:
        super().__init__()
        self.pieces = pieces

    def forward(self, values: Tensor) -> Tensor:
        pieces = values.reshape(len(values), -1, self.pieces, *values.shape[2:])
        return pieces.amax(dim=2)


ACTIVATIONS: Mapping[str, Callable[[], nn.Module]] = {
    "relu": partial(nn.ReLU, inplace=True),
    "leaky-relu": partial(nn.LeakyReLU, 0.1, inplace=True),
    "elu": partial(nn.ELU, inplace=True),
    "gelu": nn.GELU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "maxout": Maxout,
}


def activation(name: str) -> nn.Module:
    if name not in ACTIVATIONS:
        raise CallError(f"There is no activation {name}. Choose one of {', '.join(ACTIVATIONS)}.")
    return ACTIVATIONS[name]()


def convolution(
    inputs: int, outputs: int, size: int, *, act: str, norm: bool = False, **how: Any
) -> nn.Sequential:
    """A convolution, batch normalisation if asked for, the activation."""
    wide = outputs * pieces(act)
    layers: list[nn.Module] = [nn.Conv2d(inputs, wide, size, bias=not norm, **how)]
    if norm:
        layers.append(nn.BatchNorm2d(wide))
    return nn.Sequential(*layers, activation(act))


def linear(inputs: int, outputs: int, *, act: str) -> nn.Sequential:
    """A fully connected layer and the activation."""
    return nn.Sequential(nn.Linear(inputs, outputs * pieces(act)), activation(act))


def exchange(network: nn.Module, act: str) -> nn.Module:
    """Every ReLU of a finished network for another activation, in place."""
    if act == "relu":
        return network
    if act == "maxout":
        message = "maxout doubles the units of a layer, so it needs a network of our own:"
        raise CallError(f"{message} mlp, lenet5, alexnet, resnet20 or resnet9, for instance.")
    for name, child in network.named_children():
        if isinstance(child, nn.ReLU):
            setattr(network, name, activation(act))
        else:
            exchange(child, act)
    return network


def pieces(act: str) -> int:
    """How many units the activation takes for one that it gives."""
    return 2 if act == "maxout" else 1
