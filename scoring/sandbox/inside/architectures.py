"""A named architecture with the weights of a safetensors file in it.

The names are those of the baselines and, as "torchvision/NAME", of torchvision's classifiers.
"""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import torch
from safetensors.torch import load as read_weights
from torch import Tensor, nn

from baselines import catalogue
from baselines.errors import BaselineError
from baselines.models.layers import Mirrored, Standardise
from baselines.models.task import Task
from baselines.vision import models
from scoring.sandbox.inside.network import Unloadable, Wanted
from scoring.sandbox.protocol import Trouble

# The catalogue imports an architecture when it is asked for; a locked job should not have to.
for _place in {one.network for one in catalogue.ARCHITECTURES.values() if one.network}:
    catalogue.named(_place)

_TORCHVISION = "torchvision/"
_STANDARDISED = ("0.mean", "0.deviation")  # the baselines' exports begin with this layer


def build(
    data: bytes, architecture: str, arguments: Mapping[str, Any], wanted: Wanted
) -> nn.Sequential:
    """The network in the state of the file: images in [0, 1] in, logits out.

    Besides the keywords of the architecture, `mean` and `deviation` (a number per channel) put in
    front of it the step that it was trained with, and `flips` lets it answer with the mean over an
    image and its mirror image. Files that `baselines export` writes say these things themselves.
    Raises Unloadable for an unknown name, keywords it does not take, and weights of another shape.
    """
    keywords = dict(arguments)
    mean, deviation = keywords.pop("mean", None), keywords.pop("deviation", None)
    flips = keywords.pop("flips", False)
    weights = _weights(data)
    layers: list[nn.Module] = [_empty(architecture, keywords, wanted)]
    if all(name in weights for name in _STANDARDISED):
        flat = [0.0] * wanted.channels
        layers.insert(0, Standardise(flat, flat))
    else:
        weights = {f"0.{name}": values for name, values in weights.items()}
    network = nn.Sequential(*layers)
    _fill(network, weights)
    if mean is not None or deviation is not None:
        network = nn.Sequential(_standardise(mean, deviation, wanted), network)
    return nn.Sequential(Mirrored(network)) if flips else network


def _weights(data: bytes) -> dict[str, Tensor]:
    try:
        weights: dict[str, Tensor] = read_weights(data)
    except Exception as error:
        raise Unloadable(Trouble.UNREADABLE, str(error)) from error
    return weights


def _empty(architecture: str, keywords: Mapping[str, Any], wanted: Wanted) -> nn.Module:
    """Built without memory, to be given that of the file: nothing random is drawn in vain."""
    try:
        with torch.device("meta"):
            return _body(architecture, keywords, wanted)
    except NotImplementedError:  # RegNets calculate their widths with tensors
        return _body(architecture, keywords, wanted)


def _body(architecture: str, keywords: Mapping[str, Any], wanted: Wanted) -> nn.Module:
    try:
        if architecture.startswith(_TORCHVISION):
            name = architecture.removeprefix(_TORCHVISION)
            found: nn.Module = models.get_model(
                name, weights=None, num_classes=wanted.classes, **keywords
            )
            return found
        task = Task(wanted.channels, wanted.height, wanted.width, wanted.classes)
        built: nn.Module = catalogue.build(architecture, task, keywords)
    except (BaselineError, TypeError, ValueError, KeyError) as error:
        raise Unloadable(Trouble.UNKNOWN_ARCHITECTURE, str(error)) from error
    return built


def _fill(network: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Floats of 16 or 64 bits become those of 32 that the network calculates with."""
    own: Any = network.state_dict()
    state: Any = OrderedDict(
        (name, values.float() if values.is_floating_point() else values)
        for name, values in weights.items()
    )
    for (
        name
    ) in own:  # how many batches were averaged, which only training asks and older files lack
        if name.endswith("num_batches_tracked"):
            state.setdefault(name, torch.tensor(0))
    state._metadata = own._metadata  # the layers' versions, which the format has no place for
    try:
        network.load_state_dict(state, assign=True)
    except RuntimeError as error:
        raise Unloadable(Trouble.UNREADABLE, str(error)) from error
    left = [name for name, buffer in network.named_buffers() if buffer.is_meta]
    if left:  # what an architecture keeps without writing it down
        raise Unloadable(Trouble.UNREADABLE, f"The file does not hold {left[0]}.")


def _standardise(mean: Any, deviation: Any, wanted: Wanted) -> Standardise:
    flat = [0.0] * wanted.channels, [1.0] * wanted.channels
    given = [
        default if one is None else one
        for one, default in zip((mean, deviation), flat, strict=True)
    ]
    for one in given:
        numbers = isinstance(one, list) and all(isinstance(each, int | float) for each in one)
        if not numbers or len(one) != wanted.channels:
            raise Unloadable(
                Trouble.UNKNOWN_ARCHITECTURE,
                "mean and deviation must be lists of one number per channel.",
            )
    return Standardise(*given)
