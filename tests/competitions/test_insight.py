"""The statistics of the boards: what they say, what they never say, and when they are made."""

import json
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from django.apps import apps
from django.utils import timezone

from competitions import (
    files,
    leaderboard,
    moderation,
    rescoring,
    reveal,
    solutions,
    standings,
    tasks,
)
from competitions.insight import board, columns, final
from competitions.live import events
from competitions.models import (
    Alarm,
    BoardStatistics,
    Competition,
    CustomMetric,
    Feedback,
    PrivateScore,
    Standing,
    Submission,
    Team,
)
from scoring import wilson
from scoring.evidence import Evidence
from tests.competitions.crowd import (
    IS_PUBLIC,
    METRIC,
    PUBLIC,
    TRUTH,
    as_labels,
    crowd,
    end,
    guesses,
    labels,
    probabilities,
)
from tests.competitions.test_submissions import all_at_once


def fresh(where):
    return Competition.objects.get(pk=where.pk)


def lines(where):
    return {row.team: row for row in leaderboard.board(fresh(where)).rows}


def stored(where):
    """Everything that the statistics write, as stored."""
    facts = ("submission__sha256", "tied", "expected", "low", "high")
    rows = Standing.objects.filter(competition=where).order_by("team__name").values_list(*facts)
    found = BoardStatistics.objects.get(competition=where)
    return list(rows), found.noise, found.leader.sha256


@pytest.fixture
def meanwhile(monkeypatch):
    """``meanwhile(act)``: it happens between the reading and the writing of the next statistics."""
    read = columns.read

    def plan(act):
        def reading(*arguments):
            found = read(*arguments)
            monkeypatch.setattr(columns, "read", read)
            act()
            return found

        monkeypatch.setattr(columns, "read", reading)

    return plan


def waiting(valkey):
    return valkey.client.llen(tasks.INSIGHT)


# --- what they say -------------------------------------------------------------------------------


def test_equal_models_are_tied_and_a_worse_one_is_not(db, enter):
    where = crowd()
    for name, right in (("ada", 0.9), ("bea", 0.9), ("cyd", 0.6)):
        enter(where, name, labels(right, seed=len(name) + ord(name[0])))
    board.refresh(where.pk)
    rows = lines(where)
    assert (rows["Ada"].tied, rows["Bea"].tied, rows["Cyd"].tied) == (True, True, False)
    statistics = BoardStatistics.objects.get(competition=where)
    leader = next(iter(rows.values()))
    assert statistics.leader.team_id == leader.team_id
    # what the test calls a real difference lies between the two that are tied and the third
    apart = sorted(leader.value - row.value for row in rows.values())
    assert apart[1] < statistics.noise < apart[2]
    # the leader is expected to fall, the last to rise, and nobody to pass the other
    assert float(rows["Cyd"].expected) > rows["Cyd"].value
    assert float(leader.expected) < leader.value


def test_a_baseline_in_front_is_no_leader(db, enter):
    where = crowd()
    enter(where, "ada", labels(0.7, 1))
    baseline = enter(where, "net", labels(0.95, 2)).team
    baseline.is_baseline = True
    baseline.save()
    standings.rebuild(where)
    board.refresh(where.pk)
    rows = lines(where)
    assert (rows["Net"].tied, rows["Ada"].tied) == (True, True)
    assert BoardStatistics.objects.get().leader.team.name == "Ada"


def test_baselines_neither_count_nor_shrink_in_what_a_score_promises(db, enter):
    """The spread of the field is that of the teams: a guess by chance would widen it."""
    where = crowd()
    for n in range(5):
        enter(where, f"team{n}", labels(0.8, n))
    board.refresh(where.pk)
    alone = {name: row.expected for name, row in lines(where).items()}
    baseline = enter(where, "chance", labels(0.1, 99)).team
    moderation.mark_baseline(baseline)
    board.refresh(where.pk)
    found = {name: row.expected for name, row in lines(where).items()}
    assert found.pop("Chance") == ""
    assert found == alone


