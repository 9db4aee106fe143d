"""What the web process does with uploaded files: it keeps them, and rings for a worker."""

from collections.abc import Mapping
from typing import Any

import structlog
from celery.exceptions import OperationalError as QueueError
from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest
from kombu.exceptions import OperationalError as BrokerError
from redis import RedisError

from competitions import preparing, tasks
from competitions.refusals import Refused

log = structlog.get_logger(__name__)


def take(request: HttpRequest, pk: int, uploads: "Mapping[str, UploadedFile[Any]]") -> None:
    """Stores the three files and rings the bell. Call it outside of any transaction.

    Copying gigabytes inside one would keep every other writer of the site waiting.
    """
    chunks = {name: file.chunks() for name, file in uploads.items()}
    try:
        inbox = preparing.receive(pk, **chunks)
    except Refused as error:
        messages.error(request, str(error))
    else:
        messages.info(request, "The files have arrived and are being checked.")
        ring(pk, inbox)


def ring(pk: int, inbox: preparing.Inbox) -> None:
    """Without a broker it goes on waiting, and the sweep rings in two minutes: nothing is lost.

    To refuse it would cost a built draft its files for a hiccup.
    """
    try:
        tasks.prepare.apply_async((pk, inbox), retry=False)
    except (QueueError, BrokerError, RedisError, OSError) as error:
        log.warning("queue does not answer", competition=pk, reason=str(error))
