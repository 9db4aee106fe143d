"""How the workers' queues stand, as whoever looks at the room must know: asked of Valkey."""

import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import redis
import structlog
from django.conf import settings

log = structlog.get_logger(__name__)

CONSUMED = "holdout:consumed:{}"  # written by each queue's heartbeat, see tasks.heartbeat
STALE_AFTER = 15  # seconds: three heartbeats missed, as /healthz counts
WORDS = {
    "score": "scoring",
    "background": "preparing",
    "insight": "statistics",
    "baselines": "baselines",
    "gpu": "models",
}


@dataclass(frozen=True)
class Queue:
    """A queue: how many messages wait, and how many seconds ago one was taken; None: never."""

    name: str
    waiting: int
    age: float | None

    @property
    def words(self) -> str:
        return WORDS.get(self.name, self.name)

    @property
    def is_well(self) -> bool:
        return self.age is not None and self.age <= STALE_AFTER


def read() -> list[Queue] | None:
    """Every queue with workers here, in the settings' order; None where Valkey does not answer."""
    names = list(settings.QUEUES)
    try:
        with _valkey().pipeline(transaction=False) as asked:
            asked.mget([CONSUMED.format(name) for name in names])
            for name in names:
                asked.llen(name)
            times, *lengths = asked.execute()
    except (redis.RedisError, OSError) as error:
        log.warning("valkey does not answer", reason=str(error))
        return None
    return [
        Queue(name, int(length), _age(at))
        for name, length, at in zip(names, lengths, times, strict=True)
    ]


def _age(at: Any) -> float | None:
    return None if at is None else round(max(0.0, time.time() - float(at)), 1)


@lru_cache(maxsize=1)
def _valkey() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1)
