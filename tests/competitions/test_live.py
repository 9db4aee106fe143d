"""The live stream, driven as a server would drive it, on a real Valkey."""

import asyncio
import contextlib
import json
import random
import re
import resource
import threading
import time

import pytest
from django.conf import settings as configured
from django.db import connections

from competitions import teams
from competitions.live import channel, events, places, stream
from competitions.live.audience import Listener
from competitions.models import Competition
from holdout import embedded, web

SLUG = "pets"
PATH = f"/competitions/{SLUG}/live/"
RETRY = re.compile(rb"retry: [123]\d{3}\n\n")


class Browser:
    """One connection to the stream, and what came over it."""

    def __init__(self, path=PATH, *, after="", headers=None, method="GET", peer="10.0.0.1"):
        self.scope = {
            "type": "http",
            "method": method,
            "path": path,
            "client": (peer, 50000),
            "query_string": f"after={after}".encode() if after else b"",
            "headers": [(k.encode(), v.encode("latin-1")) for k, v in (headers or {}).items()],
        }
        self.status = None
        self.raw = asyncio.Queue()
        self.left = asyncio.Event()
        self.reads = asyncio.Event()  # cleared: the client does not read, and send() waits
        self.reads.set()

    async def __aenter__(self):
        self.task = asyncio.create_task(stream.application(self.scope, self._receive, self._send))
        return self

    async def __aexit__(self, *_reason):
        self.left.set()
        await asyncio.wait_for(self.task, 5)

    async def _receive(self):
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message):
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], dict(message["headers"])
            return
        await self.reads.wait()
        self.raw.put_nowait(message["body"])
        if not message.get("more_body"):
            self.raw.put_nowait(None)

    async def chunk(self, seconds=5):
        async with asyncio.timeout(seconds):
            return await self.raw.get()

    async def next(self, seconds=5):
        """The next event as (kind, data, id); None at the end of the stream."""
        while (chunk := await self.chunk(seconds)) is not None:
            fields = dict(line.split(": ", 1) for line in chunk.decode().splitlines() if line)
            if "event" in fields:
                return fields["event"], json.loads(fields["data"]), fields.get("id")
        return None

    async def until(self, wanted, seconds=10):
        """The numbers of all board events up to the wanted one."""
        seen = []
        while not seen or seen[-1] != wanted:
            kind, data, _ = await self.next(seconds)
            seen.append(data["n"] if kind == "board" else kind)
        return seen

    async def silent(self, seconds=0.2):
        try:
            await self.next(seconds)
        except TimeoutError:
            return True
        return False


@pytest.fixture
def anyone(monkeypatch):
    """Everybody may listen; ``anyone({"7"})`` to the events of team 7 too. No database."""

    def allow(own=()):
        monkeypatch.setattr(stream, "find_listener", lambda *_: Listener(frozenset(own)))

    allow()
    return allow


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(channel, "PAUSE_AFTER_ERROR", 0.05)
    monkeypatch.setattr(channel, "READY_WITHIN", 0.5)


def publish(n, team=""):
    kind = "submission" if team else "board"
    events._add(SLUG, kind, {"n": n}, team=team)


def run(coroutine):
    async def bounded():
        async with asyncio.timeout(30):
            try:
                await coroutine
            finally:
                await channel._connection().aclose()

    asyncio.run(bounded())


async def following():
    """Until the reader of the channel stands at the end of the stream."""
    await channel.channels.get(SLUG)._following.wait()


# --- what comes, and from where ------------------------------------------------------------------


def test_the_answer_is_an_event_stream(anyone):
    async def story():
        async with Browser(after="0-0") as browser:
            assert RETRY.fullmatch(await browser.chunk())
            assert browser.status == 200
            assert browser.headers[b"content-type"].startswith(b"text/event-stream")
            assert browser.headers[b"cache-control"] == b"no-store"

    run(story())


def test_an_event_comes_as_it_happens(anyone):
    async def story():
        async with Browser(after=events.cursor(SLUG)) as browser:
            await following()
            publish(1)
            kind, data, identifier = await browser.next()
            assert (kind, data) == ("board", {"n": 1})
            assert identifier == events.cursor(SLUG)

    run(story())


