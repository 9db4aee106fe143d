"""Real starts with a good and with a bad environment."""

import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from holdout import environment

ROOT = Path(__file__).resolve().parents[2]
PRODUCTION = {
    "HOLDOUT_MODE": "production",
    "SECRET_KEY": "f3Kq0Zp7vN1xT9sLw2YbR6mHc8JdG4uEaQ5iVoXt",
    "ALLOWED_HOSTS": "challenges.school.test",
    "DATABASE_URL": "postgres://holdout:pw@db:5432/holdout",
    "REDIS_URL": "redis://valkey:6379/0",
}


def boot(tmp_path, code="", **variables):
    """A process that imports the settings and nothing else of the surroundings."""
    kept = {"PATH": os.environ["PATH"], "HOLDOUT_VAR": str(tmp_path / "var")}
    return subprocess.run(
        [sys.executable, "-c", f"from holdout import settings\n{code}"],
        env={**kept, "PYTHONPATH": str(ROOT / "platform"), **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def test_an_empty_environment_boots_embedded(tmp_path):
    done = boot(tmp_path, "print(settings.REDIS_URL, settings.DATABASES['default']['ENGINE'])")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [
        f"unix://{tmp_path}/var/valkey.sock",
        "django.db.backends.sqlite3",
    ]


def test_a_complete_production_environment_boots(tmp_path):
    done = boot(tmp_path, "print(settings.DATABASES['default']['HOST'])", **PRODUCTION)
    assert (done.returncode, done.stdout.strip()) == (0, "db"), done.stderr
    assert not (tmp_path / "var").exists()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"DEBUG": "1"}, "DEBUG shows secrets"),
        ({"SECRET_KEY": ""}, "SECRET_KEY is missing"),
        ({"SECRET_KEY": "django-insecure-f3Kq0Zp7vN1xT9sLw2YbR6mHc8JdG4"}, "SECRET_KEY is missing"),
        ({"SECRET_KEY": "change-me-f3Kq0Zp7vN1xT9sLw2YbR6mHc8JdG4uEa"}, "SECRET_KEY is missing"),
        ({"SECRET_KEY": "a" * 50}, "SECRET_KEY is missing"),
        ({"ALLOWED_HOSTS": "*"}, "ALLOWED_HOSTS must name"),
        ({"ALLOWED_HOSTS": "school.test,*"}, "ALLOWED_HOSTS must name"),
        ({"ALLOWED_HOSTS": ""}, "ALLOWED_HOSTS must name"),
        ({"DATABASE_URL": ""}, "production needs DATABASE_URL"),
        ({"REDIS_URL": ""}, "production needs DATABASE_URL"),
    ],
)
def test_production_refuses_to_boot(tmp_path, change, sentence):
    done = boot(tmp_path, **{**PRODUCTION, **change})
    assert done.returncode != 0
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"HOLDOUT_MODE": "prod"}, "Choose one of: embedded, production"),
        ({"DEBUG": "release"}, "neither yes nor no"),
        ({"PORT": "http"}, "whole number from 1 to 65535"),
        ({"PORT": "70000"}, "whole number from 1 to 65535"),
        ({"HOLDOUT_LOG_LEVEL": "loud"}, "Choose one of: debug, info, warning, error"),
        ({"HOLDOUT_MODUS": "production"}, "Did you mean HOLDOUT_MODE?"),
        ({"HOLDOUT_XYZZY": "1"}, "is not one of its settings"),
        ({"DATABASE_URL": "mysql://db/holdout"}, "must look like postgres://"),
        ({"DATABASE_URL": "postgres://db"}, "must look like postgres://"),
        ({"REDIS_URL": "localhost:6379"}, "must begin with redis://"),
    ],
)
def test_a_word_that_is_not_understood_is_refused(tmp_path, variables, sentence):
    done = boot(tmp_path, **variables)
    assert done.returncode != 0
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_variables_of_tests_are_left_alone(tmp_path):
    assert boot(tmp_path, HOLDOUT_TEST_ANYTHING="1").returncode == 0


def test_the_secret_key_is_made_once_and_kept_private(tmp_path):
    first, second = (boot(tmp_path, "print(settings.SECRET_KEY)").stdout for _ in range(2))
    assert first == second
    assert len(first.strip()) > 50
    assert stat.S_IMODE((tmp_path / "var" / "secret_key").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "var").stat().st_mode) == 0o700


def test_processes_that_start_at_once_agree_on_the_secret(tmp_path):
    code = "from holdout.environment import kept_secret; from pathlib import Path; import sys; "
    command = [sys.executable, "-c", code + "print(kept_secret(Path(sys.argv[1])))"]
    path = {**os.environ, "PYTHONPATH": str(ROOT / "platform")}
    started = [
        subprocess.Popen([*command, str(tmp_path / "s")], stdout=subprocess.PIPE, env=path)
        for _ in range(5)
    ]
    assert len({process.communicate()[0] for process in started}) == 1


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgres://u:p%40ss@db:6000/n", ("n", "u", "p@ss", "db", "6000")),
        ("postgresql:///n?host=/run/pg", ("n", "", "", "/run/pg", "")),
        ("postgres://u@/n?host=/run/pg&port=5433", ("n", "u", "", "/run/pg", "5433")),
    ],
)
def test_database_addresses(url, expected):
    found = environment.database(url)
    assert tuple(found[key] for key in ("NAME", "USER", "PASSWORD", "HOST", "PORT")) == expected


def test_database_options_are_handed_on():
    assert (
        environment.database("postgres://u@h/n?sslmode=require")["OPTIONS"]["sslmode"] == "require"
    )


def test_every_setting_says_what_it_does():
    assert [name for name, about in environment.SETTINGS.items() if len(about) < 20] == []


def test_the_admin_loads_scripts_from_files_only(admin_client):
    for path in (
        "",
        "competitions/competition/",
        "competitions/competition/add/",
        "accounts/user/",
    ):
        answer = admin_client.get(f"/admin/{path}")
        policy = answer.headers["Content-Security-Policy"]
        scripts = next(part for part in policy.split(";") if "script-src" in part)
        assert "'unsafe-inline'" not in scripts
        inline = re.findall(r"<script(?![^>]*\b(?:src=|application/json))[^>]*>", answer.text)
        assert inline == []
