"""/healthz says what is missing; only a worker that takes work counts as one."""

import time
from types import SimpleNamespace

import pytest
from django.db import OperationalError, connection

from competitions.model_runs import workers
from holdout import health, pulse

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def fresh_pool():
    health.valkey.cache_clear()
    yield
    health.valkey().close()
    health.valkey.cache_clear()


def consumed(valkey, queue, seconds_ago):
    valkey.client.set(health.CONSUMED.format(queue=queue), time.time() - seconds_ago)


def test_all_is_well(client, valkey):
    health.consumed("score")
    answer = client.get("/healthz")
    body = answer.json()
    assert answer.status_code == 200
    assert body["workers"].pop("score") < 5
    assert body == {
        "status": "ok",
        "database": "ok",
        "valkey": "ok",
        "web": "ok",
        "workers": {"background": None, "insight": None, "baselines": None, "gpu": None},
        "models": None,
    }


@pytest.mark.parametrize("seconds_ago", [None, 60])
def test_without_a_consuming_worker_it_says_so(client, valkey, seconds_ago):
    if seconds_ago is not None:
        consumed(valkey, "score", seconds_ago)
    consumed(valkey, "background", 0)
    answer = client.get("/healthz")
    assert answer.status_code == 503
    assert answer.json()["status"] == "missing: worker for queue score"


def test_without_valkey_it_says_so_quickly(client, valkey):
    valkey.stop()
    begun = time.monotonic()
    answer = client.get("/healthz")
    assert answer.status_code == 503
    assert answer.json()["status"] == "missing: valkey"
    assert time.monotonic() - begun < 3


def test_without_a_database_it_says_so(client, valkey, monkeypatch):
    def away():
        raise OperationalError("away")

    health.consumed("score")
    monkeypatch.setattr(connection, "cursor", away)
    answer = client.get("/healthz")
    assert answer.status_code == 503
    assert answer.json()["status"] == "missing: database"


def test_probes_may_ask_by_any_host_name(client, valkey):
    health.consumed("score")
    assert client.get("/healthz", headers={"host": "10.1.2.3:8000"}).status_code == 200
    assert client.post("/healthz").status_code == 405


def test_a_busy_worker_speaks_for_itself(client, valkey, monkeypatch):
    queues = [SimpleNamespace(name="score")]
    worker = SimpleNamespace(task_consumer=SimpleNamespace(queues=queues))
    pulse.tell_if_busy(worker)
    assert client.get("/healthz").status_code == 503
    monkeypatch.setattr(pulse.state, "active_requests", {"a task"})
    pulse.tell_if_busy(worker)
    assert client.get("/healthz").status_code == 200


def test_a_busy_worker_survives_a_missing_valkey(valkey, monkeypatch):
    valkey.stop()
    queues = [SimpleNamespace(name="score")]
    monkeypatch.setattr(pulse.state, "active_requests", {"a task"})
    pulse.tell_if_busy(SimpleNamespace(task_consumer=SimpleNamespace(queues=queues)))


def test_what_a_sandbox_lacks_is_told_to_staff_alone(client, admin_client, valkey, settings):
    settings.QUEUES = ["score", "gpu"]
    workers.tell_of(
        workers.Worker("host:1", "CPU", ("onnx",), {"pt2": "no torch"}, ("namespaces: NO",))
    )
    assert client.get("/healthz").json()["models"] == [{"formats": ["onnx"]}]
    (told,) = admin_client.get("/healthz").json()["models"]
    assert (told["name"], told["lacks"]) == ("host:1", ["namespaces: NO"])