def test_everybody_hears_the_same_bytes(anyone):
    async def story():
        async with Browser(after="0-0") as one, Browser(after="0-0") as two:
            await following()
            publish(1)
            assert await one.next() == await two.next()

    run(story())


def test_what_was_missed_is_told_first(anyone):
    for n in (1, 2):
        publish(n)
    cursor = events.cursor(SLUG)
    for n in (3, 4):
        publish(n)

    async def story():
        async with Browser(after=cursor) as browser:
            assert await browser.until(4) == [3, 4]
            publish(5)
            assert await browser.until(5) == [5]

    run(story())


def test_last_event_id_wins_over_the_page(anyone):
    publish(1)
    page = events.cursor(SLUG)
    publish(2)
    last = events.cursor(SLUG)
    publish(3)

    async def story():
        async with Browser(after=page, headers={"last-event-id": last}) as browser:
            assert await browser.until(3) == [3]

    run(story())


def test_a_page_made_before_the_first_event_misses_nothing(anyone):
    cursor = events.cursor(SLUG)
    publish(1)

    async def story():
        async with Browser(after=cursor) as browser:
            assert await browser.until(1) == [1]

    run(story())


@pytest.mark.parametrize(
    "cursor", ["", "nonsense", "1-1", "99999999999999-0", "99999999999999999999-0", "1-1; DROP"]
)
def test_an_unknown_place_is_answered_with_a_reset(anyone, cursor):
    publish(1)

    async def story():
        async with Browser(after=cursor) as browser:
            assert (await browser.next())[0] == "reset"
            await following()
            publish(2)
            assert await browser.until(2) == [2]

    run(story())


def test_too_much_missed_is_answered_with_a_reset(anyone, valkey):
    publish(0)
    cursor = events.cursor(SLUG)
    publish(1)
    valkey.client.xtrim(events.stream_key(SLUG), maxlen=1, approximate=False)

    async def story():
        async with Browser(after=cursor) as browser:
            assert (await browser.next())[0] == "reset"
            assert await browser.silent()

    run(story())


def test_the_stream_does_not_grow_for_ever(valkey):
    for n in range(events.KEPT_EVENTS + 300):
        publish(n)
    assert valkey.client.xlen(events.stream_key(SLUG)) < events.KEPT_EVENTS + 200


def test_nothing_is_lost_or_doubled_while_everybody_connects(anyone):
    """Events pour in while pages are made and opened: each sees every later one exactly once."""
    total, clients = 400, 25
    known = {}

    def pour():
        for n in range(total):
            publish(n)
            known[events.cursor(SLUG)] = n
            time.sleep(0.002)

    async def open_page(seed):
        draw = random.Random(seed)  # noqa: S311 - not a secret
        await asyncio.sleep(draw.random())
        cursor = await asyncio.to_thread(events.cursor, SLUG)
        await asyncio.sleep(draw.random() * 0.1)
        async with Browser(after=cursor) as browser:
            return cursor, await browser.until(total - 1)

    async def story():
        source = threading.Thread(target=pour)
        source.start()
        heard = await asyncio.gather(*(open_page(seed) for seed in range(clients)))
        await asyncio.to_thread(source.join)
        for cursor, seen in heard:
            start = 0 if cursor == events.START else known[cursor] + 1
            assert seen == list(range(start, total))

    run(story())


# --- who hears what ------------------------------------------------------------------------------


def test_events_of_a_team_are_for_the_team(anyone):
    publish(1, team="7")
    publish(2, team="8")

    async def story():
        anyone({"7"})
        async with Browser(after="0-0") as mine:
            await mine.chunk()  # by now it is known who listens
            anyone()
            async with Browser(after="0-0") as stranger:
                await following()
                publish(3, team="7")
                publish(4)
                assert [(await mine.next())[1]["n"] for _ in range(3)] == [1, 3, 4]
                assert [(await stranger.next())[1]["n"]] == [4]

    run(story())


def test_others_events_do_not_lose_ones_place(anyone):
    """The newest entry when the page was made was another team's: the place is still known."""
    publish(1, team="8")
    cursor = events.cursor(SLUG)
    publish(2)

    async def story():
        async with Browser(after=cursor) as browser:
            assert await browser.until(2) == [2]

    run(story())


