"""The three pipes between this process and a metric's."""

import os
import selectors
import time
from dataclasses import dataclass
from typing import IO, Any

# Two texts of 16 Ki characters, each character at most 12 bytes in JSON. A longer answer is cut
# here, and what is cut is no JSON.
_MAX_ANSWER_BYTES = 1 << 20
_CHUNK = 64 << 10  # bytes: what a pipe holds on Linux


@dataclass(frozen=True)
class Pipes:
    """This process's ends, all without a buffer."""

    request: IO[bytes]
    log: IO[bytes]
    answers: IO[bytes]


class Inbox:
    """Keeps the first `cap` bytes and reads on, or the writer would wait for ever."""

    def __init__(self, cap: int) -> None:
        self.kept = bytearray()
        self._cap = cap

    def move(self, descriptor: int) -> bool:
        """Take what is there; False at the end."""
        data = os.read(descriptor, _CHUNK)
        self.kept += data[: self._cap - len(self.kept)]
        return bool(data)


class _Outbox:
    def __init__(self, data: bytes) -> None:
        self._left = memoryview(data)

    def move(self, descriptor: int) -> bool:
        """Give what the pipe takes; False when all is given or nobody reads."""
        try:
            sent = os.write(descriptor, self._left[:_CHUNK])
        except BrokenPipeError:
            return False
        self._left = self._left[sent:]
        return len(self._left) > 0


class Conversation:
    """All three pipes at once: a child that is waited for at one may be stuck at another."""

    def __init__(self, pipes: Pipes, request: bytes, log_bytes: int) -> None:
        self.answer, self.log = Inbox(_MAX_ANSWER_BYTES), Inbox(log_bytes)
        self._selector = selectors.DefaultSelector()
        self._selector.register(pipes.answers, selectors.EVENT_READ, self.answer)
        self._selector.register(pipes.log, selectors.EVENT_READ, self.log)
        self._selector.register(pipes.request, selectors.EVENT_WRITE, _Outbox(request))
        os.set_blocking(pipes.request.fileno(), False)

    def hold(self, deadline: float) -> bool:
        """Until the child has closed its ends; False if the deadline comes first."""
        while self._selector.get_map():
            left = deadline - time.monotonic()
            ready = self._selector.select(left) if left > 0 else []
            if not ready:
                return False
            for key, _ in ready:
                if not key.data.move(key.fd):
                    self._end(key.fileobj)
        return True

    def close(self) -> None:
        for key in [*self._selector.get_map().values()]:
            self._end(key.fileobj)
        self._selector.close()

    def _end(self, pipe: Any) -> None:
        self._selector.unregister(pipe)
        pipe.close()
