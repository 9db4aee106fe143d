"""Out of memory, in words: with the most images at once that were seen to fit."""

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

from baselines.errors import CallError

# What torch says on Windows and macOS, on Linux, and where C++ gave up; all plain RuntimeErrors.
WORDS = "not enough memory", "can't allocate memory", "bad_alloc"
ONEDNN = "could not create a primitive"  # that, of a layer it knows: no room for its code or maps
FEWEST = 2  # images at once: batch normalisation cannot learn from a single one

Fits = Callable[[int], None]  # steps with so many images at once; raises where they do not fit


def is_out(error: BaseException) -> bool:
    """Whether that is what an error says."""
    known = isinstance(error, torch.OutOfMemoryError | MemoryError)
    text = str(error) if isinstance(error, RuntimeError) else ""
    return known or text == ONEDNN or any(words in text for words in WORDS)


@contextmanager
def in_words(size: int, steps: Fits) -> Iterator[None]:
    """Raises CallError where ``size`` images at once need more memory than there is.

    The number that it names is tried by ``steps`` first: half of it, a quarter, and so on.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_out(error):
            raise
        release(error)
        raise CallError(_advice(size, fitting(size, steps))) from error


def fitting(size: int, steps: Fits) -> int | None:
    """The first of size / 2, size / 4, ... for which ``steps`` has memory; None where none has."""
    while (size := size // 2) >= FEWEST:
        try:
            steps(size)
        except (MemoryError, RuntimeError) as error:
            if not is_out(error):
                raise
            release(error)
        else:
            return size
    return None


def release(error: BaseException) -> None:
    """Let go of the batch that an error still holds through the functions it came out of."""
    traceback.clear_frames(error.__traceback__)
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _advice(size: int, fits: int | None) -> str:
    problem = f"{size:,} images at once do not fit into memory"
    if fits is None:
        return f"{problem}, nor do {FEWEST}. Take a smaller network, or smaller images."
    return (
        f"{problem}, {fits} do. --part {fits} learns from the same batches piece by piece, "
        f"--batch-size {fits} from smaller ones; more fit if --largest makes the images smaller."
    )
