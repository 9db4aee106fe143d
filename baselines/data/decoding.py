"""From files to one array of bytes: read when asked for, decoded in threads, on disk if large.

Pillow decodes outside of Python's lock, so threads are enough and no worker process is needed.
"""

import lzma
import os
import tempfile
import zipfile
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any

import numpy as np
from PIL import Image

from baselines.data.dataset import Pixels
from baselines.errors import BaselineError, CallError

THREADS = min(8, os.cpu_count() or 1)
AHEAD = 16 * THREADS  # decoded and not yet asked for
IN_MEMORY = 4 << 30  # bytes of decoded images; more of them lie in a file
AT_ONCE = 1 << 20  # bytes, where room on a disk has to be written
GREY_MODES = {"1", "L", "LA"}  # Pillow's, and those of 16 bits
WIDE_MODES = {"I", "F"}  # 32 bits: whole numbers, also below zero, and floats

# What zipfile raises for a member that is damaged, encrypted or packed in a way it does not know.
DAMAGE = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, RuntimeError,
    NotImplementedError,
)  # fmt: skip


class Files(Mapping[str, bytes]):
    """The files of a folder or a zip archive by their path in it, sorted; each read when asked for.

    Raises CallError where there is neither, BaselineError for an archive or a file in it that is
    damaged.
    """

    def __init__(self, source: Path, wanted: Callable[[str], bool] = lambda _name: True) -> None:
        self.source = source
        self._archive = None if source.is_dir() else _archive(source)
        names = self._archive.namelist() if self._archive else _walk(source)
        self._names = dict.fromkeys(sorted(name for name in names if wanted(name)))

    def __getitem__(self, name: str) -> bytes:
        if name not in self._names:
            raise KeyError(name)
        if self._archive is None:
            return (self.source / name).read_bytes()
        try:
            return self._archive.read(name)
        except DAMAGE as error:
            raise BaselineError(f"{name} is damaged in {self.source}. Fetch it again.") from error

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def some(self, names: Iterable[str]) -> "Renamed":
        return Renamed(self, {name: name for name in names})


class Renamed(Mapping[str, bytes]):
    """Some of the files under other names, such as the ids of a sample, in the order of these."""

    def __init__(self, files: Mapping[str, bytes], names: Mapping[str, str]) -> None:
        self._files, self._names = files, names

    def __getitem__(self, name: str) -> bytes:
        return self._files[self._names[name]]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def _walk(folder: Path) -> Iterator[str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return (path.relative_to(folder).as_posix() for path in files)


def _archive(source: Path) -> zipfile.ZipFile:
    if not source.is_file():
        raise CallError(f"{source} does not exist. It should be a folder or a zip archive.")
    try:
        return zipfile.ZipFile(source)
    except (zipfile.BadZipFile, OSError) as error:
        raise BaselineError(f"{source} is not a whole zip archive ({error}).") from error


def array(decode: Callable[[str], Pixels], names: Iterable[str], shape: tuple[int, ...]) -> Pixels:
    """Every image decoded, in order: uint8 of ``shape`` = (number of names, C, H, W)."""
    pixels = _room(shape)
    for at, image in enumerate(ahead(decode, names)):
        pixels[at] = image
    return pixels


def is_grey(mode: str) -> bool:
    """Whether images of that mode have no colour."""
    return mode in GREY_MODES or _has_16_bits(mode)


def converted(name: str, image: Image.Image, mode: str) -> Image.Image:
    """The image with a byte for each channel: mode L or RGB.

    Grey of 16 bits is scaled: Pillow's own conversion cuts it off at 255, and nearly all is white.
    Raises BaselineError for 32 bits: nothing says which of their numbers is white.
    """
    if image.mode in WIDE_MODES:
        raise BaselineError(
            f"{name} has pixels of 32 bits (mode {image.mode}), and nothing says which of their "
            "numbers is white. Save it with 8 or 16 bits for each channel."
        )
    image.load()
    if _has_16_bits(image.mode):
        levels = (np.asarray(image).astype(np.uint32) + 128) // 257  # rounded; 65535 is 255
        image = Image.fromarray(levels.astype(np.uint8))
    return image if image.mode == mode else image.convert(mode)


def _has_16_bits(mode: str) -> bool:
    return mode.startswith("I;16")


def ahead(work: Callable[[str], Any], names: Iterable[str]) -> Iterator[Any]:
    """``work`` of every name, in order, by threads that are at most AHEAD results in front."""
    with ThreadPoolExecutor(THREADS) as pool:
        waiting: deque[Future[Any]] = deque()
        try:
            for name in names:
                waiting.append(pool.submit(work, name))
                if len(waiting) == AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


def _room(shape: tuple[int, ...]) -> Pixels:
    """An array to fill. A large one is a file without a name: the system keeps in memory what is
    in use of it, and it is gone with the process. It lies in TMPDIR."""
    size = int(np.prod(shape, dtype=np.int64))
    if size <= IN_MEMORY:
        return np.empty(shape, np.uint8)
    try:
        with tempfile.TemporaryFile() as file:
            reserve(file, 0, size)
            return np.memmap(file, np.uint8, "r+", shape=shape)
    except OSError as error:
        raise CallError(
            f"The decoded images take {size / 2**30:.1f} GiB, which do not fit into "
            f"{tempfile.gettempdir()} ({error}). Set TMPDIR to a larger disk, or use --largest."
        ) from error


def reserve(file: IO[bytes], start: int, size: int) -> None:
    """Give ``size`` bytes from ``start`` on their place on the disk; they are zero where they are
    new, and undefined where they are not.

    A mapped file may have holes. On a full disk, filling one ends the process with a signal, of
    which nothing can be told; here it is an OSError before the work has begun.
    """
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file.fileno(), start, size)
        return
    file.seek(start)
    for done in range(0, size, AT_ONCE):
        file.write(bytes(min(AT_ONCE, size - done)))
    file.flush()