def test_alone_on_the_board_noise_is_that_of_two_unpaired_scores(db, enter):
    where = crowd()
    enter(where, "ada", labels(0.8, 1))
    board.refresh(where.pk)
    low, high = wilson(lines(where)["Ada"].value, PUBLIC)
    assert BoardStatistics.objects.get().noise == pytest.approx((high - low) / 2**0.5, abs=5e-4)


def test_a_metric_without_a_closed_interval_gets_a_coarse_one_about_what_is_displayed(db, enter):
    where = crowd(metric="log_loss", layout="probabilities")
    sent = probabilities(0.8, 1)
    enter(where, "ada", sent)
    assert lines(where)["Ada"].low is None
    board.refresh(where.pk)
    row = lines(where)["Ada"]
    right = guesses(0.8, 1)[IS_PUBLIC] == TRUTH[IS_PUBLIC]
    half = 1.96 * np.where(right, -np.log(0.9), -np.log(0.05)).std(ddof=1) / PUBLIC**0.5
    assert row.value - row.low == pytest.approx(half, rel=0.05)
    # no digit of the width, and so of the score behind the display, is finer than the display
    assert round(row.low, 3) == pytest.approx(row.low)
    assert round(row.high, 3) == pytest.approx(row.high)


@pytest.mark.parametrize(
    ("metric", "file"), [("accuracy", labels), ("f1", labels), ("log_loss", probabilities)]
)
def test_no_statistic_moves_by_one_bit_when_private_labels_change(db, enter, metric, file):
    layout = "labels" if file is labels else "probabilities"
    other = np.where(IS_PUBLIC, TRUTH, (TRUTH + 1) % 3)
    told = []
    for slug, truth in (("one", TRUTH), ("other", other)):
        where = crowd(slug, truth, metric=metric, layout=layout)
        for name, right in (("ada", 0.9), ("bea", 0.88), ("cyd", 0.6)):
            enter(where, name, file(right, ord(name[0])))
        board.refresh(where.pk)
        told.append(stored(where))
    assert PrivateScore.objects.values("value").distinct().count() == 6
    assert told[0] == told[1]
    assert {row[1] for row in told[0][0]} == {True, False}


def test_the_ladder_is_not_undone_by_a_comparison(db, enter):
    where = crowd(feedback=Feedback.LADDER)
    for name, right in (("ada", 0.9), ("bea", 0.6)):
        enter(where, name, labels(right, ord(name[0])))
    board.refresh(where.pk)
    low, high = wilson(lines(where)["Ada"].value, PUBLIC)
    assert BoardStatistics.objects.get().noise == pytest.approx((high - low) / 2**0.5, abs=5e-4)
    assert {(row.tied, row.expected) for row in lines(where).values()} == {(None, "")}


def test_of_hidden_scores_nothing_is_told_until_they_are_published(db, enter):
    where = crowd(feedback=Feedback.HIDDEN)
    for name, right in (("ada", 0.9), ("bea", 0.6)):
        enter(where, name, labels(right, ord(name[0])))
    assert board.refresh(where.pk).told is None
    found = BoardStatistics.objects.get()
    assert (found.leader, found.noise, found.version) == (None, None, fresh(where).board_version)
    assert board.stale() == []
    end(where)
    reveal.publish(where)
    assert board.stale() == [where.pk]
    board.refresh(where.pk)
    assert [row.tied for row in lines(where).values()] == [True, False]


def test_a_program_of_the_organisers_says_nothing_of_single_rows(db, enter):
    where = crowd()
    enter(where, "ada", labels(0.9, 1))
    solutions.keep(where, CustomMetric.read(METRIC, "own.py", "maximize"))
    board.refresh(where.pk)
    found = BoardStatistics.objects.get()
    assert (found.noise, found.leader.team.name, Standing.objects.get().tied) == (None, "Ada", None)
    assert board.stale() == []
    (alarms,) = [one for one in reveal.checklist(fresh(where)) if one.name == "alarms"]
    assert (alarms.is_done, "No alarms are looked for" in alarms.sentence) == (True, True)
    end(where)
    assert (final.lacking(), final.complete(where.pk)) == ([], (False, True))


