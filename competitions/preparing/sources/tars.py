"""A tar that nobody has looked at yet: Archive's refusals, and those of a tar's own traps.

Links, devices and sparse files are refused, a second entry of one name as well. What stands before
an entry (its long name, its notes, its map) is read by tarfile at once or in a circle, however long
it claims to be, so the stream beneath gives it little.
"""

import tarfile
import unicodedata
from collections.abc import Iterator
from typing import IO, Any, cast

from competitions.preparing import archives
from competitions.preparing.archives import MAX_MEMBER, MAX_MEMBERS
from competitions.refusals import Refused

MOST_HEADER = 1 << 20  # bytes before one entry
PIECE = 1 << 20


class _TooLong(Exception):
    """An entry's header is longer than any that is taken."""


class _Rationed:
    """The stream below tarfile while it looks for entries."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.renew()

    def renew(self) -> None:
        self._left = MOST_HEADER

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= self._left:
            raise _TooLong
        self._left -= size
        return self._stream.read(size)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class Tarball:
    """The files of an uncompressed tar by name, each checked; ``title`` begins every refusal."""

    def __init__(self, stream: IO[bytes], title: str, max_member: int = MAX_MEMBER) -> None:
        self.title, self._stream, self._max_member = title, stream, max_member
        try:
            self._members = self._survey(_Rationed(stream))
        except _TooLong:
            raise self.refusal("has an entry with an endless header. Pack it again.") from None
        except (tarfile.TarError, EOFError, OSError, ValueError, RecursionError):
            raise self.refusal("is neither a whole zip nor a whole tar. Pack it again.") from None

    @property
    def names(self) -> list[str]:
        """The files, sorted; without folders and without what operating systems leave behind."""
        return sorted(self._members)

    def read(self, name: str) -> bytes:
        return b"".join(self.pieces(name))

    def pieces(self, name: str) -> Iterator[bytes]:
        """The file in pieces; between two of them another may be read."""
        info = self._members[name]
        for at in range(0, info.size, PIECE):
            self._stream.seek(info.offset_data + at)
            wanted = min(PIECE, info.size - at)
            piece = self._stream.read(wanted)
            if len(piece) != wanted:
                raise self.refusal(f"has a damaged file, {name!r}. Pack it again.")
            yield piece

    def refusal(self, sentence: str) -> Refused:
        return Refused(f"The {self.title} {sentence}")

    def _survey(self, stream: _Rationed) -> dict[str, tarfile.TarInfo]:
        members: dict[str, tarfile.TarInfo] = {}
        with tarfile.open(fileobj=cast(IO[bytes], stream), mode="r:") as tar:
            for count, info in enumerate(tar):
                stream.renew()
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
        if archives.is_bad_name(name) and not (info.isdir() and name in ("", ".")):
            raise self.refusal(archives.BAD_NAME.format(name[:100]))
        if not (info.isreg() or info.isdir()) or info.issparse():
            raise self.refusal(f"holds {name!r}, a link or device. Pack the files themselves.")
        if info.size > self._max_member and not name.lower().endswith(".zip"):
            raise self.refusal(
                f"holds {name!r} of {info.size >> 20} MiB; the most is {self._max_member >> 20}."
            )
