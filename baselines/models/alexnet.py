"""AlexNet (Krizhevsky, Sutskever, Hinton: ImageNet classification with deep convolutional neural
networks, NIPS 2012): the network that won ILSVRC 2012 with 15.3 % top-5 error."""

from torch import Tensor, nn
from torch.nn import functional

from baselines.models.layers import FitInto, convolution, linear
from baselines.models.task import Task

SIDE = 227  # the paper says 224; (227 - 11) / 4 + 1 = 55 is what its 55x55 maps need


def alexnet(task: Task, *, activation: str = "relu", dropout: float = 0.5) -> nn.Module:
    """As published; images below 64 pixels get a network of its shape with smaller strides."""
    if task.is_small:
        return alexnet32(task, activation=activation, dropout=dropout)
    act = activation
    # `groups=2` are the paper's two GPUs: half of the maps see half of the maps before them.
    return nn.Sequential(
        FitInto(SIDE),
        convolution(task.channels, 96, 11, stride=4, act=act),             # 96@55x55
        ResponseNorm(), nn.MaxPool2d(3, stride=2),                       # 96@27x27
        convolution(96, 256, 5, padding=2, groups=2, act=act),             # 256@27x27
        ResponseNorm(), nn.MaxPool2d(3, stride=2),                       # 256@13x13
        convolution(256, 384, 3, padding=1, act=act),                      # 384@13x13
        convolution(384, 384, 3, padding=1, groups=2, act=act),            # 384@13x13
        convolution(384, 256, 3, padding=1, groups=2, act=act),            # 256@13x13
        nn.MaxPool2d(3, stride=2), nn.Flatten(),                           # 256@6x6 = 9 216
        nn.Dropout(dropout), linear(9216, 4096, act=act),
        nn.Dropout(dropout), linear(4096, 4096, act=act),
        nn.Linear(4096, task.classes),
    )  # fmt: skip


def alexnet32(task: Task, *, activation: str = "relu", dropout: float = 0.5) -> nn.Module:
    """The same layers for 32x32: a third of the maps, stride 1, no groups."""
    act = activation
    return nn.Sequential(
        FitInto(32),
        convolution(task.channels, 32, 5, padding=2, act=act),             # 32@32x32
        ResponseNorm(), nn.MaxPool2d(3, stride=2, padding=1),            # 32@16x16
        convolution(32, 96, 5, padding=2, act=act),                        # 96@16x16
        ResponseNorm(), nn.MaxPool2d(3, stride=2, padding=1),            # 96@8x8
        convolution(96, 128, 3, padding=1, act=act),                       # 128@8x8
        convolution(128, 128, 3, padding=1, act=act),                      # 128@8x8
        convolution(128, 96, 3, padding=1, act=act),                       # 96@8x8
        nn.MaxPool2d(3, stride=2, padding=1), nn.Flatten(),                # 96@4x4 = 1 536
        nn.Dropout(dropout), linear(1536, 512, act=act),
        nn.Dropout(dropout), linear(512, 512, act=act),
        nn.Linear(512, task.classes),
    )  # fmt: skip


class ResponseNorm(nn.Module):
    """Section 3.3: a unit is divided by what n = 5 maps say at its place.

    `nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2)` gives the same, through a pooling in three
    dimensions that takes about three times as long on a processor.
    """

    AROUND, ALPHA, K = 2, 1e-4, 2.0  # two on each side; beta = 0.75 are a root and its root

    def forward(self, maps: Tensor) -> Tensor:
        neighbours = (
            maps.new_ones(maps.shape[1], maps.shape[1]).triu(-self.AROUND).tril(self.AROUND)
        )
        heard = functional.conv2d(maps * maps, neighbours[:, :, None, None])
        root = (self.K + self.ALPHA * heard.float()).rsqrt()
        return maps * (root * root.sqrt()).to(maps.dtype)
