"""Comparisons of two submissions: published values, and scipy and scikit-learn as referees."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats
from sklearn.metrics import roc_auc_score

from scoring.bootstrap import bootstrap_weights, replicate_means
from scoring.comparisons import (
    PackedRows,
    bootstrap_p,
    delong_test,
    mcnemar_chi2,
    mcnemar_exact,
    mcnemar_mid_p,
    paired_difference,
)
from scoring.delong import delong

QUICK = settings(deadline=None, max_examples=50)
COUNTS = st.integers(0, 300)
POSITIVE = np.array([0, 0, 0, 0, 1, 1, 1, 1], np.bool_)
FIRST = np.array([0.1, 0.4, 0.35, 0.5, 0.45, 0.8, 0.6, 0.3])
SECOND = np.array([0.2, 0.3, 0.6, 0.4, 0.5, 0.7, 0.55, 0.65])


@pytest.mark.parametrize(
    ("b", "c", "n", "exact", "mid_p", "chi2", "difference", "error"),
    [
        (40, 25, 1000, 0.081682, 0.064018, 0.082478, 0.015000, 0.008048),
        (13, 5, 899, 0.096252, 0.063568, 0.098960, 0.008899, 0.004710),
        (5, 0, 100, 0.062500, 0.031250, 0.073638, 0.050000, 0.021794),
        (120, 90, 3000, 0.045114, 0.038643, 0.045372, 0.010000, 0.004827),
        (0, 0, 100, 1, 1, 1, 0, 0),
    ],
)
def test_reference_of_two_submissions(b, c, n, exact, mid_p, chi2, difference, error):
    assert float(mcnemar_exact(b, c)) == pytest.approx(exact, abs=1e-6)
    assert float(mcnemar_mid_p(b, c)) == pytest.approx(mid_p, abs=1e-6)
    assert float(mcnemar_chi2(b, c)) == pytest.approx(chi2, abs=1e-6)
    found = [float(value) for value in paired_difference(b, c, n)]
    assert found == pytest.approx([difference, error], abs=1e-6)


@QUICK
@given(COUNTS, COUNTS)
def test_mcnemar_agrees_with_scipy(b, c):
    total = b + c
    exact = stats.binomtest(b, total).pvalue if total else 1.0
    assert float(mcnemar_exact(b, c)) == pytest.approx(exact, rel=1e-9)
    # twice the one-sided mid-p, whose two directions mirror each other
    fewer = min(b, c)
    one_sided = stats.binom.cdf(fewer, total, 0.5) - stats.binom.pmf(fewer, total, 0.5) / 2
    assert float(mcnemar_mid_p(b, c)) == pytest.approx(2 * one_sided, rel=1e-9)
    if b != c:
        corrected = (abs(b - c) - 1) ** 2 / total
        assert float(mcnemar_chi2(b, c)) == pytest.approx(stats.chi2.sf(corrected, 1), rel=1e-9)


@QUICK
@given(arrays(np.int64, 8, elements=COUNTS), arrays(np.int64, 8, elements=COUNTS))
def test_p_values_lie_in_order_and_know_no_first_and_second(b, c):
    exact, mid_p = mcnemar_exact(b, c), mcnemar_mid_p(b, c)
    assert ((mid_p >= 0) & (mid_p <= exact) & (exact <= 1)).all()
    for test in (mcnemar_exact, mcnemar_mid_p, mcnemar_chi2):
        assert (test(b, c) == test(c, b)).all()
        assert test(b, c).tolist() == [float(test(*pair)) for pair in zip(b, c, strict=True)]


def test_mid_p_rejects_equals_no_more_often_than_said():
    draw = np.random.default_rng(0)
    discordant = draw.binomial(1000, 0.05, 20_000)
    b = draw.binomial(discordant, 0.5)
    mid_p, exact = mcnemar_mid_p(b, discordant - b), mcnemar_exact(b, discordant - b)
    assert 0.04 < np.mean(mid_p < 0.05) < 0.055
    assert np.mean(exact < 0.05) < np.mean(mid_p < 0.05)


ROWS = st.integers(1, 200).flatmap(
    lambda n: st.integers(1, 5).flatmap(lambda s: arrays(np.bool_, (n, s)))
)


@QUICK
@given(ROWS, st.integers(0, 99))
def test_packed_rows_count_like_unpacked_ones(rows, seed):
    new = np.random.default_rng(seed).random(len(rows)) < 0.5
    packed = PackedRows.pack(rows)
    b, c = packed.against(new)
    assert b.tolist() == (new[:, None] & ~rows).sum(axis=0).tolist()
    assert c.tolist() == (rows & ~new[:, None]).sum(axis=0).tolist()
    pairs = packed.all_pairs()
    assert (pairs == rows.T.astype(np.int64) @ ~rows).all()
    joined = packed.joined(new).all_pairs()
    assert (joined[:-1, :-1] == pairs).all()
    assert (joined[-1, :-1].tolist(), joined[:-1, -1].tolist()) == (b.tolist(), c.tolist())


def test_packed_rows_need_a_bit_each_and_the_same_number():
    packed = PackedRows.pack(np.ones((1000, 3), np.bool_))
    assert packed.words.nbytes == 3 * 128
    with pytest.raises(ValueError, match="1000 rows"):
        packed.against(np.ones(999, np.bool_))


def test_reference_of_delong():
    auc, covariance = delong(POSITIVE, np.column_stack([FIRST, SECOND]))
    assert auc.tolist() == [0.75, 0.875]
    expected = [[0.04166667, -0.00520833], [-0.00520833, 0.02083333]]
    assert covariance == pytest.approx(np.array(expected), abs=1e-6)
    found = delong_test(POSITIVE, FIRST, SECOND)
    assert (found.difference, found.z, found.p) == (
        pytest.approx(-0.125),
        pytest.approx(-0.462910, abs=1e-6),
        pytest.approx(0.643429, abs=1e-6),
    )


def by_definition(positive, scores):
    """DeLong's components from every pair of a positive and a negative row."""
    over = scores[positive][:, None] - scores[~positive][None]
    wins = (over > 0) + 0.5 * (over == 0)
    parts = [wins.mean(axis=1 - side) for side in (0, 1)]
    covariance = sum(np.atleast_2d(np.cov(part.T)) / len(part) for part in parts)
    return wins.mean(axis=(0, 1)), covariance


