"""The other side of model_runner.py: makes the files, and runs them by a bare loop.

python -m benchmarks.model_runner_bare make SIDE FOLDER
python -m benchmarks.model_runner_bare run FORMAT FILE IMAGES BATCH THREADS
"""

import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file

from baselines import deep, export, train, weights
from baselines.data.dataset import Dataset, Labelled
from baselines.runs import Run
from scoring.sandbox.contract import Format

Answer = Callable[[NDArray[np.uint8]], Any]


def main() -> None:
    command, *words = sys.argv[1:]
    if command == "make":
        make(int(words[0]), Path(words[1]))
        return
    kind, file, images, batch, threads = words
    print(run(Format(kind), Path(file), Path(images), int(batch), int(threads)))


def make(side: int, folder: Path) -> None:
    """`SIDE.FORMAT` for every format, of an untrained ResNet-18 as the baselines build it."""
    planned = _planned(side)
    network = deep.new(planned).eval()
    # an export asks for a run that was trained and measured
    replace(planned, metrics={"test_accuracy": 0.1}).save(folder / "run")
    weights.save(network, folder / "run")
    for kind in ("onnx", "safetensors", "pt2"):
        export.export(folder / "run", kind, folder / f"{side}.{kind}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch would like to see it go
        torch.jit.save(torch.jit.script(network), folder / f"{side}.torchscript")


def run(kind: Format, file: Path, images: Path, batch: int, threads: int) -> float:
    """Images per second, of all images once; loading and a first batch are not counted."""
    pixels = np.load(images, mmap_mode="r")
    answer = _loaded(kind, file, pixels.shape[2], threads)
    answer(pixels[:batch])
    began = time.perf_counter()
    for start in range(0, len(pixels), batch):
        answer(pixels[start : start + batch])
    return len(pixels) / (time.perf_counter() - began)


def _planned(side: int) -> Run:
    some = Labelled(np.zeros((10, 3, side, side), np.uint8), np.arange(10))
    noise = Dataset("noise", tuple("0123456789"), some, some, "test set")
    return train.plan("resnet18", noise, seed=0)


def _loaded(kind: Format, file: Path, side: int, threads: int) -> Answer:
    if kind is Format.ONNX:
        return _session(file, threads)
    torch.set_num_threads(threads)
    order = torch.contiguous_format
    if kind is Format.SAFETENSORS:
        module, order = deep.new(_planned(side)), torch.channels_last
        module.load_state_dict(load_file(file))
        module = module.eval().to(memory_format=order)  # type: ignore[call-overload]
    elif kind is Format.PT2:
        module = torch.export.load(file).module()
    else:
        module = torch.jit.load(str(file)).eval()  # type: ignore[no-untyped-call]

    def answer(pixels: NDArray[np.uint8]) -> Any:
        images = torch.from_numpy(np.ascontiguousarray(pixels)).float().div_(255)
        with torch.inference_mode():
            return module(images.contiguous(memory_format=order)).numpy()

    return answer


def _session(file: Path, threads: int) -> Answer:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda pixels: session.run(None, {name: pixels.astype(np.float32) / np.float32(255)})


if __name__ == "__main__":
    main()
