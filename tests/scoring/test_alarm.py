"""The alarm of the gap between public and private: silent for the honest, loud for an attack."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.alarm import THRESHOLD, gap_z, gap_z_of_rows
from tests.scoring.attacks import World, boosted

QUICK = settings(deadline=None, max_examples=50)
PUBLIC, PRIVATE = 3000, 7000


def honest_gaps(draw, teams, submissions=20):
    """z of each team's submission that is best in public.

    Every submission repairs about a tenth of what was wrong and breaks a hundredth of what was
    right, on either side of the split alike.
    """
    sides = np.array([PUBLIC, PRIVATE])[:, None]
    right = draw.binomial(sides, draw.normal(0.86, 0.02, teams))
    best, gaps = np.zeros(teams), np.zeros(teams)
    for _ in range(submissions):
        right = right + draw.binomial(sides - right, 0.1) - draw.binomial(right, 0.01)
        public, private = right / sides
        gaps = np.where(public > best, gap_z(public, private, PUBLIC, PRIVATE), gaps)
        best = np.maximum(best, public)
    return gaps


def test_no_alarm_for_1200_honest_teams():
    gaps = honest_gaps(np.random.default_rng(0), 1200)
    assert gaps.max() < THRESHOLD
    # choosing the best of 20 leaves its mark: the gaps are not centred, and yet far from 4
    assert 0.3 < gaps.mean() < 0.9


def test_under_one_false_alarm_in_a_thousand_honest_teams():
    gaps = honest_gaps(np.random.default_rng(1), 40_000)
    assert np.mean(gaps > THRESHOLD) < 0.001


@pytest.mark.parametrize("seed", range(5))
def test_an_attack_by_300_submissions_is_flagged(seed):
    world = World.drawn(seed, PUBLIC)
    assert gap_z(*world.scores(np.zeros(len(world.uncertain), np.bool_)), PUBLIC, PRIVATE) < 4
    chosen = boosted(world, 300, seed, lambda rows: rows.mean())
    assert gap_z(*world.scores(chosen), PUBLIC, PRIVATE) > THRESHOLD


def test_reference_by_hand():
    # pooled 0.85, so the standard error is sqrt(0.85 * 0.15 * 2 / 100)
    assert float(gap_z(0.9, 0.8, 100, 100)) == pytest.approx(0.1 / 0.00255**0.5)


@QUICK
@given(st.integers(1, 500), st.integers(1, 500), st.data())
def test_the_gap_is_always_a_number(n, m, data):
    right = data.draw(st.integers(0, n)), data.draw(st.integers(0, m))
    z = float(gap_z(right[0] / n, right[1] / m, n, m))
    assert np.isfinite(z)
    assert np.sign(z) == np.sign(right[0] * m - right[1] * n)


def test_rows_give_the_gap_of_shares():
    right = np.random.default_rng(0).random((10_000, 2)) < [0.9, 0.8]
    public, private = right[:PUBLIC], right[PUBLIC:]
    shares = gap_z(public.mean(axis=0), private.mean(axis=0), PUBLIC, PRIVATE)
    assert gap_z_of_rows(public, private) == pytest.approx(shares, abs=0.05)
    assert gap_z_of_rows(~public, ~private, "minimize") == pytest.approx(
        gap_z_of_rows(public, private)
    )


def test_rows_without_spread_have_no_gap_or_an_infinite_one():
    same, other = np.ones((5, 1)), np.zeros((5, 1))
    assert gap_z_of_rows(same, same).tolist() == [0]
    assert gap_z_of_rows(same, other).tolist() == [np.inf]


def test_a_gap_needs_two_sides():
    with pytest.raises(ValueError, match="public and private rows"):
        gap_z(0.9, 0.9, 0, 10)
    with pytest.raises(ValueError, match="two public and two private"):
        gap_z_of_rows(np.ones((1, 1)), np.ones((5, 1)))
