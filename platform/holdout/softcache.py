"""Django's Valkey cache, which falls back on this process's memory while Valkey is away.

The limits on wrong passwords live in the cache: signing in must neither stop with Valkey nor lose
its limits. In memory they hold for each web process by itself.
"""

import time
from collections.abc import Callable
from typing import Any

import redis
import structlog
from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache

PAUSE = 5  # seconds until Valkey is asked again: waiting for it at every step would add up
_log = structlog.get_logger(__name__)


def _softly(name: str) -> Callable[..., Any]:
    def method(self: "SoftCache", *args: Any, **options: Any) -> Any:
        return self.either(name, *args, **options)

    return method


class SoftCache(RedisCache):
    away_until = 0.0  # of the whole process: every thread has a cache object of its own
    told = False

    def __init__(self, server: Any, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._memory = LocMemCache("holdout", {"KEY_PREFIX": params.get("KEY_PREFIX", "")})

    def either(self, name: str, *args: Any, **options: Any) -> Any:
        """Valkey's answer, or the memory's."""
        if time.monotonic() >= SoftCache.away_until:
            try:
                answer = getattr(super(), name)(*args, **options)
            except redis.RedisError as error:
                self._went_away(error)
            else:
                SoftCache.told = False
                return answer
        return getattr(self._memory, name)(*args, **options)

    def _went_away(self, error: redis.RedisError) -> None:
        SoftCache.away_until = time.monotonic() + PAUSE
        if not SoftCache.told:
            _log.warning("the cache is in memory while Valkey is away", reason=str(error))
        SoftCache.told = True

    add, get, set, touch, delete = map(_softly, ("add", "get", "set", "touch", "delete"))
    get_many, set_many, delete_many = map(_softly, ("get_many", "set_many", "delete_many"))
    has_key, incr, clear = map(_softly, ("has_key", "incr", "clear"))
