"""What the public board may show of each team, and that nothing but the scored files decides it."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from competitions import leaderboard, lifecycle, reveal, standings, submissions
from competitions.models import (
    Competition,
    Feedback,
    Member,
    PublicScore,
    Standing,
    Status,
    Submission,
    Team,
)
from competitions.refusals import NotReady
from scoring import displayed
from tests.competitions.test_leaderboard import report


@pytest.fixture
def settings_of(competition):
    """``settings_of(feedback="ladder")``: the competition with other settings."""

    def change(**fields):
        Competition.objects.filter(pk=competition.pk).update(**fields)
        return Competition.objects.select_related("solution").get(pk=competition.pk)

    return change


@pytest.fixture
def running(competition, person):
    """``running("Ada", minute)``: a file of that team's at a worker, received in that minute."""
    begun = timezone.now() - timedelta(days=1)
    made = {}

    def add(name, minute=0, **fields):
        if name not in made:
            user = person(name.lower(), first_name=name)
            team = Team.objects.create(competition=competition, name=name)
            Member.objects.create(team=team, competition=competition, user=user)
            made[name] = (user, team, [])
        user, team, sent = made[name]
        at = begun + timedelta(minutes=minute)
        sent.append(
            Submission.objects.create(
                team=team,
                user=user,
                file_name="a.csv",
                path="none",
                size=1,
                sha256="0" * 64,
                status=Status.RUNNING,
                day=at.date(),
                slot=len(sent) + 1,
                lifetime_slot=None if fields.get("is_late") else len(sent) + 1,
                received_at=at,
                attempt=1,
                lease_until=at + timedelta(hours=48),
                **fields,
            )
        )
        return sent[-1]

    return add


@pytest.fixture
def enter(running):
    """``enter("Ada", 0.5, minute=3)``: that file, scored; returns the standing or None."""

    def add(name, public, minute=0, private=0.5, **fields):
        sent = running(name, minute, **fields)
        return submissions.finish(sent, report(sent.team.competition, public, private))

    return add


def board_of(competition):
    fresh = Competition.objects.get(pk=competition.pk)
    return [(row.rank, row.team, row.score) for row in leaderboard.board(fresh).rows]


def shown(name):
    """What the team reads on its own pages, in the order of receipt."""
    sent = Submission.objects.filter(team__name=name).select_related("team__competition")
    return [leaderboard.public_score(one) for one in sent.order_by("received_at")]


def snapshot():
    fields = [f.attname for f in Standing._meta.fields if f.name not in ("id", "rank_before")]
    return sorted(Standing.objects.values_list(*fields), key=lambda row: row[1])


