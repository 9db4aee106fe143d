"""Small models as teams would export them, and their answers by a plain forward pass."""

import json
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor, nn

from baselines.models.lenet import lenet5
from baselines.models.task import Task
from scoring.sandbox.contract import Budgets, Contract, Format, Upload

CLASSES = ("cat", "dog", "owl")
CHANNELS, SIDE = 3, 16
ARCHITECTURE = "lenet5"


def contract(**budgets: float | int | None) -> Contract:
    return Contract(
        channels=CHANNELS,
        height=SIDE,
        width=SIDE,
        classes=CLASSES,
        formats=frozenset(Format),
        budgets=Budgets(**{"seconds": 60.0} | budgets),  # type: ignore[arg-type]
    )


def network(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return lenet5(Task(CHANNELS, SIDE, SIDE, len(CLASSES))).eval()


def pixels(count: int, seed: int = 0) -> NDArray[np.uint8]:
    shape = (count, CHANNELS, SIDE, SIDE)
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def answers(module: nn.Module, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    with torch.inference_mode():
        logits: NDArray[np.float32] = module(torch.from_numpy(images).float() / 255).numpy()
    return logits


def write(kind: Format, module: nn.Module, path: Path) -> Upload:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch's exporters about themselves
        _WRITERS[kind](module, path)
    architecture = ARCHITECTURE if kind is Format.SAFETENSORS else ""
    return Upload(path, kind, architecture)


def script(module: nn.Module, path: Path) -> Upload:
    """As TorchScript, with its branches and sizes: a trace would keep those of one batch."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch would like to see it go
        torch.jit.save(torch.jit.script(module), path)
    return Upload(path, Format.TORCHSCRIPT)


def example(images: int = 2) -> tuple[Tensor]:
    return (torch.rand(images, CHANNELS, SIDE, SIDE),)


def onnx(module: nn.Module, path: Path, images: int = 2, *, fixed: bool = False) -> Upload:
    """`fixed`: the graph takes this number of images and no other."""
    named = {} if fixed else {"images": {0: "batch"}, "logits": {0: "batch"}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module, example(images), str(path), dynamo=False, input_names=["images"],
            output_names=["logits"], dynamic_axes=named,
        )  # fmt: skip
    return Upload(path, Format.ONNX)


def _safetensors(module: nn.Module, path: Path) -> None:
    save_file(module.state_dict(), path, metadata={"arch": json.dumps(ARCHITECTURE)})


def _pt2(module: nn.Module, path: Path) -> None:
    shapes = ({0: torch.export.Dim("batch", min=2)},)
    torch.export.save(torch.export.export(module, example(), dynamic_shapes=shapes), path)


def _torchscript(module: nn.Module, path: Path) -> None:
    torch.jit.save(torch.jit.trace(module, example()), path)


_WRITERS: dict[Format, Callable[[nn.Module, Path], object]] = {
    Format.ONNX: onnx,
    Format.SAFETENSORS: _safetensors,
    Format.PT2: _pt2,
    Format.TORCHSCRIPT: _torchscript,
}
