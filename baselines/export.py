"""A run as one file that answers without this package: onnx, safetensors or pt2.

All three keep the platform's contract: float32 images (N, C, H, W) in [0, 1] in, logits (N, K) out,
the classes in the run's order. Before the file is kept, its answers are held against the run's own.
"""

import json
import os
import tempfile
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from baselines import catalogue, deep, runs
from baselines.errors import BaselineError, CallError
from baselines.models.layers import Mirrored
from baselines.runs import Run
from baselines.transfer import learner as transfer
from baselines.transfer import views
from baselines.transfer.options import TransferOptions

CLOSE = 1e-4  # how far an exported answer may lie from the run's, as a probability
TRIED = 5  # images


def export(folder: Path, kind: str, out: Path) -> Path:
    """Raises CallError for an unknown kind, a run without a network or one that is not trained to
    its end, BaselineError where the file answers otherwise than the run.
    """
    if kind not in KINDS:
        raise CallError(f"There is no format {kind}. Choose one of {', '.join(KINDS)}.")
    run = runs.finished(folder)
    network: nn.Module = catalogue.trained_network(folder, run)
    network = network.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    if run.training.flips:
        network = Mirrored(network)
    write, answer = KINDS[kind]
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent) as work:
        draft = Path(work) / f"model.{kind}"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of torch's exporters about themselves
            write(network, run, draft)
        _compare(network, run, lambda images: answer(draft, images, run), kind)
        draft.replace(out)
    return out


def _compare(network: nn.Module, run: Run, answer: Callable[[Tensor], Tensor], kind: str) -> None:
    """Raises BaselineError where the file answers otherwise than the run."""
    images = torch.rand(TRIED, run.channels, run.height, run.width)
    with torch.inference_mode():
        ours = network(images).softmax(dim=1)
        away = float((answer(images).softmax(dim=1) - ours).abs().max())
    if away > CLOSE:
        raise BaselineError(f"The {kind} file answers otherwise than the run, by {away:.1e}.")


def _write_onnx(network: nn.Module, run: Run, out: Path) -> None:
    catalogue.named("onnxscript")
    images = torch.rand(2, run.channels, run.height, run.width)
    program = torch.onnx.export(
        network, (images,), dynamo=True, verbose=False,
        input_names=["images"], output_names=["logits"],
        dynamic_shapes=({0: torch.export.Dim("batch", min=1)},),
    )  # fmt: skip
    if program is None:
        raise BaselineError("torch gave no ONNX program for this network.")
    program.save(str(out), external_data=False)


def runtime() -> Any:
    """onnxruntime; from 1.32 on, importing it would open a database of use in the home folder and
    send from it, unless this is set before."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    return catalogue.named("onnxruntime")


def _ask_onnx(path: Path, images: Tensor, _run: Run) -> Tensor:
    session = runtime().InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (logits,) = session.run(None, {session.get_inputs()[0].name: images.numpy()})
    return torch.from_numpy(np.asarray(logits))


def _write_safetensors(network: nn.Module, run: Run, out: Path) -> None:
    """The weights; architecture, keywords, flips and classes are in the file's head."""
    safetensors = catalogue.named("safetensors.torch")
    facts = {
        "arch": run.arch,
        "model": dict(run.training.model),
        "input": [run.channels, run.height, run.width],
        "mean": list(run.mean),
        "deviation": list(run.deviation),
        "flips": run.training.flips,
        "classes": list(run.classes),
        **(_named_by_torchvision(run) if run.arch == "transfer" else {}),
    }
    head = {name: json.dumps(value, ensure_ascii=False) for name, value in facts.items()}
    plain = network.network if isinstance(network, Mirrored) else network
    if run.arch == "transfer":
        plain = plain.get_submodule("1")  # behind the view, whose numbers are in the head
    state = {name: value.contiguous() for name, value in plain.state_dict().items()}
    safetensors.save_file(state, out, metadata=head)


def _named_by_torchvision(run: Run) -> dict[str, Any]:
    """A transferred network is one of torchvision's, for images that it takes as they are.

    Raises CallError for other images: a file of weights has no place for the step that resizes.
    """
    options = TransferOptions.of(run.training.model)
    side = options.side
    if (run.channels, run.height, run.width) != (3, side, side):
        raise CallError(
            f"This run brings images of {run.channels} x {run.height} x {run.width} (channels, "
            f"height, width) to 3 x {side} x {side} first, and weights alone cannot say so. "
            "Use --format onnx or pt2."
        )
    scale = {"mean": list(views.IMAGENET_MEAN), "deviation": list(views.IMAGENET_DEVIATION)}
    return {"arch": f"torchvision/{options.base}", "model": scale, **scale}


def _ask_safetensors(path: Path, images: Tensor, run: Run) -> Tensor:
    state = catalogue.named("safetensors.torch").load_file(path)
    if run.arch == "transfer":
        body = transfer.new(run)
        body.load_state_dict(state)
        network = transfer.seeing(body, TransferOptions.of(run.training.model))
    else:
        network = deep.new(run)
        network.load_state_dict(state)
    answer: Tensor = (Mirrored(network) if run.training.flips else network).eval()(images)
    return answer


def _write_pt2(network: nn.Module, run: Run, out: Path) -> None:
    images = torch.rand(2, run.channels, run.height, run.width)
    batch = torch.export.Dim("batch", min=1)
    torch.export.save(torch.export.export(network, (images,), dynamic_shapes=({0: batch},)), out)


def _ask_pt2(path: Path, images: Tensor, _run: Run) -> Tensor:
    answer: Tensor = torch.export.load(path).module()(images)
    return answer


Write = Callable[[nn.Module, Run, Path], None]
Ask = Callable[[Path, Tensor, Run], Tensor]
KINDS: Mapping[str, tuple[Write, Ask]] = {
    "onnx": (_write_onnx, _ask_onnx),
    "safetensors": (_write_safetensors, _ask_safetensors),
    "pt2": (_write_pt2, _ask_pt2),
}
