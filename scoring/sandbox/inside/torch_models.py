"""safetensors with a named architecture, exported programs (.pt2) and TorchScript, run by torch.

Loading the last two can run what their author wrote, which is why this process is locked. On CUDA
batches are copied from pinned memory while the device works; on the CPU everything is at once.
Sources: PyTorch's documentation of torch.export.load, torch.jit.load and torch.utils.flop_counter.
"""

import importlib
import io
import logging
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from baselines.training.device import cpu_has_bf16
from scoring.sandbox.batches import Batches
from scoring.sandbox.contract import Format
from scoring.sandbox.inside import architectures
from scoring.sandbox.inside.cuda_transfer import Transfer
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

FORMATS = (Format.SAFETENSORS, Format.PT2, Format.TORCHSCRIPT)
_CPU_AT_ONCE, _GPU_AT_ONCE = 1 << 22, 1 << 25

Module = Callable[[Tensor], Any]

# What torch.export.load imports when it is first called: half a second of every such job. The names
# are torch's own business, so one that is gone is no mistake.
for _late in (
    "torch.export._trace",
    "torch.export.pt2_archive._package",
    "torch._export.serde.serialize",
    "encodings.cp437",  # in which a zip archive names its members
):
    with suppress(ImportError):
        importlib.import_module(_late)


def rehearse() -> None:
    """What torch does once, at the first model of a process, with one thread."""
    torch.set_num_threads(1)
    wanted = Wanted(1, 4, 4, 1, bf16=False, threads=1, gpu=False, gpu_bytes=0)
    layers = nn.Sequential(nn.Conv2d(1, 1, 4), nn.Flatten(), nn.Linear(1, 1)).eval()
    file = io.BytesIO()
    torch.jit.save(torch.jit.script(layers), file)
    load(file.getvalue(), Format.TORCHSCRIPT, "", {}, wanted)


def load(
    data: bytes, kind: Format, architecture: str, arguments: Mapping[str, Any], wanted: Wanted
) -> Network:
    """Raises Unloadable where torch does not take the bytes or the contract is not kept."""
    torch.set_num_threads(wanted.threads)
    torch.manual_seed(0)
    on_gpu = wanted.gpu and torch.cuda.is_available()
    if on_gpu:
        _prepare_gpu(wanted)
    try:
        module, batches = _read(data, kind, architecture, arguments, wanted)
        network = _placed(module, batches, wanted, on_gpu)
        network.parameters = _stored_numbers(module)
    except Unloadable:
        raise
    except Exception as error:
        trouble = Trouble.OUT_OF_MEMORY if is_out_of_memory(error) else Trouble.UNREADABLE
        raise Unloadable(trouble, str(error)) from error
    network.macs = _try(network, wanted)
    return network


def _read(
    data: bytes, kind: Format, architecture: str, arguments: Mapping[str, Any], wanted: Wanted
) -> tuple[nn.Module, Batches]:
    """The module on the CPU, ready for use, and how many images it takes at once."""
    if kind is Format.PT2:  # has no switch between training and use: it is fixed in its graph
        return _exported(data)
    if kind is Format.SAFETENSORS:
        network = architectures.build(data, architecture, arguments, wanted)
        return network.eval(), Batches()
    module = torch.jit.load(io.BytesIO(data), map_location="cpu")  # type: ignore[no-untyped-call]
    return module.eval(), Batches()


def _prepare_gpu(wanted: Wanted) -> None:
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = wanted.bf16
    _free, total = torch.cuda.mem_get_info()
    torch.cuda.set_per_process_memory_fraction(min(1.0, wanted.gpu_bytes / total))


def _exported(data: bytes) -> tuple[nn.Module, Batches]:
    """The program's module, and for how many images at once it was exported."""
    with _what_is_only_logged():
        program = torch.export.load(io.BytesIO(data))
    (name,) = program.graph_signature.user_inputs
    node = next(node for node in program.graph.nodes if node.name == name)
    side = node.meta["val"].shape[0]
    if isinstance(side, int):
        return program.module(), Batches(side, side)
    known = program.range_constraints.get(side.node.expr)
    if known is None:
        return program.module(), Batches(2)
    most = int(known.upper) if known.upper.is_Integer else Batches.most
    # torch takes one image for a special case and may have left it out
    return program.module(), Batches(max(2, int(known.lower)), max(2, most))


@contextmanager
def _what_is_only_logged() -> Iterator[None]:
    """torch.export.load logs what it stumbled over and raises something that does not say it."""
    seen: list[BaseException] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.exc_info and record.exc_info[1]:
                seen.append(record.exc_info[1])

    listener, log = Listener(), logging.getLogger("torch.export")
    log.addHandler(listener)
    try:
        yield
    except RuntimeError as error:
        raise (seen[-1] if seen else error) from error
    finally:
        log.removeHandler(listener)


