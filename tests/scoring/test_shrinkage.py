"""Expected on private: the formula by hand, and that it takes away the leader's luck."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtri

from scoring.intervals import covariance_of_means
from scoring.shrinkage import expected_on_private

QUICK = settings(deadline=None, max_examples=50)


def test_reference_by_hand():
    # V = 0.0025 and s² = 0.001 / 2, so four fifths of the distance to the mean are kept
    found = expected_on_private(np.array([0.9, 0.8]), np.diag([0.001, 0.001]))
    assert found == pytest.approx([0.89, 0.81])


def test_what_is_hard_for_everybody_is_no_noise():
    scores, own = np.array([0.9, 0.85, 0.8]), np.diag([0.001, 0.002, 0.001])
    assert expected_on_private(scores, own + 0.5) == pytest.approx(expected_on_private(scores, own))


def test_the_noise_is_the_mean_variance_of_a_score_minus_the_fields():
    rows = np.random.default_rng(0).random((200, 5)) < [0.9, 0.85, 0.8, 0.8, 0.7]
    scores = rows.mean(axis=0)
    apart = rows - rows.mean(axis=1, keepdims=True)
    noise = (apart.var(axis=0, ddof=1) / 200).mean()
    expected = scores.mean() + (1 - noise / scores.var()) * (scores - scores.mean())
    assert expected_on_private(scores, covariance_of_means(rows)) == pytest.approx(expected)


def test_differences_within_the_noise_shrink_to_the_mean():
    found = expected_on_private(np.array([0.81, 0.80, 0.79]), np.eye(3))
    assert found == pytest.approx([0.8, 0.8, 0.8])


def test_a_field_of_one_or_of_equals_keeps_its_score():
    assert expected_on_private(np.array([0.9]), np.array([[0.01]])).tolist() == [0.9]
    assert expected_on_private(np.full(3, 0.5), np.eye(3)).tolist() == [0.5, 0.5, 0.5]


@QUICK
@given(st.lists(st.floats(0, 1), min_size=2, max_size=10), st.floats(0, 0.1))
def test_nobody_changes_places_or_leaves_the_field(scores, variance):
    values = np.array(scores)
    found = expected_on_private(values, variance * np.eye(len(values)))
    order = np.argsort(values)
    assert (np.diff(found[order]) >= -1e-12).all()
    assert found.mean() == pytest.approx(values.mean())
    assert (np.abs(found - values.mean()) <= np.abs(values - values.mean()) + 1e-12).all()


def test_the_leaders_optimism_is_taken_away():
    draw = np.random.default_rng(2)
    raw, shrunk = [], []
    for _ in range(60):
        truth = np.clip(draw.normal(0.88, 0.01, 60), 0.8, 0.95)
        hard, own = draw.standard_normal((1000, 1)), draw.standard_normal((1000, 60))
        rows = ndtri(truth) + np.sqrt(0.6) * hard + np.sqrt(0.4) * own > 0
        scores = rows.mean(axis=0)
        leader = int(scores.argmax())
        # against the leader's true place in the field: the board's common luck is not its own
        luck = truth[leader] - truth.mean() + scores.mean()
        raw.append(scores[leader] - luck)
        expected = expected_on_private(scores, covariance_of_means(rows))
        shrunk.append(expected[leader] - luck)
    assert np.mean(raw) > 0.005
    assert abs(np.mean(shrunk)) < 0.3 * np.mean(raw)
