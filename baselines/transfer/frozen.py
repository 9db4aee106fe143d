"""What frozen layers say about an image never changes: compute it once, keep it on disk."""

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from baselines.data.dataset import Pixels
from baselines.data.decoding import reserve
from baselines.errors import CallError
from baselines.training.device import Device
from baselines.transfer import chain
from baselines.transfer.views import View

Features = NDArray[np.float16]
AT_ONCE = 32  # images; more at once is slower on a CPU, whose cache they overflow
LARGEST = 65504.0  # of 16-bit floats


def features(
    network: nn.Module, layer: str, pixels: Pixels, view: View, on: Device, cache: Path | None
) -> Features:
    """What arrives at a layer for each image, in evaluation mode; from the cache where it is there.

    A cached array stays on disk and is read where it is touched, so it may exceed the memory.
    """
    network.eval()
    if cache is None:
        return np.concatenate(list(_computed(network, layer, pixels, view, on)))
    path = cache / f"{key(network, layer, pixels, view, on)}.npy"
    found = _kept(path, len(pixels))
    if found is None:
        _write(path, len(pixels), _computed(network, layer, pixels, view, on))
        found = np.load(path, mmap_mode="r", allow_pickle=False)
    return found


def key(network: nn.Module, layer: str, pixels: Pixels, view: View, on: Device) -> str:
    """Another one for other images, frozen weights, layer, size of the images or kind of floats."""
    digest = hashlib.sha256(f"{layer} {view.side} {on.bf16} {pixels.shape}".encode())
    digest.update(np.ascontiguousarray(pixels).data)
    for name in chain.before(network, layer):
        block = network.get_submodule(name)
        digest.update(f"{name} {block!r}".encode())
        for values in block.state_dict().values():
            digest.update(values.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:32]


def _computed(
    network: nn.Module, layer: str, pixels: Pixels, view: View, on: Device
) -> Iterator[Features]:
    for start in range(0, len(pixels), AT_ONCE):
        images = torch.from_numpy(pixels[start : start + AT_ONCE])
        with on.autocast(), torch.inference_mode():
            values = chain.front(network, layer, view(on.floats(images)))
        yield values.float().clamp(-LARGEST, LARGEST).half().cpu().contiguous().numpy()


def _kept(path: Path, count: int) -> Features | None:
    try:
        found: Features = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):  # not there, or cut short by another program
        return None
    return found if found.dtype == np.float16 and len(found) == count else None


def _write(path: Path, count: int, parts: Iterator[Features]) -> None:
    """Whole or not at all: under another name first, as large as it will be from the start."""
    with _disk_in_words(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".npy")
    os.close(handle)
    try:
        _fill(Path(draft), count, parts)
        os.replace(draft, path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise


def _fill(draft: Path, count: int, parts: Iterator[Features]) -> None:
    first = next(parts)
    with _disk_in_words(draft.parent):
        array = np.lib.format.open_memmap(draft, "w+", np.float16, (count, *first.shape[1:]))
        with draft.open("r+b") as file:
            reserve(file, array.offset, array.nbytes)
    array[: len(first)] = first
    at = len(first)
    for part in parts:
        array[at : at + len(part)] = part
        at += len(part)
    array.flush()


@contextmanager
def _disk_in_words(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CallError(
            f"{folder} cannot be written to ({error}). Choose another --cache."
        ) from error
