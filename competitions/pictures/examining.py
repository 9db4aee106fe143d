"""Pictures examined by processes that can do nothing else, in the order in which they come.

A decoder is the largest piece of foreign code that an upload meets. So no picture is decoded in a
process that holds a connection, a secret or a label: it goes to a confined child (child.py), and
what comes back is not believed further than its form. A picture that kills its child or holds it
up is unreadable by name; the child is replaced, and the others go on.
"""

import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from threading import Timer
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from competitions.pictures import frames
from competitions.pictures.marks import VIEW_BYTES

PROCESSES = 2
MOST_ARRAYS, MOST_FILES, MOST_THUMBNAILS = 512, 64, 16  # pictures of a batch
MOST_BYTES = 8 << 20  # of a batch
PATIENCE = 30  # seconds for a picture, and for a batch of them
KILLED = "which could not be decoded within the limits. Leave it out or save it anew."
_CHILD = ["-m", "competitions.pictures.child"]
_ROOT = Path(__file__).parents[2]
_ENVIRONMENT = {
    "LANG": "C.UTF-8",
    "TZ": "UTC",
    "PYTHONPATH": str(_ROOT),
    "PYTHONDONTWRITEBYTECODE": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}


@dataclass(frozen=True)
class Raw:
    """A picture that is only numbers yet: (height, width) grey or (height, width, 3) RGB, uint8."""

    pixels: NDArray[np.uint8]


Picture = bytes | Raw


@dataclass(frozen=True)
class Examined:
    """A picture as participants get it, and the marks by which copies are found."""

    data: bytes  # the file: the same pixels without metadata; of a Raw a PNG that is not packed
    suffix: str  # by content, with its dot
    width: int
    height: int
    mode: str  # Pillow's
    digest: bytes  # 16 bytes: equal for equal pixels, however they were stored
    hash: int  # 64 bits, perceptual
    view: bytes  # marks.VIEW_BYTES: the picture, small
    is_constant: bool


@dataclass(frozen=True)
class Unreadable:
    """The sentence goes on after the picture's name."""

    sentence: str


Found = Examined | Unreadable


def examine(
    pictures: Iterable[tuple[int, Picture]], *, processes: int = PROCESSES
) -> Generator[tuple[int, Found], None, None]:
    """Each picture's key with what it is; only some batches are in memory at a time."""
    batches = _batches(iter(pictures))
    with ExitStack() as stack:
        idle = deque(stack.enter_context(_examiner()) for _ in range(processes))
        working: deque[tuple[Examiner, list[tuple[int, Picture]]]] = deque()
        while True:
            while idle and (batch := next(batches, None)):
                examiner = idle.popleft()
                examiner.send([picture for _key, picture in batch])
                working.append((examiner, batch))
            if not working:
                return
            examiner, batch = working.popleft()
            found = examiner.answers([picture for _key, picture in batch])
            idle.append(examiner)
            yield from zip((key for key, _picture in batch), found, strict=True)


def thumbnails(pictures: Iterable[bytes], side: int = 96) -> list[bytes]:
    """A PNG within ``side`` pixels of each; empty where none could be made."""
    remaining = iter(pictures)
    made: list[bytes] = []
    with _examiner() as examiner:
        while batch := list(islice(remaining, MOST_THUMBNAILS)):
            try:
                examiner.ask([{"work": "thumbnails", "side": side}], batch)
                _told, bodies = examiner.reply(PATIENCE)
                made += bodies if len(bodies) == len(batch) else [b""] * len(batch)
            except frames.Broken:
                examiner.replace()
                made += [b""] * len(batch)
    return made


