"""The bridge behind a real uvicorn: what slow, broken and hostile clients do to it."""

import asyncio
import hashlib
import http.client
import io
import json
import os
import socket
import tempfile
import threading
import time

import pytest
import uvicorn

from competitions.models import ModelRules
from holdout import bodies, limits
from holdout.accounts import tokens
from holdout.bridge import Bridge

LARGE = 8 << 20
MAX_BODY = 16 << 20
THREADS = 2


class Site:
    """A WSGI application that remembers what reached it."""

    def __init__(self):
        self.seen = []
        self.closed = threading.Event()
        self.release = threading.Event()

    def __call__(self, environ, start_response):
        self.seen.append(environ["PATH_INFO"])
        handler = getattr(self, environ["PATH_INFO"].strip("/") or "echo")
        return handler(environ, start_response)

    def echo(self, environ, start_response):
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        start_response("200 OK", [("X-Method", environ["REQUEST_METHOD"])])
        return [hashlib.sha256(body).hexdigest().encode(), b" ", str(len(body)).encode()]

    def headers(self, environ, start_response):
        start_response("200 OK", [])
        wanted = ("HTTP_X_REAL", "HTTP_COOKIE", "QUERY_STRING", "REMOTE_ADDR")
        return ["|".join(environ.get(key, "-") for key in wanted).encode()]

    def large(self, environ, start_response):
        start_response("200 OK", [("Content-Length", str(LARGE))])
        return Stream(self, iter([b"x" * (LARGE // 64)] * 64))

    def file(self, environ, start_response):
        start_response("200 OK", [("Content-Length", str(LARGE))])
        return environ["wsgi.file_wrapper"](io.BytesIO(b"f" * LARGE))

    def endless(self, environ, start_response):
        start_response("200 OK", [])
        return Stream(self, iter(lambda: b"x" * 65536, None))

    def breaks(self, environ, start_response):
        start_response("200 OK", [("Content-Length", "100")])
        return Stream(self, self._broken())

    def _broken(self):
        yield b"half"
        raise OSError("the disk is gone")

    def waits(self, environ, start_response):
        self.release.wait(10)
        start_response("204 No Content", [])
        return []


class Stream:
    streaming = True

    def __init__(self, site, chunks):
        self.site, self.chunks = site, chunks

    def __iter__(self):
        return self.chunks

    def close(self):
        self.site.closed.set()


@pytest.fixture
def site():
    return Site()


@pytest.fixture
def tight(monkeypatch):
    """One place for a body, a short wait for it, and no patience with slow ones."""
    monkeypatch.setattr(bodies, "PLACES", 1)
    monkeypatch.setattr(bodies, "WAIT_FOR_PLACE", 0.2)
    monkeypatch.setattr(bodies, "PATIENCE", 1.0)
    monkeypatch.setattr(bodies, "LINGER", 0.2)


def limit(scope):
    return bodies.SMALL if scope["path"].startswith("/api/") else MAX_BODY


@pytest.fixture
def port(site):
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        Bridge(site, threads=THREADS, limit=limit), lifespan="off", log_level="critical"
    )
    server = uvicorn.Server(config)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(
        target=loop.run_until_complete, args=(server.serve(sockets=[listener]),)
    )
    thread.start()
    yield listener.getsockname()[1]
    site.release.set()
    server.should_exit = server.force_exit = True
    thread.join()
    loop.close()
    listener.close()


@pytest.fixture
def ask(port):
    connections = []

    def go(method, path, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connections.append(connection)
        connection.request(method, path, body, headers or {})
        return connection.getresponse()

    yield go
    for connection in connections:
        connection.close()


def test_a_body_arrives_whole(ask):
    for size in (0, 10, 100_000, LARGE):
        body = b"a" * size
        answer = ask("POST", "/", body)
        expected = hashlib.sha256(body).hexdigest()
        assert answer.read().decode() == f"{expected} {size}"


def test_a_body_in_chunks_of_unknown_length_arrives_whole(ask):
    answer = ask("POST", "/", iter([b"abc", b"def"]))
    assert answer.read().decode() == f"{hashlib.sha256(b'abcdef').hexdigest()} 6"


def test_a_small_answer_has_its_length(ask):
    assert ask("GET", "/").getheader("content-length") == "66"


@pytest.mark.parametrize("path", ["/large", "/file"])
def test_a_large_answer_arrives_whole(ask, path):
    assert len(ask("GET", path).read()) == LARGE


def test_head_has_no_body(ask):
    answer = ask("HEAD", "/large")
    assert answer.getheader("content-length") == str(LARGE)
    assert answer.read() == b""


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "PATCH"])
def test_every_method_reaches_the_application(ask, method):
    assert ask(method, "/").getheader("x-method") == method


def test_an_upload_that_breaks_off_never_reaches_the_application(port, site):
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nhalf")
    time.sleep(0.3)
    assert site.seen == []


def test_too_large_a_body_is_refused(ask, site):
    answer = ask("POST", "/", headers={"Content-Length": str(MAX_BODY + 1)})
    assert answer.status == 413
    assert answer.getheader("content-type") == "text/plain; charset=utf-8"
    assert b"16 MB at most" in answer.read()
    assert site.seen == []


def test_a_body_that_grows_too_large_is_refused(ask, site):
    try:
        status = ask("POST", "/", (b"x" * (1 << 20) for _ in range(20))).status
    except (ConnectionResetError, BrokenPipeError):
        status = 413  # the site hung up while we were still sending
    assert status == 413
    assert site.seen == []


def test_a_client_that_leaves_ends_its_download(port, site):
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(1000)
    assert site.closed.wait(5)


def test_slow_clients_leave_the_threads_to_others(port, ask, site):
    slow = [socket.create_connection(("127.0.0.1", port)) for _ in range(4 * THREADS)]
    try:
        for number, connection in enumerate(slow):
            request = b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n"
            half = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nhalf"
            connection.sendall(request if number % 2 else half)
        time.sleep(0.3)
        assert ask("GET", "/").status == 200
    finally:
        for connection in slow:
            connection.close()


def test_an_answer_that_breaks_off_is_not_taken_for_whole(ask, site):
    answer = ask("GET", "/breaks")
    with pytest.raises(http.client.IncompleteRead):
        answer.read()
    assert site.closed.wait(5)


def test_a_header_with_an_underscore_does_not_pass_for_a_proxys(ask):
    answer = ask("GET", "/headers?q=%2F", headers={"X_Real": "forged", "Cookie": "a=1"})
    assert answer.read() == b"-|a=1|q=%2F|127.0.0.1"


def test_the_refusal_of_a_large_body_arrives_in_the_shape_of_the_api(ask, site):
    answer = ask("POST", "/api/competitions/digits/submissions/", b"x" * (4 * bodies.SMALL))
    assert answer.status == 413
    error = json.loads(answer.read())["error"]
    assert error["code"] == "too_large"
    assert "1 MB at most. Sign in before" in error["message"]
    assert site.seen == []


def half(port, size):
    connection = socket.create_connection(("127.0.0.1", port), timeout=10)
    head = f"POST /api/ HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n"
    connection.sendall(head.encode() + b"x" * (size // 2))
    return connection


def test_a_body_that_does_not_get_on_is_given_up(tight, port, site):
    """Also where a byte comes now and then."""
    begun = time.monotonic()
    with half(port, 1000) as connection:
        connection.settimeout(0.2)
        answer = b""
        while b"again" not in answer and time.monotonic() - begun < 8:
            try:
                connection.sendall(b"x")
                answer += connection.recv(1000)
            except TimeoutError:
                continue
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"Send it again" in answer
    assert site.seen == []


def test_when_every_place_is_taken_others_are_told_to_come_again(tight, port, ask, site):
    body = b"x" * (4 * bodies.FREE)
    with half(port, len(body)):
        time.sleep(0.2)
        answer = ask("POST", "/", body)
        assert (answer.status, answer.getheader("retry-after")) == (503, "0.2")
        assert ask("POST", "/", b"small").status == 200
    time.sleep(0.2)
    assert ask("POST", "/", body).status == 200  # the place is free again


def test_temporary_files_lie_beside_the_data_and_old_ones_go(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", None)
    folder = tmp_path / "incoming"
    folder.mkdir()
    for name, age in (("old.upload", bodies.LEFT_OVER + 9), ("young.upload", 0)):
        (folder / name).touch()
        os.utime(folder / name, (time.time() - age,) * 2)
    bodies.keep_in(folder)
    assert [file.name for file in folder.iterdir()] == ["young.upload"]
    with tempfile.NamedTemporaryFile() as file:
        assert file.name.startswith(str(folder))
        assert os.stat(file.name).st_mode & 0o077 == 0


# --- how large a request may be ------------------------------------------------------------------

CHALLENGE = "/admin/competitions/competition/add/"
SUBMIT = "/competitions/digits/submit/"
SUBMIT_BY_API = "/api/competitions/digits/submissions/"


@pytest.fixture
def one_connection(db, monkeypatch):
    """Closing it, as each request of a thread begins, would end the test's transaction."""
    monkeypatch.setattr(limits, "close_old_connections", lambda: None)


def scope(path, method="POST", **headers):
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    return {
        "method": method,
        "path": path,
        "query_string": b"",
        "http_version": "1.1",
        "headers": [(b"host", b"localhost"), *raw],
    }


def cookie(client, user):
    client.force_login(user)
    return f"sessionid={client.cookies['sessionid'].value}"


def test_a_stranger_may_send_little_wherever(one_connection):
    for path in (CHALLENGE, SUBMIT, SUBMIT_BY_API, "/accounts/login/", "/"):
        assert limits.of(scope(path)) == bodies.SMALL
        assert limits.of(scope(path, Authorization="Bearer holdout_x")) == bodies.SMALL
        assert limits.of(scope(path, Cookie="sessionid=forged")) == bodies.SMALL


def test_a_participant_may_send_a_submission(client, alice, one_connection):
    token = {"Authorization": f"Bearer {tokens.create(alice)}"}
    session = {"Cookie": cookie(client, alice)}
    for headers in (token, session):
        assert limits.of(scope(SUBMIT_BY_API, **headers)) == limits.SUBMISSION
        assert limits.of(scope(SUBMIT, **headers)) == limits.SUBMISSION
        assert limits.of(scope(CHALLENGE, **headers)) == bodies.SMALL
        assert limits.of(scope("/accounts/login/", **headers)) == bodies.SMALL
        assert limits.of(scope(SUBMIT, "PUT", **headers)) == bodies.SMALL


def test_a_model_may_be_as_large_as_its_challenge_allows(
    client, alice, competition, another, settings, one_connection
):
    session = {"Cookie": cookie(client, alice)}
    ModelRules.objects.create(competition=competition, file_mib=80)
    for form in ("/api/competitions/{}/submissions/", "/competitions/{}/submit/"):
        here = scope(form.format(competition.slug), **session)
        allowed = limits.of(here)
        assert allowed == 80 * bodies.MIB + limits.FORM
        assert limits.of(scope(form.format(another.slug), **session)) == limits.SUBMISSION
        assert asyncio.run(received(here, 70 * bodies.MIB, allowed)) == 70 * bodies.MIB
        with pytest.raises(bodies.Refusal, match="82 MB at most"):
            asyncio.run(received(here, 83 * bodies.MIB, allowed))
    ModelRules.objects.update(file_mib=2048)
    settings.MAX_BODY = 100 * bodies.MIB
    assert limits.of(here) == settings.MAX_BODY
    ModelRules.objects.update(takes="files")
    assert limits.of(here) == limits.SUBMISSION


async def received(here, size, allowed):
    """How much of a body of that size comes through."""

    async def limit(_scope):
        return allowed

    parts = iter([bytes(bodies.MIB)] * (size // bodies.MIB))

    async def receive():
        chunk = next(parts, b"")
        return {"type": "http.request", "body": chunk, "more_body": bool(chunk)}

    async with bodies.Bodies(limit).whole(here, receive) as body:
        return body.seek(0, io.SEEK_END)


def test_an_organiser_may_send_archives_to_a_challenge(admin_client, settings, one_connection):
    headers = {"Cookie": f"sessionid={admin_client.cookies['sessionid'].value}"}
    assert limits.of(scope(CHALLENGE, **headers)) == settings.MAX_BODY
    assert limits.of(scope("/admin/login/", **headers)) == bodies.SMALL
