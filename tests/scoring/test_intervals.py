"""Intervals of scores: published values, and that they hold what they should as often as said."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from scoring.bootstrap import bootstrap_weights
from scoring.intervals import (
    bootstrap_interval,
    covariance_of_means,
    mean_interval,
    percentile_interval,
    wilson,
)

QUICK = settings(deadline=None, max_examples=50)


@pytest.mark.parametrize(
    ("p", "n", "low", "high"),
    [
        (0.9, 3000, 0.888748, 0.910229),
        (0.9, 200, 0.850594, 0.934330),
        (0.98, 899, 0.968600, 0.987315),
        (1, 100, 0.963007, 1),
    ],
)
def test_wilson_on_board_sizes(p, n, low, high):
    assert wilson(p, n) == pytest.approx((low, high), abs=1e-6)


@QUICK
@given(st.integers(1, 3000), st.data())
def test_wilson_agrees_with_scipy(n, data):
    right = data.draw(st.integers(0, n))
    expected = stats.binomtest(right, n).proportion_ci(method="wilson")
    assert wilson(right / n, n) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_the_interval_of_a_mean_is_the_mean_and_its_standard_error():
    rows = np.random.default_rng(0).exponential(size=(400, 3))
    low, high = mean_interval(rows)
    error = stats.sem(rows, axis=0)
    assert (low + high) / 2 == pytest.approx(rows.mean(axis=0))
    assert high - low == pytest.approx(2 * stats.norm.ppf(0.975) * error)


def test_the_interval_of_a_mean_holds_the_truth_in_19_of_20_cases():
    rows = np.random.default_rng(1).exponential(size=(1000, 2000))
    low, high = mean_interval(rows)
    assert np.mean((low <= 1) & (high >= 1)) == pytest.approx(0.95, abs=0.015)


def test_the_variance_of_a_difference_comes_out_of_the_covariance():
    rows = np.random.default_rng(2).random((500, 2)) < [0.9, 0.8]
    covariance = covariance_of_means(rows)
    difference = rows[:, 0].astype(float) - rows[:, 1]
    variance = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    assert variance**0.5 == pytest.approx(stats.sem(difference))
    assert covariance == pytest.approx(np.cov(rows.T.astype(float)) / 500)


def test_percentiles_are_taken_column_by_column_at_the_confidence_asked():
    replicates = np.arange(101.0)[:, None] * [1, 10]
    low, high = percentile_interval(replicates, confidence=0.9)
    assert (low.tolist(), high.tolist()) == (
        pytest.approx([5.0, 50.0]),
        pytest.approx([95.0, 950.0]),
    )


def test_the_same_rows_have_the_same_bootstrap_interval_whoever_else_is_there():
    rows = np.random.default_rng(3).random((300, 4)) < 0.9
    weights = bootstrap_weights(300)
    low, high = bootstrap_interval(rows, weights)
    alone = bootstrap_interval(rows[:, [2]], weights)
    assert (low[2], high[2]) == (alone[0][0], alone[1][0])
    assert (low < rows.mean(axis=0)).all() and (rows.mean(axis=0) < high).all()


def test_one_row_has_no_standard_error():
    for measure in (mean_interval, covariance_of_means):
        with pytest.raises(ValueError, match="at least two rows"):
            measure(np.ones((1, 2)))
