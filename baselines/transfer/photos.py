"""Photos in folders of their classes, in train/ and val/ or test/, unpacked or in a zip archive.

What is an image of such a set? Where all photos have one size, as in a challenge that takes models,
it is the photo as it is: the network brings it to its own side (views.py), and so does the file
that a submission of it is. Photos of differing sizes have no such size; of them, the middle is cut
out and brought to side x side here.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

from baselines.data.challenge import SUFFIXES, shared
from baselines.data.dataset import Dataset, Labelled, Labels, Pixels, part_held_out, split
from baselines.data.decoding import Files, array, converted
from baselines.errors import BaselineError, CallError

HELD_OUT = {"val": "validation set", "valid": "validation set", "test": "test set"}
MARGIN = 256 / 224  # the photo is this much larger than what is cut out of its middle
LARGEST = 1024  # pixels: photos of one size with a longer side would take too much memory


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
    """All photos in their size if they share one, else side x side, 150 kB each at 224.

    More than fit into memory lie in a file. Photos without colour have one channel.
    """
    photos = listed(source)
    train, held = photos.train, photos.held
    if held:
        told = HELD_OUT[held[0].part]
    else:
        kept, aside = split(source.stem, _codes(photos, train))
        train, held = tuple(train[at] for at in kept), tuple(train[at] for at in aside)
        told = part_held_out()
    common, grey = shared(photos.files.some(photo.name for photo in (*train, *held)))
    size = common if common and max(common) <= LARGEST else (side, side)
    return Dataset(
        source.stem,
        photos.classes,
        _labelled(photos, train, size, grey),
        _labelled(photos, held, size, grey),
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
    if held and (unseen := sorted(set(classes) - {photo.label for photo in held})):
        raise BaselineError(
            f"{source} has train/{unseen[0]} but no {held[0].part}/{unseen[0]}, so nothing would "
            f"measure that class. Put some of its photos there, or remove train/{unseen[0]}."
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


def stack(pictures: Mapping[str, bytes], size: tuple[int, int], grey: bool) -> Pixels:
    """Decode photos into one (N, C, H, W) array; ``size`` is its width and height.

    A photo of that size is left as it is, of another one its middle is taken: nothing is squashed.
    """
    shape = (len(pictures), 1 if grey else 3, size[1], size[0])
    mode = "L" if grey else "RGB"
    return array(lambda name: _decoded(name, pictures[name], size, mode), pictures, shape)


def _labelled(photos: Photos, part: Sequence[Photo], size: tuple[int, int], grey: bool) -> Labelled:
    pictures = photos.files.some(photo.name for photo in part)
    return Labelled(stack(pictures, size, grey), _codes(photos, part))


def _codes(photos: Photos, part: Sequence[Photo]) -> Labels:
    code = {label: at for at, label in enumerate(photos.classes)}
    return np.array([code[photo.label] for photo in part], np.int64)


def _decoded(name: str, data: bytes, size: tuple[int, int], mode: str) -> Pixels:
    try:
        with Image.open(io.BytesIO(data)) as image:
            if image.size == size:
                found = converted(name, image, mode)
            else:
                found = _middle(name, image, size, mode)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise BaselineError(f"{name} cannot be read as a photo. Remove or replace it.") from error
    pixels = np.asarray(found)
    return pixels[None] if mode == "L" else pixels.transpose(2, 0, 1)


def _middle(name: str, image: Image.Image, size: tuple[int, int], mode: str) -> Image.Image:
    """The largest part of the shape of ``size`` in the middle, less the margin, in that size."""
    enough = round(size[0] * MARGIN), round(size[1] * MARGIN)
    image.draft(mode, enough)  # a JPEG decoded at 1/2, 1/4, 1/8 is soon decoded
    scale = min(image.width / size[0], image.height / size[1]) / MARGIN
    width, height = size[0] * scale, size[1] * scale
    left, top = (image.width - width) / 2, (image.height - height) / 2
    box = (left, top, left + width, top + height)
    return converted(name, image, mode).resize(size, Image.Resampling.BILINEAR, box)
