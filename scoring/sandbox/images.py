"""Test images packed once, so that every run reads them without decoding: uint8 (N, C, H, W), .npy.

Decoded like the baselines' challenges: every format of Pillow's that teams use, grey or colour.
Images of another size than the contract's are refused, not resized: a team that resizes on its own
side with another filter would see other pixels.
"""

import io
import os
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from scoring.errors import ScoringError
from scoring.sandbox.contract import Contract

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff"}
_MODES = {1: "L", 3: "RGB", 4: "RGBA"}
_SHOWN = 5  # ids in a sentence

Named = tuple[str, bytes]  # a path or id, and the bytes of an image file


class ImagesError(ScoringError):
    """The images do not fit the challenge; the sentence says which and what to do."""


@dataclass(frozen=True)
class Packed:
    """A .npy of images: its shape (N, channels, height, width) and where the pixels begin."""

    shape: tuple[int, int, int, int]
    offset: int  # bytes

    @property
    def bytes(self) -> int:
        count, channels, height, width = self.shape
        return count * channels * height * width


def pack(
    source: Path | Iterable[Named], contract: Contract, ids: Sequence[str], target: Path
) -> Path:
    """Write the images `ids` in this order to `target`; returns it.

    `source` is a folder, a zip archive, or pairs of a name and an image file's bytes. An image
    belongs to the id that is its path, its file name or its file name without the ending. The file
    appears at `target` whole or not at all. Raises ImagesError with the ids concerned.
    """
    if contract.channels not in _MODES:
        raise ImagesError(f"Images have 1, 3 or 4 channels, not {contract.channels}.")
    rows = {each: row for row, each in enumerate(ids)}
    if len(rows) < len(ids):
        raise ImagesError("An id comes twice in the list of test images.")
    shape = (len(ids), contract.channels, contract.height, contract.width)
    handle, draft = tempfile.mkstemp(dir=target.parent, prefix=target.name, suffix=".part")
    os.close(handle)
    try:
        _fill(np.lib.format.open_memmap(draft, "w+", np.uint8, shape), source, rows, contract)
        os.replace(draft, target)
    except BaseException:
        os.unlink(draft)
        raise
    return target


def read_head(path: Path, contract: Contract) -> Packed:
    """Raises ImagesError where it is no file of `pack` for this contract."""
    with path.open("rb") as file:
        try:
            if np.lib.format.read_magic(file) != (1, 0):
                raise ValueError
            shape, in_columns, dtype = np.lib.format.read_array_header_1_0(file)
        except ValueError as error:
            raise ImagesError(f"{path.name} is no array of packed images.") from error
        packed = Packed(shape, file.tell()) if len(shape) == 4 else None
    wanted = (contract.channels, contract.height, contract.width)
    if packed is None or dtype != np.uint8 or in_columns or shape[1:] != wanted:
        raise ImagesError(
            f"{path.name} holds {dtype} {list(shape)}, not the images uint8 [N, {wanted[0]}, "
            f"{wanted[1]}, {wanted[2]}] of this challenge. Pack them again."
        )
    if packed.shape[0] == 0:
        raise ImagesError(f"{path.name} holds no images. Pack at least one.")
    if path.stat().st_size != packed.offset + packed.bytes:
        raise ImagesError(f"{path.name} is cut short. Pack the images again.")
    return packed


def _fill(
    pixels: NDArray[np.uint8],
    source: Path | Iterable[Named],
    rows: dict[str, int],
    contract: Contract,
) -> None:
    waiting = dict(rows)
    named = _wanted(source, rows.__contains__) if isinstance(source, Path) else source
    for name, data in named:
        for key in _keys(name):
            if key in rows:
                if waiting.pop(key, None) is None:
                    raise ImagesError(f"There are two images for the id {key}.")
                pixels[rows[key]] = _decoded(name, data, contract)
                break
    if waiting:
        shown = ", ".join(list(waiting)[:_SHOWN])
        raise ImagesError(f"{len(waiting)} of {len(rows)} images are missing, such as {shown}.")


def _keys(name: str) -> tuple[str, ...]:
    path = PurePosixPath(name)
    return name, path.name, path.stem


def _wanted(source: Path, known: Callable[[str], bool]) -> Iterator[Named]:
    """The images of a folder or zip archive that somebody asked for, sorted by path."""
    if source.is_dir():
        found = {path.relative_to(source).as_posix(): path for path in source.rglob("*")}
        for name in sorted(name for name in found if _is_wanted(name, known)):
            yield name, found[name].read_bytes()
        return
    try:
        with zipfile.ZipFile(source) as archive:
            for name in sorted(name for name in archive.namelist() if _is_wanted(name, known)):
                yield name, archive.read(name)
    except FileNotFoundError:
        raise ImagesError(f"{source} does not exist.") from None
    except zipfile.BadZipFile as error:
        raise ImagesError(f"{source} is neither a folder nor a whole zip archive.") from error


def _is_wanted(name: str, known: Callable[[str], bool]) -> bool:
    suffix = PurePosixPath(name).suffix.lower()
    return suffix in SUFFIXES and any(map(known, _keys(name)))


def _decoded(name: str, data: bytes, contract: Contract) -> NDArray[np.uint8]:
    """uint8 (channels, height, width). Raises ImagesError."""
    mode = _MODES[contract.channels]
    try:
        image = Image.open(io.BytesIO(data))
        if image.size != (contract.width, contract.height):
            raise ImagesError(
                f"{name} has {image.size[0]} x {image.size[1]} pixels; the challenge's images have "
                f"{contract.width} x {contract.height}. Resize it, or change the challenge's size."
            )
        pixels = np.asarray(image if image.mode == mode else image.convert(mode))
    except UnidentifiedImageError as error:
        raise ImagesError(f"{name} cannot be read as an image. Replace it.") from error
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise ImagesError(f"{name} is cut short or damaged. Replace it.") from error
    return pixels[None] if mode == "L" else pixels.transpose(2, 0, 1)
