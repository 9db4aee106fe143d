"""The leaderboard page: what its marks claim, its pages and modes, and that its scripts agree."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from competitions import leaderboard, lifecycle, moderation, reveal
from competitions.leaderboard import Board, Row
from competitions.models import (
    BoardStatistics,
    Competition,
    SolutionVersion,
    Standing,
    State,
    Team,
)
from competitions.models.metrics import facts
from competitions.views import board as board_page
from competitions.views import feed, paging, ties, whiskers
from holdout.accounts.models import User
from tests.competitions.boards import row, some_board

MODULES = Path(settings.PACKAGE) / "static" / "js"
PAGE = "/competitions/pets/leaderboard/"
API = "/api/competitions/pets/leaderboard/"
CLASH = "<script>alert(1)</script>"


def drawn(rows: list[Row], metric: str = "top_k_accuracy", **fields: Any) -> dict[str, Any]:
    return board_page.drawn(Board(1, facts(metric, {}, None), 2, rows, **fields), None)


# --- who is tied ---------------------------------------------------------------------------------


def test_a_tie_is_what_was_compared_and_noise_where_nothing_was():
    rows = [row(0.9, 0.02, team_id=1), row(0.89, team_id=2, tied=False),
            row(0.88, team_id=3, tied=True), row(0.88, team_id=4), row(0.7, team_id=5)]  # fmt: skip
    found = drawn(rows, noise=0.025)
    assert [line.in_band for line in found["lines"]] == [True, False, True, True, False]
    assert [line.is_first for line in found["lines"]] == [True, False, True, False, False]
    assert [line.is_last for line in found["lines"]] == [True, False, False, True, False]
    assert not found["ties"].is_unbroken
    assert found["noise"] == "2.5 points"
    # Where nothing was compared at all, as if the two scores had been measured on other images.
    apart = drawn([row(0.9, 0.02, team_id=1), row(0.875, team_id=2), row(0.87, team_id=3)])
    assert [line.in_band for line in apart["lines"]] == [True, True, False]


@pytest.mark.parametrize("sign", [1, -1])
def test_a_dot_in_the_grey_zone_is_tied(sign):
    for seed in range(40):
        rows = some_board(seed, sign)
        found = drawn(rows, "top_k_accuracy" if sign > 0 else "top_k_error", noise=0.03)
        zone, scale = found["zone"], found["scale"]
        for line, is_tied in zip(found["lines"], found["ties"].tied, strict=True):
            inside = zone is not None and zone.x <= line.whisker.dot <= zone.x + zone.width
            is_ahead = found["leader"] and ties._beats(line.row, found["leader"], sign)
            assert is_tied or is_ahead or not inside
        run = [rows[n] for n in found["ties"].run]
        apart = [each.value for each in rows[found["ties"].run.stop :][:1]]
        for each in (each for each in run if each.value not in apart):
            assert zone.x <= scale.x(each.value) <= zone.x + zone.width or scale.x(each.value) < 0


def test_a_score_that_some_share_and_others_were_told_apart_with_lies_outside_the_zone():
    rows = [row(0.99, 0.02, team_id=1), row(0.97, team_id=2, tied=True),
            row(0.97, team_id=3, tied=False)]  # fmt: skip
    found = drawn(rows)
    zone, dots = found["zone"], [line.whisker.dot for line in found["lines"]]
    assert dots[1] < zone.x < dots[0]
    rows[1:] = [row(0.99, team_id=2, tied=False)]
    assert drawn(rows)["zone"] is None


def test_where_less_is_better_everything_is_mirrored():
    rows = [row(0.1, 0.02, team_id=1), row(0.11, 0.02, team_id=2), row(0.3, 0.02, team_id=3)]
    line = row(0.09, 0.02, team_id=4, is_baseline=True)
    up = [row(1 - r.value, 0.02, team_id=r.team_id, is_baseline=r.is_baseline)
          for r in (line, *rows)]  # fmt: skip
    least, most = drawn([line, *rows], "top_k_error"), drawn(up)
    for found in (least, most):
        assert [each.in_band for each in found["lines"]] == [False, True, True, False]
    assert least["zone"].width == pytest.approx(most["zone"].width, abs=0.2)
    assert least["zone"].x == least["scale"].x(0.08)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_last_best_is_told_as_what_it_was_when_it_came(sign):
    curves = {
        1: [[10, 0.5], [40, 0.9]],  # from the last place to the first
        2: [[20, 0.7]],
        3: [[30, 0.6], [50, 0.7]],  # beside the second one
        4: [[60, 0.8]],
        5: [[5, 0.1], [70, 0.2]],
        6: [[80, 0.9]],
    }
    rows = [
        replace(row(sign * curve[-1][1], team_id=team),
                reached_at=datetime.fromtimestamp(curve[-1][0], UTC),
                curve=[[at, sign * value] for at, value in curve])
        for team, curve in curves.items()
    ]  # fmt: skip
    line = row(sign * 0.95, team_id=7, is_baseline=True)
    told = {
        best.row.team_id: (best.words, best.place, best.gained)
        for best in feed.feed([*rows, line], sign)
    }
    assert told == {
        1: ("takes the lead", None, 2),
        2: ("takes the lead", None, 0),
        3: ("ties for", 2, 1),
        4: ("enters at", 2, 0),
        5: ("own best, stays", 5, 0),
        6: ("shares the lead", None, 0),
        7: ("a line to beat", None, 0),
    }


@pytest.mark.parametrize(
    ("noise", "bounds", "words"),
    [
        (0.0142, (0.0, 1.0), "1.4 points"),
        (0.0006, (0.0, 1.0), "0.06 points"),
        (0.0142, (0.0, 34.5), "0.014"),
        (12.3, (0.0, 100.0), "12"),
        (0, (0.0, 34.5), "0"),
        (None, (0.0, 1.0), ""),
    ],
)
def test_noise_is_told_in_points_or_in_two_figures(noise, bounds, words):
    assert ties.difference(noise, bounds) == words


def test_ties_with_a_former_leader_say_nothing(competition, scored, answers, alice, bob):
    first, second = scored(alice, answers(1)), scored(bob, answers(2))
    BoardStatistics.objects.create(
        competition=competition, version=2, computed_at=timezone.now(), leader=first, noise=0.2
    )
    Standing.objects.update(tied=True)

    def told() -> list[bool | None]:
        fresh = Competition.objects.get()
        rows = [*leaderboard.board(fresh).rows, leaderboard.row_of(fresh, second.team_id)]
        return [found.tied for found in rows if found]

    assert told() == [True, True, True]
    BoardStatistics.objects.update(leader=second)
    assert told() == [None, None, None]
    assert Client().get(API).json()["noise"] == 0.2


def test_the_scale_fits_the_upper_part_and_points_at_the_rest():
    rows = [row(value, 0.02) for value in (0.94, 0.92, 0.9, 0.1)]
    scale = whiskers.scale_of(rows, (0, 1))
    found = [whiskers.whisker(each, scale) for each in rows]
    assert [mark.arrow != "" for mark in found] == [False, False, False, True]
    assert all(0 <= mark.dot <= whiskers.WIDTH for mark in found[:3])
    assert 3 <= len(scale.ticks) <= 6


@pytest.mark.parametrize("values", [[0.5], [0.0], [1.0, 1.0], [34.5, 0.1], [None], []])
def test_the_scale_stands_any_board(values):
    scale = whiskers.scale_of([row(value) for value in values], (0, 35))
    assert scale.low < scale.high
    assert scale.ticks


# --- pages, groups, search -----------------------------------------------------------------------


@pytest.fixture
def text(clients: Callable[..., Client]) -> Callable[..., str]:
    """``text("?page=2", alice)``: the page as that person reads it."""

    def get(query: str = "", user: User | None = None) -> str:
        response = clients(user).get(PAGE + query)
        assert response.status_code == 200
        return unescape(response.content.decode())

    return get


@pytest.fixture
def crowd(competition: Competition, person: Any, scored: Any, answers: Any) -> list[User]:
    """Five teams with 0 to 4 of 6 wrong, the best first; three lines make a page."""
    users = [person(name) for name in ("ada", "ben", "cleo", "dora", "emil")]
    for wrong, user in enumerate(users):
        scored(user, answers(wrong))
    Team.objects.filter(members__user__in=users[::2]).update(group="A")
    return users


@pytest.fixture
def short_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leaderboard, "PAGE", 3)


def listed(page: str) -> list[tuple[str, str]]:
    """Rank and team of the rows, one's own where it stands apart included."""
    body = page.partition("<template data-row-template>")[0]
    found = re.findall(r'<span class="rank[^>]*>([^<]+)</span>.*?<b>([^<]+)</b>', body, re.DOTALL)
    return [(rank.strip(), team) for rank, team in found]


