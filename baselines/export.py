"""A run as one file that answers without this package: onnx, safetensors or pt2.

All three keep the platform's contract: float32 images (N, C, H, W) in [0, 1] in, logits (N, K) out,
the classes in the run's order. Before the file is kept, its answers are held against the run's own.
"""

import json
import tempfile
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from baselines import catalogue, deep, runs
from baselines.errors import BaselineError, CallError
from baselines.models.layers import Mirrored
from baselines.runs import Run

CLOSE = 1e-4  # how far an exported answer may lie from the run's, as a probability
TRIED = 5  # images


def export(folder: Path, kind: str, out: Path) -> Path:
    """Raises CallError for an unknown kind or a run without a network."""
    if kind not in KINDS:
        raise CallError(f"There is no format {kind}. Choose one of {', '.join(KINDS)}.")
    run = runs.read(folder)
    catalogue.network_place(run.arch)
    network = deep.load(folder, run).network.cpu().float().eval()
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


def _ask_onnx(path: Path, images: Tensor, _run: Run) -> Tensor:
    runtime = catalogue.named("onnxruntime")
    session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
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
    }
    head = {name: json.dumps(value, ensure_ascii=False) for name, value in facts.items()}
    plain = network.network if isinstance(network, Mirrored) else network
    state = {name: value.contiguous() for name, value in plain.state_dict().items()}
    safetensors.save_file(state, out, metadata=head)


def _ask_safetensors(path: Path, images: Tensor, run: Run) -> Tensor:
    network = deep.new(run)
    network.load_state_dict(catalogue.named("safetensors.torch").load_file(path))
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
