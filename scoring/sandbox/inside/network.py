"""What a job needs to know of a loaded model, whatever library runs it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from scoring.sandbox.batches import Batches
from scoring.sandbox.protocol import Trouble

Pixels = NDArray[np.uint8]  # (N, channels, height, width)
Logits = NDArray[np.float32]  # (N, classes)
Pending = Callable[[], NDArray[Any]]  # waits for the answers to a batch

_EXHAUSTED = (
    "not enough memory", "can't allocate memory", "out of memory", "bad_alloc",
    "failed to allocate memory", "alloc_failed", "cannot allocate memory",
)  # fmt: skip


class Unloadable(Exception):
    """The model cannot run here. `numbers` are those of a shape, for the sentence made of it."""

    def __init__(self, trouble: Trouble, detail: str = "", numbers: tuple[int, ...] = ()) -> None:
        super().__init__(trouble, detail)
        self.trouble, self.detail, self.numbers = trouble, detail, numbers


@dataclass(frozen=True)
class Wanted:
    """The contract, as far as a loaded model has to keep it."""

    channels: int
    height: int
    width: int
    classes: int
    bf16: bool
    threads: int
    gpu: bool
    gpu_bytes: int

    @property
    def image(self) -> tuple[int, int, int]:
        return self.channels, self.height, self.width


class Network(Protocol):
    """A model on its device."""

    batches: Batches
    device: str
    parameters: int | None  # stored floating-point numbers
    macs: int | None  # for one image
    at_once: int  # numbers of a batch of images with which the device is busy
    ahead: int  # batches that may be under way while their answers are waited for

    def room(self, size: int) -> Pixels:
        """A place for a batch, as far as possible one that the device reads without a copy."""

    def submit(self, pixels: Pixels) -> Pending:
        """Start on a batch. The next `ahead` calls do not disturb it."""

    def release(self) -> None:
        """Give back memory that is kept for later."""


def is_out_of_memory(error: BaseException) -> bool:
    """The libraries' own errors are RuntimeErrors that only their text tells apart."""
    text = f"{type(error).__name__} {error}".lower()
    return isinstance(error, MemoryError) or any(words in text for words in _EXHAUSTED)


def noise(wanted: Wanted, size: int) -> Pixels:
    """Images to try a model with before it sees any: the same every time."""
    return np.random.default_rng(0).integers(0, 256, (size, *wanted.image), np.uint8)


def check_answers(answers: NDArray[Any], wanted: Wanted, size: int) -> None:
    """Raises Unloadable where they are no logits (size, classes)."""
    if answers.shape != (size, wanted.classes) or answers.dtype.kind != "f":
        numbers = tuple(int(side) for side in answers.shape[:8])
        raise Unloadable(Trouble.WRONG_OUTPUT, numbers=numbers)
