"""ONNX, run by onnxruntime: from bytes, so that no other file can be meant, on CUDA or the CPU.

Without torch only the CPU: on CUDA the images are made floats by torch, in the same memory.
Sources: onnxruntime's Python API, "CUDA Execution Provider" and "I/O Binding".
"""

import importlib
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from scoring.sandbox.batches import Batches
from scoring.sandbox.contract import Format
from scoring.sandbox.inside import onnx_costs
from scoring.sandbox.inside.network import (
    Network,
    Pending,
    Pixels,
    Unloadable,
    Wanted,
    check_answers,
    is_out_of_memory,
    noise,
)
from scoring.sandbox.protocol import Trouble

FORMATS = (Format.ONNX,)
_FATAL = 4  # of its five levels of logging
_CPU_AT_ONCE = 1 << 22
_FLOATS = "tensor(float)"


def load(data: bytes, _format: Format, _arch: str, _arguments: Any, wanted: Wanted) -> Network:
    """Raises Unloadable where onnxruntime does not take the bytes or the contract is not kept."""
    on_gpu = wanted.gpu and "CUDAExecutionProvider" in onnxruntime.get_available_providers()
    session = _session(data, wanted, on_gpu)
    batches = _checked_input(session, wanted)
    kind = importlib.import_module("scoring.sandbox.inside.onnx_cuda").OnCuda if on_gpu else OnCpu
    network: Network = kind(session, batches, wanted)
    size = batches.nearest(1)
    try:
        answers = network.submit(noise(wanted, size))()
    except Exception as error:
        trouble = Trouble.OUT_OF_MEMORY if is_out_of_memory(error) else Trouble.FAILED
        raise Unloadable(trouble, str(error)) from error
    check_answers(answers, wanted, size)
    network.parameters, network.macs = onnx_costs.count(data, batches.nearest(1))
    return network


def rehearse() -> None:
    """What the library does once, at the first model of a process, with one thread."""
    wanted = Wanted(1, 1, 1, 1, bf16=False, threads=1, gpu=False, gpu_bytes=0)
    with suppress(Unloadable):  # no model; it takes the library all its first steps to say so
        load(b"", Format.ONNX, "", {}, wanted)


def _session(data: bytes, wanted: Wanted, on_gpu: bool) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _FATAL
    options.intra_op_num_threads, options.inter_op_num_threads = wanted.threads, 1
    options.use_deterministic_compute = True
    # not its own format, which it would know by the first bytes
    options.add_session_config_entry("session.load_model_format", "ONNX")
    providers: list[Any] = ["CPUExecutionProvider"]
    if on_gpu:
        cuda = importlib.import_module("scoring.sandbox.inside.onnx_cuda")
        providers.insert(0, ("CUDAExecutionProvider", cuda.provider_options(wanted)))
    try:
        return onnxruntime.InferenceSession(data, options, providers=providers)
    except Exception as error:
        trouble = Trouble.OUT_OF_MEMORY if is_out_of_memory(error) else Trouble.UNREADABLE
        raise Unloadable(trouble, str(error)) from error


def _checked_input(session: onnxruntime.InferenceSession, wanted: Wanted) -> Batches:
    """How many images at once: any number where the first side has a name, else that number."""
    inputs = session.get_inputs()
    if len(inputs) != 1 or inputs[0].type != _FLOATS:
        raise Unloadable(Trouble.WRONG_INPUT, "It must have one input, of 32-bit floats.")
    shape = inputs[0].shape
    fits = len(shape) == 4 and all(
        asked == side or not isinstance(asked, int)
        for asked, side in zip(shape[1:], wanted.image, strict=True)
    )
    if not fits:
        raise Unloadable(Trouble.WRONG_INPUT, f"Its input has the shape {shape}.")
    return Batches(shape[0], shape[0]) if isinstance(shape[0], int) else Batches()


class OnCpu:
    """A session that takes NumPy's arrays."""

    device, at_once, ahead = "cpu", _CPU_AT_ONCE, 0

    def __init__(
        self, session: onnxruntime.InferenceSession, batches: Batches, wanted: Wanted
    ) -> None:
        self._session, self.batches, self._image = session, batches, wanted.image
        self._input = session.get_inputs()[0].name
        self._output = [session.get_outputs()[0].name]
        self._room: Pixels = np.empty((0, *wanted.image), np.uint8)
        self._floats: NDArray[np.float32] = np.empty((0, *wanted.image), np.float32)
        self.parameters: int | None = None
        self.macs: int | None = None

    def room(self, size: int) -> Pixels:
        if len(self._room) != size:
            self._room = np.empty((size, *self._image), np.uint8)
        return self._room

    def submit(self, pixels: Pixels) -> Pending:
        if len(self._floats) != len(pixels):
            self._floats = np.empty(pixels.shape, np.float32)
        np.divide(pixels, np.float32(255), out=self._floats)
        feed: Mapping[str, Any] = {self._input: self._floats}
        answers = np.asarray(self._session.run(self._output, feed)[0])
        return lambda: answers

    def release(self) -> None:
        self._floats, self._room = self._floats[:0], self._room[:0]