def test_lines_that_are_compared_no_more_are_known_no_more(db, enter):
    where = crowd()
    enter(where, "ada", labels(0.9, 1))
    board.refresh(where.pk)
    Competition.objects.filter(pk=where.pk).update(feedback=Feedback.LADDER)
    told = board.refresh(where.pk).told
    assert lines(where)["Ada"].tied is None
    assert told.teams == {lines(where)["Ada"].team_id}


# --- an hour ago ---------------------------------------------------------------------------------


def test_moves_are_counted_from_the_board_of_an_hour_ago_and_fade(db, enter, frozen_clock):
    where = crowd()
    start = timezone.now().replace(microsecond=0)
    for name, right, minute in (
        ("ada", 0.9, 0), ("bea", 0.6, 1), ("bea", 0.95, 80), ("cyd", 0.7, 90), ("net", 0.85, 0),
    ):  # fmt: skip
        sent = enter(where, name, labels(right, minute))
        at = start + timedelta(minutes=minute)
        Submission.objects.filter(pk=sent.pk).update(received_at=at, finished_at=at)
    Team.objects.filter(name="Net").update(is_baseline=True)
    standings.rebuild(where)

    def moves(minute):
        frozen_clock(start + timedelta(minutes=minute))
        board.refresh(where.pk)
        return [(row.team, row.moved) for row in lines(where).values() if not row.is_baseline]

    assert moves(30) == [("Bea", None), ("Ada", None), ("Cyd", None)]
    assert moves(100) == [("Bea", 1), ("Ada", -1), ("Cyd", None)]
    assert moves(145) == [("Bea", 0), ("Ada", 0), ("Cyd", None)]
    assert moves(151) == [("Bea", 0), ("Ada", 0), ("Cyd", 0)]


def test_the_moves_of_a_quiet_board_are_made_anew_until_they_are_over(db, enter, frozen_clock):
    where = crowd()
    enter(where, "ada", labels(0.9, 1))
    board.refresh(where.pk)
    assert board.stale() == []
    BoardStatistics.objects.update(computed_at=timezone.now() - board.MOVES_AGE * 2)
    assert board.stale() == [where.pk]
    Standing.objects.update(reached_at=timezone.now() - timedelta(hours=2))
    assert board.stale() == []


# --- when they are made --------------------------------------------------------------------------


def test_statistics_make_no_statistics(db, enter):
    where = crowd()
    enter(where, "ada", labels(0.9, 1))
    assert board.stale() == [where.pk]
    told = board.refresh(where.pk).told
    assert told.version == fresh(where).board_version == 2  # the score, and what it says
    assert board.stale() == []
    assert board.refresh(where.pk).told is None
    assert fresh(where).board_version == 2


def test_a_line_that_changes_meanwhile_is_left_alone_and_done_again(db, enter, meanwhile):
    where = crowd()
    for name, right in (("ada", 0.95), ("bea", 0.6)):
        enter(where, name, labels(right, ord(name[0])))
    meanwhile(lambda: enter(where, "bea", labels(0.7, 5)))
    board.refresh(where.pk)
    assert {name: row.tied for name, row in lines(where).items()} == {"Ada": True, "Bea": None}
    assert board.stale() == [where.pk]
    board.refresh(where.pk)
    assert lines(where)["Bea"].tied is False
    assert board.stale() == []


def test_a_board_under_other_rules_meanwhile_is_left_alone(db, enter, meanwhile):
    where = crowd()
    enter(where, "ada", labels(0.9, 1))
    meanwhile(lambda: Competition.objects.filter(pk=where.pk).update(decimals=2))
    assert board.refresh(where.pk).told is None
    assert not BoardStatistics.objects.exists()
    assert board.stale() == [where.pk]


