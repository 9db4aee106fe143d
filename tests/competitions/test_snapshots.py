"""What is made once for everybody: by whom it is waited for, what is kept of it, and for whom."""

import json
import re
from threading import Event, Thread

import pytest

from competitions import boardfile, lifecycle, moderation, reveal, snapshots
from competitions.models import Competition, FinalStanding
from competitions.models.competition import State

DESPITE = "The seal of this test is not real."
API = "/api/competitions/pets/"
CEREMONY = "/competitions/pets/ceremony/"
EXPORT = "/competitions/pets/replay/export/"


# --- waiting -------------------------------------------------------------------------------------


def test_a_slow_one_holds_up_those_who_want_the_same_and_nobody_else():
    is_begun, may_end, made = Event(), Event(), []

    def slow():
        is_begun.set()
        assert may_end.wait(20)
        made.append("slow")
        return b"slow"

    def ask():
        made.append(snapshots.once("slow", slow))

    first, second = Thread(target=ask), Thread(target=ask)
    first.start()
    assert is_begun.wait(20)
    second.start()
    quick = Thread(target=lambda: made.append(snapshots.once("quick", lambda: b"quick")))
    quick.start()
    quick.join(10)
    assert made == [b"quick"]
    may_end.set()
    first.join()
    second.join()
    assert made == [b"quick", "slow", b"slow", b"slow"]
    assert len(snapshots._making) == 0


def test_of_what_is_large_the_last_version_alone_is_kept(valkey):
    def latest(version):
        return snapshots.latest("board", version, lambda: made.append(version) or version)

    made = []
    assert [latest(version) for version in ("1", "1", "2", "2")] == ["1", "1", "2", "2"]
    assert made == ["1", "2"]
    assert len(valkey.client.keys("*board")) == 1


# --- what is kept, and for whom ------------------------------------------------------------------


@pytest.fixture
def revealed(competition, scored, answers, alice, bob):
    scored(alice, answers(0, wrong_private=5))
    scored(bob, answers(1))
    lifecycle.close_now(competition)
    reveal.reveal(competition, despite=DESPITE)
    return competition


def embedded(page):
    found = re.search(r'<script id="final" type="application/json">(.*?)</script>', page)
    return json.loads(found[1])


def test_groups_that_somebody_made_up_are_answered_and_not_kept(
    competition, scored, answers, alice, team_of, clients, valkey
):
    scored(alice, answers(1))
    moderation.set_group(team_of(alice), "7A")

    def kept():
        return len(valkey.client.keys("*board-pets-*"))

    for group, then in (("7A", 1), ("no such", 1), ("nor this", 1), ("", 2)):
        rows = clients().get(f"{API}leaderboard/", {"group": group}).json()["rows"]
        assert (len(rows), kept()) == (int(group in ("7A", "")), then)


def test_a_final_board_that_is_not_published_is_kept_nowhere(revealed, clients, host, valkey):
    for address in (f"{API}final/", CEREMONY):
        answer = clients(host).get(address)
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "private, no-store"
        assert "ETag" not in answer.headers
        assert clients().get(address).status_code == 404
    assert not [key for key in valkey.client.keys("*") if b"final" in key or b"ceremony" in key]
    reveal.publish(revealed)
    assert clients().get(f"{API}final/").json()["published_at"]
    assert embedded(clients().get(CEREMONY).content.decode())["published_at"]


def test_a_published_final_board_is_made_once_and_anew_when_it_changes(
    revealed, clients, alice, team_of, django_assert_num_queries
):
    reveal.publish(revealed)
    first = clients().get(f"{API}final/")
    assert first.headers["Cache-Control"] == "no-cache"
    with django_assert_num_queries(2):  # the competition, what the version follows from
        again = clients().get(f"{API}final/", headers={"If-None-Match": first.headers["ETag"]})
        assert again.status_code == 304
    with django_assert_num_queries(2):
        assert clients().get(f"{API}final/").content == first.content
    clients().get(CEREMONY)
    for change, told in (
        (lambda: moderation.rename(team_of(alice), "Ada"), "Ada"),
        (lambda: FinalStanding.objects.update(tied=True), '"tied":true'),
    ):
        before = clients().get(f"{API}final/").headers["ETag"]
        change()
        fresh = clients().get(f"{API}final/", headers={"If-None-Match": before})
        assert told in fresh.content.decode()
        page = clients().get(CEREMONY).content.decode()
        assert embedded(page) == fresh.json()
    assert "The second cannot be told apart from the winner." in page


def test_the_file_of_a_board_is_made_once_and_has_no_private_score_too_early(
    revealed, clients, monkeypatch
):
    first = clients().get(EXPORT)
    made = []
    render = boardfile.page.render
    monkeypatch.setattr(boardfile.page, "render", lambda it: made.append(it.state) or render(it))
    again = clients().get(EXPORT, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, made) == (304, [])
    assert "0.5833" not in first.content.decode()  # 7 of 12
    reveal.publish(revealed)
    assert "0.5833" in clients().get(EXPORT).content.decode()
    Competition.objects.update(title="Another title")
    assert "Another title" in clients().get(EXPORT).content.decode()
    assert made == [State.REVEALED, State.REVEALED]
