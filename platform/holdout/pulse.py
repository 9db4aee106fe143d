"""How a worker shows that it works off its queues, beyond the heartbeats that beat sends.

A heartbeat is an ordinary message: it proves that the queue is consumed, which a living process
alone does not: after a broker's restart a worker may be connected, idle and deaf.
"""

from typing import Any

import redis
import structlog
from celery import bootsteps
from celery.worker import state

from holdout.health import consumed

EVERY = 5  # seconds
_log = structlog.get_logger(__name__)


class StillBusy(bootsteps.StartStopStep):
    """Speaks for a worker whose processes are all busy: no heartbeat gets through to it then."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, consumer: Any, **options: Any) -> None:
        super().__init__(consumer, **options)
        self.entry: Any = None

    def start(self, consumer: Any) -> None:
        self.entry = consumer.timer.call_repeatedly(EVERY, tell_if_busy, (consumer,))

    def stop(self, consumer: Any) -> None:
        if self.entry is not None:
            self.entry.cancel()
            self.entry = None


def tell_if_busy(consumer: Any) -> None:
    if not state.active_requests:
        return
    try:
        for queue in consumer.task_consumer.queues:
            consumed(queue.name)
    except redis.RedisError as error:
        _log.warning("busy, and Valkey does not answer", reason=str(error))