def test_a_run_without_time_goes_on_where_it_ended(db, enter):
    where = crowd()
    for n in range(4):
        enter(where, f"team{n}", labels(0.8 + n / 50, n))
    outcomes = []
    while not outcomes or not outcomes[-1].is_complete:
        outcomes.append(board.refresh(where.pk, seconds=0))
        assert bool(board.stale()) is not outcomes[-1].is_complete
    assert len(outcomes) == 4  # one file at a time, each once
    piecemeal = stored(where)
    columns.memory.clear()
    standings.rebuild(where)
    board.refresh(where.pk)
    assert stored(where) == piecemeal


def test_one_file_that_cannot_be_read_ends_no_statistics_and_is_tried_again_later(
    db, enter, monkeypatch, caplog
):
    where = crowd()
    for name, right in (("ada", 0.95), ("bea", 0.6), ("cyd", 0.5)):
        enter(where, name, labels(right, ord(name[0])))
    bad, real, tried = Submission.objects.get(team__name="Bea").path, files.read, []

    def read(place, path):
        tried.append(path)
        if path == bad:
            raise PermissionError(path)
        return real(place, path)

    with monkeypatch.context() as patch:
        patch.setattr(files, "read", read)
        for _ in range(3):
            assert board.refresh(where.pk).is_complete
        assert tried.count(bad) == 1
    assert {name: row.tied for name, row in lines(where).items()} == {
        "Ada": True, "Bea": None, "Cyd": False,
    }  # fmt: skip
    assert board.stale() == []
    board.refresh(where.pk)
    assert lines(where)["Bea"].tied is None  # not yet
    monkeypatch.setattr(columns, "BACK_OFF", 0.0)
    board.refresh(where.pk)
    assert lines(where)["Bea"].tied is False


def test_while_the_storage_is_away_no_final_statistics_are_written(db, enter, monkeypatch, caplog):
    """They are made once: that nothing tells the teams apart would stay."""
    where = crowd()
    enter(where, "ada", labels(0.9, 1))
    end(where)
    real = files.read

    def away(place, path):
        if place == "submissions":
            raise ConnectionError(path)
        return real(place, path)

    with monkeypatch.context() as patch:
        patch.setattr(files, "read", away)
        assert final.complete(where.pk) == (False, True)
    assert final.lacking() == [where.pk]
    columns.memory.clear()
    assert final.complete(where.pk) == (True, True)


def test_the_memory_of_rows_is_bounded():
    known = columns.Known(Evidence("rows", 0.5, (np.zeros(1000, np.bool_),)))
    memory = columns.Memory(room=5 * columns.weight(known))
    for n in range(9):
        memory.keep((str(n), 1, None, "public"), known)
        memory.recall(("0", 1, None, "public"))
    kept = [n for n in range(9) if (str(n), 1, None, "public") in memory]
    assert kept == [0, 5, 6, 7, 8]
    assert memory.used <= memory.room


def test_many_bells_are_one_message_and_the_last_change_is_never_missed(
    db, enter, valkey, monkeypatch
):
    where = crowd()
    enter(where, "ada", labels(0.9, 1))
    for _ in range(5):
        tasks._ring_once(tasks.insight, where.pk)
    assert waiting(valkey) == 1

    def rung_while_it_runs(pk):
        tasks._ring_once(tasks.insight, pk)
        tasks._ring_once(tasks.insight, pk)
        return board.Outcome()

    with monkeypatch.context() as patch:
        patch.setattr(tasks.board, "refresh", rung_while_it_runs)
        tasks.insight(where.pk)
    assert waiting(valkey) == 2  # the one that ran, and one for what came during the run


