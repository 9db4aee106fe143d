"""A challenge as it is fetched from a site: train.zip, test.zip, train.csv, sample_submission.csv,
and where it takes models competition.toml.

`train/` and `test/` may also lie unpacked beside the archives. Images are read straight from the
archive, one by one, so nothing is unpacked that need not be.
"""

import csv
import io
import tomllib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image, UnidentifiedImageError

from baselines.data.dataset import Dataset, Labelled, Pixels, part_held_out, split
from baselines.data.decoding import Files, ahead, array, converted, is_grey
from baselines.errors import BaselineError, CallError
from scoring.answers import class_order

SPEC = "competition.toml"
SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff"}
MIXED_SIZE = (64, 64)  # width and height for a set whose images differ in size


def load(folder: Path, largest: int | None = None) -> Dataset:
    """The labelled images of a challenge. Its test labels are secret, so a fifth is held out.

    Images with a longer side than ``largest`` pixels are shrunk, all to one size.
    """
    source = part(folder, "train")
    pictures = files(source)
    if not pictures:
        raise BaselineError(f"{source} holds no images. Expected one folder of images per class.")
    names = list(pictures)
    labels = _labels(names, folder / "train.csv")
    classes = _classes(folder, labels)
    if len(classes) < 2:
        raise BaselineError(f"{source} has only the class {classes[0]}; at least two are needed.")
    places = {name: at for at, name in enumerate(classes)}
    codes = np.array([places[label] for label in labels], np.int64)
    size, grey = looks(pictures, largest)
    train, held = (
        Labelled(stack(pictures.some([names[at] for at in part]), size, grey), codes[part])
        for part in split(folder.name, codes)
    )
    return Dataset(folder.name, classes, train, held, part_held_out())


def _classes(folder: Path, labels: list[str]) -> tuple[str, ...]:
    """In the challenge's order, which a model's outputs have: as competition.toml lists them, else
    as the site orders names by itself."""
    path = folder / SPEC
    if path.is_file():
        try:
            listed = tomllib.loads(path.read_text(encoding="utf-8")).get("model", {}).get("classes")
        except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise CallError(f"{path}: {error}. Fetch the challenge again.") from None
        if listed and set(listed) == set(labels):
            return tuple(listed)
    return class_order(labels)


def part(folder: Path, name: str) -> Path:
    """`train` or `test` of a challenge: the unpacked folder if there is one, else the archive."""
    for path in (folder / name, folder / f"{name}.zip"):
        if path.exists():
            return path
    if name == "test" and (folder / SPEC).is_file():
        raise CallError(
            f"{folder} has no test images: where a challenge takes models alone they stay on the "
            "site. Write the run as a file (python -m baselines export), and submit that."
        )
    raise CallError(f"{folder} has neither {name}/ nor {name}.zip. Is it a fetched challenge?")


def files(source: Path) -> Files:
    """The image files of a folder or zip archive. Raises as Files does."""
    return Files(source, _is_image)


def _is_image(name: str) -> bool:
    path = PurePosixPath(name)
    hidden = any(piece.startswith((".", "__MACOSX")) for piece in path.parts[-2:])
    return path.suffix.lower() in SUFFIXES and not hidden


def looks(
    pictures: Mapping[str, bytes], largest: int | None = None
) -> tuple[tuple[int, int], bool]:
    """The width and height that suit them all, and whether they are grey; from their headers.

    They keep their size if all agree, or what of it fits into a square of ``largest`` pixels. They
    are grey if none has colour.
    """
    common, grey = shared(pictures)
    return _shrunk(common or MIXED_SIZE, largest), grey


def shared(pictures: Mapping[str, bytes]) -> tuple[tuple[int, int] | None, bool]:
    """The width and height of them all, None where they differ; and whether none has colour."""
    sizes, modes = zip(*ahead(lambda name: _look(name, pictures[name]), pictures), strict=True)
    return sizes[0] if len(set(sizes)) == 1 else None, all(map(is_grey, modes))


def stack(pictures: Mapping[str, bytes], size: tuple[int, int], grey: bool) -> Pixels:
    """Decode images into one (N, C, H, W) array of that width and height."""
    shape = (len(pictures), 1 if grey else 3, size[1], size[0])
    mode = "L" if grey else "RGB"
    return array(lambda name: _decoded(name, pictures[name], size, mode), pictures, shape)


def _look(name: str, data: bytes) -> tuple[tuple[int, int], str]:
    with _opened(name, data) as image:
        return image.size, image.mode


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
        image = converted(name, _opened(name, data), mode)
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
