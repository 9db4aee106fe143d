"""Which machines run models, and what each can: told by the workers, read by pages and the health.

A worker writes a line about itself every few seconds; the line of one that is gone expires.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from functools import lru_cache

import redis
import structlog
from django.conf import settings

from competitions.refusals import NotReady
from scoring.sandbox.contract import Format

log = structlog.get_logger(__name__)

KEY = "holdout:model-worker:{}"
EXPIRES = 30  # seconds; a worker tells again at every heartbeat


@dataclass(frozen=True)
class Worker:
    """A worker of models: its device, the formats it runs, and why it runs no others."""

    name: str
    device: str
    formats: tuple[str, ...] = ()
    refused: dict[str, str] = field(default_factory=dict)  # by format, a sentence
    lacks: tuple[str, ...] = ()  # of the sandbox, in words, for the operator


def tell_of(worker: Worker) -> None:
    """Raises redis.RedisError where Valkey does not answer."""
    _valkey().set(KEY.format(worker.name), json.dumps(asdict(worker)), ex=EXPIRES)


def known() -> list[Worker] | None:
    """Those that told of themselves lately; None where Valkey does not answer."""
    try:
        keys = sorted(_valkey().scan_iter(KEY.format("*"), count=1000))
        lines = _valkey().mget(keys) if keys else []
    except (redis.RedisError, OSError) as error:
        log.warning("valkey does not answer", reason=str(error))
        return None
    return [_read(line) for line in lines if line is not None]


def running(among: Iterable[Format]) -> dict[Format, str]:
    """Each format, with an empty word where somebody runs it, else with why nobody does.

    Where no worker has told of itself yet nothing is held against a format: models may wait.
    """
    there = known()
    if not there:
        return dict.fromkeys(among, "")
    return {kind: _why_not(kind, there) for kind in among}


def require(kind: Format) -> None:
    """Raises NotReady where every worker refuses this format."""
    if why := running([kind])[kind]:
        raise NotReady(f"Files of this kind are not run here: {why} Nothing was sent.")


def _why_not(kind: Format, there: list[Worker]) -> str:
    if any(kind in worker.formats for worker in there):
        return ""
    reasons = [worker.refused[kind] for worker in there if kind in worker.refused]
    return reasons[0] if reasons else "no worker can."


def _read(line: bytes | str) -> Worker:
    found = json.loads(line)
    return Worker(
        name=found["name"],
        device=found["device"],
        formats=tuple(found["formats"]),
        refused=found["refused"],
        lacks=tuple(found["lacks"]),
    )


@lru_cache(maxsize=1)
def _valkey() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=1)
