"""The queue. The message is only a bell: the database row is the truth, and a lost bell is rung
again by the sweep.

A worker takes one message at a time and acknowledges it when it is done, so that a killed worker's
work goes to another one.
"""

import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging, worker_ready

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "holdout.settings")

from django.conf import settings

from holdout import logs

TIME_LIMIT = 300  # seconds; a task that takes longer is ended, and its row's lease runs out
SWEEP_EVERY = 10
HEARTBEAT_EVERY = 5


def broker(redis_url: str) -> str:
    """Celery's spelling of a redis-py address."""
    if redis_url.startswith("unix://"):
        return "redis+socket://" + redis_url.removeprefix("unix://")
    return redis_url


def schedule(queues: list[str]) -> dict[str, Any]:
    """What beat rings: the sweep, and one heartbeat through every queue that has workers."""
    beats = {
        f"heartbeat of {queue}": {
            "task": "competitions.tasks.heartbeat",
            "schedule": HEARTBEAT_EVERY,
            "args": (queue,),
            "options": {"queue": queue, "expires": 2 * HEARTBEAT_EVERY, "retry": False},
        }
        for queue in queues
    }
    sweep = {
        "task": "competitions.tasks.sweep",
        "schedule": SWEEP_EVERY,
        # With the scores: it takes milliseconds, and in the background queue it would wait while
        # a large challenge is prepared.
        "options": {"queue": "score", "expires": SWEEP_EVERY},
    }
    return {**beats, "sweep": sweep}


app = Celery("holdout")
app.conf.update(
    broker_url=broker(settings.REDIS_URL),
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_transport_options={
        # A page must not hang because the broker is away: seconds, then an error we log.
        "socket_connect_timeout": 1,
        "socket_timeout": 5,
        "max_retries": 1,
        "interval_start": 0,
        "interval_step": 0.1,
        "interval_max": 0.1,
        # A message given to a worker that vanished comes back after this long.
        "visibility_timeout": 2 * TIME_LIMIT,
    },
    task_publish_retry=False,
    task_default_queue="background",
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_ignore_result=True,
    task_time_limit=TIME_LIMIT,
    task_soft_time_limit=TIME_LIMIT - 30,
    worker_prefetch_multiplier=1,
    worker_send_task_events=False,
    worker_hijack_root_logger=False,
    worker_cancel_long_running_tasks_on_connection_loss=False,
    beat_schedule=schedule(settings.QUEUES),
    beat_schedule_filename=str(settings.VAR / "beat-schedule"),
    timezone="UTC",
)
app.autodiscover_tasks(["competitions"])
app.steps["consumer"].add("holdout.pulse:StillBusy")  # by name: the web need not load it


@worker_ready.connect
def ring_own_queues(sender: Any, **_kwargs: object) -> None:
    """At a worker's start: one heartbeat through each of its queues, without waiting for beat."""
    for queue in sender.task_consumer.queues:
        sender.app.send_task("competitions.tasks.heartbeat", (queue.name,), queue=queue.name)


@setup_logging.connect
def use_our_logging(**_kwargs: object) -> None:
    """Keeps Celery from putting its own handlers in place of ours."""
    logs.apply(settings.LOGGING)
