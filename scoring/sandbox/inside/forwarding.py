"""All images through a loaded model, in an order of their own; the answers go into a file."""

import math
import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.sandbox.batches import LARGEST
from scoring.sandbox.inside.network import Logits, Network, Pending, Pixels, is_out_of_memory
from scoring.sandbox.protocol import RECORD, Step

_EVERY = 0.05  # seconds between two words of progress

Verdict = tuple[Step, int]


def answer_all(
    network: Network,
    images: Pixels,
    answers: Logits,
    seed: int,
    asked: int | None,
    progress: Callable[[int], None],
) -> Verdict:
    """Fill `answers` (N, classes), row by row those of `images`; how it went, and the batch size.

    The model sees the images in an order drawn from `seed`. Every batch has the same size, the last
    one filled up with images seen before, so that no shape comes only once. When memory does not
    suffice for a batch, batches get half as large.
    """
    order = np.random.default_rng(seed).permutation(len(images))
    size = _first_size(network, images, asked)
    written = 0
    while written < len(order):
        try:
            for rows, logits in _batches(network, images, order[written:], size):
                if logits.shape != (size, answers.shape[1]) or logits.dtype.kind != "f":
                    return Step.WRONG_SHAPE, size
                kept = logits[: len(rows)].astype(np.float32, copy=False)
                if not np.isfinite(kept).all():
                    return Step.NOT_FINITE, size
                answers[rows] = kept
                written += len(rows)
                progress(written)
        except Exception as error:
            if not is_out_of_memory(error):
                return Step.FAILED, size
            smaller = network.batches.smaller(size)
            if smaller is None:
                return Step.OUT_OF_MEMORY, size
            size = smaller
            network.release()
    return Step.DONE, size


def _first_size(network: Network, images: Pixels, asked: int | None) -> int:
    if asked is None:
        fitting = max(1, network.at_once // math.prod(images.shape[1:]))
        asked = min(LARGEST, 1 << (fitting.bit_length() - 1))
    return network.batches.first(asked, len(images))


def _batches(
    network: Network, images: Pixels, order: NDArray[np.int64], size: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[Any]]]:
    """The rows of each batch and its answers, while the device is at work on the next ones."""
    pending: deque[tuple[NDArray[np.int64], Pending]] = deque()
    for start in range(0, len(order), size):
        rows = order[start : start + size]
        pixels = network.room(size)
        # without a mode take() would write into a copy first
        np.take(images, np.resize(rows, size), axis=0, out=pixels, mode="clip")
        pending.append((rows, network.submit(pixels)))
        if len(pending) > network.ahead:
            earliest, answer = pending.popleft()
            yield earliest, answer()
    for rows, answer in pending:
        yield rows, answer()


class Records:
    """The way out of a job that has seen the images: numbers into a pipe that may be full."""

    def __init__(self, pipe: int) -> None:
        self._pipe, self._next = pipe, 0.0

    def progress(self, answered: int) -> None:
        """Often enough to be watched; a record for which there is no room is left out."""
        now = time.monotonic()
        if now >= self._next:
            self._next = now + _EVERY
            self._write(Step.ANSWERED, answered)

    def end(self, verdict: Verdict) -> None:
        while not self._write(*verdict):
            time.sleep(_EVERY)

    def _write(self, step: Step, number: int) -> bool:
        try:
            os.write(self._pipe, RECORD.pack(step, number))
        except BlockingIOError:
            return False
        return True
