"""What comes over the live stream, and from where: on a real Valkey."""

import asyncio
import random
import threading
import time

import pytest

from competitions.live import backlog, events
from tests.competitions.live.browser import RETRY, SLUG, Browser, following, publish, run


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


def test_a_place_that_the_reader_has_not_come_to_yet_is_no_unknown_one(anyone):
    async def story():
        async with Browser(after="0-0") as first:
            await following()
            publish(1)
            async with Browser(after=events.cursor(SLUG)) as second:
                publish(2)
                assert await second.until(2) == [2]
            assert await first.until(2) == [1, 2]

    run(story())


def test_after_a_reset_the_place_is_known_again(anyone):
    publish(1)

    async def story():
        async with Browser(after="") as browser:
            kind, _, place = await browser.next()
        publish(2)
        assert kind == "reset"
        async with Browser(headers={"last-event-id": place}) as browser:
            assert await browser.until(2) == [2]

    run(story())


def test_what_comes_in_a_crowd_goes_out_in_a_few_writes(anyone):
    """At the deadline hundreds come while one is sent: a write for each would never end."""

    async def story():
        async with Browser(after="0-0") as browser:
            await following()
            before = browser.sent
            for n in range(300):
                publish(n)
            assert await browser.until(299) == list(range(300))
            assert browser.sent - before < 10

    run(story())


def test_a_long_way_to_catch_up_is_gone_in_steps(anyone):
    """No more is written at once than a slow client may keep us waiting with."""
    for n in range(40):
        publish(n, padding="x" * 10_000)

    async def story():
        async with Browser(after="0-0") as browser:
            assert await browser.until(39) == list(range(40))
            assert browser.longest <= backlog.LONGEST_CHUNK

    run(story())
