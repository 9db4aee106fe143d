"""Test images as small pictures, drawn by the confined child and kept while there is room."""

import zipfile
from collections import OrderedDict
from collections.abc import Sequence

import structlog

from competitions import files
from competitions.models import Competition, DataFile
from competitions.pictures.examining import thumbnails

log = structlog.get_logger(__name__)

ARCHIVE = "test.zip"
SIDE = 112  # pixels: twice the size at which pages show them
LARGEST = 32 * 1024**2  # bytes of an image; a larger one stays without a picture
KEPT = 2000  # pictures of a worker, a few kilobytes each

Key = tuple[str, str]
_drawn: "OrderedDict[Key, bytes]" = OrderedDict()


class Gallery:
    """The test images of one challenge."""

    def __init__(self, competition: Competition) -> None:
        found = DataFile.objects.filter(competition=competition, name=ARCHIVE)
        self._path: str = found.values_list("path", flat=True).first() or ""

    def of(self, names: Sequence[str]) -> dict[str, bytes]:
        """A PNG of each image that could be drawn, by its id."""
        missing = [name for name in names if (self._path, name) not in _drawn]
        if missing and self._path:
            self._draw(missing)
        kept = {name: _drawn.get((self._path, name), b"") for name in names}
        return {name: png for name, png in kept.items() if png}

    def _draw(self, names: Sequence[str]) -> None:
        try:
            images = self._read(names)
        except (OSError, zipfile.BadZipFile) as error:
            log.warning("test images cannot be read", reason=type(error).__name__)
            return
        pictures = thumbnails(images.values(), SIDE)
        for name, png in zip(images, pictures, strict=True):
            _drawn[self._path, name] = png
        while len(_drawn) > KEPT:
            _drawn.popitem(last=False)

    def _read(self, names: Sequence[str]) -> dict[str, bytes]:
        """The files of these ids, which are member names with or without their suffix."""
        with files.storage("data").open(self._path) as stream, zipfile.ZipFile(stream) as archive:
            members = {info.filename: info for info in archive.infolist()}
            bare = {name.rpartition(".")[0]: info for name, info in members.items()}
            found = {name: members.get(name) or bare.get(name) for name in names}
            return {
                name: archive.read(info)
                for name, info in found.items()
                if info is not None and info.file_size <= LARGEST
            }