@pytest.mark.django_db(transaction=True)
def test_the_session_decides_who_hears_a_submission(competition, alice, bob, clients, team_of):
    alices = str(team_of(alice).pk)
    team_of(bob)

    def cookie(user):
        client = clients(user)
        # A browser on localhost also sends the cookies of whatever else ran there on any port.
        others = '_xsrf=2|1a|b c; username-localhost-8888="2|1:0|10:1|{"a": "b"}"; a[b]=1; '
        return {"cookie": f"{others}sessionid={client.cookies['sessionid'].value}"}

    of_alice, of_bob = cookie(alice), cookie(bob)

    async def story():
        async with (
            Browser(after="0-0", headers=of_alice) as hers,
            Browser(after="0-0", headers=of_bob) as his,
            Browser(after="0-0") as visitors,
            Browser(after="0-0", headers={"cookie": "sessionid=forged"}) as forged,
        ):
            # Asked for one after another, so that every one of them is connected.
            for browser in (hers, his, visitors, forged):
                await browser.chunk()
            await following()
            publish(1, team=alices)
            publish(2)
            assert [(await hers.next())[1]["n"] for _ in range(2)] == [1, 2]
            for other in (his, visitors, forged):
                assert (await other.next())[1]["n"] == 2

    run(story())


@pytest.mark.django_db(transaction=True)
def test_a_password_changed_elsewhere_ends_the_session_here_too(
    competition, alice, clients, team_of
):
    team = str(team_of(alice).pk)
    session = clients(alice).cookies["sessionid"].value
    alice.set_password("another one")
    alice.save()

    async def story():
        async with Browser(after="0-0", headers={"cookie": f"sessionid={session}"}) as browser:
            await following()
            publish(1, team=team)
            assert await browser.silent()

    run(story())


@pytest.mark.django_db(transaction=True)
def test_a_draft_is_nowhere_but_for_the_host(draft, alice, host, clients):
    path = f"/competitions/{draft.slug}/live/"

    def cookie(user):
        return {"cookie": f"sessionid={clients(user).cookies['sessionid'].value}"}

    of_alice, of_host = cookie(alice), cookie(host)

    async def story():
        for headers in ({}, of_alice):
            async with Browser(path, headers=headers) as browser:
                assert b"no live board" in await browser.chunk()
                assert browser.status == 404
        async with Browser(path, headers=of_host) as browser:
            await browser.chunk()
            assert browser.status == 200

    run(story())


@pytest.mark.django_db(transaction=True)
def test_a_challenge_that_does_not_exist(db):
    async def story():
        async with Browser("/competitions/nothing/live/") as browser:
            await browser.chunk()
            assert browser.status == 404

    run(story())


@pytest.mark.parametrize(("method", "status"), [("POST", 405), ("HEAD", 200), ("DELETE", 405)])
def test_it_is_read_only(anyone, method, status):
    async def story():
        async with Browser(method=method) as browser:
            await browser.chunk()
            assert browser.status == status
            await asyncio.wait_for(browser.task, 2)

    run(story())


# --- no stream is for ever, and there is an end to their number -----------------------------------


def test_every_connection_draws_its_own_retry(anyone):
    async def story():
        drawn = set()
        for _ in range(5):
            async with Browser(after="0-0") as browser:
                drawn.add(await browser.chunk())
        assert len(drawn) > 1
        assert all(map(RETRY.fullmatch, drawn))

    run(story())


def test_a_stream_ends_by_itself_and_its_client_misses_nothing(anyone, monkeypatch):
    """Events pour in while the streams end again and again: each is heard exactly once."""
    monkeypatch.setattr(stream, "LIFETIME", (0.05, 0.15))
    total = 200

    def pour():
        for n in range(total):
            publish(n)
            time.sleep(0.005)

    async def story():
        source = threading.Thread(target=pour)
        source.start()
        seen, last, streams = [], events.START, 0
        while len(seen) < total:
            streams += 1
            async with Browser(after="0-0", headers={"last-event-id": last}) as browser:
                while (told := await browser.next()) is not None:
                    seen.append(told[1]["n"])
                    last = told[2]
                await asyncio.wait_for(browser.task, 2)
        await asyncio.to_thread(source.join)
        assert seen == list(range(total))
        assert streams > 3

    run(story())