class Examiner:
    """One child, replaced when it dies or is too slow."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory()  # empty: all that the child may write to
        self._process: subprocess.Popen[bytes] | None = None
        self.confinement: list[str] = []  # the measures that are in force, by the child's word

    def send(self, pictures: list[Picture]) -> None:
        """Hands a batch of one kind over; ``answers`` waits for what comes of it."""
        try:
            self.ask(*_request(pictures))
        except frames.Broken:
            self.replace()  # noticed again, and handled, when the answers are asked for

    def answers(self, pictures: list[Picture]) -> list[Found]:
        try:
            return [_found(*each) for each in self._records(len(pictures))]
        except frames.Broken:
            self.replace()
        if len(pictures) == 1:
            return [Unreadable(KILLED)]
        return [self._alone(picture) for picture in pictures]

    def ask(self, head: list[dict[str, Any]], bodies: list[bytes]) -> None:
        process = self._running()
        try:
            frames.write(cast(Any, process.stdin), head, bodies)
        except OSError:
            raise frames.Broken from None

    def reply(self, patience: float) -> frames.Frame:
        process = self._running()
        # Killed, it closes its end, and the reading below comes to it.
        timer = Timer(patience, process.kill)
        timer.start()
        try:
            answer = frames.read(cast(Any, process.stdout))
        finally:
            timer.cancel()
        if answer is None:
            raise frames.Broken
        return answer

    def close(self) -> None:
        self.replace()
        self._folder.cleanup()

    def replace(self) -> None:
        """The present child ends; the next question starts another."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            # What was still to be written to the dead.
            with suppress(OSError):
                cast(Any, stream).close()

    def _alone(self, picture: Picture) -> Found:
        self.send([picture])
        return self.answers([picture])[0]

    def _records(self, count: int) -> Iterator[tuple[dict[str, Any], bytes]]:
        told, bodies = self.reply(PATIENCE)
        if len(told) != count or len(bodies) != count:
            raise frames.Broken
        return zip(told, bodies, strict=True)

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-s", "-P", *_CHILD],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,  # a decoder's warnings may quote what is in a file
                cwd=self._folder.name,
                env=_ENVIRONMENT,
                start_new_session=True,
            )
            told, _nothing = self.reply(PATIENCE)
            self.confinement = list(told[0].get("confinement", []))
        return self._process


_idle: ContextVar[list[Examiner] | None] = ContextVar("idle examiners", default=None)


@contextmanager
def sitting() -> Iterator[None]:
    """Within it a child is kept from one call to the next, and at its end it is gone.

    For one upload: no child that has seen somebody's pictures sees those of somebody else.
    """
    kept: list[Examiner] = []
    token = _idle.set(kept)
    try:
        yield
    finally:
        _idle.reset(token)
        for examiner in kept:
            examiner.close()


@contextmanager
def _examiner() -> Iterator[Examiner]:
    """One that is idle, or a new one. After a fault it is not kept: it may owe an answer."""
    kept = _idle.get()
    examiner = kept.pop() if kept else Examiner()
    is_kept = False
    try:
        yield examiner
        is_kept = kept is not None
    finally:
        if kept is not None and is_kept:
            kept.append(examiner)
        else:
            examiner.close()


def _batches(pictures: Iterator[tuple[int, Picture]]) -> Iterator[list[tuple[int, Picture]]]:
    """Numbers of one shape together, files up to some number and size."""
    batch: list[tuple[int, Picture]] = []
    kind: Any = None
    size = 0
    for key, picture in pictures:
        now, bytes_now = _kind(picture)
        most = MOST_FILES if now is None else MOST_ARRAYS
        if batch and (now != kind or len(batch) >= most or size + bytes_now > MOST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append((key, picture))
        kind, size = now, size + bytes_now
    if batch:
        yield batch


def _kind(picture: Picture) -> tuple[tuple[int, ...] | None, int]:
    if isinstance(picture, Raw):
        return picture.pixels.shape, picture.pixels.nbytes
    return None, len(picture)


def _request(pictures: list[Picture]) -> tuple[list[dict[str, Any]], list[bytes]]:
    first = pictures[0]
    if not isinstance(first, Raw):
        return [{"work": "files"}], cast(list[bytes], pictures)
    stacked = np.stack([cast(Raw, picture).pixels for picture in pictures])
    return [{"work": "arrays", "shape": stacked.shape}], [stacked.tobytes()]


def _found(told: dict[str, Any], data: bytes) -> Found:
    """Raises Broken for a record that is not one."""
    try:
        if "unreadable" in told:
            return Unreadable(str(told["unreadable"]))
        width, height = map(int, told["size"])
        digest, view = bytes.fromhex(told["digest"]), bytes.fromhex(told["view"])
        code = int(told["hash"])
        if len(digest) != 16 or len(view) != VIEW_BYTES or not 0 <= code < 1 << 64:
            raise frames.Broken
        return Examined(
            data=data,
            suffix=str(told["suffix"]),
            width=width,
            height=height,
            mode=str(told["mode"]),
            digest=digest,
            hash=code,
            view=view,
            is_constant=bool(told["constant"]),
        )
    except (KeyError, TypeError, ValueError):
        raise frames.Broken from None
