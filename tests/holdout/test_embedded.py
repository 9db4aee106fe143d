"""Our own Valkey: a real one, started and stopped."""

import socket
import stat
import subprocess
import tempfile
from pathlib import Path

import pytest
import redis

from holdout import embedded


@pytest.fixture
def var():
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@pytest.fixture
def start(var):
    started = []

    def go():
        embedded.make_room(var)
        process = subprocess.Popen(embedded.command(var), stdout=subprocess.DEVNULL)
        started.append(process)
        assert embedded.wait(var, 10)
        return process

    yield go
    for process in started:
        process.kill()
        process.wait()


def test_what_was_written_survives_a_stop_and_a_start(var, start):
    first = start()
    with redis.Redis.from_url(embedded.url(var)) as client:
        client.set("kept", "yes")
    first.terminate()
    first.wait()
    assert not embedded.answers(var)
    start()
    assert embedded.ask(var, "GET kept") == "$3"


def test_a_killed_one_leaves_nothing_in_the_way(var, start):
    first = start()
    first.kill()
    first.wait()
    assert embedded.socket_path(var).exists()
    start()
    assert embedded.answers(var)


def test_it_opens_no_port_and_no_door_to_other_users(var, start):
    start()
    with redis.Redis.from_url(embedded.url(var)) as client:
        assert client.config_get("port") == {"port": "0"}
        assert client.config_get("appendonly") == {"appendonly": "yes"}
    assert stat.S_IMODE(embedded.socket_path(var).stat().st_mode) == 0o600
    assert stat.S_IMODE((var / "valkey").stat().st_mode) == 0o700


def test_a_var_folder_with_a_long_path_works(var):
    deep = var / ("d" * 60) / ("e" * 60)
    path = embedded.socket_path(deep)
    embedded.make_room(deep)
    try:
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(path))  # the kernel refuses what is too long
        assert embedded.socket_path(deep) == path
        assert embedded.socket_path(deep / "other") != path
    finally:
        path.unlink(missing_ok=True)
        path.parent.rmdir()


def test_a_socket_folder_open_to_others_is_refused(var):
    deep = var / ("d" * 60) / ("e" * 60)
    folder = embedded.socket_path(deep).parent
    folder.mkdir(mode=0o777)
    folder.chmod(0o777)
    try:
        with pytest.raises(embedded.NoValkey, match="shorter HOLDOUT_VAR"):
            embedded.make_room(deep)
    finally:
        folder.rmdir()


def test_without_any_valkey_a_sentence_says_what_to_do(monkeypatch):
    monkeypatch.setattr(embedded.shutil, "which", lambda _name: None)
    monkeypatch.setattr(embedded.importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(embedded.NoValkey, match="Install valkey-server or redis-server"):
        embedded.program()


def test_where_nobody_listens_the_answer_is_empty(var):
    assert embedded.ask(var, "PING") == ""
    assert not embedded.wait(var, 0.05)
