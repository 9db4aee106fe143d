"""A few pictures of an archive: their sizes and channels, where nobody has noted those of all."""

import zipfile
from collections.abc import Iterator
from typing import IO, Any

from competitions.pictures.examining import Examined, examine
from competitions.pictures.formats import is_named_like_one

LOOKED_AT = 16  # of an archive, spread over it and so over its classes
LARGEST = 32 * 1024**2  # bytes of a picture; a larger one is passed over


def spec_of(archives: list[IO[bytes]]) -> dict[str, Any]:
    """Their extent; empty where no picture could be read."""
    seen = [found for _name, found in examine(_some(archives)) if isinstance(found, Examined)]
    if not seen:
        return {}
    widths, heights = [found.width for found in seen], [found.height for found in seen]
    return extent(widths, heights, [found.mode for found in seen])


def extent(widths: list[int], heights: list[int], modes: list[str]) -> dict[str, Any]:
    """What a challenge keeps of its images: the smallest and the largest side, and the channels."""
    return {
        "width": [min(widths), max(widths)],
        "height": [min(heights), max(heights)],
        "modes": sorted(set(modes)),
    }


def _some(archives: list[IO[bytes]]) -> Iterator[tuple[int, bytes]]:
    count = 0
    for stream in archives:
        with zipfile.ZipFile(stream) as archive:
            members = [
                info
                for info in archive.infolist()
                if is_named_like_one(info.filename) and info.file_size <= LARGEST
            ]
            for info in members[:: max(1, len(members) // LOOKED_AT)][:LOOKED_AT]:
                yield count, archive.read(info)
                count += 1
