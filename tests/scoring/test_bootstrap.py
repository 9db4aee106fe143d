"""The paired bootstrap: the draws, and its agreement with what is known exactly."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from scoring.bootstrap import (
    bootstrap_weights,
    confusion_replicates,
    leader_differences,
    paired_confusion_replicates,
    replicate_means,
)
from scoring.comparisons import paired_difference
from scoring.intervals import covariance_of_means, percentile_interval

QUICK = settings(deadline=None, max_examples=50)


def macro_f1(stack):
    hits = np.diagonal(stack, axis1=-2, axis2=-1)
    either = stack.sum(axis=-1) + stack.sum(axis=-2)
    return (2 * hits / np.maximum(either, 1)).mean(axis=-1)


def accuracy(stack):
    return np.trace(stack, axis1=-2, axis2=-1) / stack.sum(axis=(-2, -1))


@pytest.fixture(scope="module")
def pair():
    """Two submissions of 2000 rows, 0.8905 and 0.8970 right."""
    draw = np.random.default_rng(2024)
    first = draw.random(2000) < 0.9
    second = np.where(draw.random(2000) < 0.9, first, draw.random(2000) < 0.88)
    return np.column_stack([first, second])


def test_reference_of_a_pair(pair):
    first, second = pair.T
    b, c = int((first & ~second).sum()), int((second & ~first).sum())
    assert (b, c, *pair.mean(axis=0)) == (18, 31, 0.8905, 0.8970)
    covariance = covariance_of_means(pair)
    error = (covariance.trace() - 2 * covariance[0, 1]) ** 0.5
    assert error == pytest.approx(0.003498, abs=1e-6)
    # divided by n and not by n - 1
    assert float(paired_difference(b, c, 2000)[1]) == pytest.approx(error, rel=1 / 2000)
    replicates = replicate_means(bootstrap_weights(2000, seed=7), pair)
    differences = leader_differences(replicates, leader=0)[:, 1]
    assert differences.std(ddof=1) == pytest.approx(0.003475, rel=0.05)
    low, high = percentile_interval(differences)
    assert (low, high) == (pytest.approx(-0.0135, abs=5e-4), pytest.approx(0.0, abs=5e-4))


def test_weights_are_the_counts_of_one_stream_of_integers():
    rows = np.random.default_rng(7).integers(0, 100, (50, 100))
    counted = np.stack([np.bincount(row, minlength=100) for row in rows])
    weights = bootstrap_weights(100, replicates=50, seed=7)
    assert weights.dtype == np.uint8
    assert (weights == counted).all()


@QUICK
@given(st.integers(1, 400), st.integers(1, 20), st.integers(0, 9))
def test_every_replicate_draws_as_many_rows_as_there_are(n, replicates, seed):
    assert bootstrap_weights(n, replicates, seed).sum(axis=1).tolist() == [n] * replicates


def test_means_of_right_and_wrong_lose_no_digit(pair):
    weights = bootstrap_weights(2000, replicates=300)
    expected = weights.astype(np.int64) @ pair / 2000
    assert (replicate_means(weights, pair) == expected).all()
    assert (replicate_means(weights, pair.astype(np.float64)) == expected).all()


def test_means_of_real_numbers_are_weighted_means():
    rows = np.random.default_rng(0).normal(size=(150, 3))
    weights = bootstrap_weights(150, replicates=260)
    expected = [np.average(rows, axis=0, weights=its) for its in weights]
    assert replicate_means(weights, rows) == pytest.approx(np.array(expected), abs=1e-12)


@pytest.fixture(scope="module")
def answers():
    """Truth and two answers of 1500 rows in three uneven classes; the second repeats mistakes."""
    draw = np.random.default_rng(5)
    truth = draw.choice(3, 1500, p=[0.7, 0.2, 0.1])
    first = np.where(draw.random(1500) < 0.8, truth, draw.integers(0, 3, 1500))
    second = np.where(draw.random(1500) < 0.8, first, truth)
    return truth, first, second


def test_resampled_confusions_agree_with_rows_scored_again(answers):
    truth, first, _ = answers
    confusion = np.bincount(truth * 3 + first, minlength=9).reshape(3, 3)
    assert macro_f1(confusion) == pytest.approx(f1_score(truth, first, average="macro"))
    replicates = confusion_replicates(confusion, macro_f1, replicates=2000)
    draw = np.random.default_rng(0)
    drawn = [draw.integers(0, 1500, 1500) for _ in range(1000)]
    again = [
        macro_f1(np.bincount(truth[rows] * 3 + first[rows], minlength=9).reshape(3, 3))
        for rows in drawn
    ]
    # standard errors of a simulated standard deviation: 1.6 % and 2.2 %
    assert replicates.std() == pytest.approx(np.std(again), rel=0.1)
    assert replicates.mean() == pytest.approx(np.mean(again), abs=0.003)


def test_resampled_pairs_have_the_error_of_a_paired_difference(answers):
    truth, first, second = answers
    right, better = first == truth, second == truth
    pairs = paired_confusion_replicates(truth, (first, second), 3, accuracy, replicates=2000)
    difference, error = paired_difference((right & ~better).sum(), (better & ~right).sum(), 1500)
    assert (pairs[:, 0] - pairs[:, 1]).std() == pytest.approx(float(error), rel=0.07)
    assert (pairs[:, 0] - pairs[:, 1]).mean() == pytest.approx(float(difference), abs=0.001)
    apart = np.hypot(*pairs.std(axis=0))
    assert float(error) < 0.8 * apart


def test_an_answer_compared_with_itself_never_differs(answers):
    truth, first, _ = answers
    pairs = paired_confusion_replicates(truth, (first, first), 3, macro_f1, replicates=50)
    assert (pairs[:, 0] == pairs[:, 1]).all()
    assert pairs[:, 0].std() > 0


def test_many_classes_are_drawn_in_blocks_of_the_same_stream(monkeypatch, answers):
    truth, first, second = answers
    whole = paired_confusion_replicates(truth, (first, second), 3, macro_f1, replicates=40)
    monkeypatch.setattr("scoring.bootstrap.BLOCK_CELLS", 100)
    assert (
        paired_confusion_replicates(truth, (first, second), 3, macro_f1, replicates=40) == whole
    ).all()


def test_nothing_cannot_be_resampled():
    with pytest.raises(ValueError, match="at least one row"):
        bootstrap_weights(0)
    with pytest.raises(ValueError, match="at least one row"):
        confusion_replicates(np.zeros((2, 2), np.int64), accuracy)
