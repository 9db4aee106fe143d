"""docker-compose.yml and Dockerfile: no secret has a default, and what they start is tried here.

Docker itself is not needed: the files that the image would hold are copied into a folder, and the
services' own commands run there as processes of this machine.
"""

import http.client
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings

from tests import with_postgres

ROOT = Path(settings.BASE)
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())[
    "services"
]
SITE = [name for name, service in SERVICES.items() if "build" in service]
STARTED = ("web", "worker", "worker-background", "worker-insight", "worker-baselines", "beat")
VARIABLE = re.compile(r"\$\{(?P<name>\w+):(?P<kind>[-?])(?P<rest>[^}]*)\}")
DOT_ENV = {
    "SITE_HOST": "holdout.test",
    "SECRET_KEY": "0123456789-abcdefghijklmnopqrstuvwxyz-QWERTZ",
    "POSTGRES_PASSWORD": "never-used-here",
}
READY_WITHIN, STOPPED_WITHIN = 90, 30  # seconds


def filled(text: str, env: Mapping[str, str] = DOT_ENV) -> str:
    """The text with compose's ${NAME:-default} and ${NAME:?refusal} replaced."""

    def value(match: re.Match[str]) -> str:
        if match["name"] not in env and match["kind"] == "?":
            raise KeyError(match["name"])
        return env.get(match["name"], match["rest"])

    return VARIABLE.sub(value, text)


def command(name: str) -> list[str]:
    return shlex.split(filled(SERVICES[name]["command"]))


def stop_signal(name: str) -> signal.Signals:
    """What compose sends the service that is to end."""
    return signal.Signals[SERVICES[name].get("stop_signal", "SIGTERM")]


@pytest.mark.parametrize("name", sorted(DOT_ENV))
def test_nothing_starts_without_a_secret(name):
    env = {key: value for key, value in DOT_ENV.items() if key != name}
    with pytest.raises(KeyError, match=name):
        for service in SITE:
            for value in SERVICES[service]["environment"].values():
                filled(value, env)


def test_the_example_names_exactly_what_has_no_default():
    example = (ROOT / "deploy" / "env.example").read_text()
    assert set(re.findall(r"^(\w+)=$", example, flags=re.M)) == set(DOT_ENV)


def test_every_service_of_the_site_is_production_on_the_same_files_without_privileges():
    assert {*STARTED, "migrate", "gpu-worker", "model-worker"} == set(SITE)
    for service in map(SERVICES.__getitem__, SITE):
        assert service["environment"]["HOLDOUT_MODE"] == "production"
        assert service["volumes"] == ["files:/var/lib/holdout"]
        assert service["cap_drop"] == ["ALL"]


def test_only_the_proxy_can_be_reached_and_only_proxy_and_web_reach_out():
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["proxy"]
    outside = {name for name, service in SERVICES.items() if "outside" in service["networks"]}
    assert outside == {"proxy", "web"}


def test_the_proxy_holds_no_event_back():
    caddyfile = (ROOT / "deploy" / "Caddyfile").read_text()
    compressed = re.search(r"@pages not path (.*)", caddyfile)
    assert compressed is not None
    assert "/competitions/*/live/" in compressed[1].split()
    assert "encode @pages " in caddyfile


@pytest.mark.journey
@pytest.mark.services
def test_the_services_make_a_healthy_site(tmp_path):
    binaries = with_postgres.binaries()
    if binaries is None:
        pytest.skip("PostgreSQL is not installed here: install the package postgresql")
    app = image(tmp_path / "app")
    with ExitStack() as stack:
        database = stack.enter_context(with_postgres.server(binaries))
        environment = surroundings(app, tmp_path, database)
        for line in (command("migrate"), collectstatic()):
            subprocess.run(line, check=True, cwd=app, env=environment, timeout=120)
        running = {
            name: stack.enter_context(
                process(command(name), app, environment, tmp_path / name, stop_signal(name))
            )
            for name in STARTED
        }
        assert becomes_healthy(app, environment, running), told(tmp_path)
        assert ask(environment, "GET", "/", proxied=False)[0] == 301  # plain http is sent to https
        status, page = ask(environment, "GET", "/")
        assert status == 200, page
        assert "/static/" in page
        assert is_scored(app, environment), told(tmp_path)
    assert "queue does not answer" not in (tmp_path / "web.log").read_text()


def image(folder: Path) -> Path:
    """The files that the Dockerfile copies into the image, and no others."""
    dockerfile = (ROOT / "Dockerfile").read_text()
    for line in re.findall(r"^COPY (?!--)(.+ /app/.*)$", dockerfile, flags=re.M):
        *sources, target = line.split()
        for source in sources:
            copy(ROOT / source, folder / target.removeprefix("/app/"), target.endswith("/"))
    return folder


