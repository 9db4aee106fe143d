"""What an upload is packed in: zip or tar, and one level of zips inside. All read as hostile.

A zip is the Archive of the three-file upload, with the same refusals. A tar has its own traps
(links, devices, sparse files, a second entry of one name), which are refused as well.
"""

import bz2
import gzip
import lzma
import os
import tarfile
import tempfile
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import PurePosixPath
from typing import IO, Any, Protocol

from competitions.preparing import archives
from competitions.preparing.archives import MAX_MEMBER, MAX_MEMBERS, MAX_RATIO, MAX_TOTAL, Archive
from competitions.refusals import Refused

TITLE = "archive"
PIECE = 1 << 20
TAR_AT = 257  # where "ustar" stands
PACKED: dict[bytes, Callable[..., Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\x00": lzma.open,
}


class Container(Protocol):
    @property
    def names(self) -> list[str]:
        """The files, sorted; without folders and what operating systems leave behind."""

    def read(self, name: str) -> bytes: ...

    def refusal(self, sentence: str) -> Refused: ...


def opened(stream: IO[bytes], open_files: ExitStack) -> Container:
    """Raises Refused for what is neither a zip nor a tar.

    What is unpacked on the way lies in temporary files, which ``open_files`` closes.
    """
    head = stream.read(8)
    stream.seek(0)
    if head.startswith(b"PK"):
        return _nested(Archive(stream, TITLE), open_files)
    for magic, opener in PACKED.items():
        if head.startswith(magic):
            tar = _unpacked(opener(stream), _size(stream), open_files)
            return _nested(Tarball(tar, TITLE), open_files)
    return _nested(Tarball(stream, TITLE), open_files)


class Tarball:
    """The files of an uncompressed tar by name, each checked."""

    def __init__(self, stream: IO[bytes], title: str) -> None:
        self.title = title
        self._stream = stream
        try:
            self._tar = tarfile.open(fileobj=stream, mode="r:")  # noqa: SIM115 - closed with its stream
            self._members = self._survey()
        except (tarfile.TarError, EOFError, OSError, ValueError):
            raise self.refusal("is neither a whole zip nor a whole tar. Pack it again.") from None

    @property
    def names(self) -> list[str]:
        return sorted(self._members)

    def read(self, name: str) -> bytes:
        member = self._tar.extractfile(self._members[name])
        if member is None:
            raise self.refusal(f"has a damaged file, {name!r}. Pack it again.")
        data = member.read()
        if len(data) != self._members[name].size:
            raise self.refusal(f"has a damaged file, {name!r}. Pack it again.")
        return data

    def refusal(self, sentence: str) -> Refused:
        return Refused(f"The {self.title} {sentence}")

    def _survey(self) -> dict[str, tarfile.TarInfo]:
        members: dict[str, tarfile.TarInfo] = {}
        for count, info in enumerate(self._tar):
            name = unicodedata.normalize("NFC", info.name).removeprefix("./")
            self._refuse_bad(info, name, count)
            if info.isdir() or archives.is_junk(name):
                continue
            if name in members:
                raise self.refusal(f"holds {name!r} twice. Keep one of them.")
            members[name] = info
        return members

    def _refuse_bad(self, info: tarfile.TarInfo, name: str, count: int) -> None:
        if count >= MAX_MEMBERS:
            raise self.refusal(f"has more than {MAX_MEMBERS} entries, the most taken here.")
        if archives.is_bad_name(name) and name not in ("", "."):
            raise self.refusal(archives.BAD_NAME.format(name[:100]))
        if not (info.isreg() or info.isdir()) or info.issparse():
            raise self.refusal(f"holds {name!r}, a link or device. Pack the files themselves.")
        if info.size > MAX_MEMBER and not name.endswith(".zip"):
            raise self.refusal(
                f"holds {name!r} of {info.size >> 20} MiB; the most is {MAX_MEMBER >> 20}."
            )


class Nested:
    """A container whose zips are opened too: their files stand in folders called like them."""

    def __init__(self, outer: Container, inner: dict[str, Archive]) -> None:
        self._outer, self._inner = outer, inner
        self._of: dict[str, tuple[Archive, str]] = {
            f"{name.removesuffix('.zip')}/{member}": (archive, member)
            for name, archive in inner.items()
            for member in archive.names
        }

    @property
    def names(self) -> list[str]:
        return sorted({*(n for n in self._outer.names if n not in self._inner), *self._of})

    def read(self, name: str) -> bytes:
        if name in self._of:
            archive, member = self._of[name]
            return archive.read(member)
        return self._outer.read(name)

    def refusal(self, sentence: str) -> Refused:
        return self._outer.refusal(sentence)


def _nested(outer: Archive | Tarball, open_files: ExitStack) -> Container:
    zips = [name for name in outer.names if PurePosixPath(name).suffix.lower() == ".zip"]
    if not zips:
        return outer
    inner = {name: Archive(_spooled(outer, name, open_files), f"zip {name!r}") for name in zips}
    return Nested(outer, inner)


def _spooled(outer: Archive | Tarball, name: str, open_files: ExitStack) -> IO[bytes]:
    """An inner zip as a file of its own: it must be read in any order."""
    spool = open_files.enter_context(tempfile.TemporaryFile())  # noqa: SIM115
    spool.write(outer.read(name))
    spool.seek(0)
    return spool


def _unpacked(stream: IO[bytes], size: int, open_files: ExitStack) -> IO[bytes]:
    """The tar within, in a temporary file; raises Refused where it swells beyond measure."""
    spool = open_files.enter_context(tempfile.TemporaryFile())  # noqa: SIM115
    total = 0
    try:
        for piece in _pieces(stream):
            total += len(piece)
            if total > MAX_TOTAL or (total > 1 << 26 and total > MAX_RATIO * size):
                raise Refused(
                    f"The {TITLE} unpacks to more than {MAX_TOTAL >> 30} GiB or {MAX_RATIO} times "
                    "its size. Pack ordinary images."
                )
            spool.write(piece)
    except (OSError, EOFError, lzma.LZMAError):
        raise Refused(f"The {TITLE} is damaged. Pack it again and upload it.") from None
    spool.seek(0)
    return spool


def _pieces(stream: IO[bytes]) -> Iterator[bytes]:
    return iter(partial(stream.read, PIECE), b"")


def _size(stream: IO[bytes]) -> int:
    size = stream.seek(0, os.SEEK_END)
    stream.seek(0)
    return size
