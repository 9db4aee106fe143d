"""The networks of the course, each on one screen. They see standardised images (N, C, H, W)."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional


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
        return functional.interpolate(images, (self.side, self.side), mode="bilinear")


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


def mlp(channels: int, height: int, width: int, classes: int) -> nn.Module:
    """Two hidden layers of 256: every pixel meets every unit, so it knows no neighbourhood."""
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(channels * height * width, 256), nn.ReLU(), nn.Dropout(0.2),
        nn.Linear(256, 256), nn.ReLU(), nn.Dropout(0.2),
        nn.Linear(256, classes),
    )  # fmt: skip


def lenet5(channels: int, _height: int, _width: int, classes: int) -> nn.Module:
    """LeNet-5 (LeCun, Bottou, Bengio, Haffner 1998): 32x32 in, C1 S2 C3 S4 C5 F6, classes out.

    As is usual today: ReLU for the scaled tanh, maxima for trained subsampling, every map of C3
    sees all of S2 (2 416 weights for the paper's 1 516), a linear layer for the Gaussian one.
    """
    return nn.Sequential(
        FitInto(32),
        nn.Conv2d(channels, 6, 5), nn.ReLU(), nn.MaxPool2d(2),  # C1 6@28x28, S2 6@14x14
        nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),        # C3 16@10x10, S4 16@5x5
        nn.Conv2d(16, 120, 5), nn.ReLU(), nn.Flatten(),         # C5 120@1x1
        nn.Linear(120, 84), nn.ReLU(),                          # F6
        nn.Linear(84, classes),
    )  # fmt: skip
