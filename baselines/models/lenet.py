"""LeNet-5 (LeCun, Bottou, Bengio, Haffner: Gradient-based learning applied to document recognition,
Proceedings of the IEEE 86, 1998)."""

from torch import nn

from baselines.models.layers import FitInto, convolution, linear
from baselines.models.task import Task


def lenet5(
    task: Task, *, activation: str = "relu", dropout: float = 0.0, width: int = 1
) -> nn.Module:
    """32x32 in, C1 S2 C3 S4 C5 F6, classes out.

    As is usual today: ReLU for the scaled tanh (`activation="tanh"` is nearer to the paper), maxima
    for trained subsampling, every map of C3 sees all of S2 (2 416 weights for the paper's 1 516), a
    linear layer for the Gaussian one. ``width`` multiplies the maps and units of each layer.
    """
    c1, c3, c5, f6 = (width * units for units in (6, 16, 120, 84))
    return nn.Sequential(
        FitInto(32),
        convolution(task.channels, c1, 5, act=activation), nn.MaxPool2d(2),  # C1 6@28, S2 6@14
        convolution(c1, c3, 5, act=activation), nn.MaxPool2d(2),             # C3 16@10, S4 16@5
        convolution(c3, c5, 5, act=activation), nn.Flatten(),                # C5 120@1
        nn.Dropout(dropout),
        linear(c5, f6, act=activation),                                      # F6
        nn.Linear(f6, task.classes),
    )  # fmt: skip
