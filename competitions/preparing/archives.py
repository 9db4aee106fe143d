"""Reading a zip archive that nobody has looked at yet. Nothing is ever extracted to disk.

Python's zipfile resolves ``..``, writes links as files, lets the second of two equal names win and
knows no limit of size, so each of these is refused here, by name, before a byte is read.
"""

import os
import stat
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import takewhile
from pathlib import PurePosixPath
from typing import IO, Any, cast

from competitions.refusals import Refused

MAX_MEMBERS = 200_000
MAX_TOTAL = 20 << 30  # bytes, unpacked
MAX_MEMBER = 64 << 20
MAX_DIRECTORY = 64 << 20  # bytes of the archive's own list, some 330 for each entry
ENTRY = b"PK\x01\x02"  # begins each of them
PIECE = 64 << 10
MAX_RATIO = 200  # deflate reaches 1032; photographs stay near 1
RATIO_MATTERS_FROM = 1 << 20
METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
BAD_NAME = (
    "holds the name {!r}, which leads out of it or is not a plain name. "
    "Pack only files and folders with ordinary names."
)
JUNK = {".DS_Store", "Thumbs.db", "desktop.ini"}


class _TooMany(Exception):
    """The archive's list is longer than any that is taken."""


class _Counted:
    """The stream below zipfile, which reads the list of entries at once and makes an object of
    each, however many the archive's last record admits to: so they are counted as they are read."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def read(self, size: int = -1) -> bytes:
        if size > MAX_DIRECTORY:
            raise _TooMany
        data = self._stream.read(size)
        if data.count(ENTRY) > MAX_MEMBERS:
            raise _TooMany
        return data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class Archive:
    """The files of an archive by name, each checked; ``title`` begins every refusal."""

    def __init__(self, stream: IO[bytes], title: str, max_member: int = MAX_MEMBER) -> None:
        self.title, self._max_member = title, max_member
        try:
            self._zip = zipfile.ZipFile(cast(IO[bytes], _Counted(stream)))
        except _TooMany:
            raise self.refusal(
                f"has more than {MAX_MEMBERS} entries, the most taken here."
            ) from None
        except (zipfile.BadZipFile, ValueError, OSError):
            raise self.refusal("is not a whole zip archive. Pack it again and upload it.") from None
        self._refuse_bombs(stream.seek(0, os.SEEK_END))
        self._members = self._survey()

    @property
    def names(self) -> list[str]:
        """The files, sorted; without folders and without what operating systems leave behind."""
        return sorted(self._members)

    @property
    def unpacked(self) -> int:
        """The bytes of all files together."""
        return sum(info.file_size for info in self._members.values())

    def read(self, name: str) -> bytes:
        return b"".join(self.pieces(name))

    def pieces(self, name: str) -> Iterator[bytes]:
        """The file in pieces: all at once zipfile inflates first and cuts to the size after."""
        info = self._members[name]
        try:
            with self._zip.open(info) as member:
                yield from iter(partial(member.read, PIECE), b"")
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError):
            raise self.refusal(f"has a damaged file, {name!r}. Pack it again.") from None

    def refusal(self, sentence: str) -> Refused:
        return Refused(f"The {self.title} {sentence}")

    def _refuse_bombs(self, size: int) -> None:
        infos = self._zip.infolist()
        if sum(info.file_size for info in infos) > MAX_TOTAL:
            raise self.refusal(f"unpacks to more than {MAX_TOTAL >> 30} GiB, the most taken here.")
        if sum(info.compress_size for info in infos) > size:
            raise self.refusal("has entries that overlap: it is not an ordinary zip archive.")

    def _survey(self) -> dict[str, zipfile.ZipInfo]:
        members: dict[str, zipfile.ZipInfo] = {}
        for info in self._zip.infolist():
            name = unicodedata.normalize("NFC", info.filename)
            self._refuse_bad_name(info, name)
            if info.is_dir() or is_junk(name):
                continue
            self._refuse_bad_member(info, name)
            if name in members:
                raise self.refusal(f"holds {name!r} twice. Keep one of them.")
            members[name] = info
        return members

    def _refuse_bad_name(self, info: zipfile.ZipInfo, name: str) -> None:
        if "\x00" in info.orig_filename or is_bad_name(name):
            raise self.refusal(BAD_NAME.format(name[:100]))

    def _refuse_bad_member(self, info: zipfile.ZipInfo, name: str) -> None:
        if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
            raise self.refusal(f"holds {name!r}, a link or device. Pack the files themselves.")
        if info.flag_bits & 0x1:
            raise self.refusal(f"is encrypted ({name!r}). Pack it without a password.")
        if info.compress_type not in METHODS:
            raise self.refusal(f"packs {name!r} in an unusual way. Use ordinary zip (deflate).")
        # A zip within is opened in its turn, with the same limits.
        if info.file_size > self._max_member and not name.lower().endswith(".zip"):
            raise self.refusal(
                f"holds {name!r} of {info.file_size >> 20} MiB; "
                f"the most is {self._max_member >> 20}."
            )
        swollen = info.file_size > MAX_RATIO * max(info.compress_size, 1)
        if swollen and info.file_size > RATIO_MATTERS_FROM:
            raise self.refusal(
                f"holds {name!r}, which unpacks to more than {MAX_RATIO} times its packed size. "
                "No photograph does; leave it out."
            )


def is_bad_name(name: str) -> bool:
    """Whether it leads out of its archive, or would not be a plain name everywhere."""
    return (
        "\\" in name
        or name.startswith("/")
        or name[1:2] == ":"
        or any(part in ("", ".", "..") for part in name.removesuffix("/").split("/"))
        or any(unicodedata.category(character) == "Cc" for character in name)
    )


def is_junk(name: str) -> bool:
    path = PurePosixPath(name)
    return "__MACOSX" in path.parts or path.name in JUNK or path.name.startswith("._")


def common_folder(names: Iterable[str]) -> str:
    """The folder that holds them all, with its slash; empty where there is none."""
    folders = [PurePosixPath(name).parts[:-1] for name in names]
    common = takewhile(lambda parts: len(set(parts)) == 1, zip(*folders, strict=False))
    return "".join(f"{parts[0]}/" for parts in common)
