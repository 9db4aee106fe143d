"""Small sources of every form, made on the spot, and how a test reads them."""

import io
import pickle
import struct
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
import pytest

from competitions.pictures.examining import Picture
from competitions.preparing.sources import Item, read_source
from competitions.refusals import Refused
from tests.competitions.zips import image
from tests.competitions.zips import packed as zipped

PIXEL = image()


@dataclass(frozen=True)
class Whole:
    """A source with all its pictures read."""

    items: Sequence[Item]
    pictures: Sequence[Picture]

    def read(self, index: int) -> Picture:
        return self.pictures[index]


def whole(stream: IO[bytes], name: str = "x") -> Whole:
    with read_source(stream, name) as found:
        return Whole(found.items, [found.read(n) for n in range(len(found.items))])


def source(files: Mapping[str, bytes], name: str = "upload.zip") -> Whole:
    return whole(io.BytesIO(zipped(files)), name)


def told(found: Whole) -> list[tuple[Any, ...]]:
    return [(item.name, item.label, item.part) for item in found.items]


def refusal(files: Mapping[str, bytes]) -> str:
    with pytest.raises(Refused) as error:
        source(files)
    return str(error.value)


def tar(files: Mapping[str, bytes], mode: Any = "w:gz", **kinds: bytes) -> io.BytesIO:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode) as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.type = len(data), kinds.get("kind", tarfile.REGTYPE)
            info.linkname = "/etc/passwd" if "kind" in kinds else ""
            archive.addfile(info, io.BytesIO(data))
    stream.seek(0)
    return stream


def idx(numbers: np.ndarray) -> bytes:
    return (
        bytes([0, 0, 8, numbers.ndim]) + struct.pack(f">{numbers.ndim}I", *numbers.shape)
    ) + numbers.astype(np.uint8).tobytes()


def batch(labels: list[int], protocol: int = 2) -> bytes:
    data = np.arange(len(labels) * 3072, dtype=np.uint32).astype(np.uint8).reshape(-1, 3072)
    return pickle.dumps({b"data": data, b"labels": labels}, protocol=protocol)


FOLDERS = {"cat/a.png": PIXEL, "cat/b.png": PIXEL, "dog/a.png": PIXEL, "dog/b.png": PIXEL}
