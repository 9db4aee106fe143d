"""More time or attempts for one team: its own clock and limits, ranked as everybody's files."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from competitions import (
    allowances,
    attempts,
    deadlines,
    leaderboard,
    lifecycle,
    picks,
    reveal,
    submissions,
)
from competitions.deadlines import Phase
from competitions.models import Act, Competition, Kind, Standing, Submission, Team
from competitions.refusals import LimitReached, NotOpen, NotReady, Refused

DESPITE = "The seal of this test is not real."
MINUTE = timedelta(minutes=1)


@pytest.fixture
def ended(competition):
    """``ended()``: its date has just passed; it was not closed by hand."""

    def end(ago=MINUTE):
        closes = timezone.now() - ago
        Competition.objects.filter(pk=competition.pk).update(closes_at=closes)
        return closes

    return end


def now(competition):
    return deadlines.read(competition.pk)


def given(team):
    return Team.objects.get(pk=team.pk)


def in_minutes(number):
    return timezone.now() + number * MINUTE


def test_more_attempts_a_day_and_in_all(competition, scored, team_of, alice, answers, host):
    Competition.objects.filter(pk=competition.pk).update(daily_limit=1, lifetime_limit=1)
    scored(alice, answers(3))
    with pytest.raises(LimitReached):
        scored(alice, answers(2))
    assert allowances.allow(team_of(alice), "We lost her file.", host, attempts=2)
    assert attempts.of(now(competition), given(team_of(alice))).left == 2
    scored(alice, answers(2))
    scored(alice, answers(1))
    with pytest.raises(LimitReached, match="3"):
        scored(alice, answers(0))
    act = Act.objects.get(kind=Kind.ALLOWED_MORE)
    assert (act.actor, act.reason, act.subject) == (host, "We lost her file.", "Alice")
    assert act.details["after"] == {"attempts": 2, "closes_at": None}


def test_more_time_is_for_that_team_alone(
    competition, ended, submit, scored, team_of, alice, bob, answers
):
    scored(alice, answers(3))
    team_of(bob)
    ended()
    allowances.allow(team_of(alice), "The laptop broke.", until=in_minutes(10))
    assert deadlines.phase_for(now(competition), given(team_of(alice))) is Phase.OPEN
    assert deadlines.phase(now(competition)) is Phase.CLOSED
    late = scored(alice, answers(0))
    assert not late.is_late
    assert Standing.objects.get(team=team_of(alice)).submission == late
    with pytest.raises(NotOpen):
        submit(bob, answers(0))


def test_its_picks_stay_open_as_long(competition, ended, scored, team_of, alice, bob, answers):
    hers, his = scored(alice, answers(3)), scored(bob, answers(3))
    ended()
    allowances.allow(team_of(alice), "The laptop broke.", until=in_minutes(10))
    assert picks.choose(hers) == 1
    with pytest.raises(NotOpen):
        picks.choose(his)


def test_what_comes_after_the_own_end_is_refused_or_late(
    competition, ended, submit, alice, answers
):
    first = submit(alice, answers(3))
    Team.objects.filter(pk=first.team_id).update(closes_at=timezone.now() - MINUTE)
    ended(2 * MINUTE)
    with pytest.raises(NotOpen):
        submit(alice, answers(3))
    Competition.objects.filter(pk=competition.pk).update(late_submissions=True)
    assert submit(alice, answers(3)).is_late


def test_closed_by_hand_it_is_over_for_all(competition, ended, submit, team_of, alice, answers):
    team = team_of(alice)
    ended()
    allowances.allow(team, "The laptop broke.", until=in_minutes(10))
    lifecycle.close_now(now(competition))
    with pytest.raises(NotOpen):
        submit(alice, answers(0))
    with pytest.raises(NotOpen, match="closed by hand"):
        allowances.allow(team, "Again.", attempts=1)


def test_the_reveal_waits_for_the_last_allowance(competition, ended, scored, alice, answers):
    team = scored(alice, answers(3)).team
    ended()
    allowances.allow(team, "The laptop broke.", until=in_minutes(10))
    with pytest.raises(NotReady, match="an end of their own"):
        reveal.reveal(now(competition), despite=DESPITE)
    Team.objects.filter(pk=team.pk).update(closes_at=timezone.now() - MINUTE / 2)
    reveal.reveal(now(competition), despite=DESPITE)


def test_a_frozen_board_does_not_show_its_files(competition, ended, scored, alice, answers):
    first = scored(alice, answers(3))
    Submission.objects.update(received_at=timezone.now() - 30 * MINUTE)
    Competition.objects.filter(pk=competition.pk).update(freeze_minutes=5)
    ended()
    allowances.allow(first.team, "The laptop broke.", until=in_minutes(10))
    scored(alice, answers(0))
    assert Standing.objects.get().submission == first


def test_taken_back_the_files_stay(competition, ended, submit, scored, team_of, alice, answers):
    ended(-MINUTE)
    allowances.allow(team_of(alice), "Late.", until=in_minutes(10), attempts=1)
    mine = scored(alice, answers(1))
    assert allowances.take_back(team_of(alice))
    assert not allowances.take_back(team_of(alice))
    assert allowances.Allowance.of(given(team_of(alice))) == (0, None)
    assert Standing.objects.get(team=team_of(alice)).submission == mine
    ended()
    with pytest.raises(NotOpen):
        submit(alice, answers(0))


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"reason": " ", "attempts": 1}, "Write the reason"),
        ({"reason": "x" * 301, "attempts": 1}, "300 characters"),
        ({"reason": "x", "attempts": 1001}, "1000"),
        ({"reason": "x", "attempts": -1}, "given, not taken"),
        ({"reason": "x", "until": timezone.now() - MINUTE}, "later than its present one"),
        ({"reason": "x", "until": timezone.now() + timedelta(days=400)}, "366 days"),
    ],
)
def test_what_is_refused(competition, ended, team_of, alice, asked, words):
    ended(-MINUTE)
    with pytest.raises(Refused, match=words):
        allowances.allow(team_of(alice), **asked)
    assert not Act.objects.filter(kind=Kind.ALLOWED_MORE).exists()


def test_without_an_end_no_team_needs_a_later_one(competition, team_of, alice):
    with pytest.raises(Refused, match="no end"):
        allowances.allow(team_of(alice), "x", until=in_minutes(5))


def test_nothing_given_changes_nothing(competition, team_of, alice):
    assert not allowances.allow(team_of(alice), "x")


def test_the_database_bounds_the_attempts(team_of, alice):
    team = team_of(alice)
    with pytest.raises(IntegrityError), transaction.atomic():
        Team.objects.filter(pk=team.pk).update(extra_attempts=1001)


def test_the_teams_pages_show_its_own_end(competition, ended, team_of, clients, alice, bob):
    team_of(alice), team_of(bob)
    ended()
    allowances.allow(team_of(alice), "x", until=in_minutes(10))
    hers, his = (
        clients(user).get(f"/competitions/{competition.slug}/submit/").content.decode()
        for user in (alice, bob)
    )
    assert "data-own-end" in hers
    assert "data-own-end" not in his
    assert "The challenge is closed" in his
    assert "The challenge is closed" not in hers
    overview = clients(alice).get(f"/competitions/{competition.slug}/").content.decode()
    assert "Submissions close for your team" in overview


def test_two_uploads_at_once_take_what_there_is(competition, submit, team_of, alice, answers):
    Competition.objects.filter(pk=competition.pk).update(daily_limit=1)
    allowances.allow(team_of(alice), "x", attempts=2)
    slots = [submit(alice, answers(n)).slot for n in range(3)]
    assert slots == [1, 2, 3]
    assert submissions.attempts.of(now(competition), given(team_of(alice))).left == 0


# --- freezing by hand ----------------------------------------------------------------------------


def test_a_board_is_frozen_and_thawed_by_hand(
    competition, ended, scored, alice, bob, answers, host
):
    first = scored(alice, answers(3))
    ended(-30 * MINUTE)
    lifecycle.freeze(now(competition), host)
    scored(alice, answers(0))
    scored(bob, answers(1))
    rows = leaderboard.board(now(competition)).rows
    assert [(row.team, row.entries) for row in rows] == [("Alice", 1)]
    assert Standing.objects.get().submission == first
    with pytest.raises(Refused, match="already"):
        lifecycle.freeze(now(competition))
    lifecycle.thaw(now(competition), host)
    assert len(leaderboard.board(now(competition)).rows) == 2
    assert now(competition).freeze_minutes is None
    assert Act.objects.filter(kind=Kind.SETTINGS_CHANGED, actor=host).count() == 2


def test_a_thaw_leaves_the_freeze_of_the_dates(competition, ended):
    ended(-60 * MINUTE)
    Competition.objects.filter(pk=competition.pk).update(freeze_minutes=10)
    lifecycle.freeze(now(competition))
    lifecycle.thaw(now(competition))
    assert now(competition).freeze_minutes == 10
    with pytest.raises(NotOpen):
        lifecycle.thaw(now(competition))


def test_a_board_without_an_end_or_far_from_it_is_not_frozen(competition, ended):
    with pytest.raises(Refused, match="Set a closing date"):
        lifecycle.freeze(now(competition))
    ended(-timedelta(days=8))
    with pytest.raises(Refused, match="7 days"):
        lifecycle.freeze(now(competition))


def test_an_extension_leaves_a_freeze_by_hand(competition, ended):
    closes = ended(-30 * MINUTE)
    lifecycle.freeze(now(competition))
    lifecycle.extend(now(competition), closes + 15 * MINUTE)
    assert deadlines.frozen_since(now(competition)) is not None


def test_two_clicks_on_one_page_give_once(competition, team_of, alice):
    team = team_of(alice)
    seen = allowances.Allowance.of(team)
    allowances.allow(team, "The laptop broke.", attempts=3, seen=seen)
    with pytest.raises(Refused, match="given something meanwhile"):
        allowances.allow(team, "The laptop broke.", attempts=3, seen=seen)
    assert given(team).extra_attempts == 3
