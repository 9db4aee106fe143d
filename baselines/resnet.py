"""ResNet-18 (He, Zhang, Ren, Sun 2016) from torchvision."""

from torch import nn

from baselines.vision import models

SMALL = 64  # below this side the ImageNet stem, which divides it by 4, leaves too little to see


def resnet18(channels: int, height: int, width: int, classes: int) -> nn.Module:
    """torchvision's; small images get a 3x3 stem without pooling, as CIFAR's ResNets have."""
    network: nn.Module = models.resnet18(num_classes=classes)
    if min(height, width) < SMALL:
        network.conv1 = nn.Conv2d(channels, 64, 3, padding=1, bias=False)
        network.maxpool = nn.Identity()
    elif channels != 3:
        network.conv1 = nn.Conv2d(channels, 64, 7, stride=2, padding=3, bias=False)
    return network