@pytest.mark.usefixtures("short_pages")
def test_the_own_line_is_on_every_page(crowd, text):
    ada, *_, dora, _ = crowd
    assert listed(text()) == [("1", "ada"), ("2", "ben"), ("3", "cleo")]
    assert listed(text("?page=2")) == [("4", "dora"), ("5", "emil")]
    assert listed(text("?page=99")) == listed(text("?page=2"))
    assert listed(text("", dora))[-1] == ("4", "dora")
    assert listed(text("?page=2", ada))[0] == ("1", "ada")
    assert listed(text("?page=mine", dora)) == listed(text("?page=2"))
    assert 'href="?page=mine"' in text("", dora) and "Go there" not in text("?page=2", dora)
    assert 'rel="next" href="?page=2"' in text()


@pytest.mark.usefixtures("short_pages")
def test_groups_and_search_keep_the_ranks_of_the_whole_board(crowd, text):
    assert listed(text("?group=A")) == [("1", "ada"), ("3", "cleo"), ("5", "emil")]
    assert listed(text("?search=E")) == [("2", "ben"), ("3", "cleo"), ("5", "emil")]
    assert listed(text("?search=e&group=A")) == [("3", "cleo"), ("5", "emil")]
    assert "No team is called that" in text("?search=zoe")
    assert listed(text("?group=nobody&page=x%00")) == listed(text())
    # The API pages and filters alike.
    found = Client().get(API, {"page_size": 2, "page": 2, "search": "e"}).json()
    assert [(r["rank"], r["team"]) for r in found["rows"]] == [(5, "emil")]
    assert (found["page"], found["pages"], found["teams"]) == (2, 2, 5)
    assert found["leader"] == {"team_id": Team.objects.get(name="ada").pk, "value": 1.0}


