"""When something is slow, away or gone: nothing is lost in silence."""

import asyncio
import time

import pytest
from django.conf import settings as configured
from django.db import connections

from competitions import teams
from competitions.live import backlog, channel, events, stream, subscriber
from competitions.models import Competition
from holdout import embedded
from tests.competitions.live.browser import SLUG, Browser, following, publish, run


def test_silence_is_filled_with_heartbeats(anyone, monkeypatch):
    monkeypatch.setattr(channel, "HEARTBEAT", 0.02)

    async def story():
        async with Browser(after="0-0") as browser:
            chunks = [await browser.chunk() for _ in range(4)]
            assert chunks[0].startswith(b"retry")
            assert all(chunk.startswith(b":") for chunk in chunks[1:])

    run(story())


def test_a_slow_client_is_told_to_start_afresh_and_slows_nobody(anyone, monkeypatch):
    monkeypatch.setattr(backlog, "KEPT_EVENTS", 20)

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


def test_what_valkey_dropped_before_we_read_it_is_made_up_for_by_a_reset(anyone):
    """More comes at once than Valkey keeps: what lies between is in nobody's hands any more."""
    total = 2 * events.KEPT_EVENTS

    async def story():
        async with Browser(after="0-0") as browser:
            await following()
            for n in range(total):
                publish(n)
            publish(total)
            seen = [await browser.next()]
            while seen[-1][2] != events.cursor(SLUG):
                seen.append(await browser.next())
            assert "reset" in [kind for kind, _, _ in seen]
            publish("afterwards")
            assert await browser.until("afterwards") == ["afterwards"]

    run(story())


def test_who_leaves_leaves_nothing_behind(anyone, valkey, monkeypatch):
    """Left at any moment, also while the reader or the replay is half way to Valkey."""
    monkeypatch.setattr(channel, "READ_BLOCK", 50)

    async def story():
        before = len(valkey.client.client_list())  # of the tests that were here before
        found = channel.channels.get(SLUG)
        for turns in range(40):
            async with Browser(after="0-0"):
                for _ in range(turns):
                    await asyncio.sleep(0)
        while len(asyncio.all_tasks()) > 1:
            await asyncio.sleep(0.01)
        assert found._reader is None
        assert (found.listeners, set().union(*found._wheel)) == (0, set())
        assert len(valkey.client.client_list()) < before + 10
        async with Browser(after="0-0") as browser:  # and the next one is served as the first
            await following()
            publish(1)
            assert await browser.until(1) == [1]

    run(story())


def test_an_error_of_ours_is_not_swallowed(anyone, monkeypatch):
    def broken(*_args):
        raise ZeroDivisionError

    monkeypatch.setattr(backlog.Backlog, "after", broken)

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
            last = events.cursor(SLUG)
            await asyncio.to_thread(valkey.stop)
            await asyncio.sleep(0.1)
            await asyncio.to_thread(valkey.start)
            assert (await browser.next())[0] == "reset"
            # Whoever comes back later has missed the same, though the last id is still known.
            async with Browser(headers={"last-event-id": last}) as other:
                assert (await other.next())[0] == "reset"
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


def test_the_more_there_are_the_longer_they_take_to_come_back(anyone, monkeypatch):
    """A new server must look everybody up: it tells them apart by the time it gives them."""
    monkeypatch.setattr(channel, "RETURNING", 1)  # a second
    monkeypatch.setattr(stream.random, "randint", max)

    async def story():
        async with Browser(after="0-0") as browser, Browser(after="0-0") as other:
            for one in (browser, other):
                assert await one.chunk() == b"retry: 3000\n\n"
                assert await one.chunk() == subscriber.STILL_HERE
            channel.channels.close()
            assert await browser.chunk() == b"retry: 6000\n\n"

    run(story())


def test_a_reset_for_all_says_over_how_long_they_should_spread(anyone, monkeypatch):
    monkeypatch.setattr(channel, "RETURNING", 1)  # a second

    async def story():
        async with Browser(after="0-0") as browser, Browser(after="0-0"):
            await following()
            events._add(SLUG, "reset", {})
            assert (await browser.next())[:2] == ("reset", {"within": 2000})

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
