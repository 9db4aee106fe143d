"""A network seen as a chain: which blocks come before a layer, and what is left from it on.

torchvision's classic families register their blocks in the order in which the image passes them.
So a network can be cut between two blocks: the front is run once, the rest is trained.
"""

import copy
from collections.abc import Iterator
from typing import NoReturn

import torch
from torch import Tensor, nn

from baselines.errors import CallError

FAMILIES = (
    "alexnet", "vgg", "resnet", "resnext", "wide_resnet", "squeezenet", "densenet", "mobilenet",
    "mnasnet", "shufflenet", "efficientnet", "convnext", "regnet",
)  # fmt: skip


def blocks(network: nn.Module, within: str = "") -> Iterator[str]:
    """Names from the image to the answer: conv1 ... layer4.1 ... fc, or features.0 ..."""
    for name, child in network.named_children():
        if type(child) is nn.Sequential and len(child):  # a subclass is a block of its own
            yield from blocks(child, f"{within}{name}.")
        else:
            yield within + name


def head_name(network: nn.Module) -> str:
    """The last layer with weights gives the scores.

    `fc` of a ResNet, `classifier.6` of a VGG, `classifier.1` of a MobileNet, and `classifier.1` of
    a SqueezeNet, which is a 1x1 convolution.
    """
    layers = network.named_modules()
    names = [name for name, layer in layers if isinstance(layer, nn.Linear | nn.Conv2d)]
    return str(names[-1])


def before(network: nn.Module, layer: str) -> list[str]:
    """The blocks before a layer, or before the first block of a stage such as `layer4`."""
    names = list(blocks(network))
    names = names[: names.index(head_name(network)) + 1]
    for at, name in enumerate(names):
        if name == layer or name.startswith(f"{layer}."):
            return names[:at]
    raise CallError(f"There is no layer {layer or '(empty)'}. Choose one of {', '.join(names)}.")


class _Reached(Exception):
    def __init__(self, values: Tensor) -> None:
        self.values = values


@torch.inference_mode()
def front(network: nn.Module, layer: str, images: Tensor) -> Tensor:
    """What arrives at a layer; the blocks behind it are not run."""
    first = list(blocks(network))[len(before(network, layer))]

    def stop(_layer: nn.Module, arriving: tuple[Tensor]) -> NoReturn:
        raise _Reached(arriving[0])

    hook = network.get_submodule(first).register_forward_pre_hook(stop)
    try:
        network(images)
    except _Reached as reached:
        return reached.values
    finally:
        hook.remove()
    raise AssertionError(f"{first} was never reached")


def rest(network: nn.Module, layer: str) -> nn.Module:
    """The network from a layer on, over the same weights: training it trains the network.

    Within the classifier that is its last modules. Before it, the blocks in front are taken out
    of the chain, since the network flattens its maps somewhere in between.
    """
    gone = before(network, layer)
    first = list(blocks(network))[len(gone)]
    classifier = head_name(network).partition(".")[0]
    if first.partition(".")[0] == classifier:
        names = [name for name in blocks(network) if name.partition(".")[0] == classifier]
        tail = [network.get_submodule(name) for name in names[names.index(first) :]]
        return nn.Sequential(*tail, nn.Flatten())
    return _without(network, gone)


def _without(network: nn.Module, gone: list[str]) -> nn.Module:
    """A copy that shares all weights and passes values through where blocks are gone."""
    short = copy.copy(network)
    short._modules = dict(network._modules)
    for name, child in network.named_children():
        inside = [block.removeprefix(f"{name}.") for block in gone if block.startswith(f"{name}.")]
        if name in gone:
            short._modules[name] = nn.Identity()
        elif inside:
            short._modules[name] = _without(child, inside)
    return short
