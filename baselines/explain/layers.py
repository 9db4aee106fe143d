"""Which convolutions does an image pass, in which order, and what do they give?"""

from collections import Counter
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor, nn

from baselines.listening import listening

Call: TypeAlias = tuple[nn.Module, torch.Size]


@dataclass(frozen=True)
class Convolution:
    name: str  # as in the network's state_dict
    number: int  # 1 is the first an image meets
    module: nn.Conv2d
    finished: nn.Module  # what gives the map to the next layer: a ReLU, a residual block
    channels: int
    height: int  # of the map it gives for these images
    width: int


@torch.inference_mode()
def convolutions(network: nn.Module, image: Tensor) -> list[Convolution]:
    """In the order of use; `modules()` has the order in which they were written down."""
    names = {module: name for name, module in network.named_modules()}
    calls: list[Call] = []

    def note(module: nn.Module, output: object) -> None:
        if isinstance(output, Tensor) and output.ndim == 4:
            calls.append((module, output.shape))

    with listening(names, note):
        network(image)
    times = Counter(module for module, _ in calls)
    found: dict[nn.Conv2d, Convolution] = {}
    for at, (module, shape) in enumerate(calls):
        if isinstance(module, nn.Conv2d) and module not in found:
            # a module used twice (a block's one ReLU) cannot be asked for one of its answers
            later = [call for call in calls[at + 1 :] if times[call[0]] == 1]
            last = _finished(calls[at], later)
            found[module] = Convolution(names[module], len(found) + 1, module, last, *shape[-3:])
    return list(found.values())


def _finished(own: Call, later: list[Call]) -> nn.Module:
    """The last module before the next convolution or another size of map."""
    found, size = own[0], own[1][-2:]
    for module, shape in later:
        if isinstance(module, nn.Conv2d) or shape[-2:] != size:
            break
        found = module
    return found


@torch.inference_mode()
def maps(network: nn.Module, chosen: list[Convolution], image: Tensor) -> list[Tensor]:
    """What each of these convolutions gives for one image: (channels, height, width)."""
    given: dict[nn.Module, Tensor] = {}
    with listening([one.module for one in chosen], given.setdefault):
        network(image)
    return [given[one.module][0].cpu() for one in chosen]
