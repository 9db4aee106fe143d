"""Photos in folders of their classes, in train/ and val/ or test/, unpacked or in a zip archive."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

from baselines.data.challenge import SUFFIXES
from baselines.data.dataset import Dataset, Labelled, Labels, Pixels, part_held_out, split
from baselines.data.decoding import Files, array
from baselines.errors import BaselineError, CallError

HELD_OUT = {"val": "validation set", "valid": "validation set", "test": "test set"}
MARGIN = 256 / 224  # the shorter side is this much larger than the crop from the middle


@dataclass(frozen=True)
class Photo:
    name: str  # the path inside its folder or archive
    part: str  # train, val, test
    label: str


@dataclass(frozen=True)
class Photos:
    files: Files
    classes: tuple[str, ...]
    train: tuple[Photo, ...]
    held: tuple[Photo, ...]  # empty where there is only train/


def read(source: Path, side: int = 224) -> Dataset:
    """All photos, side x side, 150 kB each at 224; more than fit into memory lie in a file."""
    photos = listed(source)
    train, held = photos.train, photos.held
    if held:
        told = HELD_OUT[held[0].part]
    else:
        kept, aside = split(source.stem, _codes(photos, train))
        train, held = tuple(train[at] for at in kept), tuple(train[at] for at in aside)
        told = part_held_out()
    return Dataset(
        source.stem,
        photos.classes,
        _labelled(photos, train, side),
        _labelled(photos, held, side),
        told,
    )


def listed(source: Path) -> Photos:
    """What a folder or an archive holds, by name only."""
    files = Files(source)
    photos = [photo for name in files if (photo := _placed(name))]
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
    return Photos(files, classes, train, held)


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


def _labelled(photos: Photos, part: Sequence[Photo], side: int) -> Labelled:
    names = [photo.name for photo in part]
    shape = (len(part), 3, side, side)
    pixels = array(lambda name: _square(name, photos.files, side), names, shape)
    return Labelled(pixels, _codes(photos, part))


def _codes(photos: Photos, part: Sequence[Photo]) -> Labels:
    code = {label: at for at, label in enumerate(photos.classes)}
    return np.array([code[photo.label] for photo in part], np.int64)


def _square(name: str, files: Files, side: int) -> Pixels:
    """The middle of a photo, side x side, (3, side, side)."""
    try:
        with Image.open(io.BytesIO(files[name])) as image:
            enough = round(side * MARGIN)
            image.draft("RGB", (enough, enough))  # a JPEG decoded at 1/2, 1/4, 1/8 is soon decoded
            width, height = image.size
            crop = min(width, height) / MARGIN
            left, top = (width - crop) / 2, (height - crop) / 2
            square = image.convert("RGB").resize(
                (side, side), Image.Resampling.BILINEAR, (left, top, left + crop, top + crop)
            )
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise BaselineError(f"{name} cannot be read as a photo. Remove or replace it.") from error
    return np.asarray(square).transpose(2, 0, 1)
