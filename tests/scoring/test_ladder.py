"""The Ladder: its published steps, what an honest team sees, and that two attacks run dry."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.ladder import CAUTION, LadderState, fixed_step, ladder_step, parameter_free
from tests.scoring.attacks import BLOCKS, World, boosted, climbed

QUICK = settings(deadline=None, max_examples=50)
STEP, QUERIES = 0.005, 1000
SCORES = st.lists(st.floats(0, 1), min_size=1, max_size=30)


def climb(transition, submissions):
    """What the board shows after each submission."""
    state, shown = LadderState(), []
    for submission in submissions:
        state = transition(state, submission)
        shown.append(state.shown)
    return shown


def test_reference_of_the_parameter_free_ladder():
    texts = ("1111100000", "1111110000", "1111111100", "0011111111", "1111111111")
    rows = [np.array([mark == "1" for mark in text]) for text in texts]
    shown = climb(lambda state, its: parameter_free(state, its, caution=1), rows)
    assert shown == [0.5, 0.5, 0.8, 0.8, 1.0]
    wrong = climb(lambda state, its: parameter_free(state, its, 1, "minimize"), [~r for r in rows])
    assert wrong == pytest.approx([0.5, 0.5, 0.2, 0.2, 0.0])


def test_only_more_than_a_step_moves_a_fixed_ladder():
    shown = climb(lambda state, its: fixed_step(state, its, 0.01), [0.801, 0.81, 0.8101, 0.5, 0.85])
    assert shown == [0.8, 0.8, 0.81, 0.81, 0.85]
    losses = [0.699, 0.69, 0.6899, 2.0, 0.65]
    shown = climb(lambda state, its: fixed_step(state, its, 0.01, "minimize"), losses)
    assert shown == [0.7, 0.7, 0.69, 0.69, 0.65]


@QUICK
@given(SCORES, st.sampled_from([0.001, 0.005, 0.01, 0.05]))
def test_a_fixed_ladder_only_rises_in_steps_and_lags_by_one_at_most(scores, step):
    shown = climb(lambda state, its: fixed_step(state, its, step), scores)
    assert shown == sorted(shown)
    assert [round(value / step) * step for value in shown] == pytest.approx(shown, abs=1e-9)
    for at, value in enumerate(shown):
        best = max(scores[: at + 1])
        assert best - step - 1e-9 <= value <= best + step / 2 + 1e-9


@QUICK
@given(SCORES)
def test_a_fixed_ladder_is_the_same_upside_down(scores):
    up = climb(lambda state, its: fixed_step(state, its, 0.01), scores)
    down = climb(lambda state, its: fixed_step(state, -its, 0.01, "minimize"), scores)
    assert [-value for value in down] == pytest.approx(up)


@QUICK
@given(st.lists(st.integers(0, 999), min_size=1, max_size=12), st.sampled_from([1.0, CAUTION]))
def test_a_parameter_free_ladder_shows_scores_that_were_reached_and_never_falls(seeds, caution):
    rows = [
        np.random.default_rng(seed).random(50) < at / len(seeds) for at, seed in enumerate(seeds)
    ]
    shown = climb(lambda state, its: parameter_free(state, its, caution), rows)
    assert shown == sorted(shown)
    assert set(shown) <= {its.mean() for its in rows}


def test_more_caution_needs_more_evidence():
    first, better = np.arange(100) < 80, np.arange(100) < 84
    state = parameter_free(LadderState(), first)
    assert parameter_free(state, better, caution=1).shown == 0.84
    assert parameter_free(state, better) is state


def test_values_per_row_are_shown_to_one_nth():
    losses = np.array([0.1, 0.2, 0.4, 0.33])
    assert parameter_free(LadderState(), losses, direction="minimize").shown == 0.25


def test_a_state_keeps_its_own_rows():
    rows = np.arange(10) < 5
    state = parameter_free(LadderState(), rows)
    rows[:] = True
    assert state.rows is not None
    assert (state.shown, state.rows.sum()) == (0.5, 5)


def test_rows_that_cannot_be_paired_are_refused():
    with pytest.raises(ValueError, match="at least two rows"):
        parameter_free(LadderState(), np.ones(1))
    with pytest.raises(ValueError, match="same rows"):
        parameter_free(LadderState(0.5), np.ones(10))
    with pytest.raises(ValueError, match="same rows"):
        parameter_free(parameter_free(LadderState(), np.zeros(9)), np.ones(10))


@pytest.mark.parametrize(
    ("n", "error", "step"),
    [
        (3000, (0.9 * 0.1 / 3000) ** 0.5, 0.005),
        (200, (0.9 * 0.1 / 200) ** 0.5, 0.02),
        (1000, (0.9 * 0.1 / 1000) ** 0.5, 0.01),
        (100_000, (0.9 * 0.1 / 100_000) ** 0.5, 0.001),
        (30, (0.5 * 0.5 / 30) ** 0.5, 0.05),
        # a perfect score has no error, but no step is finer than a row
        (1000, 0.0, 0.001),
        (200, 0.0, 0.005),
        (5, 0.0, 0.05),
    ],
)
def test_the_step_is_about_one_standard_error(n, error, step):
    assert ladder_step(n, error) == step


class Board:
    """Shows what the transition makes of each submission's rows."""

    def __init__(self, transition):
        self.state, self.transition = LadderState(), transition

    def __call__(self, rows):
        self.state = self.transition(self.state, rows)
        return self.state.shown


def stepped():
    return Board(lambda state, rows: fixed_step(state, rows.mean(), STEP))


def cautious():
    return Board(parameter_free)


def plain(rows):
    return rows.mean()


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_boosting_gains_nothing_on_a_ladder(seed):
    world = World.drawn(seed)
    for board in (stepped(), cautious()):
        chosen = boosted(world, QUERIES, seed, board, sigma=STEP / 12**0.5)
        public, private = world.scores(chosen)
        assert max(public, board(world.public_rows(chosen))) - private <= 0.02
    # the same attack on a board that shows the score
    public, private = world.scores(boosted(world, QUERIES, seed, plain))
    assert public - private > 0.07


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_hill_climbing_gains_little_on_a_ladder(seed):
    world = World.drawn(seed)
    for make in (stepped, cautious):
        runs = [climbed(world, QUERIES, seed, block, make()) for block in BLOCKS]
        shown, chosen = max(runs, key=lambda run: run[0])
        public, private = world.scores(chosen)
        assert max(public, shown) - private <= 0.02
    # one block size is enough on a board that shows the score
    public, private = world.scores(climbed(world, QUERIES, seed, 8, plain)[1])
    assert public - private > 0.03
