"""Splits, intervals, ranks: reference values and the properties that decide."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring import SpecError, commitment, display_decimals, displayed, rank, split_ids, wilson

QUICK = settings(deadline=None, max_examples=50)
SEED = bytes(range(16))
IDS = [f"img_{at:03d}.png" for at in range(20)]
LABELS = [str(at % 3) for at in range(20)]


def test_split_reference():
    public = split_ids(IDS, LABELS, 0.3, SEED)
    assert sorted(public) == [f"img_{at:03d}.png" for at in (1, 2, 6, 12, 13, 14)]


def test_commitment_reference():
    expected = "8b23cbef4a3d24b38b12e4173c6ec5a41106debefceb98d5751ed32b3f531497"
    assert commitment(SEED, IDS) == commitment(SEED, IDS[::-1]) == expected
    assert commitment(bytes(16), IDS) != expected


@QUICK
@given(st.integers(2, 60), st.floats(0.05, 0.95), st.binary(min_size=16, max_size=16))
def test_split_does_not_depend_on_the_order(n, fraction, seed):
    rows = [(str(at), "abc"[at * at % 3]) for at in range(n)]
    public = split_ids(*zip(*rows, strict=True), fraction, seed)
    random.Random(n).shuffle(rows)  # noqa: S311
    assert split_ids(*zip(*rows, strict=True), fraction, seed) == public
    assert len(public) == int(fraction * n + 0.5)
    for label in "abc":
        members = [name for name, its in rows if its == label]
        assert abs(len(public.intersection(members)) - fraction * len(members)) < 1


def test_split_refuses_a_weak_seed_and_an_empty_side():
    with pytest.raises(SpecError, match="16 random bytes"):
        split_ids(IDS, LABELS, 0.3, b"0")
    for fraction in (0, 1, -0.1, float("nan")):
        with pytest.raises(SpecError, match="between 0 and 1"):
            split_ids(IDS, LABELS, fraction, SEED)


@pytest.mark.parametrize(
    ("p", "n", "low", "high"),
    # Newcombe 1998, table I
    [
        (81 / 263, 263, 0.2553, 0.3662),
        (15 / 148, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1 / 29, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_reference(p, n, low, high):
    assert wilson(p, n) == pytest.approx((low, high), abs=5e-5)


@QUICK
@given(st.integers(1, 10_000), st.floats(0, 1))
def test_wilson_holds_the_score(n, p):
    low, high = wilson(p, n)
    assert 0 <= low <= p <= high <= 1


def test_wilson_needs_rows():
    with pytest.raises(ValueError, match="at least one row"):
        wilson(0.5, 0)


@pytest.mark.parametrize(
    ("n", "decimals"),
    [(0, 2), (1, 2), (200, 2), (1000, 2), (1001, 3), (3000, 3), (10_000, 3), (10_001, 4)],
)
def test_display_decimals(n, decimals):
    assert display_decimals(n) == decimals


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        (0.125, 2, "0.13"),
        (0.225, 2, "0.23"),
        (2 / 3, 3, "0.667"),
        (1, 2, "1.00"),
        (-0.0001, 2, "0.00"),
        (1e-9, 3, "0.000"),
        (34.5387763949, 3, "34.539"),
    ],
)
def test_displayed(value, decimals, text):
    assert displayed(value, decimals) == text


def test_rank_shares_and_skips():
    assert rank([0.9, 0.8, 0.8, 0.7]) == [1, 2, 2, 4]
    assert rank([0.7, 0.8, 0.8, 0.9], "minimize") == [1, 2, 2, 4]
    assert rank([]) == []


@QUICK
@given(st.lists(st.sampled_from([0.1, 0.2, 0.3, 0.4])))
def test_rank_is_one_more_than_the_number_of_better_ones(values):
    assert rank(values) == [1 + sum(other > value for other in values) for value in values]
