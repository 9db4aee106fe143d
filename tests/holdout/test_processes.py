"""Child processes and what they leave behind: logs that stay small, and no orphans."""

import sys
import time

import pytest

from holdout import prepare, processes, up
from holdout.processes import Child


def until(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def child(tmp_path, code):
    made = Child("x", [sys.executable, "-u", "-c", code], tmp_path / "x.log")
    made.start()
    return made


def test_the_log_of_a_living_process_is_set_aside_when_it_is_long(tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "LOG_LIMIT", 1000)
    code = "import time\nprint('a' * 2000)\ntime.sleep(1)\nprint('[error  ] b')\ntime.sleep(60)"
    writer = child(tmp_path, code)
    try:
        until(lambda: writer.log.stat().st_size > 2000)
        assert list(writer.new_lines()) == []
        writer.trim_log()
        assert (tmp_path / "x.log.1").stat().st_size == 2001
        until(lambda: writer.log.stat().st_size == len("[error  ] b\n"))
        assert list(writer.new_lines()) == ["[error  ] b"]
    finally:
        processes.stop_all([writer], 5)


def test_a_line_without_an_end_does_not_hide_the_next_ones(tmp_path):
    reader = Child("x", [], tmp_path / "x.log")
    reader.log.write_bytes(b"x" * (3 << 20) + b"\n[error  ] seen\n")
    lines = [line for _ in range(5) for line in reader.new_lines()]
    assert lines == ["[error  ] seen"]


# --- the supervisor's words ----------------------------------------------------------------------


@pytest.mark.parametrize("host", ["no such host", "a" * 70, "192.0.2.1"])
def test_a_host_that_is_not_ours_is_refused_in_words(host):
    with pytest.raises(up.CannotStart, match=r"no address of this machine: .* Use HOST=127"):
        up.listen(host, 0)


def test_only_prepare_knows_the_chosen_password(monkeypatch):
    monkeypatch.setattr(up.settings, "ADMIN_PASSWORD", "chosen")
    with up.listen("127.0.0.1", 0) as listener:
        supervisor = up.Supervisor(listener)
    assert supervisor.prepare.environment[up.PASSWORD] == "chosen"
    others = (*supervisor.services, supervisor.valkey)
    assert {other.environment[up.PASSWORD] for other in others} == {""}


def test_a_chosen_password_replaces_the_one_that_was_kept(db, settings, django_user_model):
    prepare.organiser()
    kept = up.PASSWORD_FILE.read_text().strip()
    assert kept in up.login(0)
    settings.ADMIN_PASSWORD = "a chosen phrase 5"
    prepare.organiser()
    assert up.login(0) == "user host, with the password you chose"
    assert django_user_model.objects.get(username="host").check_password("a chosen phrase 5")