def _placed(module: nn.Module, batches: Batches, wanted: Wanted, on_gpu: bool) -> "OnTorch":
    if on_gpu:
        module = module.to("cuda")
    # A network that is built here works in either order of numbers; a graph that was traced may
    # have the order of its own tracing in it.
    by_pixel = type(module) is nn.Sequential
    if by_pixel:
        module = module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    for weights in module.parameters():
        weights.requires_grad_(False)
    return OnTorch(module, batches, wanted, by_pixel=by_pixel, on_gpu=on_gpu)


class OnTorch:
    """A module on the CPU or on CUDA."""

    def __init__(
        self, module: Module, batches: Batches, wanted: Wanted, *, by_pixel: bool, on_gpu: bool
    ) -> None:
        self._module, self.batches, self._image = module, batches, wanted.image
        self._order = torch.channels_last if by_pixel else torch.contiguous_format
        self._transfer = Transfer(wanted.image) if on_gpu else None
        self.device = "cuda" if on_gpu else "cpu"
        self._bf16 = wanted.bf16 and (torch.cuda.is_bf16_supported() if on_gpu else cpu_has_bf16())
        self._room: Pixels = np.empty((0, *wanted.image), np.uint8)
        self.at_once = _GPU_AT_ONCE if on_gpu else _CPU_AT_ONCE
        self.ahead = 1 if on_gpu else 0
        self.parameters: int | None = None
        self.macs: int | None = None

    def room(self, size: int) -> Pixels:
        if self._transfer is not None:
            return self._transfer.room(size)
        if len(self._room) != size:
            self._room = np.empty((size, *self._image), np.uint8)
        return self._room

    def submit(self, pixels: Pixels) -> Pending:
        # not inference_mode: what a traced graph keeps from call to call may not be changed in it
        with torch.no_grad(), self._autocast():
            answers = self._module(self._floats(pixels))
        if not isinstance(answers, Tensor):
            raise Unloadable(Trouble.WRONG_OUTPUT)
        if self._transfer is not None:
            return self._transfer.down(answers)
        numbers = answers.float().numpy() if answers.dtype == torch.bfloat16 else answers.numpy()
        return lambda: numbers

    def _floats(self, pixels: Pixels) -> Tensor:
        if self._transfer is not None:
            images = self._transfer.up(pixels)
        else:
            images = torch.from_numpy(pixels)
        return images.float().div_(255).contiguous(memory_format=self._order)

    def _autocast(self) -> AbstractContextManager[object]:
        return torch.autocast(self.device, torch.bfloat16) if self._bf16 else nullcontext()

    def release(self) -> None:
        if self._transfer is not None:
            torch.cuda.empty_cache()


def _try(network: OnTorch, wanted: Wanted) -> int:
    """Answer a few images of noise; the multiply-accumulates for one, of convolutions and products.

    Raises Unloadable where that does not end in logits (N, classes).
    """
    size = network.batches.nearest(1)
    try:
        with FlopCounterMode(display=False) as counter:
            answers = network.submit(noise(wanted, size))()
    except Unloadable:
        raise
    except Exception as error:
        trouble = Trouble.OUT_OF_MEMORY if is_out_of_memory(error) else Trouble.FAILED
        raise Unloadable(trouble, str(error)) from error
    check_answers(answers, wanted, size)
    flops: int = counter.get_total_flops()
    return flops // 2 // size  # a multiplication and an addition each


def _stored_numbers(module: nn.Module) -> int:
    """Floating-point numbers that the model brings along, however they are stored in it.

    Not only those that are called parameters: frozen TorchScript keeps its weights as constants of
    the graph, and what may not be counted would be where large models hide.
    """
    tensors: list[Tensor] = [*module.parameters(), *module.buffers()]
    if isinstance(module, torch.jit.ScriptModule):
        tensors += _constants(module.inlined_graph)
    elif isinstance(module, torch.fx.GraphModule):
        held = vars(module).values()
        tensors += [value for value in held if isinstance(value, Tensor)]
    distinct = {tensor.data_ptr(): tensor for tensor in tensors if tensor.is_floating_point()}
    return sum(math.prod(tensor.shape) for tensor in distinct.values())


def _constants(graph: Any) -> Iterable[Tensor]:
    for node in graph.findAllNodes("prim::Constant"):
        if node.hasAttribute("value") and node.kindOf("value") == "t":
            yield node.t("value")