@QUICK
@given(st.integers(2, 20), st.integers(2, 20), st.integers(1, 8), st.integers(0, 999))
def test_delong_agrees_with_all_pairs_and_scikit_learn_ties_included(m, n, levels, seed):
    draw = np.random.default_rng(seed)
    positive = draw.permutation(np.arange(m + n) < m)
    scores = draw.integers(0, levels, (m + n, 3)) / 7
    auc, covariance = delong(positive, scores)
    expected_auc, expected = by_definition(positive, scores)
    assert auc == pytest.approx(expected_auc, abs=1e-12)
    assert covariance == pytest.approx(expected, abs=1e-12)
    assert auc == pytest.approx([roc_auc_score(positive, column) for column in scores.T])


def test_submissions_that_order_the_rows_alike_do_not_differ():
    found = delong_test(POSITIVE, FIRST, FIRST**3)
    assert (found.difference, found.z, found.p) == (0, 0, 1)


def test_a_perfect_order_against_its_reverse_is_a_certain_difference():
    found = delong_test(POSITIVE, POSITIVE * 1.0, 1.0 - POSITIVE)
    assert (found.difference, found.z, found.p) == (1, np.inf, 0)


def test_delong_refuses_what_has_no_covariance():
    with pytest.raises(ValueError, match="two rows of either class"):
        delong(np.array([True, False, False]), np.zeros((3, 1)))
    with pytest.raises(ValueError, match="finite"):
        delong(POSITIVE, np.full((8, 1), np.nan))


def test_the_bootstrap_p_is_near_mcnemars_for_accuracy():
    rows = np.zeros((1000, 2), np.bool_)
    rows[:40, 0] = rows[40:65, 1] = rows[65:900] = True
    replicates = replicate_means(bootstrap_weights(1000, replicates=4000), rows)
    p = float(bootstrap_p(replicates[:, 0] - replicates[:, 1]))
    assert p == pytest.approx(float(mcnemar_mid_p(40, 25)), abs=0.02)


def test_the_bootstrap_p_is_neither_zero_nor_over_one():
    differences = np.column_stack([np.zeros(99), np.ones(99), np.linspace(-1, 1, 99)])
    assert bootstrap_p(differences).tolist() == [1, 0.02, 1]
