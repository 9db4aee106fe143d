"""Rank sets and the tie with the leader: the reference case, the coverage, and the odd boards."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import ndtri

from scoring.delong import delong
from scoring.intervals import covariance_of_means, wilson
from scoring.rank_sets import rank_sets, rank_sets_of

QUICK = settings(deadline=None, max_examples=50)


def board(draw, n, accuracies, common=0.6):
    """Right and wrong of teams to whom the same rows are hard: bool[n, S]."""
    hard = draw.standard_normal((n, 1)) * np.sqrt(common)
    own = draw.standard_normal((n, len(accuracies))) * np.sqrt(1 - common)
    return ndtri(accuracies) + hard + own > 0


def test_reference_of_six_teams():
    rows = board(np.random.default_rng(12345), 2000, [0.92, 0.915, 0.91, 0.90, 0.88, 0.85])
    sets = rank_sets(rows, draws=4000, seed=1)
    assert sets.scores.tolist() == [0.9215, 0.9125, 0.9105, 0.897, 0.8835, 0.862]
    assert sets.lower.tolist() == [1, 1, 1, 2, 4, 6]
    assert sets.upper.tolist() == [3, 4, 4, 5, 5, 6]
    assert sets.tied.tolist() == [True, True, True, False, False, False]
    assert sets.one_sided == pytest.approx([2.19, 2.22, 2.26, 2.19, 2.22, 2.17], abs=0.05)


def test_sets_follow_from_each_teams_own_critical_value():
    draw = np.random.default_rng(6)
    rows = np.hstack([board(draw, 900, draw.normal(0.9, 0.01, 20), common=s) for s in (0.2, 0.9)])
    sets, covariance = rank_sets(rows), covariance_of_means(rows)
    for team, score in enumerate(sets.scores):
        variance = np.diag(covariance) + covariance[team, team] - 2 * covariance[team]
        lead = (sets.scores - score) / np.sqrt(np.maximum(variance, 1e-18))
        assert sets.lower[team] == 1 + (lead > sets.two_sided[team]).sum()
        assert sets.upper[team] == 40 - (lead < -sets.two_sided[team]).sum()
        assert sets.tied[team] == (lead.max() <= sets.one_sided[team])
        assert sets.errors[team] ** 2 == pytest.approx(variance, rel=1e-6, abs=1e-12)


def test_critical_values_are_quantiles_of_the_largest_of_all_pairs():
    rows = board(np.random.default_rng(3), 800, [0.9, 0.9, 0.85, 0.8])
    sets = rank_sets(rows, draws=20_000)
    covariance = covariance_of_means(rows)
    # another generator and another factor of the same matrix
    drawn = np.random.default_rng(9).multivariate_normal(np.zeros(4), covariance, 20_000)
    for team in range(4):
        others = np.delete(np.arange(4), team)
        lead = drawn[:, others] - drawn[:, [team]]
        scaled = lead / lead.std(axis=0)
        assert sets.one_sided[team] == pytest.approx(
            np.quantile(scaled.max(axis=1), 0.95), abs=0.06
        )
        assert sets.two_sided[team] == pytest.approx(
            np.quantile(np.abs(scaled).max(axis=1), 0.95), abs=0.06
        )


def test_equals_are_called_tied_and_unranked_in_19_of_20_boards():
    draw = np.random.default_rng(0)
    tied, whole = [], []
    for _ in range(400):
        sets = rank_sets(board(draw, 500, np.full(10, 0.9)), draws=500, seed=1)
        tied.append(sets.tied[0])
        whole.append((sets.lower[0], sets.upper[0]) == (1, 10))
    # the standard error of either share is 0.011
    assert 0.91 < np.mean(tied) < 0.98
    assert 0.91 < np.mean(whole) < 0.98


def test_the_band_is_narrower_than_overlapping_intervals_and_holds_the_best():
    draw = np.random.default_rng(1)
    tied, overlapping, held = [], [], []
    for _ in range(12):
        truth = np.clip(draw.normal(0.88, 0.02, 50), 0.7, 0.97)
        rows = board(draw, 3000, truth)
        sets = rank_sets(rows, draws=500)
        intervals = [wilson(score, 3000) for score in sets.scores]
        lowest = intervals[int(sets.scores.argmax())][0]
        tied.append(sets.tied.sum())
        overlapping.append(sum(high >= lowest for _, high in intervals))
        held.append(sets.tied[truth.argmax()])
    assert np.mean(tied) < 0.9 * np.mean(overlapping)
    assert np.mean(held) >= 0.95


BOARDS = st.tuples(st.integers(2, 40), st.integers(1, 6)).flatmap(
    lambda shape: arrays(
        np.float64, shape, elements=st.sampled_from([0.0, 0.1, 0.5, 1.0]), fill=st.nothing()
    )
)


@QUICK
@given(BOARDS, st.sampled_from(["maximize", "minimize"]))
def test_every_board_has_sensible_sets(rows, direction):
    sets = rank_sets(rows, direction, draws=100)
    scores = rows.mean(axis=0) if direction == "maximize" else -rows.mean(axis=0)
    better = (scores[None] > scores[:, None] + 1e-12).sum(axis=1)
    not_worse = (scores[None] >= scores[:, None] - 1e-12).sum(axis=1)
    assert ((sets.lower >= 1) & (sets.lower <= 1 + better)).all()
    assert ((sets.upper <= len(scores)) & (sets.upper >= not_worse)).all()
    assert sets.tied[scores.argmax()]
    assert np.isfinite(sets.one_sided).all() and (sets.one_sided <= sets.two_sided).all()


@QUICK
@given(BOARDS)
def test_lower_is_better_mirrors_higher_is_better(rows):
    up, down = rank_sets(rows, draws=100), rank_sets(-rows, "minimize", draws=100)
    assert (up.lower.tolist(), up.upper.tolist()) == (down.lower.tolist(), down.upper.tolist())
    assert up.tied.tolist() == down.tied.tolist()
    assert (down.scores == -up.scores).all()


def test_one_team_is_first():
    sets = rank_sets(np.ones((10, 1)))
    assert (sets.lower.tolist(), sets.upper.tolist(), sets.tied.tolist()) == ([1], [1], [True])


def test_no_team_has_no_rank():
    assert rank_sets(np.ones((10, 0))).lower.tolist() == []


def test_identical_teams_share_everything():
    rows = np.random.default_rng(0).random((500, 1)) < [0.9, 0.9, 0.5]
    sets = rank_sets(rows)
    assert (sets.lower.tolist(), sets.upper.tolist()) == ([1, 1, 3], [2, 2, 3])
    assert sets.tied.tolist() == [True, True, False]


def test_perfect_teams_are_tied_and_the_others_are_judged():
    rows = np.ones((200, 4), np.bool_)
    rows[:1, 2] = rows[:60, 3] = False
    sets = rank_sets(rows)
    assert sets.tied.tolist() == [True, True, True, False]
    assert (sets.lower[3], sets.upper[3]) == (4, 4)


def test_a_lead_without_any_doubt_is_certain():
    sets = rank_sets(np.column_stack([np.ones(50), np.zeros(50)]))
    assert (sets.lower.tolist(), sets.upper.tolist()) == ([1, 2], [1, 2])
    assert sets.tied.tolist() == [True, False]


def test_a_lead_under_the_floats_resolution_is_none():
    rows = np.random.default_rng(0).random((300, 1))
    sets = rank_sets(np.hstack([rows, rows + 1e-13 * np.sin(np.arange(300))[:, None] + 1e-14]))
    assert sets.scores[0] != sets.scores[1]
    assert (sets.lower.tolist(), sets.upper.tolist()) == ([1, 1], [2, 2])
    assert sets.tied.tolist() == [True, True]


def test_sets_of_aucs_come_from_delongs_covariance():
    draw = np.random.default_rng(4)
    positive = draw.random(600) < 0.3
    noise = draw.standard_normal((600, 3)) * [1, 1.05, 6]
    sets = rank_sets_of(*delong(positive, 2.0 * positive[:, None] + noise))
    assert sets.tied.tolist() == [True, True, False]
    assert (sets.lower.tolist(), sets.upper.tolist()) == ([1, 1, 3], [2, 2, 3])


def test_a_looser_level_ties_fewer():
    rows = board(np.random.default_rng(12345), 2000, [0.92, 0.915, 0.91, 0.90, 0.88, 0.85])
    assert rank_sets(rows, level=0.5).tied.sum() < rank_sets(rows, level=0.99).tied.sum()


def test_values_that_are_no_numbers_and_single_rows_are_refused():
    with pytest.raises(ValueError, match="finite"):
        rank_sets(np.array([[0.0, np.nan], [1.0, 1.0]]))
    with pytest.raises(ValueError, match="finite"):
        rank_sets_of(np.array([0.5, 0.6]), np.full((2, 2), np.inf))
    with pytest.raises(ValueError, match="two rows"):
        rank_sets(np.ones((1, 2)))
