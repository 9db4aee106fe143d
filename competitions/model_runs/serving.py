"""The warm process of this worker, in which nothing of the site is: started once, kept for the
next job, made anew should it have died.
"""

import atexit
import contextlib
import os
import platform
import shutil
import socket
import time
from pathlib import Path

import redis
import structlog
from django.conf import settings

from competitions.model_runs import ending, screening, working
from competitions.model_runs.workers import Worker, tell_of
from competitions.models import ModelRules, ModelRun, Screening, Takes
from competitions.models.model_run import LONGEST_RUN
from scoring.sandbox.contract import Format
from scoring.sandbox.server import ForkServer, SandboxUnavailable

TIME_LIMIT = LONGEST_RUN + 300  # seconds, packing the images and writing the answers included
TELL_EVERY = 5.0  # seconds
LEFT_OVER = ("models/job-*", "packing-*", "screening-*")

log = structlog.get_logger(__name__)


class _Warm:
    """At most one server for each process: one device, one job at a time."""

    def __init__(self) -> None:
        self._server: ForkServer | None = None
        self._told = 0.0

    def server(self) -> ForkServer:
        """Raises SandboxUnavailable where it does not start."""
        if self._server is None:
            contained = bool(settings.MODELS_IN_CONTAINER)
            forget_left_over()
            self._server = ForkServer.start(container=contained, scratch=_scratch())
        return self._server

    def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    def tell(self) -> None:
        """Every few seconds, however often it is called: what this worker runs."""
        if time.monotonic() < self._told:
            return
        self._told = time.monotonic() + TELL_EVERY
        try:
            tell_of(self.described())
        except redis.RedisError as error:
            log.warning("valkey does not answer", reason=str(error))

    def described(self) -> Worker:
        name = f"{socket.gethostname()}:{os.getppid()}"
        try:
            host = self.server().host
        except SandboxUnavailable as error:
            refused = dict.fromkeys(map(str, Format), str(error))
            return Worker(name, platform.machine(), refused=refused)
        refused = {str(kind): why for kind in Format if (why := host.refusal(kind)) is not None}
        return Worker(
            name,
            "GPU" if host.gpu else "CPU",
            tuple(str(kind) for kind in Format if str(kind) not in refused),
            refused,
            tuple(host.words()),
        )


def forget_left_over() -> None:
    """Away with the folders of workers that were killed; younger ones may be another worker's."""
    var, now = Path(settings.VAR), time.time()
    found = (path for pattern in LEFT_OVER for path in var.glob(pattern))
    for folder in found:
        with contextlib.suppress(FileNotFoundError):  # its own worker was faster
            if now - folder.stat().st_mtime > TIME_LIMIT:
                shutil.rmtree(folder, ignore_errors=True)


def _scratch() -> Path:
    """Where answers lie while a model runs: private, and on the disk of the site's own data."""
    place = Path(settings.VAR) / "models"
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    return place


warm = _Warm()
atexit.register(warm.stop)


def formats() -> list[Format]:
    """What this worker runs; nothing where its sandbox does not start."""
    return [Format(name) for name in warm.described().formats]


def tell() -> None:
    """To pages and to whoever looks at the site's health: what this worker runs.

    The warm process takes some hundred megabytes: where no challenge takes models it is not begun.
    """
    if ModelRules.objects.exclude(takes=Takes.FILES).exists():
        warm.tell()


def screen(asked: Screening) -> bool:
    """One pass of a claimed screening, claimed again where this machine fails it; True where
    another one is to come.
    """
    return screening.work(asked, warm.server(), warm.tell)


def serve(run: ModelRun) -> None:
    """Ends a claimed stage of a run; back into the line where this machine fails it."""
    try:
        server = warm.server()
    except SandboxUnavailable as error:
        log.error("the sandbox does not start", reason=str(error))
        ending.give_back(run)
        return
    working.work(run, server, warm.tell)
