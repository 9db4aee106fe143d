"""What an upload is packed in: zip or tar, and one level of zips inside. All read as hostile.

A zip is the Archive of the three-file upload, a tar the Tarball; what is packed around a tar, and
the zips inside, are unpacked into temporary files, for both must be read in any order.
"""

import bz2
import gzip
import lzma
import os
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import PurePosixPath
from typing import IO, Any, Protocol

from competitions.preparing.archives import MAX_MEMBERS, MAX_RATIO, MAX_TOTAL, Archive
from competitions.preparing.sources.tars import Tarball
from competitions.refusals import Refused

TITLE = "archive"
MAX_FILE = 200 << 20  # bytes of a member: above an image's, for whole sets come as one file
MAX_INNER = 16  # zips within
MOST_DICTIONARY = 256 << 20  # bytes that xz may set aside; its strongest preset takes 65 MiB
PIECE = 1 << 20
RATIO_MATTERS_FROM = 64 << 20


class Container(Protocol):
    @property
    def names(self) -> list[str]:
        """The files, sorted; without folders and without what operating systems leave behind."""

    def read(self, name: str) -> bytes: ...

    def refusal(self, sentence: str) -> Refused: ...


def opened(
    stream: IO[bytes], open_files: ExitStack, alive: Callable[[], None] = lambda: None
) -> Container:
    """Raises Refused for what is neither a zip nor a tar.

    What is unpacked on the way lies in temporary files, which ``open_files`` closes; ``alive`` is
    called meanwhile, for gigabytes take longer than a lease, and may end it by raising.
    """
    head = stream.read(12)
    stream.seek(0)
    _refuse_what_is_chosen_instead(head)
    if head.startswith(b"PK"):
        return _nested(Archive(stream, TITLE, MAX_FILE), open_files, alive)
    for magic, pieces in PACKED.items():
        if head.startswith(magic):
            packed = _ticking(pieces(stream), alive)
            stream = _unpacked(packed, _size(stream), open_files)
    return _nested(Tarball(stream, TITLE, MAX_FILE), open_files, alive)


def _refuse_what_is_chosen_instead(head: bytes) -> None:
    """The commonest of it, by its first bytes. Raises Refused."""
    if head.startswith((b"Rar!", b"7z\xbc\xaf")):
        raise Refused("This is a RAR or 7z archive, and neither is read here. Pack a zip instead.")
    if head.startswith((b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"BM")) or head[8:] == b"WEBP":
        raise Refused("This is a single image. Choose the folder of images, or a zip of it.")


def _ticking(pieces: Iterable[bytes], tick: Callable[[], None]) -> Iterator[bytes]:
    for piece in pieces:
        tick()
        yield piece


class Nested:
    """A container whose zips are opened too: their files stand in folders called like them."""

    def __init__(self, outer: Archive | Tarball, inner: dict[str, Archive]) -> None:
        self._outer = outer
        self._of = {name: (outer, name) for name in outer.names if name not in inner}
        for name, archive in inner.items():
            for member in archive.names:
                self._add(f"{name[: -len('.zip')]}/{member}", archive, member)

    @property
    def names(self) -> list[str]:
        return sorted(self._of)

    def read(self, name: str) -> bytes:
        container, member = self._of[name]
        return container.read(member)

    def refusal(self, sentence: str) -> Refused:
        return self._outer.refusal(sentence)

    def _add(self, name: str, archive: Archive, member: str) -> None:
        if name in self._of:
            raise self.refusal(f"holds {name!r} twice, in a folder and in a zip. Keep one of them.")
        if len(self._of) >= MAX_MEMBERS:
            raise self.refusal(f"has more than {MAX_MEMBERS} entries, the most taken here.")
        self._of[name] = archive, member


def _nested(outer: Archive | Tarball, open_files: ExitStack, tick: Callable[[], None]) -> Container:
    zips = [name for name in outer.names if PurePosixPath(name).suffix.lower() == ".zip"]
    if not zips:
        return outer
    if len(zips) > MAX_INNER:
        raise outer.refusal(f"holds {len(zips)} zips, and the most is {MAX_INNER}. Unpack them.")
    inner: dict[str, Archive] = {}
    for name in zips:
        spool = _spooled(_ticking(outer.pieces(name), tick), open_files)
        inner[name] = Archive(spool, f"zip {name!r}", MAX_FILE)
        if sum(each.unpacked for each in inner.values()) > MAX_TOTAL:
            raise outer.refusal(f"unpacks to more than {MAX_TOTAL >> 30} GiB, the most taken here.")
    return Nested(outer, inner)


def _spooled(pieces: Iterable[bytes], open_files: ExitStack) -> IO[bytes]:
    spool = open_files.enter_context(tempfile.TemporaryFile())  # noqa: SIM115
    spool.writelines(pieces)
    spool.seek(0)
    return spool


def _unpacked(pieces: Iterable[bytes], size: int, open_files: ExitStack) -> IO[bytes]:
    """The tar within, in a temporary file; raises Refused where it is damaged or swells."""
    try:
        return _spooled(_measured(pieces, size), open_files)
    except (OSError, EOFError, zlib.error, lzma.LZMAError):
        raise Refused(f"The {TITLE} is damaged. Pack it again and upload it.") from None


def _measured(pieces: Iterable[bytes], size: int) -> Iterator[bytes]:
    total = 0
    for piece in pieces:
        total += len(piece)
        if total > MAX_TOTAL or (total > RATIO_MATTERS_FROM and total > MAX_RATIO * size):
            raise Refused(
                f"The {TITLE} unpacks to more than {MAX_TOTAL >> 30} GiB or {MAX_RATIO} times "
                "its size. Pack ordinary images."
            )
        yield piece


def _through(opener: Callable[..., Any], stream: IO[bytes]) -> Iterator[bytes]:
    return iter(partial(opener(stream).read, PIECE), b"")


def _of_xz(stream: IO[bytes]) -> Iterator[bytes]:
    """lzma.open would set aside whatever memory the file's head asks for."""
    xz = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MOST_DICTIONARY)
    while not xz.eof:
        data = stream.read(PIECE) if xz.needs_input else b""
        if xz.needs_input and not data:
            raise EOFError
        yield xz.decompress(data, PIECE)


PACKED: dict[bytes, Callable[[IO[bytes]], Iterator[bytes]]] = {
    b"\x1f\x8b": partial(_through, gzip.open),
    b"BZh": partial(_through, bz2.open),
    b"\xfd7zXZ\x00": _of_xz,
}


def _size(stream: IO[bytes]) -> int:
    size = stream.seek(0, os.SEEK_END)
    stream.seek(0)
    return size
