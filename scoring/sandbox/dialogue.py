"""The server's side of one job: hears it, hands it what it may have by now, keeps the time.

Everything that comes from the job is taken for hostile: lines and records are cut to their size,
nothing is waited for without a deadline, and what it goes on saying when it is no longer asked is
not read.
"""

import itertools
import json
import os
import selectors
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from scoring.sandbox import protocol
from scoring.sandbox.protocol import RECORD, Step

_TICK = 0.1  # seconds between two questions whether the run was cancelled
_GRACE = 5.0  # seconds in which the warm process has to end a job
_NUMBERS = itertools.count(1)  # of jobs: a "stop" may come when its job has ended already
_PARTS = 100  # in which a job's progress is told
_CHUNK = 4096 * RECORD.size


class Over(Exception):
    """The job will not say any more. `status` is that of its process, negative for a signal."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Late(Exception):
    """Its time is up."""


class Cancelled(Exception):
    """Nobody wants it any more."""


class Nonsense(Exception):
    """What it said is nothing that our program would say."""


class WarmProcessLost(Exception):
    """The process that forks the jobs does not answer."""


class Dialogue:
    """Two ends for the job, a socket for lines and a pipe for records, and the warm process."""

    def __init__(
        self, warm: socket.socket, deadline: float, cancelled: Callable[[], bool] | None
    ) -> None:
        self._warm, self._deadline, self._cancelled = warm, deadline, cancelled
        self._number = next(_NUMBERS)
        self._talk, self._theirs = socket.socketpair()
        self._records, self._their_records = os.pipe()
        for end in (self._records, self._their_records):
            os.set_blocking(end, False)  # a job does not wait for us either
        self._said, self._recorded = bytearray(), bytearray()
        self._total = self._answered = 0
        self._verdict: tuple[Step, int] | None = None
        self._status: int | None = None
        self._selector = selectors.DefaultSelector()
        self._selector.register(warm, selectors.EVENT_READ, self._hear_warm)
        self._selector.register(self._talk, selectors.EVENT_READ, self._hear_line)
        self._selector.register(self._records, selectors.EVENT_READ, self._hear_records)

    def begin(self, limits: Mapping[str, Any]) -> None:
        """Have the job forked. Raises WarmProcessLost."""
        ends = (self._theirs.fileno(), self._their_records)
        self._tell_warm({"job": self._number, "limits": limits}, ends)
        self._theirs.close()
        os.close(self._their_records)
        self._their_records = -1

    def line(self) -> dict[str, Any]:
        """What the job says next. Raises all of the above."""
        while b"\n" not in self._said:
            if len(self._said) >= protocol.MAX_LINE:
                raise Nonsense
            self._wait()
        line, _, rest = self._said.partition(b"\n")
        self._said = rest
        try:
            said = json.loads(line)
        except (ValueError, RecursionError):
            raise Nonsense from None
        if not isinstance(said, dict):
            raise Nonsense
        return said

    def hand(self, message: Mapping[str, Any], descriptors: Sequence[int]) -> None:
        try:
            protocol.send(self._talk, message, descriptors)
        except OSError:
            self._wait_for_end()

    def verdict(self, total: int, progress: Callable[[int], None]) -> tuple[Step, int]:
        """How the answering went; `progress` hears how many of `total` images are answered."""
        self._forget(self._talk)
        self._total = total
        told = 0
        while self._verdict is None:
            self._wait()
            if told < self.answered:
                told = self.answered
                progress(told)
        return self._verdict

    @property
    def answered(self) -> int:
        """Images, by the job's own word, in hundredths of all: exact numbers could carry pixels."""
        if not self._total or self._answered > self._total:
            return 0
        return self._answered * _PARTS // self._total * self._total // _PARTS

    def end(self) -> None:
        """The job's process is gone when this returns. Raises WarmProcessLost."""
        self._forget(self._talk)
        self._forget(self._records)
        try:
            if self._status is None:
                self._tell_warm({"stop": self._number}, ())
                self._deadline, self._cancelled = time.monotonic() + _GRACE, None
                self._wait_for_end()
        except Over:
            pass
        except Late:
            raise WarmProcessLost from None

    def close(self) -> None:
        self._selector.close()
        self._talk.close()
        self._theirs.close()
        os.close(self._records)
        if self._their_records >= 0:
            os.close(self._their_records)

    def _wait(self) -> None:
        """Hear whoever speaks within a tick. Raises Over, Late, Cancelled or WarmProcessLost."""
        if self._status is not None:
            raise Over(self._status)
        if self._cancelled is not None and self._cancelled():
            raise Cancelled
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise Late
        for key, _ in self._selector.select(min(left, _TICK)):
            key.data()
        self._hear_last_words()

    def _hear_last_words(self) -> None:
        """Which may have come between what was heard and the end of the process."""
        if self._status is not None:
            for key in [*self._selector.get_map().values()]:
                if key.fileobj is not self._warm:
                    key.data()

    def _wait_for_end(self) -> None:
        while True:
            self._wait()

    def _hear_warm(self) -> None:
        try:
            message, _ = protocol.receive(self._warm)
        except (OSError, ValueError):
            message = None
        if message is None:
            raise WarmProcessLost
        if message["job"] == self._number:
            self._status = message["ended"]

    def _hear_line(self) -> None:
        try:
            heard = self._talk.recv(protocol.MAX_LINE, socket.MSG_DONTWAIT)
        except OSError:
            return
        if not heard:
            self._forget(self._talk)
        self._said += heard[: protocol.MAX_LINE - len(self._said)]

    def _hear_records(self) -> None:
        try:
            heard = os.read(self._records, _CHUNK)
        except BlockingIOError:
            return
        if not heard:
            self._forget(self._records)
        self._recorded += heard
        whole = len(self._recorded) // RECORD.size * RECORD.size
        records = bytes(self._recorded[:whole])
        del self._recorded[:whole]
        for step, number in RECORD.iter_unpack(records):
            if step == Step.ANSWERED:
                self._answered = max(self._answered, number)
            elif self._verdict is None:
                self._verdict = _known(step), number

    def _forget(self, end: socket.socket | int) -> None:
        if end in self._selector.get_map():
            self._selector.unregister(end)

    def _tell_warm(self, message: Any, descriptors: Sequence[int]) -> None:
        try:
            protocol.send(self._warm, message, descriptors)
        except OSError as error:
            raise WarmProcessLost from error


def _known(step: int) -> Step:
    try:
        return Step(step)
    except ValueError:
        raise Nonsense from None
