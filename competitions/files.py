"""Where bytes lie. Every file is stored under the hash of its content and never served by path.

Three places: ``solutions`` (private, read by scoring tasks alone), ``data`` (what participants
download through an authorising door) and ``submissions`` (what they sent).
"""

import hashlib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Literal

from django.core.files.base import File
from django.core.files.storage import Storage, storages

from competitions import model_rules
from competitions.models import Competition, DataFile
from competitions.refusals import FileTooLarge, NotFound
from scoring.decoding import MAX_BYTES, byte_cap

Place = Literal["solutions", "data", "submissions"]
CHUNK = 1024 * 1024
SAMPLE = "sample_submission.csv"
MOST_OF_A_NUMBER = 32  # bytes, its comma included
NOTHING_MORE = "Send one row per image and nothing more."


@dataclass(frozen=True)
class Stored:
    path: str
    size: int
    sha256: str


def storage(place: Place) -> Storage:
    return storages[place]


def store(
    place: Place, chunks: Iterator[bytes], *, limit: int | None = None, advice: str = NOTHING_MORE
) -> Stored:
    """Writes the chunks under their SHA-256, once for equal content.

    Raises FileTooLarge, with the advice, as soon as more than ``limit`` bytes have come.
    """
    digest, size = hashlib.sha256(), 0
    with tempfile.SpooledTemporaryFile(max_size=8 * CHUNK) as spool:
        for chunk in chunks if limit is None else within(limit, chunks, advice):
            size += len(chunk)
            digest.update(chunk)
            spool.write(chunk)
        spool.seek(0)
        return _keep(place, spool, size, digest.hexdigest())


def within(limit: int, chunks: Iterator[bytes], advice: str = NOTHING_MORE) -> Iterator[bytes]:
    """The chunks. Raises FileTooLarge, with the advice, as soon as they are more than ``limit``."""
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > limit:
            raise FileTooLarge(
                f"The file is larger than {_megabytes(limit)}, the most this challenge takes. "
                f"{advice}"
            )
        yield chunk


def store_bytes(place: Place, content: bytes) -> Stored:
    return store(place, iter([content]))


def read(place: Place, path: str) -> bytes:
    with storage(place).open(path) as file:
        return bytes(file.read())


def delete(place: Place, path: str) -> None:
    """For what no row names: equal contents share a path, so the caller makes sure of it."""
    storage(place).delete(path)


def downloads(competition: Competition) -> list[DataFile]:
    """What participants may have: in a challenge that takes models alone, no test images."""
    kept_here = model_rules.withheld(competition)
    return [file for file in competition.files.all() if file.name not in kept_here]


def data_file(competition: Competition, name: str) -> DataFile:
    """A file that participants may have. Raises NotFound, naming those."""
    there = downloads(competition)
    found = next((file for file in there if file.name == name), None)
    if found is None:
        names = ", ".join(file.name for file in there) or "none yet"
        raise NotFound(f"This challenge has no file {name!r}. Its files: {names}.")
    return found


def open_data(file: DataFile) -> IO[bytes]:
    """A seekable stream of the file's bytes; the caller closes it."""
    return storage("data").open(file.path)


def submission_limit(competition: Competition) -> int:
    """The most bytes that a submission may have."""
    sample = competition.files.filter(name=SAMPLE).first()
    return byte_cap(sample.size) if sample else MAX_BYTES


def scoring_limit(competition: Competition) -> int:
    """The most bytes that are scored: what a model answers here is written with every digit, so
    many classes make more of it than a team may send."""
    allowed, sample = submission_limit(competition), competition.files.filter(name=SAMPLE).first()
    if sample is None or competition.solution is None or not model_rules.of(competition):
        return allowed
    columns = len(competition.solution.classes) + 1
    return max(allowed, sample.size + (sample.rows or 0) * columns * MOST_OF_A_NUMBER)


def _keep(place: Place, spool: IO[bytes], size: int, sha256: str) -> Stored:
    path = f"{sha256[:2]}/{sha256}"
    target = storage(place)
    if not _renew(target, path) or target.size(path) != size:
        path = target.save(path, File(spool))
    return Stored(path=path, size=size, sha256=sha256)


def _renew(target: Storage, path: str) -> bool:
    """Whether it lies there; if so it is new again, for tidying.py takes what is old and unnamed.

    The caller's row, which will name it, is written only later.
    """
    try:
        os.utime(target.path(path))
    except FileNotFoundError:
        return False
    return True


def _megabytes(size: int) -> str:
    return f"{size / CHUNK:.0f} MiB"
