"""The process in which images are decoded: `python -m competitions.pictures.child`.

It takes away from itself what it does not need before it reads the first byte of an image, then
answers one batch after the other: frames on stdin, frames on stdout (see frames.py).
"""

import io
import os
import runpy
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from competitions.pictures import encoding, fitting, frames, marks, metadata
from competitions.pictures.formats import ENDINGS, FORMATS, MAX_PIXELS

UNREADABLE = "which is not a readable image. Replace it or leave it out."
TOO_LARGE = f"with more than {MAX_PIXELS // 1_000_000} million pixels. Scale it down."
LIMITS = {
    "memory_bytes": 2 << 30,
    "cpu_seconds": 4 * 3600,
    "file_bytes": 1 << 20,
    "open_files": 64,
}
_CONFINEMENT = Path(__file__).parents[2] / "scoring" / "custom" / "confinement.py"


def main() -> None:
    Image.MAX_IMAGE_PIXELS = None  # we ask before we decode
    Image.init()  # the formats' modules, while they can still be read
    _warm()
    confine = runpy.run_path(str(_CONFINEMENT))["confine"]
    out = os.fdopen(os.dup(1), "wb")
    frames.write(out, [{"confinement": confine(LIMITS)}], [])
    while (batch := frames.read(sys.stdin.buffer)) is not None:
        head, bodies = batch
        records = list(_WORK[head[0]["work"]](head[0], bodies))
        frames.write(out, [record for record, _data in records], [data for _, data in records])


def _warm() -> None:
    """What a library loads at its first use is loaded now."""
    stream = io.BytesIO()
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(stream, "PNG")
    for name in ("JPEG", "WEBP", "TIFF", "GIF", "BMP"):
        stream = io.BytesIO()
        Image.new("RGB", (4, 4)).save(stream, name)
        with Image.open(io.BytesIO(stream.getvalue())) as image:
            image.convert("RGB").resize((2, 2))
    marks.hashes(np.zeros((1, 4, 4), np.uint8))


Record = tuple[dict[str, Any], bytes]


def _arrays(head: dict[str, Any], bodies: list[bytes]) -> Iterator[Record]:
    """Numbers of one shape, which become PNGs."""
    pictures = np.frombuffer(bodies[0], np.uint8).reshape(head["shape"])
    hashes, views = marks.hashes(pictures), marks.views(pictures)
    for pixels, code, view in zip(pictures, hashes, views, strict=True):
        height, width = pixels.shape[:2]
        told = {"size": [width, height], "mode": "L" if pixels.ndim == 2 else "RGB"}
        yield _told(pixels, code, view, told | {"suffix": ".png"}), encoding.png(pixels)


def _files(_head: dict[str, Any], bodies: list[bytes]) -> Iterator[Record]:
    for data in bodies:
        try:
            yield _file(data)
        except metadata.Unstrippable as error:
            yield {"unreadable": str(error)}, b""
        except MemoryError:
            raise  # the parent tries each picture of the batch by itself
        except Exception:
            # Pillow's readers raise whatever their formats' arithmetic runs into.
            yield {"unreadable": UNREADABLE}, b""


def _file(data: bytes) -> Record:
    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        if image.width * image.height > MAX_PIXELS:
            return {"unreadable": TOO_LARGE}, b""
        told = {
            "size": [image.width, image.height],
            "mode": image.mode,
            "suffix": ENDINGS[image.format or ""],
        }
        image.load()
        pixels = _pixels(image)
    kept = metadata.stripped(data)
    small = np.asarray(_small(pixels))[None]
    return _told(pixels, marks.hashes(small)[0], marks.views(small)[0], told), kept


def _pixels(image: Image.Image) -> marks.Pixels:
    """Eight bits a channel: RGB, or RGBA where it shines through; deeper ones as they are."""
    if image.mode.startswith(("I", "F")):
        return np.frombuffer(image.tobytes(), np.uint8).reshape(image.height, -1)
    return np.asarray(image.convert("RGBA" if image.has_transparency_data else "RGB"))


def _small(pixels: marks.Pixels) -> Image.Image:
    """Twice what the marks need, so that a large picture costs them nothing."""
    image = Image.fromarray(pixels).convert("RGB")
    size = (min(image.width, 2 * marks.SIDE), min(image.height, 2 * marks.SIDE))
    return image.resize(size, Image.Resampling.BOX, reducing_gap=2.0)


def _told(
    pixels: marks.Pixels, code: Any, view: marks.Pixels, told: dict[str, Any]
) -> dict[str, Any]:
    first = pixels.reshape(-1, *pixels.shape[2:])[0]
    return {
        **told,
        "digest": marks.digest(pixels).hex(),
        "hash": int(code),
        "view": view.tobytes().hex(),
        "constant": bool((pixels == first).all()),
    }


def _thumbnails(head: dict[str, Any], bodies: list[bytes]) -> Iterator[Record]:
    """PNGs that fit into a square; small pictures are enlarged by a whole factor."""
    side = head["side"]
    for data in bodies:
        try:
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                if image.width * image.height > MAX_PIXELS:
                    raise ValueError
                image.draft(None, (2 * side, 2 * side))
                yield {}, _thumbnail(image, side)
        except Exception:
            yield {}, b""


def _thumbnail(image: Image.Image, side: int) -> bytes:
    stream = io.BytesIO()
    fitting.fitted(image, side).save(stream, "PNG")
    return stream.getvalue()


_WORK: dict[str, Callable[[dict[str, Any], list[bytes]], Iterator[Record]]] = {
    "arrays": _arrays,
    "files": _files,
    "thumbnails": _thumbnails,
}

if __name__ == "__main__":
    main()
