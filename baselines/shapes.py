"""The course's table of a network: each layer's output, the memory it takes, its weights.

Nothing is computed: on torch's "meta" device tensors have a shape and no numbers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

from baselines import weights
from baselines.catalogue import build
from baselines.listening import listening
from baselines.models.task import Task

FLOAT = 4  # bytes


@dataclass(frozen=True)
class Layer:
    name: str
    kind: str
    output: tuple[
        int, ...
    ]  # of one image, without the batch: (channels, height, width) or (units,)
    memory: int  # bytes of that output as 32-bit floats
    parameters: int


@dataclass(frozen=True)
class Table:
    arch: str
    input: tuple[int, int, int]
    layers: Sequence[Layer]

    @property
    def parameters(self) -> int:
        return sum(layer.parameters for layer in self.layers)

    @property
    def memory(self) -> int:
        """Bytes of all outputs of one image: what a backward pass has to keep."""
        return sum(layer.memory for layer in self.layers)

    def as_json(self) -> dict[str, Any]:
        layers = [asdict(layer) for layer in self.layers]
        return {
            "arch": self.arch, "input": self.input, "layers": layers,
            "parameters": self.parameters, "memory": self.memory,
        }  # fmt: skip


def table(arch: str, task: Task, options: Mapping[str, Any] | None = None) -> Table:
    """Raises CallError for an unknown architecture, and for options that it does not take. The
    network is as it answers, not as it learns: without the auxiliary classifiers of GoogLeNet's
    training."""
    with torch.device("meta"):
        network = build(arch, task, options or {}).eval()
    return Table(arch, (task.channels, task.height, task.width), layers(network, task))


def layers(network: nn.Module, task: Task) -> list[Layer]:
    """Each module without children that one image passes, in the order in which it does."""
    found: list[Layer] = []
    leaves = {each: name for name, each in network.named_modules() if not any(each.children())}

    def note(module: nn.Module, output: Tensor) -> None:
        shape, memory = tuple(output.shape[1:]), FLOAT * output[0].numel()
        kind, count = type(module).__name__, weights.count(module)
        found.append(Layer(leaves[module], kind, shape, memory, count))

    device = next(network.parameters()).device
    with listening(leaves, note), torch.inference_mode():
        network(torch.zeros(1, task.channels, task.height, task.width, device=device))
    return found


def output_side(side: int, size: int, *, stride: int = 1, padding: int = 0) -> int:
    """Of a convolution or pooling: (N + 2P - F) / S + 1, rounded down."""
    return (side + 2 * padding - size) // stride + 1


def convolution_weights(filters: int, size: int, channels: int) -> int:
    """With a bias for each filter."""
    return filters * (size * size * channels + 1)


def receptive_field(layers_of: Sequence[tuple[int, int]]) -> int:
    """Pixels along a side that one output sees through layers of (size, stride)."""
    field, step = 1, 1
    for size, stride in layers_of:
        field += (size - 1) * step
        step *= stride
    return field
