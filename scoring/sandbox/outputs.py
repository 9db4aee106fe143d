"""The file of a job's answers: made here in its full size, and believed in nothing afterwards.

A job gets it as an open descriptor and can make no other file. Should it yet have put something
else in its place (a link to a secret, a pipe on which a reader waits for ever), that is noticed
before a byte is read.
"""

import os
import stat
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Answers = NDArray[np.float32]  # (N, classes): logits
_NUMBER = 4  # bytes


class BadOutput(Exception):
    """What lies there is not the file that was made, or not full of numbers."""


class OutputFile:
    """float32 (N, classes), row by row, without a head."""

    def __init__(self, path: Path, images: int, classes: int) -> None:
        """Raises OSError where there is no room for it: better than in the midst of a job."""
        self.path, self.shape = path, (images, classes)
        self.descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            if self.bytes:
                _take_room(self.descriptor, self.bytes)
            made = os.fstat(self.descriptor)
        except BaseException:
            self.close()
            raise
        self._made = (made.st_dev, made.st_ino, made.st_uid)

    @property
    def bytes(self) -> int:
        return self.shape[0] * self.shape[1] * _NUMBER

    def close(self) -> None:
        os.close(self.descriptor)

    def read(self) -> Answers:
        """To be called when the job has ended. Raises BadOutput."""
        try:
            # O_NONBLOCK: to open a pipe waits for its other end
            found = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise BadOutput(f"The file of answers cannot be opened ({error.strerror}).") from error
        try:
            self._check(os.fstat(found))
            with os.fdopen(found, "rb", closefd=False) as file:
                data = file.read(self.bytes)
        finally:
            os.close(found)
        if len(data) != self.bytes:
            raise BadOutput("The file of answers changed while it was read.")
        answers = np.frombuffer(data, np.float32).reshape(self.shape)
        if not np.isfinite(answers).all():
            raise BadOutput("Some answers are not finite numbers.")
        return answers

    def _check(self, found: os.stat_result) -> None:
        if not stat.S_ISREG(found.st_mode):
            raise BadOutput("The answers are no regular file.")
        if (found.st_dev, found.st_ino, found.st_uid) != self._made or found.st_nlink != 1:
            raise BadOutput("The answers are not in the file that was made for them.")
        if found.st_size != self.bytes:
            raise BadOutput("The file of answers has another size than it was made with.")


def _take_room(descriptor: int, size: int) -> None:
    if sys.platform == "linux":
        os.posix_fallocate(descriptor, 0, size)
    else:
        os.ftruncate(descriptor, size)