def test_only_the_own_row_is_marked(crowd, text):
    ada, ben, *_ = crowd
    for user, name in ((ada, "ada"), (ben, "ben"), (ada, "ada")):
        rows = re.findall(r'<tr class="is-you.*?<b>([^<]+)</b>', text("", user), re.DOTALL)
        assert rows == [name]
    assert 'class="is-you' not in text()


def test_a_page_of_a_version_is_made_once(crowd, clients, django_assert_num_queries):
    browser = clients(None)
    browser.get(PAGE)
    with django_assert_num_queries(2):  # the competition, its teams; neither board nor groups
        browser.get(PAGE)
    moderation.hide(Team.objects.get(name="ben"), None, "Asked for it.")
    assert "ben" not in listed(browser.get(PAGE).content.decode())


def test_pages_are_numbered_around_the_present_one():
    assert paging.pages_around(1, 1) == [1]
    assert paging.pages_around(2, 3) == [1, 2, 3]
    assert paging.pages_around(50, 100) == [1, None, 49, 50, 51, None, 100]


def test_a_line_stands_under_the_last_place_that_wins(crowd, text):
    Competition.objects.update(prizes=2)
    page = text()
    line = page.index("The first 2 places win a prize")
    assert page.index("<b>ben</b>") < line < page.index("<b>cleo</b>")
    Competition.objects.update(prizes=9)
    assert re.search(r"data-prize-line hidden", text())
    rows = [row(0.9, rank=rank) for rank in (1, None, 2, 2, 4)]
    assert [paging.prize_after(rows, prizes) for prizes in range(5)] == [-1, 0, 3, 3, -1]


# --- what a board tells when ---------------------------------------------------------------------


def test_a_board_that_hides_its_scores_tells_none(crowd, text, clients):
    Competition.objects.update(feedback="hidden")
    lifecycle.standings.rebuild(Competition.objects.get())
    for user in (None, crowd[0]):
        page, board = text("", user), clients(user).get(API).json()
        for secret in ("0.8333", "0.6667", "1.0000", "0.5000"):
            assert secret not in page
        assert "Scores stay hidden until the final board is published" in page
        assert re.search(r"<b>cleo</b>", page)
        assert (board["feedback"], board["leader"]) == ("hidden", None)
        assert {(r["rank"], r["score"], r["value"]) for r in board["rows"]} == {(None, "", None)}
    assert clients(crowd[0]).get(API).json()["you"]["entries"] == 1


def test_the_ladder_and_the_freeze_are_told(crowd, text):
    assert "Ladder" not in text()
    Competition.objects.update(feedback="ladder", ladder_step=0.02)
    assert "beats its best by more than 2.0 points" in text()
    soon = timezone.now() + timedelta(minutes=5)
    Competition.objects.update(closes_at=soon)
    assert re.search(r'data-when="frozen" hidden', text())
    Competition.objects.update(freeze_minutes=20)
    assert re.search(r'data-when="frozen"  data-moment', text())
    assert Client().get(API).json()["frozen_since"]


def test_the_overview_lists_what_was_announced(competition, clients):
    browser = clients(None)
    assert "data-announcements hidden" in browser.get("/competitions/pets/").content.decode()
    lifecycle.announce(competition, f"Lunch at noon {CLASH}")
    page = browser.get("/competitions/pets/").content.decode()
    assert "data-announcements >" in page
    assert CLASH not in page and "Lunch at noon" in page


@pytest.fixture
def revealed(competition: Competition, scored: Any, answers: Any, alice: User, bob: User) -> None:
    """Alice leads in public; on the private rows, 12 of them, Bob has all and she has 7 right."""
    scored(alice, answers(0, wrong_private=5))
    scored(bob, answers(1))
    Competition.objects.update(state=State.CLOSED, closes_at=timezone.now(), prizes=1)
    SolutionVersion.objects.update(verified_at=timezone.now(), seed="5eed" * 8)
    reveal.reveal(Competition.objects.get(), despite="Nobody looked for alarms in this test.")


