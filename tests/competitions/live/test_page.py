"""What a page does where streams are held back, or fall silent: in a real browser."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue

import pytest
from django.conf import settings

from competitions.live.subscriber import STILL_HERE

pytestmark = pytest.mark.browser

SCRIPTS = Path(settings.PACKAGE) / "static" / "js"
PAGE = b"""<!doctype html><title>A page</title><script type="module">
import { connect } from "/live.js";
window.states = [];
window.heard = [];
window.polls = 0;
connect({
  url: "/live/", cursor: "0-0",
  on: { state: (s) => states.push(s), announcement: ({ text }) => heard.push(text) },
  poll: async () => { polls += 1; },
});
</script>"""
FIRST = b'retry: 1000\n\nid: 1-0\nevent: announcement\ndata: {"text":"Hello"}\n\n'


class Network(ThreadingHTTPServer):
    """Serves the page; what happens to its streams is the network's mood."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.lets_through = False
        self.streams = Queue()  # one item for each that is asked for
        self.over = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_port}/"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path.startswith("/live/"):
            self._stream()
        elif self.path == "/":
            self._answer("text/html", PAGE)
        else:
            script = SCRIPTS / Path(self.path).name
            self._answer("text/javascript", script.read_bytes() if script.exists() else b"")

    def _stream(self):
        """One beginning, and then nothing at all; or, behind a bad proxy, not even that."""
        self.server.streams.put(self.path)
        if self.server.lets_through:
            self._answer("text/event-stream", FIRST + STILL_HERE, is_all=False)
        self.server.over.wait()

    def _answer(self, kind, content, is_all=True):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        if is_all:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


@pytest.fixture
def network():
    with Network() as made:
        thread = threading.Thread(target=made.serve_forever)
        thread.start()
        yield made
        made.over.set()
        made.shutdown()
        thread.join()


@pytest.fixture
def page(launch_browser):
    browser = launch_browser()
    yield browser.new_page()
    browser.close()


def test_a_page_polls_while_streams_are_held_back_and_replaces_a_silent_one(network, page):
    page.clock.install()
    page.goto(network.url)
    assert network.streams.get(timeout=20)
    page.clock.fast_forward(20_000)
    page.wait_for_function("states.at(-1) === 'polling' && polls > 0")

    network.lets_through = True
    page.clock.fast_forward(10_000)
    page.wait_for_function("states.at(-1) === 'live'")
    assert page.evaluate("heard") == ["Hello"]
    polls = page.evaluate("polls")
    page.clock.fast_forward(30_000)
    assert page.evaluate("[states.at(-1), polls]") == ["live", polls]

    network.streams = Queue()
    page.clock.fast_forward(20_000)  # no sign of life for longer than the server's heartbeat
    page.clock.fast_forward(5_000)
    assert "after=1-0" in network.streams.get(timeout=20)
    page.wait_for_function("states.join() === 'polling,live,reconnecting,live'")
    assert page.evaluate("heard") == ["Hello"]  # what is told again is not heard twice