async def refused(browser, status):
    sentence = await browser.chunk()
    assert (browser.status, browser.headers[b"retry-after"]) == (status, b"10")
    return sentence


def test_a_full_process_refuses_before_it_asks_the_database(anyone, monkeypatch):
    monkeypatch.setattr(places, "HEAD_ROOM", resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 2)

    async def story():
        async with Browser(after="0-0") as one, Browser(after="0-0") as two:
            await one.chunk(), await two.chunk()
            monkeypatch.setattr(stream, "find_listener", lambda *_: pytest.fail("asked"))
            async with Browser(after="0-0", peer="10.0.0.2") as three:
                assert b"Too many" in await refused(three, 503)
        assert places.places.taken == 0
        anyone()
        async with Browser(after="0-0") as next_one:
            await next_one.chunk()
            assert next_one.status == 200

    run(story())


def test_a_class_behind_one_address_has_places_and_one_person_has_ten(monkeypatch):
    people = iter([*["7"] * 11, *[f"pupil {n}" for n in range(80)]])
    monkeypatch.setattr(stream, "find_listener", lambda *_: Listener(frozenset(), next(people)))

    async def story():
        async with contextlib.AsyncExitStack() as stack:

            async def connect():
                browser = await stack.enter_async_context(Browser(after="0-0"))
                return await browser.chunk(), browser

            statuses = [(await connect())[1].status for _ in range(places.PER_PERSON)]
            _, one_more = await connect()
            assert (set(statuses), one_more.status) == ({200}, 429)
            assert {(await connect())[1].status for _ in range(80)} == {200}
        assert (places.places.taken, places.places._holders) == (0, {})

    run(story())


def test_one_address_cannot_take_all_places(anyone, monkeypatch):
    monkeypatch.setattr(places, "PER_ADDRESS", 1)

    async def story():
        async with Browser(after="0-0") as one, Browser(after="0-0") as same:
            await one.chunk()
            assert b"address" in await refused(same, 429)
            async with Browser(after="0-0", peer="10.0.0.2") as other:
                await other.chunk()
                assert other.status == 200

    run(story())


@pytest.mark.parametrize(
    ("proxies", "address"), [(0, "10.9.9.9"), (1, "192.0.2.2"), (2, "192.0.2.1"), (3, "10.9.9.9")]
)
def test_behind_a_proxy_the_address_is_the_visitors(settings, proxies, address):
    settings.PROXIES = proxies
    assert places.address_of("10.9.9.9", "192.0.2.1, 192.0.2.2") == address