def test_every_score_rings_and_the_sweep_rings_for_what_was_lost(
    submit, alice, answers, valkey, competition, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        tasks.score(submit(alice, answers(1)).pk)
    assert waiting(valkey) == 1
    valkey.client.flushall()
    tasks.sweep()
    assert waiting(valkey) == 2  # and for what the class got wrong
    tasks.insight(competition.pk)
    tasks.class_mistakes(competition.pk)
    valkey.client.flushall()
    tasks.sweep()
    assert waiting(valkey) == 0


def test_without_valkey_statistics_wait_for_the_sweep(submit, alice, answers, valkey):
    submission = submit(alice, answers(1))
    valkey.stop()
    tasks.score(submission.pk)
    submission.refresh_from_db()
    assert submission.status == "scored"
    tasks.insight(submission.team.competition_id)
    assert BoardStatistics.objects.exists()


# Moments at which something was looked at once more, with the same result.
MOMENTS = {"clock", "computed_at", "verified_at", "rung_at"}


def everything():
    """All rows of all tables, but for when somebody looked."""
    return {
        model.__name__: [
            {name: value for name, value in row.items() if name not in MOMENTS}
            for row in model.objects.order_by("pk").values()
        ]
        for model in apps.get_app_config("competitions").get_models()
    }


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", ["insight", "final_insight", "verify_seal", "rescore"])
def test_a_message_that_comes_again_and_again_changes_nothing(enter, host, valkey, name, caplog):
    where = crowd()
    for team, right in (("ada", 0.9), ("bea", 0.6)):
        enter(where, team, labels(right, ord(team[0])))
    arguments = (where.pk,)
    if name == "rescore":
        wanted = replace(rescoring.Settings.of(fresh(where)), metric="balanced_accuracy")
        begun = rescoring.begin(where, host, "why", wanted)
        arguments = (begun.pk, rescoring.rung(begun.pk))
    elif name != "insight":
        end(where)
    task, before = getattr(tasks, name), everything()
    task(*arguments)
    once, told = everything(), valkey.client.xrange(events.stream_key(where.slug))
    assert once != before
    task(*arguments)
    assert all_at_once(3, lambda _: task(*arguments)) == [None] * 3
    assert everything() == once
    assert valkey.client.xrange(events.stream_key(where.slug)) == told


# --- what is told --------------------------------------------------------------------------------


def statistics_told(valkey, where):
    entries = valkey.client.xrange(events.stream_key(where.slug))
    return [json.loads(its[b"data"]) for _, its in entries if its[b"event"] == b"statistics"]


def test_open_boards_hear_what_changed_once(db, enter, valkey):
    where = crowd()
    ada = enter(where, "ada", labels(0.9, 1)).team_id
    tasks.insight(where.pk)
    row = lines(where)["Ada"]
    assert statistics_told(valkey, where) == [
        {
            "version": 2,
            "leader": {"team_id": ada, "value": row.value},
            "noise": BoardStatistics.objects.get().noise,
            "rows": [
                {"team_id": ada, "tied": True, "low": row.low, "high": row.high, "moved": None}
            ],
        }
    ]
    tasks.insight(where.pk)
    assert len(statistics_told(valkey, where)) == 1
    enter(where, "bea", labels(0.5, 2))
    tasks.insight(where.pk)
    told = statistics_told(valkey, where)[1]
    assert {line["team_id"]: line["tied"] for line in told["rows"]}[row.team_id] is True
    assert len(told["rows"]) == 2


def test_nothing_private_is_told_not_even_by_an_alarm(db, enter, valkey, clients, caplog):
    where = crowd()
    # all of the public rows right, 287 of the 400 private ones: .7175
    sent = TRUTH.copy()
    private = np.flatnonzero(~IS_PUBLIC)
    sent[private[287:]] = (sent[private[287:]] + 1) % 3
    enter(where, "eve", as_labels(sent))
    enter(where, "ada", labels(0.8, 3))
    assert PrivateScore.objects.filter(value=0.7175).exists()
    tasks.insight(where.pk)
    z = Alarm.objects.get().z
    assert z > 4
    stream = b"".join(
        value for _, its in valkey.client.xrange("holdout:live:crowd") for value in its.values()
    )
    pages = [
        clients(None).get(f"/api/competitions/crowd/{page}").content
        for page in ("", "leaderboard/")
    ]
    for text in (*(page.decode() for page in pages), stream.decode(), caplog.text):
        assert "7175" not in text
        assert "alarm" not in text.casefold()
        assert f"{z:.1f}" not in text
    assert b"statistics" in stream
