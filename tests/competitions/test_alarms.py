"""The host's alarm, with real files: silent for the honest, loud for what knows the public rows."""

import numpy as np
import pytest
from django.utils import timezone

from competitions import standings
from competitions.insight import board
from competitions.models import Alarm, Competition, Feedback, Submission
from tests.classroom import make_competition, table
from tests.competitions.crowd import IS_PUBLIC, TRUTH, as_labels, crowd, labels, sure
from tests.scoring.attacks import World, boosted


def suspicious(wrong):
    """Right on all public rows, and on all but that share of the private ones."""
    codes, private = TRUTH.copy(), np.flatnonzero(~IS_PUBLIC)
    spoiled = private[: int(wrong * len(private))]
    codes[spoiled] = (codes[spoiled] + 1) % 3
    return codes


def alarm():
    return Alarm.objects.get()


def test_300_votes_are_flagged_and_teams_that_send_their_best_of_twenty_are_not(db, enter):
    world = World.drawn(seed=0)
    where = competition_in(world)
    draw = np.random.default_rng(0)
    for team in range(12):
        right = draw.random((20, len(world.public))) < draw.normal(0.88, 0.02)
        best = right[right[:, world.public].mean(axis=1).argmax()]
        enter(where, f"honest{team}", rows(best))
    votes = boosted(world, 300, 0, lambda public: public.mean())
    right = world.first.copy()
    right[world.uncertain[votes]] = world.second[world.uncertain[votes]]
    enter(where, "mallory", rows(right))
    board.refresh(where.pk)
    assert alarm().team.name == "Mallory"
    assert 5 < alarm().z < 10


def rows(right):
    return table(("id", "label"), enumerate(np.where(right, "cat", "dog")))


def competition_in(world):
    usage = np.where(world.public, "Public", "Private")
    truth = ((at, ("cat", "dog")[at < 2], use) for at, use in enumerate(usage))
    return make_competition("world", table(("id", "label", "Usage"), truth), decimals=3)


@pytest.mark.parametrize(
    ("fields", "file"),
    [
        ({"metric": "accuracy"}, as_labels),
        ({"metric": "top_k_error", "metric_parameters": {"k": 1}, "layout": "labels"}, as_labels),
        ({"metric": "log_loss", "layout": "probabilities"}, sure),
        ({"metric": "f1"}, as_labels),
        ({"metric": "accuracy", "feedback": Feedback.LADDER}, as_labels),
        ({"metric": "accuracy", "feedback": Feedback.HIDDEN}, as_labels),
    ],
)
def test_whatever_the_metric_a_gap_to_the_private_rows_is_seen(db, enter, fields, file):
    where = crowd(**fields)
    enter(where, "eve", file(suspicious(0.3)))
    enter(where, "ada", file(suspicious(0.02)))
    private_is_better = np.where(IS_PUBLIC, (TRUTH + 1) % 3, TRUTH)
    enter(where, "bea", file(private_is_better))
    board.refresh(where.pk)
    assert alarm().team.name == "Eve"
    assert 4 < alarm().z < 15


def test_an_alarm_stays_and_only_grows(db, enter):
    where = crowd()
    first = enter(where, "eve", as_labels(suspicious(0.2)))
    board.refresh(where.pk)
    before = alarm()
    worse = enter(where, "eve", as_labels(suspicious(0.3)))
    Submission.objects.filter(pk=first.pk).update(exclusion="in this test")
    board.refresh(where.pk)
    assert (alarm().submission, alarm().raised_at) == (worse, before.raised_at)
    assert alarm().z > before.z + 1
    largest = alarm().z
    Submission.objects.filter(pk=worse.pk).update(exclusion="in this test")
    for smaller in (0.2, 0.01):
        enter(where, "eve", as_labels(suspicious(smaller)))
        board.refresh(where.pk)
        assert alarm().z == largest


def test_what_a_host_has_seen_comes_back_when_it_has_grown_by_one(db, enter):
    where = crowd()
    first = enter(where, "eve", as_labels(suspicious(0.2)))
    board.refresh(where.pk)
    seen = alarm().z
    Alarm.objects.update(seen_at=timezone.now())
    for wrong, is_back in ((0.21, False), (0.3, True)):
        Submission.objects.filter(pk=first.pk).update(exclusion="in this test")
        first = enter(where, "eve", as_labels(suspicious(wrong)))
        board.refresh(where.pk)
        assert (alarm().seen_at is None) is is_back
        assert (alarm().z == seen) is not is_back


def test_only_files_that_count_are_looked_at_and_of_a_frozen_board_too(db, enter):
    where = crowd()
    enter(where, "ada", labels(0.5, 1))
    sent = {name: enter(where, name, as_labels(suspicious(0.3))) for name in ("late", "net", "eve")}
    Submission.objects.filter(pk=sent["late"].pk).update(is_late=True, lifetime_slot=None)
    enter(where, "late", labels(0.5, 2))
    sent["net"].team.is_baseline = True
    sent["net"].team.save()
    # the board stands still since before Eve's attack, by which she had a line already
    early = enter(where, "eve", labels(0.5, 3))
    Submission.objects.filter(pk=early.pk).update(received_at=early.received_at.replace(year=2020))
    closes_at = early.received_at.replace(year=2021)
    Competition.objects.filter(pk=where.pk).update(closes_at=closes_at, freeze_minutes=60)
    standings.rebuild(where)
    board.refresh(where.pk)
    assert alarm().submission == sent["eve"]
