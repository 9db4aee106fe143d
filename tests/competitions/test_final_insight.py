"""The statistics of the final board: from the private rows, and only after the reveal."""

import numpy as np
import pytest

from competitions import standings, tasks
from competitions.insight import final
from competitions.insight.field import Entrant, Field
from competitions.models import FinalStanding
from scoring.evidence import Evidence
from tests.competitions.crowd import crowd, end, labels


def test_after_the_reveal_the_final_board_gets_rank_sets_from_the_private_rows(db, enter, valkey):
    where = crowd()
    for name, right in (("ada", 0.95), ("bea", 0.95), ("cyd", 0.5)):
        enter(where, name, labels(right, ord(name[0])))
    baseline = enter(where, "net", labels(0.94, 8)).team
    baseline.is_baseline = True
    baseline.save()
    tasks.final_insight(where.pk)  # too early: nothing happens
    assert (final.lacking(), FinalStanding.objects.count()) == ([], 0)
    end(where)
    assert final.lacking() == [where.pk]
    tasks.final_insight(where.pk)
    found = {one.team.name: one for one in FinalStanding.objects.select_related("team")}
    sets = {name: (one.rank_low, one.rank_high, one.tied) for name, one in found.items()}
    assert sets == {
        "Ada": (1, 2, True), "Bea": (1, 2, True), "Cyd": (3, 3, False), "Net": (None, None, True),
    }  # fmt: skip
    (_, last), *_ = valkey.client.xrevrange("holdout:live:crowd", count=1)
    assert last[b"event"] == b"reset"
    assert final.lacking() == []


def test_a_final_board_of_resampled_scores_gets_intervals_in_as_many_runs_as_it_takes(db, enter):
    where = crowd(metric="f1")
    for name, right in (("ada", 0.9), ("bea", 0.5)):
        enter(where, name, labels(right, ord(name[0])))
    end(where)
    assert not final.complete(where.pk, seconds=0).is_complete
    assert FinalStanding.objects.filter(low=None, tied=None).count() == 2
    assert final.complete(where.pk, seconds=0) == (True, True)
    ada, bea = FinalStanding.objects.order_by("rank")
    assert ada.low < ada.score < ada.high
    assert ada.high - ada.low == pytest.approx(2 * 1.96 * 0.3 / 20, rel=0.2)  # of 400 rows
    assert (bea.tied, bea.rank_low) == (False, 2)


def test_teams_that_were_not_compared_widen_the_ranks_of_those_near_them():
    draw = np.random.default_rng(0)
    rows = draw.random((400, 3)) < [0.95, 0.7, 0.69]
    entrants = [
        Entrant(at, float(right.mean()), False, Evidence("rows", right.mean(), (right,)))
        for at, right in enumerate(rows.T)
    ]
    rules = standings.Rules(
        decimals=3,
        direction="maximize",
        step=None,
        hides_scores=False,
        frozen_from=None,
        interval_rows=400,
        bounds=(0.0, 1.0),
    )
    everybody = Field.of(entrants, rules)
    assert everybody.rank_sets(others=0) == [(1, 1), (2, 3), (2, 3)]
    assert everybody.rank_sets(others=5) == [(1, 1), (2, 8), (2, 8)]
    assert everybody.rank_sets(others=5, unread=1) == [(1, 2), (2, 9), (2, 9)]
