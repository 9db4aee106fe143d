"""Who hears what, for how long, and how many they can be."""

import asyncio
import contextlib
import resource
import socket
import threading
import time
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import AnonymousUser

from competitions.live import audience, channel, events, places, stream
from competitions.live.audience import Listener
from holdout import web
from tests.competitions.live.browser import RETRY, SLUG, Browser, answering, following, publish, run


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


def test_thousands_who_come_back_at_once_are_looked_up_by_a_few_threads(monkeypatch):
    """Each over one connection to the database, which is closed in the end."""
    at_work, most, closed = set(), [], []

    def look_up(_desk, question):
        at_work.add(threading.get_ident())
        most.append(len(at_work))
        time.sleep(0.001)
        at_work.discard(threading.get_ident())
        if question.session == "7":
            raise ZeroDivisionError
        return Listener(person=question.session)

    monkeypatch.setattr(audience.Desk, "_look_up", look_up)
    closing = SimpleNamespace(close=lambda: closed.append(len(most)))
    monkeypatch.setattr(audience, "connection", closing)
    desk = audience.Desk()

    async def story():
        asked = (desk.find_listener(SLUG, {"sessionid": str(n)}) for n in range(200))
        answers = await asyncio.gather(*asked, return_exceptions=True)
        assert isinstance(answers.pop(7), ZeroDivisionError)
        assert [a.person for a in answers] == [str(n) for n in range(200) if n != 7]

    run(story())
    desk._threads.shutdown()
    assert max(most) <= audience.THREADS
    assert closed[-1] == 200


@pytest.mark.django_db(transaction=True)
def test_visitors_are_not_looked_up_one_by_one(competition, monkeypatch):
    asked = []
    monkeypatch.setattr(audience, "_person", lambda _: asked.append(1) or AnonymousUser())

    async def story():
        for _ in range(5):
            async with Browser(after="0-0") as browser:
                await browser.chunk()
                assert browser.status == 200

    run(story())
    assert len(asked) == 1


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
    monkeypatch.setattr(channel, "HEARTBEAT", 0.03)
    monkeypatch.setattr(stream, "LIFETIME", (3, 6))
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
            asked = answering(lambda: pytest.fail("asked"))
            monkeypatch.setattr(stream.desk, "find_listener", asked)
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
    answer = answering(lambda: Listener(person=next(people)))
    monkeypatch.setattr(stream.desk, "find_listener", answer)

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


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="Linux alone has it")
def test_a_client_that_takes_nothing_does_not_keep_its_connection_for_ever():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        web.let_go_of_the_silent(listener)
        with socket.create_connection(listener.getsockname()) as client:
            accepted, _ = listener.accept()
            with client, accepted:
                option = accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
    assert option == web.LET_GO * 1000
