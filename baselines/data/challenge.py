"""A challenge as it is fetched from a site: train.zip, test.zip, train.csv, sample_submission.csv.

`train/` and `test/` may also lie unpacked beside the archives. Images are read straight from the
archive, so nothing is unpacked that need not be.
"""

import csv
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image, UnidentifiedImageError

from baselines.data.dataset import Dataset, Labelled, Pixels, hold_out
from baselines.errors import BaselineError, CallError

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff"}
MIXED_SIZE = (64, 64)  # width and height for a set whose images differ in size
GREY_MODES = {"1", "L", "LA"}


def load(folder: Path, largest: int | None = None) -> Dataset:
    """The labelled images of a challenge. Its test labels are secret, so a fifth is held out.

    Images with a longer side than ``largest`` pixels are shrunk, all to one size.
    """
    source = part(folder, "train")
    pictures = dict(images(source))
    if not pictures:
        raise BaselineError(f"{source} holds no images. Expected one folder of images per class.")
    names = list(pictures)
    labels = _labels(names, folder / "train.csv")
    classes = sorted(set(labels))
    if len(classes) < 2:
        raise BaselineError(f"{source} has only the class {classes[0]}; at least two are needed.")
    pixels = stack(pictures, largest=largest)
    codes = np.searchsorted(np.array(classes), np.array(labels)).astype(np.int64)
    return hold_out(folder.name, classes, Labelled(pixels, codes))


def part(folder: Path, name: str) -> Path:
    """`train` or `test` of a challenge: the unpacked folder if there is one, else the archive."""
    for path in (folder / name, folder / f"{name}.zip"):
        if path.exists():
            return path
    raise CallError(f"{folder} has neither {name}/ nor {name}.zip. Is it a fetched challenge?")


def images(source: Path) -> Iterator[tuple[str, bytes]]:
    """Every image of a folder or zip archive as (path inside it, bytes), sorted by path."""
    if source.is_dir():
        for path in sorted(path for path in source.rglob("*") if _is_image(path.as_posix())):
            yield path.relative_to(source).as_posix(), path.read_bytes()
    elif source.is_file():
        yield from _zipped(source)
    else:
        raise CallError(f"{source} does not exist.")


def _zipped(source: Path) -> Iterator[tuple[str, bytes]]:
    try:
        with zipfile.ZipFile(source) as archive:
            for name in sorted(name for name in archive.namelist() if _is_image(name)):
                yield name, archive.read(name)
    except zipfile.BadZipFile as error:
        raise BaselineError(f"{source} is not a whole zip archive ({error}).") from error


def _is_image(name: str) -> bool:
    path = PurePosixPath(name)
    hidden = any(piece.startswith((".", "__MACOSX")) for piece in path.parts[-2:])
    return path.suffix.lower() in SUFFIXES and not hidden


def stack(
    pictures: dict[str, bytes],
    *,
    size: tuple[int, int] | None = None,
    grey: bool | None = None,
    largest: int | None = None,
) -> Pixels:
    """Decode images into one (N, C, H, W) array.

    Without `size` (width, height) they keep theirs if all agree, or what fits into a square of
    `largest` pixels; without `grey` they are grey if none has colour.
    """
    if size is None or grey is None:
        headers = [_opened(name, data) for name, data in pictures.items()]
        sizes = {header.size for header in headers}
        common = sizes.pop() if len(sizes) == 1 else MIXED_SIZE
        shape = size or _shrunk(common, largest)
        grey = all(header.mode in GREY_MODES for header in headers) if grey is None else grey
    else:
        shape = size
    mode = "L" if grey else "RGB"
    return np.stack([_decoded(name, data, shape, mode) for name, data in pictures.items()])


def _shrunk(size: tuple[int, int], largest: int | None) -> tuple[int, int]:
    """The same shape within a square of `largest` pixels."""
    if largest is None or max(size) <= largest:
        return size
    width, height = (max(1, round(side * largest / max(size))) for side in size)
    return width, height


def _opened(name: str, data: bytes) -> Image.Image:
    try:
        return Image.open(io.BytesIO(data))  # reads the header only
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as error:
        raise BaselineError(f"{name} cannot be read as an image. Remove or replace it.") from error


def _decoded(name: str, data: bytes, shape: tuple[int, int], mode: str) -> Pixels:
    try:
        image = _opened(name, data)
        image = image if image.mode == mode else image.convert(mode)
        image.load()
    except (OSError, ValueError, SyntaxError) as error:
        raise BaselineError(f"{name} is cut short or damaged. Remove or replace it.") from error
    if image.size != shape:
        image = image.resize(shape, Image.Resampling.BILINEAR)
    pixels = np.asarray(image)
    return pixels[None] if mode == "L" else pixels.transpose(2, 0, 1)


def _labels(names: list[str], table: Path) -> list[str]:
    """The class of each image: its folder's name, or else its line in train.csv."""
    folders = [PurePosixPath(name).parent.name for name in names]
    if all(folders) and (len(set(folders)) > 1 or not table.is_file()):
        return folders
    if not table.is_file():
        raise CallError(f"The images are not in folders named by class, and there is no {table}.")
    known = _by_id(table)
    missing = [name for name in names if not known.keys() & _ids(name)]
    if missing:
        raise BaselineError(f"{table} has no label for {missing[0]} ({len(missing)} in all).")
    return [known[(known.keys() & _ids(name)).pop()] for name in names]


def _ids(name: str) -> set[str]:
    path = PurePosixPath(name)
    return {name, path.name, path.stem}


def _by_id(table: Path) -> dict[str, str]:
    with table.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.reader(file)
        next(rows, None)
        return {row[0]: row[1] for row in rows if len(row) > 1}