def test_the_curve_is_the_best_so_far(enter):
    for minute, public in enumerate((0.5, 0.3, 0.7, 0.7, 0.6, 0.9)):
        enter("Ada", public, minute)
    curve = Standing.objects.get().curve
    assert [value for _at, value in curve] == [0.5, 0.7, 0.9]
    assert [(at - curve[0][0]) // 60 for at, _value in curve] == [0, 2, 5]


@pytest.mark.parametrize("feedback", Feedback.values)
def test_the_order_in_which_workers_end_decides_nothing(
    feedback, settings_of, running, competition
):
    """Twelve files of three teams, ended in any order, give the very same standings."""
    settings_of(feedback=feedback)
    draw = random.Random(feedback)  # noqa: S311 - a simulation
    sent = [running(name, minute) for minute in range(4) for name in ("Ada", "Ben", "Cy")]
    scores = {one.pk: draw.choice((0.5, 0.512, 0.521, 0.7)) for one in sent}
    draw.shuffle(sent)
    for one in sent:
        submissions.finish(one, report(competition, scores[one.pk]))
    seen = snapshot()
    standings.rebuild(competition)
    assert snapshot() == seen
    assert len(seen) == 3


# --- the Ladder ----------------------------------------------------------------------------------


def test_the_ladder_moves_for_real_improvements_alone(settings_of, enter, competition):
    settings_of(feedback="ladder", ladder_step=0.005)
    for minute, public in enumerate((0.9013, 0.9049, 0.9051, 0.9099, 0.8, 0.9151)):
        enter("Ada", public, minute)
    assert shown("Ada") == ["0.9000", "0.9000", "0.9050", "0.9050", "0.9050", "0.9150"]
    assert board_of(competition) == [(1, "Ada", "0.9150")]


def test_the_ladder_says_the_same_on_every_page_of_the_team(settings_of, enter, competition):
    """One page that shows the score itself would undo the protection (Blum & Hardt 2015)."""
    settings_of(feedback="ladder", ladder_step=0.01)
    enter("Ada", 0.9, 0)
    enter("Ada", 0.9072, 1)
    row = leaderboard.line_of(competition, Team.objects.get())
    told = leaderboard.with_public_score(Submission.objects.all())
    assert set(told.values_list("public_value", flat=True)) == {0.9}
    assert (row.score, row.value) == ("0.9000", 0.9)
    assert set(shown("Ada")) == {"0.9000"}


def test_the_step_of_the_ladder_follows_from_the_public_rows(settings_of, competition):
    assert standings.step(settings_of(feedback="ladder")) == 0.05  # six rows
    assert standings.step(settings_of(ladder_step=0.002)) == 0.002


@pytest.mark.parametrize("step", [0.003, 0.006, 0.007, 0.015, 0.3, 0.7])
def test_no_step_of_the_ladder_leads_past_what_can_be(step, settings_of, enter, competition):
    """A perfect file is shown as perfect at most: rounding to steps would make it 1.005."""
    settings_of(feedback="ladder", ladder_step=step)
    standing = enter("Ada", 1.0)
    assert 0.7 <= standing.score <= 1.0
    assert standing.low <= standing.score <= standing.high


def test_a_late_file_is_no_step_of_the_ladder(settings_of, enter, competition):
    """It is told where it would stand; the next file in time begins where the last one was."""
    settings_of(feedback="ladder", ladder_step=0.05)
    enter("Ada", 0.5, 0)
    enter("Ada", 0.9, 1, is_late=True)
    enter("Ada", 0.4, 2)
    assert shown("Ada") == ["0.5000", "0.9000", "0.5000"]
    assert board_of(competition) == [(1, "Ada", "0.5000")]


def test_the_ladder_of_a_metric_that_is_no_share_needs_a_step(settings_of, competition):
    unclear = settings_of(feedback="ladder", metric="log_loss", state="closed")
    with pytest.raises(NotReady, match="Choose the Ladder's step"):
        lifecycle.open_now(unclear)
    settings_of(ladder_step=0.02)
    lifecycle.open_now(unclear)


# --- what is held back ---------------------------------------------------------------------------


def test_hidden_scores_are_shown_nowhere_before_the_end(settings_of, enter, competition):
    settings_of(feedback="hidden")
    enter("Ada", 0.7391, 0)
    enter("Ben", 0.9, 1)
    assert board_of(competition) == [(None, "Ada", ""), (None, "Ben", "")]
    assert shown("Ada") == [None]
    told = str(snapshot()) + str(leaderboard.history(Competition.objects.get()))
    assert "0.7391" not in told and "0.9" not in told


def test_the_frozen_board_stands_still_and_the_own_score_does_not(settings_of, enter, competition):
    now = timezone.now()
    settings_of(freeze_minutes=60, closes_at=now - timedelta(hours=22))  # frozen an hour after 0
    assert enter("Ada", 0.5, 10) is not None
    assert enter("Ada", 0.9, 90) is None
    assert enter("Ben", 0.8, 95) is None
    assert board_of(competition) == [(1, "Ada", "0.5000")]
    assert shown("Ada") == ["0.5000", "0.9000"]


def test_an_extension_thaws_the_board_until_the_new_freeze(settings_of, enter, competition):
    now = timezone.now()
    settings_of(freeze_minutes=2 * 24 * 60, closes_at=now + timedelta(minutes=5))
    assert enter("Ada", 0.9, 10) is None
    lifecycle.extend(competition, now + timedelta(days=3))
    assert board_of(competition) == [(1, "Ada", "0.9000")]


@pytest.mark.parametrize(("minute", "seen"), [(-20, ["0.9000"]), (-3, [])])
def test_closing_by_hand_takes_nothing_from_the_board(
    minute, seen, settings_of, enter, competition
):
    """The freeze that would have come is not counted back from the earlier end."""
    day = 24 * 60
    left = 5 if minute == -3 else 1000  # frozen already, or not yet
    settings_of(freeze_minutes=10, closes_at=timezone.now() + timedelta(minutes=left))
    enter("Ada", 0.9, day + minute)
    assert [row[2] for row in board_of(competition)] == seen
    lifecycle.close_now(competition)
    standings.rebuild(competition)
    assert [row[2] for row in board_of(competition)] == seen


@pytest.mark.parametrize("held_back", [{"feedback": "hidden"}, {"freeze_minutes": 10_000}])
def test_what_was_held_back_is_shown_once_the_final_board_is_published(
    held_back, settings_of, enter, competition
):
    settings_of(**held_back, closes_at=timezone.now() - timedelta(hours=1))
    enter("Ada", 0.5, 10, private=0.25)
    reveal.reveal(competition, despite="The seal of this test is not real.")
    assert board_of(competition) in ([], [(None, "Ada", "")])
    reveal.publish(competition)
    assert board_of(competition) == [(1, "Ada", "0.5000")]
    assert shown("Ada") == ["0.5000"]


def test_what_many_teams_are_shown_is_stored_at_once(enter, competition):
    def rebuilt():
        PublicScore.objects.update(shown=None)
        with CaptureQueriesContext(connection) as queries:
            standings.rebuild(competition)
        return len(queries)

    enter("Ada", 0.5, 1)
    one = rebuilt()
    for minute, name in enumerate(("Bob", "Cleo", "Dora"), start=2):
        enter(name, 0.1 * minute, minute)
    assert rebuilt() == one
    assert [shown(name) for name in ("Ada", "Bob", "Dora")] == [["0.5000"], ["0.2000"], ["0.4000"]]
    assert PublicScore.objects.count() == 4


def test_a_late_file_is_scored_and_not_ranked(enter, competition):
    enter("Ada", 0.5, 10)
    assert enter("Ada", 0.9, 20, is_late=True) is None
    assert board_of(competition) == [(1, "Ada", "0.5000")]
    assert Standing.objects.get().entries == 1
    assert shown("Ada") == ["0.5000", "0.9000"]


# --- pages ---------------------------------------------------------------------------------------


def test_ranks_go_on_over_the_pages(enter, competition, django_assert_num_queries):
    """Ties over the edge of a page, and baselines before it, count as they do on one page."""
    for place, public in enumerate((0.9, 0.8, 0.8, 0.8, 0.7, 0.7, 0.6)):
        enter(f"Team {place}", public, place)
    Team.objects.filter(name="Team 1").update(is_baseline=True)
    standings.rebuild(competition)
    fresh = Competition.objects.get()
    whole = [(row.rank, row.team) for row in leaderboard.board(fresh).rows]
    assert [rank for rank, _team in whole] == [1, None, 2, 2, 4, 4, 6]
    for size in (1, 2, 3):
        pages = leaderboard.board(fresh, size=size).pages
        rows = [
            (row.rank, row.team)
            for page in range(1, pages + 1)
            for row in leaderboard.board(fresh, page=page, size=size).rows
        ]
        assert rows == whole, size
    with django_assert_num_queries(1):
        leaderboard.board(fresh)


def test_a_page_that_is_not_there_is_the_last_one(enter, competition):
    for place in range(3):
        enter(f"Team {place}", 0.5 + place / 10, place)
    board = leaderboard.board(Competition.objects.get(), page=9, size=2)
    assert (board.page, board.pages, [row.rank for row in board.rows]) == (2, 2, [3])


def test_a_group_and_a_search_keep_the_ranks_of_the_whole_board(enter, competition):
    for place, name in enumerate(("Ada", "Ben", "Cy", "Adele")):
        enter(name, 0.9 - place / 10, place)
    Team.objects.filter(name__in=["Ben", "Cy"]).update(group="B")
    fresh = Competition.objects.get()
    in_b = [(row.rank, row.team) for row in leaderboard.board(fresh, group="B").rows]
    found = [(row.rank, row.team) for row in leaderboard.board(fresh, search="AD").rows]
    assert (in_b, found) == ([(2, "Ben"), (3, "Cy")], [(1, "Ada"), (4, "Adele")])
    assert leaderboard.groups(fresh) == ["B"]


# --- a day of five hundred teams -----------------------------------------------------------------

TEAMS, FILES, MOMENTS = 500, 2500, 20


def naive_board(sent, until=None):
    """The board from scratch, in the plainest words: rank, team, score, best first."""
    best = {}
    for at, pk, team, public in sorted(sent):
        value = float(displayed(public, 4))
        if (until is None or at <= until) and (team not in best or value > -best[team][0]):
            best[team] = (-value, at, pk)
    order = sorted((*its, team) for team, its in best.items())
    return [(1 + sum(other[0] < one[0] for other in order), one[3], -one[0]) for one in order]


def travelled_board(history, until):
    """The board of a moment as the replay draws it: from the curves alone."""
    points = []
    for team in history["teams"]:
        past = [point for point in team["curve"] if point[0] <= until]
        if past:
            points.append((-past[-1][1], past[-1][0], team["team_id"], team["team"]))
    points.sort()
    return [(1 + sum(other[0] < one[0] for other in points), one[3]) for one in points]


@pytest.mark.once("the other tests of this file")
def test_a_day_of_five_hundred_teams_equals_its_recomputation(person, competition):
    """Thirty minutes of 2 500 files that end out of order, looked at in twenty moments."""
    draw = random.Random(500)  # noqa: S311 - a simulation
    Competition.objects.update(lifetime_limit=500, daily_limit=500)
    begun = datetime(2026, 3, 2, 9, tzinfo=UTC)
    user = person("everybody")
    teams = Team.objects.bulk_create(
        Team(competition=competition, name=f"Team {n:03}", name_key=f"team {n:03}")
        for n in range(TEAMS)
    )
    sent = _received(draw, begun, user, teams)
    looked = set(draw.sample(range(FILES), MOMENTS - 1)) | {FILES - 1}
    skill = {team.pk: draw.uniform(0.6, 0.9) for team in teams}
    ended = []
    for place, one in enumerate(_out_of_order(draw, sent)):
        public = round(min(1.0, draw.gauss(skill[one.team_id], 0.02)), draw.choice((2, 4, 6)))
        submissions.finish(one, report(competition, public))
        ended.append((one.received_at, one.pk, one.team.name, public))
        if place in looked:
            fresh = Competition.objects.get()
            rows = leaderboard.board(fresh, size=1000).rows
            assert [(row.rank, row.team, row.value) for row in rows] == naive_board(ended)
    _assert_travels(draw, begun, ended)
    before = snapshot()
    standings.rebuild(competition)
    assert snapshot() == before
    assert (
        PublicScore.objects.count()
        == FILES
        == sum(Standing.objects.values_list("entries", flat=True))
    )


def _assert_travels(draw, begun, ended):
    history = leaderboard.history(Competition.objects.get())
    for _ in range(MOMENTS):
        until = begun + timedelta(seconds=draw.randrange(1800))
        travelled = travelled_board(history, until.timestamp())
        assert travelled == [row[:2] for row in naive_board(ended, until)]


def _received(draw, begun, user, teams):
    """One file every 0.36 s at whole seconds apart per team, already at a worker."""
    moments = sorted(draw.sample(range(1_800_000), FILES))
    counts = dict.fromkeys((team.pk for team in teams), 0)
    rows = []
    for place, moment in enumerate(moments):
        team = teams[place] if place < len(teams) else draw.choice(teams)
        counts[team.pk] += 1
        at = begun + timedelta(milliseconds=moment)
        rows.append(
            Submission(
                team=team,
                user=user,
                file_name="a.csv",
                path="none",
                size=1,
                sha256="0" * 64,
                status=Status.RUNNING,
                day=at.date(),
                slot=counts[team.pk],
                lifetime_slot=counts[team.pk],
                received_at=at,
                attempt=1,
                lease_until=at + timedelta(days=1),
            )
        )
    return Submission.objects.bulk_create(rows)


def _out_of_order(draw, sent):
    """Workers end what came within a few seconds in any order."""
    return sorted(sent, key=lambda one: one.received_at + timedelta(seconds=draw.uniform(0, 8)))
