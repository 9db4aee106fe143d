"""What participants download, packed so that nothing but the images is told.

Members are sorted by name, with one time and one mode for all: the order, the dates and the
owners of the organiser's own archive stay at home.
"""

import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from typing import IO

from competitions import files
from competitions.files import Stored

EPOCH = (1980, 1, 1, 0, 0, 0)
UNIX, REGULAR_FILE = 3, 0o100644 << 16
UNPACKED_FORMATS = (".bmp", ".tif", ".tiff")


def pack(images: Iterable[tuple[str, bytes]], *, deflate: bool = False) -> Stored:
    """A zip archive of the images, stored among the data files.

    ``deflate`` is for images that are not packed themselves, so that all have one size.
    """
    with tempfile.TemporaryFile() as draft:
        with zipfile.ZipFile(draft, "w") as archive:
            for name, data in images:
                archive.writestr(_member(name, deflate), data)
        draft.seek(0)
        return files.store("data", _chunks(draft))


def _member(name: str, deflate: bool) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, EPOCH)
    info.create_system, info.external_attr = UNIX, REGULAR_FILE
    unpacked = deflate or name.lower().endswith(UNPACKED_FORMATS)
    info.compress_type = zipfile.ZIP_DEFLATED if unpacked else zipfile.ZIP_STORED
    return info


def _chunks(stream: IO[bytes]) -> Iterator[bytes]:
    while chunk := stream.read(files.CHUNK):
        yield chunk
