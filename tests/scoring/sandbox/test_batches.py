"""Which sizes of a batch a run can end with."""

import pytest

from scoring.sandbox.batches import Batches


@pytest.mark.parametrize(
    ("batches", "asked", "images", "sizes"),
    [
        (Batches(), None, 12, {1, 2, 3, 4, 6, 8, 12}),
        (Batches(), 7, 96, {7, 3, 1}),
        (Batches(5, 5), None, 96, {5}),
        (Batches(5, 5), 64, 2, {5}),
        (Batches(2), None, 3, {2, 3}),
    ],
)
def test_only_what_halving_comes_to_is_possible(batches, asked, images, sizes):
    assert batches.sizes(asked, images) == sizes


def test_the_sizes_of_a_large_run_are_few():
    assert len(Batches().sizes(None, 1_000_000)) == 11
    assert len(Batches().sizes(None, 999)) <= 20


@pytest.mark.parametrize("pair", [None, [], [1], [0, 4], [4, 2], [1.0, 2], [True, 2], "12"])
def test_what_a_job_says_of_itself_is_looked_at(pair):
    with pytest.raises(ValueError):
        Batches.said(pair)
