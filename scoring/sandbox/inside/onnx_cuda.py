"""An ONNX session on CUDA that shares its stream and its memory with torch.

Imported only where there is a GPU. torch makes the bytes floats where they are needed; the session
reads them and writes its answers there, and nothing waits until an answer is asked for.
Sources: onnxruntime, "CUDA Execution Provider" (user_compute_stream) and "I/O Binding".
"""

from typing import Any

import numpy as np
import onnxruntime
import torch

from scoring.sandbox.batches import Batches
from scoring.sandbox.inside.cuda_transfer import Transfer
from scoring.sandbox.inside.network import Pending, Pixels, Wanted

_AT_ONCE = 1 << 25


def provider_options(wanted: Wanted) -> dict[str, Any]:
    return {
        "device_id": 0,
        "gpu_mem_limit": wanted.gpu_bytes,
        "arena_extend_strategy": "kSameAsRequested",
        "cudnn_conv_algo_search": "HEURISTIC",  # a search would time each kernel, and vary
        "use_tf32": int(wanted.bf16),
        "user_compute_stream": str(torch.cuda.current_stream().cuda_stream),
    }


class OnCuda:
    """A session that is bound to torch's tensors."""

    at_once, ahead = _AT_ONCE, 1

    def __init__(
        self, session: onnxruntime.InferenceSession, batches: Batches, wanted: Wanted
    ) -> None:
        self._session, self.batches = session, batches
        self._input, self._output = session.get_inputs()[0].name, session.get_outputs()[0].name
        self._classes = wanted.classes
        self._transfer = Transfer(wanted.image)
        self.device = "cuda"
        self.parameters: int | None = None
        self.macs: int | None = None

    def room(self, size: int) -> Pixels:
        return self._transfer.room(size)

    def submit(self, pixels: Pixels) -> Pending:
        images = self._transfer.up(pixels).float().div_(255).contiguous()
        answers = torch.empty(len(pixels), self._classes, device="cuda")
        binding = self._session.io_binding()
        for bind, name, tensor in (
            (binding.bind_input, self._input, images),
            (binding.bind_output, self._output, answers),
        ):
            bind(name, "cuda", 0, np.float32, tuple(tensor.shape), tensor.data_ptr())
        self._session.run_with_iobinding(binding)
        return self._transfer.down(answers)

    def release(self) -> None:
        torch.cuda.empty_cache()
