"""Valkey may leave and come back; signing in, and its limits, stay."""

import pytest
from django.core.cache import cache

from holdout.softcache import SoftCache

NAME, PASSWORD = "alice", "a long enough phrase 7"


@pytest.fixture(autouse=True)
def forgotten(monkeypatch):
    monkeypatch.setattr(SoftCache, "away_until", 0.0)
    monkeypatch.setattr(SoftCache, "told", False)
    cache._memory.clear()


@pytest.fixture
def account(db, django_user_model):
    return django_user_model.objects.create_user(NAME, password=PASSWORD)


def sign_in(client, password):
    return client.post("/accounts/login/", {"login": NAME, "password": password})


def test_people_sign_in_without_valkey(valkey, client, account):
    valkey.stop()
    assert sign_in(client, PASSWORD).status_code == 302
    assert client.get("/").wsgi_request.user == account


def test_wrong_passwords_are_limited_without_valkey(valkey, client, account):
    valkey.stop()
    for _ in range(6):
        answer = sign_in(client, "wrong")
    assert b"Too many failed login attempts" in answer.content
    assert sign_in(client, PASSWORD).status_code == 200


def test_the_cache_goes_back_to_valkey_and_tells_of_each_absence_once(valkey, monkeypatch, caplog):
    cache.set("colour", "blue")
    valkey.stop()
    assert cache.get("colour") is None
    cache.set("colour", "red")
    assert cache.get_many(["colour"]) == {"colour": "red"}
    assert cache.add("colour", "green") is False
    monkeypatch.setattr(SoftCache, "away_until", 0.0)
    assert cache.get("colour") == "red"
    assert [record.levelname for record in caplog.records].count("WARNING") == 1
    valkey.start()
    monkeypatch.setattr(SoftCache, "away_until", 0.0)
    cache.set("colour", "blue")
    assert valkey.client.keys("*colour*")
    assert cache.get("colour") == "blue"
