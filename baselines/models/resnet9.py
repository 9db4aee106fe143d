"""A small network for a stopwatch: VGG-like groups of 3x3 convolutions, made to learn fast.

From the line of ResNet-9 (D. Page: How to train your ResNet, 2018) by way of airbench (K. Jordan:
94 % on CIFAR-10 in 3.29 seconds on a single GPU, 2024), whose ideas are named where they are used.
"""

import torch
from torch import Tensor, nn

from baselines.models.layers import FitInto, GlobalMax, Whitening, pieces
from baselines.models.layers import activation as activated
from baselines.models.task import Task


def resnet9(
    task: Task, *, activation: str = "gelu", widths: tuple[int, ...] = (32, 64, 128), depth: int = 2
) -> nn.Module:
    return ResNet9(task, activation, tuple(widths), depth)


class Group(nn.Module):
    """A convolution that halves the image, then ``depth - 1`` more."""

    def __init__(self, inputs: int, outputs: int, depth: int, act: str) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for number in range(depth):
            wide = outputs * pieces(act)
            layers.append(_convolution(inputs if number == 0 else outputs, wide))
            if number == 0:
                layers.append(nn.MaxPool2d(2))
            layers += [_norm(wide), activated(act)]
        self.layers = nn.Sequential(*layers)

    def forward(self, maps: Tensor) -> Tensor:
        out: Tensor = self.layers(maps)
        return out


class ResNet9(nn.Module):
    def __init__(self, task: Task, act: str, widths: tuple[int, ...], depth: int) -> None:
        super().__init__()
        first = 8 * task.channels
        self.fit = FitInto(32)
        self.whitening = Whitening(task.channels, 2, copies=pieces(act))
        self.activate = activated(act)
        before = (first, *widths)
        self.groups = nn.Sequential(
            *(
                Group(inputs, outputs, depth, act)
                for inputs, outputs in zip(before, widths, strict=False)
            )
        )
        self.pool = nn.Sequential(GlobalMax(), nn.Flatten())
        self.classify = nn.Linear(widths[-1], task.classes, bias=False)

    def look_at(self, images: Tensor) -> None:
        self.whitening.look_at(self.fit(images))

    def forward(self, images: Tensor) -> Tensor:
        maps = self.pool(self.groups(self.activate(self.whitening(self.fit(images)))))
        logits: Tensor = self.classify(maps)
        return logits


def _convolution(inputs: int, outputs: int) -> nn.Conv2d:
    """Begins near to passing its input on: its first filters do just that, one for each map."""
    made = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
    with torch.no_grad():
        nn.init.dirac_(made.weight[:inputs])
    return made


def _norm(outputs: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(outputs, momentum=0.4)
