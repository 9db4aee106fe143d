"""Photos in folders of their classes, in train/ and val/ or test/, unpacked or in a zip archive.

`read` brings a set into memory at one size, `batches` streams one that does not fit. Both decode
in threads (Pillow works outside of Python's lock), a bounded number of photos ahead.
"""

import io
import zipfile
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from baselines.data.challenge import SUFFIXES
from baselines.data.dataset import Dataset, Labelled, Labels, Pixels, hold_out
from baselines.errors import BaselineError, CallError

HELD_OUT = {"val": "validation set", "valid": "validation set", "test": "test set"}
MARGIN = 256 / 224  # the shorter side is this much larger than the crop from the middle
THREADS, AHEAD = 2, 32

Open = Callable[[str], bytes]


@dataclass(frozen=True)
class Photo:
    name: str  # the path inside its folder or archive
    part: str  # train, val, test
    label: str


@dataclass(frozen=True)
class Photos:
    source: Path
    classes: tuple[str, ...]
    train: tuple[Photo, ...]
    held: tuple[Photo, ...]  # empty where there is only train/


def read(source: Path, side: int = 224) -> Dataset:
    """All photos, side x side, in memory: 150 kB each at 224."""
    photos = listed(source)
    train = _in_memory(photos, photos.train, side)
    if not photos.held:
        return hold_out(source.stem, photos.classes, train)
    held = _in_memory(photos, photos.held, side)
    return Dataset(source.stem, photos.classes, train, held, HELD_OUT[photos.held[0].part])


def batches(
    photos: Photos, part: Sequence[Photo], side: int, size: int, *, seed: int | None = None
) -> Iterator[tuple[Pixels, Labels]]:
    """One pass over a part of a set, decoded on the way; with a seed in an order drawn by it."""
    order: NDArray[np.intp] = np.arange(len(part))
    if seed is not None:
        np.random.default_rng(seed).shuffle(order)
    shuffled = [part[at] for at in order]
    codes = _codes(photos, shuffled)
    arrays: list[Pixels] = []
    start = 0
    for pixels in _decoded(photos, shuffled, side):
        arrays.append(pixels)
        if len(arrays) == size or start + len(arrays) == len(part):
            yield np.stack(arrays), codes[start : start + len(arrays)]
            start += len(arrays)
            arrays.clear()


def listed(source: Path) -> Photos:
    """What a folder or an archive holds, by name only."""
    with _opened(source) as (names, _open):
        photos = [photo for name in sorted(names) if (photo := _placed(name))]
    train = tuple(photo for photo in photos if photo.part == "train")
    held_parts = [part for part in HELD_OUT if any(photo.part == part for photo in photos)]
    held = tuple(photo for photo in photos if photo.part in held_parts[:1])
    classes = tuple(sorted({photo.label for photo in train}))
    if len(classes) < 2:
        raise CallError(f"{source} has no train/CLASS/PHOTO.jpg for at least two classes.")
    if strange := sorted({photo.label for photo in held} - set(classes)):
        raise BaselineError(
            f"{source} has {held[0].part}/{strange[0]} but no train/{strange[0]}. Add or remove it."
        )
    return Photos(source, classes, train, held)


def _placed(name: str) -> Photo | None:
    """caltech101-24/train/crab/image_0006.jpg is a crab to train with; None for other files."""
    path = PurePosixPath(name)
    folders = path.parts[:-1]
    if path.suffix.lower() not in SUFFIXES or any(
        each.startswith((".", "__")) for each in path.parts
    ):
        return None
    for part, label in pairwise(folders):
        if part == "train" or part in HELD_OUT:
            return Photo(name, part, label)
    return None


def _in_memory(photos: Photos, part: Sequence[Photo], side: int) -> Labelled:
    pixels = np.empty((len(part), 3, side, side), np.uint8)
    for at, each in enumerate(_decoded(photos, part, side)):
        pixels[at] = each
    return Labelled(pixels, _codes(photos, part))


def _codes(photos: Photos, part: Sequence[Photo]) -> Labels:
    code = {label: at for at, label in enumerate(photos.classes)}
    return np.array([code[photo.label] for photo in part], np.int64)


def _decoded(photos: Photos, part: Sequence[Photo], side: int) -> Iterator[Pixels]:
    """In order, with at most AHEAD photos decoded and not yet asked for."""
    with _opened(photos.source) as (_names, open_), ThreadPoolExecutor(THREADS) as pool:
        waiting: deque[Future[Pixels]] = deque()
        try:
            for photo in part:
                waiting.append(pool.submit(_square, photo.name, open_, side))
                if len(waiting) == AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


def _square(name: str, open_: Open, side: int) -> Pixels:
    """The middle of a photo, side x side, (3, side, side)."""
    try:
        with Image.open(io.BytesIO(open_(name))) as image:
            enough = round(side * MARGIN)
            image.draft("RGB", (enough, enough))  # a JPEG decoded at 1/2, 1/4, 1/8 is soon decoded
            width, height = image.size
            crop = min(width, height) / MARGIN
            left, top = (width - crop) / 2, (height - crop) / 2
            square = image.convert("RGB").resize(
                (side, side), Image.Resampling.BILINEAR, (left, top, left + crop, top + crop)
            )
    except (
        OSError,
        ValueError,
        SyntaxError,
        zipfile.BadZipFile,
        Image.DecompressionBombError,
    ) as error:
        raise BaselineError(f"{name} cannot be read as a photo. Remove or replace it.") from error
    return np.asarray(square).transpose(2, 0, 1)


@contextmanager
def _opened(source: Path) -> Iterator[tuple[list[str], Open]]:
    """The names in a folder or archive, and what reads one of them."""
    if source.is_dir():
        files = source.rglob("*")
        names = [path.relative_to(source).as_posix() for path in files if path.is_file()]
        yield names, lambda name: (source / name).read_bytes()
        return
    if not source.is_file():
        raise CallError(
            f"{source} does not exist. It should be a folder or a zip archive of photos."
        )
    try:
        archive = zipfile.ZipFile(source)
    except (zipfile.BadZipFile, OSError) as error:
        raise BaselineError(f"{source} is not a whole zip archive ({error}).") from error
    with archive:
        yield archive.namelist(), archive.read