@pytest.mark.usefixtures("revealed")
def test_the_final_board_waits_for_its_publication(text, clients, alice, host):
    final = "/api/competitions/pets/final/"
    for user in (None, alice):
        page = text("", user)
        assert "Results are being announced" in page and "Public leaderboard" in page
        assert "0.5833" not in page
        refused = clients(user).get(final)
        assert refused.status_code == 404
        assert refused.json()["error"]["message"] == "The final board is not published yet."
    assert "Open the ceremony" in text("", host)
    assert clients(host).get(final).json()["published_at"] is None
    reveal.publish(Competition.objects.get())
    page = text("", alice)
    assert listed(page) == [("1", "Bob"), ("2", "Alice")]
    assert "Bob wins, from 2nd on the public board." in page
    assert "Your team is 2nd of 2, with 0.5833" in page
    assert "The first place wins a prize." in page
    assert f"--seed {'5eed' * 8}" in page and "python -m scoring split" in page
    public = text("?board=public", alice)
    assert listed(public) == [("1", "Alice"), ("2", "Bob")]
    assert "0.5833" not in public
    rows = Client().get(final).json()["rows"]
    assert [(r["rank"], r["score"], r["public_rank"], r["moved"]) for r in rows] == [
        (1, "1.0000", 2, 1),
        (2, "0.5833", 1, -1),
    ]


# --- the API -------------------------------------------------------------------------------------


def test_the_own_line_comes_with_the_board_and_to_nobody_else(crowd, clients, charlie):
    answers = {user: clients(user).get(API) for user in (None, charlie, *crowd[:2])}
    yours = [answer.json()["you"] for answer in answers.values()]
    assert [you and you["team"] for you in yours] == [None, None, "ada", "ben"]
    assert [answer.headers["Cache-Control"] for answer in answers.values()] == [
        "no-cache", "no-cache", "private, no-cache", "private, no-cache",
    ]  # fmt: skip
    tags = [answer.headers["ETag"] for answer in answers.values()]
    assert tags[0] == tags[1] and len(set(tags)) == 3
    again = clients(crowd[0]).get(API, headers={"If-None-Match": tags[2]})
    assert (again.status_code, again.headers["Cache-Control"]) == (304, "private, no-cache")


def test_another_part_of_the_board_has_another_etag(crowd):
    queries = ({}, {"page": 2}, {"page_size": 2}, {"group": "A"}, {"search": "A"}, {"search": "b"})
    tags = {Client().get(API, query).headers["ETag"] for query in queries}
    Competition.objects.update(feedback="hidden")
    tags.add(Client().get(API).headers["ETag"])
    assert len(tags) == len(queries) + 1


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("page=0", "`page` is a number from 1."),
        ("page=two", "`page` is a number from 1."),
        ("page_size=1001", "`page_size` is a number from 1 to 1000."),
        ("search=%00", "Null characters are not allowed."),
    ],
)
def test_a_part_that_cannot_be_is_refused_in_words(competition, query, words):
    response = Client().get(f"{API}?{query}")
    assert response.status_code == 400
    assert response.json()["error"]["message"] == words


def test_the_history_is_every_curve(crowd, django_assert_num_queries):
    address = "/api/competitions/pets/history/"
    first = Client().get(address)
    history = first.json()
    assert [team["team"] for team in history["teams"]] == ["ada", "ben", "cleo", "dora", "emil"]
    assert [value for _, value in history["teams"][1]["curve"]] == [0.8333]
    assert history["now"] and history["closes_at"] is None
    with django_assert_num_queries(1):  # the competition
        again = Client().get(address, headers={"If-None-Match": first.headers["ETag"]})
        assert again.status_code == 304
    Competition.objects.update(closes_at=timezone.now() + timedelta(days=1))
    assert Client().get(address).json()["closes_at"]


def test_a_challenge_closed_before_its_freeze_says_nothing_of_one(competition, clients):
    closing = timezone.now() + timedelta(hours=2)
    Competition.objects.filter(pk=competition.pk).update(closes_at=closing, freeze_minutes=60)
    lifecycle.close_now(competition)
    said = clients(None).get(PAGE).context["challenge"]
    assert said.competition.freezes_at is not None
    assert (said.frozen_since, said.states) == (None, {"closed", "closed-ending"})


def test_a_group_is_offered_from_the_moment_in_which_it_is_set(competition, scored, answers, alice,
                                                               clients):  # fmt: skip
    team = scored(alice, answers(1)).team
    assert clients(None).get(PAGE).context["groups"] == []
    moderation.set_group(team, "Group A")
    assert clients(None).get(PAGE).context["groups"] == ["Group A"]
