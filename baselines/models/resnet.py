"""ResNets (He, Zhang, Ren, Sun: Deep residual learning for image recognition, CVPR 2016).

Each block learns only what to add to its input, so a hundred of them still pass the gradient on.
"""

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional

from baselines.models.layers import FitInto, convolution, exchange
from baselines.models.layers import activation as activated
from baselines.models.task import Task
from baselines.vision import models


def resnet18(task: Task, *, activation: str = "relu") -> nn.Module:
    return _imagenet(18, task, activation)


def resnet34(task: Task, *, activation: str = "relu") -> nn.Module:
    return _imagenet(34, task, activation)


def resnet50(task: Task, *, activation: str = "relu") -> nn.Module:
    return _imagenet(50, task, activation)


def resnet152(task: Task, *, activation: str = "relu") -> nn.Module:
    return _imagenet(152, task, activation)


def _imagenet(depth: int, task: Task, act: str) -> nn.Module:
    """torchvision's; small images get a 3x3 stem without pooling, as CIFAR's ResNets have."""
    network: nn.Module = getattr(models, f"resnet{depth}")(num_classes=task.classes)
    if task.is_small:
        network.conv1 = nn.Conv2d(task.channels, 64, 3, padding=1, bias=False)
        network.maxpool = nn.Identity()
    elif task.channels != 3:
        network.conv1 = nn.Conv2d(task.channels, 64, 7, stride=2, padding=3, bias=False)
    return exchange(network, act)


# --- for CIFAR, section 4.2 of the paper ---------------------------------------------------------


def resnet20(task: Task, *, activation: str = "relu", width: int = 16) -> nn.Module:
    return CifarResNet(task, blocks=3, width=width, act=activation)


def resnet56(task: Task, *, activation: str = "relu", width: int = 16) -> nn.Module:
    return CifarResNet(task, blocks=9, width=width, act=activation)


class ResidualBlock(nn.Module):
    """act(x + F(x)), F two 3x3 convolutions.

    Where F halves the image and doubles the maps, x takes every second pixel and is filled up with
    maps of zeros: the paper's option A, which has no weights.
    """

    def __init__(self, inputs: int, outputs: int, stride: int, act: str) -> None:
        super().__init__()
        self.first = convolution(inputs, outputs, 3, stride=stride, padding=1, act=act, norm=True)
        self.second = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(outputs)
        self.stride, self.more = stride, outputs - inputs
        self.relu = activated("relu" if act == "maxout" else act)

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x[:, :, :: self.stride, :: self.stride]
        shortcut = functional.pad(shortcut, (0, 0, 0, 0, 0, self.more))
        out: Tensor = self.relu(shortcut + self.norm(self.second(self.first(x))))
        return out


class CifarResNet(nn.Module):
    """Three stages of ``blocks`` residual blocks: 6 blocks + 2 layers with weights in all."""

    def __init__(self, task: Task, *, blocks: int, width: int, act: str = "relu") -> None:
        super().__init__()
        self.stem = nn.Sequential(
            FitInto(32), convolution(task.channels, width, 3, padding=1, act=act, norm=True)
        )
        self.stages = nn.Sequential(*self._stages(blocks, width, act))
        self.classify = nn.Linear(4 * width, task.classes)

    def forward(self, images: Tensor) -> Tensor:
        maps = self.stages(self.stem(images))
        logits: Tensor = self.classify(torch.mean(maps, dim=(2, 3)))
        return logits

    @staticmethod
    def _stages(blocks: int, width: int, act: str) -> Iterator[nn.Module]:
        inputs = width
        for outputs in (width, 2 * width, 4 * width):
            yield nn.Sequential(
                *(
                    ResidualBlock(
                        inputs if number == 0 else outputs,
                        outputs,
                        stride=2 if number == 0 and outputs > width else 1,
                        act=act,
                    )
                    for number in range(blocks)
                )
            )
            inputs = outputs
