"""Batches to a GPU and answers back, while the GPU is at work on something else.

Two pinned buffers take turns, so there may be one batch under way while the next is put together.
Written from PyTorch's "CUDA semantics: use pinned memory buffers"; not run on a GPU so far.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from scoring.sandbox.inside.network import Pending, Pixels


class Transfer:
    """Everything on the current stream, in the order of the calls."""

    def __init__(self, image: tuple[int, int, int]) -> None:
        self._image = image
        self._buffers: list[Tensor] = []
        self._turn = 0

    def room(self, size: int) -> Pixels:
        """The buffer whose turn it is, uint8 (size, channels, height, width)."""
        if not self._buffers or len(self._buffers[0]) != size:
            shape = (size, *self._image)
            self._buffers = [
                torch.empty(shape, dtype=torch.uint8, pin_memory=True) for _ in range(2)
            ]
        self._turn = 1 - self._turn
        room: Pixels = self._buffers[self._turn].numpy()
        return room

    def up(self, pixels: Pixels) -> Tensor:
        """On the device, uint8; the copy is under way."""
        return torch.from_numpy(pixels).to("cuda", non_blocking=True)

    def down(self, answers: Tensor) -> Pending:
        """Starts the way back; what is returned waits for its end, float32 (N, classes)."""
        landed = torch.empty(answers.shape, dtype=torch.float32, pin_memory=True)
        landed.copy_(answers, non_blocking=True)
        arrived = torch.cuda.Event()  # type: ignore[no-untyped-call]
        arrived.record()

        def wait() -> NDArray[np.float32]:
            arrived.synchronize()
            numbers: NDArray[np.float32] = landed.numpy()
            return numbers

        return wait
