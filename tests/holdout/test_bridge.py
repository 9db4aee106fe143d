"""The bridge behind a real uvicorn: what slow, broken and hostile clients do to it."""

import asyncio
import hashlib
import http.client
import io
import socket
import threading
import time

import pytest
import uvicorn

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
def port(site):
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        Bridge(site, threads=THREADS, max_body=MAX_BODY), lifespan="off", log_level="critical"
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
