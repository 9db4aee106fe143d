"""Every picture of a source looked at once: bytes without metadata on disk, marks in columns.

Memory stays flat in the pictures' bytes: they go to one temporary file and are read back by place
when they are packed. What is kept of each is some hundred bytes.
"""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import IO

import numpy as np
from numpy.typing import NDArray

from competitions.pictures.examining import Examined, Picture, Raw, Unreadable, examine
from competitions.pictures.looking import extent
from competitions.pictures.marks import VIEW_BYTES


@dataclass
class Survey:
    """What is known of the pictures, by their index in the source."""

    spool: IO[bytes]
    places: list[tuple[int, int]] = field(default_factory=list)  # offset and length in the spool
    suffixes: list[str] = field(default_factory=list)
    modes: list[str] = field(default_factory=list)
    widths: list[int] = field(default_factory=list)
    heights: list[int] = field(default_factory=list)
    constant: list[int] = field(default_factory=list)
    unreadable: dict[int, str] = field(default_factory=dict)
    is_raw: bool = False  # the pictures came as numbers, all written by us
    _digests: list[bytes] = field(default_factory=list)
    _hashes: list[int] = field(default_factory=list)
    _views: list[bytes] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.places)

    def data(self, index: int) -> bytes:
        offset, length = self.places[index]
        self.spool.seek(offset)
        return self.spool.read(length)

    @property
    def readable(self) -> NDArray[np.intp]:
        """The indices of the pictures that have marks, ascending."""
        return np.array([i for i in range(len(self)) if i not in self.unreadable], np.intp)

    def digests(self) -> NDArray[np.void]:
        """Of the readable ones, 16 bytes each."""
        return np.frombuffer(b"".join(self._digests), "V16")

    def hashes(self) -> NDArray[np.uint64]:
        """Of the readable ones."""
        return np.array(self._hashes, np.uint64)

    def views(self) -> NDArray[np.uint8]:
        """Of the readable ones, a row each."""
        return np.frombuffer(b"".join(self._views), np.uint8).reshape(-1, VIEW_BYTES)

    def add(self, found: Examined | Unreadable) -> None:
        if isinstance(found, Unreadable):
            self.unreadable[len(self)] = found.sentence
            found = _NOTHING
        else:
            self._digests.append(found.digest)
            self._hashes.append(found.hash)
            self._views.append(found.view)
        if found.is_constant:
            self.constant.append(len(self))
        self.places.append((self.spool.tell(), len(found.data)))
        self.spool.write(found.data)
        self.suffixes.append(found.suffix)
        self.modes.append(found.mode)
        self.widths.append(found.width)
        self.heights.append(found.height)


_NOTHING = Examined(b"", "", 0, 0, "", b"", 0, b"", False)


@contextmanager
def surveyed(
    count: int, read: Callable[[int], Picture], tick: Callable[[], None] = lambda: None
) -> Iterator[Survey]:
    """Examines the pictures 0 to ``count``; ``tick`` is called after each and may end it all."""
    with tempfile.TemporaryFile() as spool:
        survey = Survey(spool)

        def pictures() -> Iterator[tuple[int, Picture]]:
            for index in range(count):
                picture = read(index)
                survey.is_raw = isinstance(picture, Raw)
                yield index, picture

        with closing(examine(pictures())) as examined:
            for _index, found in examined:
                survey.add(found)
                tick()
        yield survey


def spec_of(survey: Survey, indices: Sequence[int]) -> dict[str, object]:
    """Sizes, channels and formats of these pictures: what a page tells of the images."""
    widths = [survey.widths[i] for i in indices]
    heights = [survey.heights[i] for i in indices]
    return {
        **extent(widths, heights, [survey.modes[i] for i in indices]),
        "formats": sorted({survey.suffixes[i].lstrip(".") for i in indices}),
    }
