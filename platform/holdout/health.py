"""GET /healthz: whether the parts answer, and whether anybody works off the queue."""

import time
from collections.abc import Callable
from dataclasses import asdict
from functools import lru_cache

import redis
import structlog
from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.sessions.backends.db import SessionStore
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from competitions.model_runs import claiming, workers

PATH = "/healthz"
CONSUMED = "holdout:consumed:{queue}"  # the unix time at which a worker last took a message
STALE_AFTER = 15  # seconds: three heartbeats missed
REQUIRED_QUEUE = "score"
_log = structlog.get_logger(__name__)


@lru_cache(maxsize=1)
def valkey() -> "redis.Redis":
    """One small pool per process, impatient: a health answer that hangs is no answer."""
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_connect_timeout=1, socket_timeout=1, decode_responses=True
    )


@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """200 when a submission sent now would be scored; 503 naming what is missing."""
    database, (broker, workers) = _database(), _queue()
    missing = [
        name for name, state in (("database", database), ("valkey", broker)) if state != "ok"
    ]
    seconds = workers.get(REQUIRED_QUEUE)
    if broker == "ok" and (seconds is None or seconds > STALE_AFTER):
        missing.append(f"worker for queue {REQUIRED_QUEUE}")
    body = {
        "status": "ok" if not missing else "missing: " + ", ".join(missing),
        "database": database,
        "valkey": broker,
        "web": "ok",
        "workers": workers,
        "models": _models(in_full=_is_staff(request)),
    }
    response = JsonResponse(body, status=503 if missing else 200)
    response._has_been_logged = True  # type: ignore[attr-defined]  # Django would log every 503
    return response


class HealthMiddleware:
    """Answers before the host name is checked: probes ask by an inner address, without https."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return healthz(request) if request.path_info == PATH else self.get_response(request)


def consumed(queue: str) -> None:
    """Called by whoever takes work from a queue."""
    valkey().set(CONSUMED.format(queue=queue), f"{time.time():.3f}")


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM django_migrations")
    except DatabaseError as error:
        _log.warning("health: database", reason=str(error))
        return "does not answer or is not migrated"
    return "ok"


def _is_staff(request: HttpRequest) -> bool:
    """Asked of the session itself: the answer comes before the middleware that would know."""
    key = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
    if not key:
        return False
    request.session = SessionStore(key)
    try:
        return bool(getattr(get_user(request), "is_staff", False))
    except DatabaseError:
        return False


def _models(*, in_full: bool) -> list[dict[str, object]] | None:
    """What each worker of models told of itself: the formats that it runs; in full also its name
    and device, why it runs no others, and what its sandbox does without. None where no models are
    run, or nobody told."""
    if claiming.QUEUE not in settings.QUEUES:
        return None
    told = [asdict(worker) for worker in workers.known() or ()]
    return [one if in_full else {"formats": one["formats"]} for one in told] or None


def _queue() -> tuple[str, dict[str, float | None]]:
    """Valkey's state, and for each queue how many seconds ago a worker took something from it."""
    keys = [CONSUMED.format(queue=queue) for queue in settings.QUEUES]
    try:
        times = valkey().mget(keys)
    except (redis.RedisError, OSError) as error:
        _log.warning("health: valkey", reason=str(error))
        return "does not answer", dict.fromkeys(settings.QUEUES)
    now = time.time()
    ages = [None if value is None else round(max(0.0, now - float(value)), 1) for value in times]
    return "ok", dict(zip(settings.QUEUES, ages, strict=True))
