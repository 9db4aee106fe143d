"""A new version is put in place of the running one while people watch the board."""

import http.client
import os
import signal

import pytest
import redis

from competitions.live import events
from holdout import embedded
from tests.journeys.stack import until

pytestmark = [pytest.mark.journey, pytest.mark.services]


class Listener:
    """A browser's part: reads the stream, and comes back with the last id it has heard."""

    def __init__(self, stack, slug):
        self.stack, self.path = stack, f"/competitions/{slug}/live/"
        self.last = events.START
        self.connect()

    def connect(self):
        self.connection = http.client.HTTPConnection("127.0.0.1", self.stack.port, timeout=60)
        self.connection.request("GET", self.path, headers={"Last-Event-ID": self.last})
        self.answer = self.connection.getresponse()
        assert self.answer.status == 200

    def close(self):
        self.answer.close()
        self.connection.close()

    def next(self):
        """The data of the next event that has a name; None at the end of the stream."""
        fields = {}
        while line := self.answer.readline().decode():
            name, _, value = line.rstrip("\n").partition(": ")
            fields[name] = value
            if line != "\n":
                continue
            if "event" in fields:
                self.last = fields["id"]
                return fields["event"], fields["data"]
            fields = {}
        return None


def test_a_new_web_process_tells_what_happened_while_there_was_none(stack, staged):
    slug = staged([])["slug"]
    valkey = redis.Redis(unix_socket_path=str(embedded.socket_path(stack.var)))

    def publish(n):
        entry = {"event": "board", "data": str(n), "team": events.TO_ALL}
        valkey.xadd(events.stream_key(slug), entry)

    (web,) = [pid for pid, line in stack.processes().items() if "holdout.web" in line]
    listener = Listener(stack, slug)
    publish(1)
    assert listener.next() == ("board", "1")

    os.kill(web, signal.SIGTERM)
    assert listener.next() is None  # told to come back, not cut off
    listener.close()
    until(lambda: web not in stack.processes(), "the old process has ended")
    for n in (2, 3):
        publish(n)
    listener.connect()  # waits in the supervisor's port until the new process is there
    publish(4)
    assert [listener.next() for _ in range(3)] == [("board", str(n)) for n in (2, 3, 4)]
    listener.close()
    valkey.close()