def copy(source: Path, target: Path, into: bool) -> None:
    target = target / source.name if into else target
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(source, target)


def collectstatic() -> list[str]:
    """The Dockerfile's own command for the static files."""
    dockerfile = (ROOT / "Dockerfile").read_text()
    found = re.search(r"python manage\.py collectstatic[^\\\n]*", dockerfile)
    assert found is not None
    return shlex.split(found[0])


def surroundings(app: Path, folder: Path, database: str) -> dict[str, str]:
    """The web service's environment, with the addresses of what runs here.

    Valkey is the tests' own, on its socket; the image makes the folder of the volume.
    """
    (folder / "var").mkdir()
    told = SERVICES["web"]["environment"]
    return {
        **{name: filled(value) for name, value in told.items()},
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": f"{app}{os.pathsep}{app / 'platform'}",
        "DATABASE_URL": database,
        "REDIS_URL": settings.REDIS_URL,
        "HOLDOUT_VAR": str(folder / "var"),
        "HOST": "127.0.0.1",
        "PORT": str(free_port()),
    }


@contextmanager
def process(
    line: list[str],
    place: Path,
    environment: Mapping[str, str],
    log: Path,
    ending: signal.Signals,
) -> Iterator["subprocess.Popen[bytes]"]:
    """A process that is asked to end, and must."""
    with log.with_suffix(".log").open("wb") as output:
        started = subprocess.Popen(
            line, cwd=place, env=environment, stdout=output, stderr=output, start_new_session=True
        )
    try:
        yield started
        started.send_signal(ending)
        started.wait(STOPPED_WITHIN)
    finally:
        if started.poll() is None:
            os.killpg(started.pid, signal.SIGKILL)
            started.wait()


def becomes_healthy(
    app: Path, environment: Mapping[str, str], running: Mapping[str, "subprocess.Popen[bytes]"]
) -> bool:
    """Asks as the container's health check does, until every queue has been consumed."""
    end = time.monotonic() + READY_WITHIN
    line = [sys.executable, str(app / "deploy" / "healthcheck.py")]
    while time.monotonic() < end and all(one.poll() is None for one in running.values()):
        asked = subprocess.run(line, env=environment, capture_output=True, text=True)
        if asked.returncode == 0 and None not in json.loads(asked.stdout)["workers"].values():
            return True
        time.sleep(1)
    return False


def is_scored(app: Path, environment: Mapping[str, str]) -> bool:
    """Loads the demo challenge and sends its sample as a participant's program would."""
    manage(app, environment, "load_competition", "digits", "--open")
    token = manage(app, environment, "create_token", "ada", "--create").split()[-1]
    signed = {"Authorization": f"Bearer {token}"}
    ask(environment, "POST", "/api/competitions/digits/join/", signed)
    sample = ask(environment, "GET", "/competitions/digits/data/sample_submission.csv", signed)[1]
    form = '--b\r\nContent-Disposition: form-data; name="file"; filename="s.csv"\r\n\r\n'
    sent = {**signed, "Content-Type": "multipart/form-data; boundary=b"}
    body = f"{form}{sample}\r\n--b--\r\n"
    status, receipt = ask(environment, "POST", "/api/competitions/digits/submissions/", sent, body)
    assert status == 202, receipt
    end = time.monotonic() + READY_WITHIN
    while time.monotonic() < end:
        submission = json.loads(ask(environment, "GET", json.loads(receipt)["url"], signed)[1])
        if submission["status"] == "scored":
            return True
        time.sleep(0.5)
    return False


def manage(app: Path, environment: Mapping[str, str], *words: str) -> str:
    line = [sys.executable, "manage.py", *words]
    return subprocess.check_output(line, cwd=app, env=environment, text=True, timeout=120)


def ask(
    environment: Mapping[str, str],
    method: str,
    path: str,
    headers: Mapping[str, str] | None = None,
    body: str = "",
    *,
    proxied: bool = True,
) -> tuple[int, str]:
    """One request as the proxy would hand it on; status and text."""
    sent = {"Host": DOT_ENV["SITE_HOST"], **(headers or {})}
    if proxied:
        sent["X-Forwarded-Proto"] = "https"
    with closing(http.client.HTTPConnection("127.0.0.1", int(environment["PORT"]))) as connection:
        connection.request(method, path, body.encode(), headers=sent)
        response = connection.getresponse()
        return response.status, response.read().decode()


def told(folder: Path) -> str:
    """The ends of the logs, for the person who reads the failure."""
    logs = sorted(folder.glob("*.log"))
    return "\n".join(f"--- {log.name}\n{log.read_text()[-2000:]}" for log in logs)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