def test_the_web_process_takes_all_files_it_may_have():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 1024), hard))
    web.allow_many_files()
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (hard, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


# --- when something is slow, away or gone --------------------------------------------------------


def test_silence_is_filled_with_heartbeats(anyone, monkeypatch):
    monkeypatch.setattr(stream, "HEARTBEAT", 0.02)

    async def story():
        async with Browser(after="0-0") as browser:
            chunks = [await browser.chunk() for _ in range(4)]
            assert chunks[0].startswith(b"retry")
            assert all(chunk.startswith(b":") for chunk in chunks[1:])

    run(story())


def test_a_slow_client_is_told_to_start_afresh_and_slows_nobody(anyone, monkeypatch):
    monkeypatch.setattr(channel, "QUEUE_LENGTH", 20)

    async def story():
        async with Browser(after="0-0") as slow, Browser(after="0-0") as quick_one:
            await following()
            await slow.chunk(), await quick_one.chunk()
            slow.reads.clear()
            for n in range(100):
                publish(n)
                if n % 10 == 9:
                    await quick_one.until(n)
            slow.reads.set()
            publish(100)
            seen = await slow.until(100)
            assert "reset" in seen
            assert len(seen) < 60
            # After the reset nothing is missing.
            after = seen[len(seen) - seen[::-1].index("reset") :]
            assert after == list(range(101 - len(after), 101))

    run(story())


def test_who_leaves_leaves_nothing_behind(anyone, valkey, monkeypatch):
    """Left at any moment, also while the reader or the replay is half way to Valkey."""
    monkeypatch.setattr(channel, "READ_BLOCK", 50)

    async def story():
        found = channel.channels.get(SLUG)
        for turns in range(40):
            async with Browser(after="0-0"):
                for _ in range(turns):
                    await asyncio.sleep(0)
        while found._reader is not None:
            await asyncio.sleep(0.01)
        assert found._subscribers == set()
        assert len(asyncio.all_tasks()) == 1
        assert len(valkey.client.client_list()) < 10
        async with Browser(after="0-0") as browser:  # and the next one is served as the first
            await following()
            publish(1)
            assert await browser.until(1) == [1]

    run(story())


def test_an_error_of_ours_is_not_swallowed(anyone, monkeypatch):
    def broken(*_args):
        raise ZeroDivisionError

    monkeypatch.setattr(channel.Channel, "since", broken)

    async def story():
        with pytest.raises(ZeroDivisionError):
            async with Browser(after="0-0") as browser:
                await asyncio.wait({browser.task}, timeout=2)

    run(story())


def test_one_reader_for_any_number_of_listeners(anyone, valkey):
    async def story():
        async with Browser(after="0-0") as a, Browser(after="0-0") as b, Browser(after="0-0") as c:
            for browser in (a, b, c):
                await browser.chunk()
            await following()
            await asyncio.sleep(0.1)
            blocked = [c for c in valkey.client.client_list() if c["cmd"] == "xread"]
            assert len(blocked) == 1

    run(story())


def test_valkey_restarts_and_the_listeners_start_afresh(anyone, valkey):
    async def story():
        async with Browser(after="0-0") as browser:
            await following()
            publish(1)
            assert await browser.until(1) == [1]
            await asyncio.to_thread(valkey.stop)
            await asyncio.sleep(0.1)
            await asyncio.to_thread(valkey.start)
            assert (await browser.next())[0] == "reset"
            publish(2)
            assert await browser.until(2) == [2]

    run(story())


def test_valkey_comes_back_without_its_data(anyone, valkey):
    """The page's place is gone with the stream, and a shorter stream has taken its name."""
    publish(1)
    cursor = events.cursor(SLUG)
    valkey.client.flushall()
    time.sleep(0.002)  # ids are milliseconds: the new entry must not get the old one's
    publish(2)

    async def story():
        async with Browser(after=cursor) as browser:
            assert (await browser.next())[0] == "reset"

    run(story())


def test_valkey_is_away_when_the_page_connects(anyone, valkey, monkeypatch):
    """What happens between its return and the reader's first look must not be lost in silence."""
    monkeypatch.setattr(channel, "PAUSE_AFTER_ERROR", 0.8)
    cursor = events.cursor(SLUG)
    valkey.stop()

    async def story():
        async with Browser(after=cursor) as browser:
            assert (await browser.next())[0] == "reset"
            await asyncio.to_thread(start_and_publish, valkey)
            seen = [await browser.next()]
            assert seen[0][0] == "reset" or seen[0][1] == {"n": 1}

    run(story())


def start_and_publish(valkey):
    valkey.start()
    publish(1)


def test_without_valkey_nothing_breaks_but_the_events(valkey, caplog):
    valkey.stop()
    began = time.monotonic()
    publish(1)
    assert events.cursor(SLUG) == ""
    assert time.monotonic() - began < 1
    assert not embedded.answers(configured.VAR)


def test_a_server_that_shuts_down_lets_everybody_go(anyone):
    async def story():
        async with Browser(after="0-0") as browser:
            await following()
            channel.channels.close()
            assert await browser.next() is None
            await asyncio.wait_for(browser.task, 2)

    run(story())


def publish_in_a_thread(standing):
    events.publish_board(standing)
    connections.close_all()


@pytest.mark.django_db(transaction=True)
def test_from_a_score_to_every_screen(competition, scored, alice, bob, answers, team_of):
    standing = scored(alice, answers(1)).team.standing
    team_of(bob)

    async def story():
        async with Browser(after="0-0") as browser:
            await following()
            await asyncio.to_thread(publish_in_a_thread, standing)
            kind, data, _ = await browser.next()
            assert kind == "board"
            assert data["row"]["team"] == "Alice"
            assert "rank" not in data["row"]

    run(story())
    assert teams.of(Competition.objects.get(slug=SLUG), alice) is not None
