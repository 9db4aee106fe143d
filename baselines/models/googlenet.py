"""GoogLeNet (Szegedy et al.: Going deeper with convolutions, CVPR 2015): the inception module sees
1x1, 3x3 and 5x5 pixels at once, and 1x1 convolutions keep that cheap. The winner of ILSVRC 2014."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from baselines.models.layers import FitInto, convolution, exchange
from baselines.models.task import Task
from baselines.vision import models


def googlenet(task: Task, *, activation: str = "relu", dropout: float = 0.2) -> nn.Module:
    """torchvision's for large images (with its batch normalisation); ours for small ones."""
    if task.is_small:
        return SmallGoogLeNet(task, activation, dropout)
    network = models.googlenet(
        num_classes=task.classes, init_weights=False, dropout=dropout, dropout_aux=0.7
    )
    if task.channels != 3:
        network.conv1.conv = nn.Conv2d(task.channels, 64, 7, stride=2, padding=3, bias=False)
    return exchange(network, activation)


class Inception(nn.Module):
    """Four paths over the same maps, laid side by side (figure 2b)."""

    def __init__(
        self,
        inputs: int,
        one: int,
        three: tuple[int, int],
        five: tuple[int, int],
        pool: int,
        act: str,
    ) -> None:
        super().__init__()
        self.one = convolution(inputs, one, 1, act=act, norm=True)
        self.three = nn.Sequential(
            convolution(inputs, three[0], 1, act=act, norm=True),
            convolution(three[0], three[1], 3, padding=1, act=act, norm=True),
        )
        self.five = nn.Sequential(
            convolution(inputs, five[0], 1, act=act, norm=True),
            convolution(five[0], five[1], 5, padding=2, act=act, norm=True),
        )
        self.pool = nn.Sequential(
            nn.MaxPool2d(3, stride=1, padding=1), convolution(inputs, pool, 1, act=act, norm=True)
        )

    def forward(self, maps: Tensor) -> Tensor:
        return torch.cat([self.one(maps), self.three(maps), self.five(maps), self.pool(maps)], 1)


class Auxiliary(nn.Module):
    """A second classifier halfway up, so that the lower layers hear of the loss."""

    def __init__(self, inputs: int, classes: int, act: str) -> None:
        super().__init__()
        self.reduce = convolution(inputs, 64, 1, act=act, norm=True)
        self.classify = nn.Linear(64 * 4 * 4, classes)

    def forward(self, maps: Tensor) -> Tensor:
        # of 8x8 maps; an adaptive pooling's gradient on a GPU is another one on every run
        pooled = functional.avg_pool2d(self.reduce(maps), 2)
        logits: Tensor = self.classify(pooled.flatten(1))
        return logits


class SmallGoogLeNet(nn.Module):
    """Six inception modules of half the paper's maps (its 3a to 4c) over 32x32 pixels."""

    def __init__(self, task: Task, act: str = "relu", dropout: float = 0.2) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            FitInto(32), convolution(task.channels, 96, 3, padding=1, act=act, norm=True)
        )
        self.lower = nn.Sequential(  # 16x16 pixels
            nn.MaxPool2d(2),
            Inception(96, 32, (48, 64), (8, 16), 16, act),     # 128 maps
            Inception(128, 64, (64, 96), (16, 48), 32, act),   # 240
        )  # fmt: skip
        self.upper = nn.Sequential(  # 8x8
            nn.MaxPool2d(2),
            Inception(240, 96, (48, 104), (8, 24), 32, act),   # 256
            Inception(256, 80, (56, 112), (12, 32), 32, act),  # 256
        )  # fmt: skip
        self.top = nn.Sequential(  # 4x4
            nn.MaxPool2d(2),
            Inception(256, 128, (80, 160), (16, 64), 64, act), # 416
            Inception(416, 192, (96, 192), (24, 64), 64, act), # 512
        )  # fmt: skip
        self.auxiliary = Auxiliary(256, task.classes, act)
        self.classify = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(dropout), nn.Linear(512, task.classes)
        )

    def forward(self, images: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """Logits; while it learns, those of the auxiliary classifier as well."""
        middle = self.upper(self.lower(self.stem(images)))
        logits: Tensor = self.classify(self.top(middle))
        return (logits, self.auxiliary(middle)) if self.training else logits
