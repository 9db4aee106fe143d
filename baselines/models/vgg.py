"""VGG (Simonyan, Zisserman: Very deep convolutional networks for image recognition, 2015).

Nothing but 3x3 convolutions. Three of them see 7x7 pixels with 27 C^2 weights where one 7x7 has
49 C^2, and bend three times.
"""

from collections.abc import Iterator

from torch import nn

from baselines.models.layers import FitInto, convolution, exchange, linear
from baselines.models.task import Task
from baselines.vision import models

# Table 1 of the paper: convolutions of each block, between two poolings; columns A, D and E.
BLOCKS = {11: (1, 1, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
MAPS = (64, 128, 256, 512, 512)


def vgg11(task: Task, *, activation: str = "relu", dropout: float = 0.5) -> nn.Module:
    return _vgg(11, task, activation, dropout)


def vgg16(task: Task, *, activation: str = "relu", dropout: float = 0.5) -> nn.Module:
    return _vgg(16, task, activation, dropout)


def vgg19(task: Task, *, activation: str = "relu", dropout: float = 0.5) -> nn.Module:
    return _vgg(19, task, activation, dropout)


def _vgg(depth: int, task: Task, act: str, dropout: float) -> nn.Module:
    """torchvision's for large images; for small ones the same blocks at half the maps."""
    if task.is_small:
        return _small(depth, task, act, dropout)
    build = getattr(models, f"vgg{depth}")
    network = build(num_classes=task.classes, dropout=dropout)
    if task.channels != 3:
        network.features[0] = nn.Conv2d(task.channels, 64, 3, padding=1)
    exchange(network, act)
    found: nn.Module = network
    return found


def _small(depth: int, task: Task, act: str, dropout: float) -> nn.Module:
    """32x32 leave one pixel after five poolings. Batch normalisation, which came a year later, is
    what lets it learn from random weights at all without the paper's patience."""
    maps = [count // 2 for count in MAPS]
    return nn.Sequential(
        FitInto(32),
        *_blocks(BLOCKS[depth], [task.channels, *maps], act),
        nn.Flatten(),
        nn.Dropout(dropout), linear(maps[-1], 256, act=act),
        nn.Dropout(dropout), nn.Linear(256, task.classes),
    )  # fmt: skip


def _blocks(counts: tuple[int, ...], maps: list[int], act: str) -> Iterator[nn.Module]:
    for count, before, now in zip(counts, maps, maps[1:], strict=False):
        for number in range(count):
            inputs = before if number == 0 else now
            yield convolution(inputs, now, 3, padding=1, act=act, norm=True)
        yield nn.MaxPool2d(2)
