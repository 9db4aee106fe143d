"""The Ladder: a board that only moves for a real improvement, so that it cannot be climbed blindly.

Blum & Hardt 2015, "The Ladder: a reliable leaderboard for machine learning competitions"
(arXiv 1502.04585), for scores of either direction. Every page that shows a team its public score
must show the ladder's value; one that shows the score itself undoes the protection.
"""

from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.metrics import Direction

STEPS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05)
# Standard errors of the paired difference. Blum & Hardt use 1, which hill climbing gets past: it
# needs an improvement that occurs by chance once in six. 2.576 is the normal 99.5 % point.
CAUTION = 2.576
ROUNDING = 1e-12  # a gain of exactly one step must not pass for more by the floats' last digit


@dataclass(frozen=True, slots=True, eq=False)
class LadderState:
    """What a team is shown, and on what: `LadderState()` before its first submission.

    `rows` are the scores per row [n] of the submission that is shown; only `parameter_free` needs
    and keeps them. A submission that does not move the ladder leaves the same object.
    """

    shown: float | None = None
    rows: NDArray[np.float64] | None = None


def fixed_step(
    state: LadderState, score: float, step: float, direction: Direction = "maximize"
) -> LadderState:
    """The Ladder mechanism: an improvement by more than `step` is shown, rounded to steps.

    The first submission is always shown. Error of the board after k submissions:
    O((log(kn) / n)^(1/3)) for the best step (theorem 3.1 of the paper).

    >>> state = fixed_step(LadderState(), 0.9013, 0.005)
    >>> state.shown, fixed_step(state, 0.9049, 0.005).shown, fixed_step(state, 0.9051, 0.005).shown
    (0.9, 0.9, 0.905)
    """
    if state.shown is not None and _gain(score, state.shown, direction) <= step + ROUNDING:
        return state
    return LadderState(_rounded(score, step))


def parameter_free(
    state: LadderState,
    rows: NDArray[Any],
    caution: float = CAUTION,
    direction: Direction = "maximize",
) -> LadderState:
    """The Ladder without a step: a significant improvement is shown, to 1/n.

    rows[n] are the submission's scores per row (booleans for accuracy). It must beat the shown
    value by more than `caution` standard errors of the paired difference (ddof 1).

    Raises ValueError under two rows, or for a state without the rows of what it shows.

    >>> state = parameter_free(LadderState(), np.array([1, 1, 0, 0]))
    >>> state.shown, parameter_free(state, np.array([1, 1, 1, 0]), caution=1).shown
    (0.5, 0.5)
    """
    n = len(rows)
    if n < 2:
        raise ValueError("The parameter-free ladder needs at least two rows.")
    scores = np.array(rows, np.float64)
    score = float(scores.mean())
    if state.shown is not None:
        error = _paired_error(scores, state.rows)
        if _gain(score, state.shown, direction) <= caution * error + ROUNDING:
            return state
    return LadderState(round(score * n) / n, scores)


def ladder_step(n_public: int, standard_error: float) -> float:
    """The step for `fixed_step`: of STEPS the nearest to the public score's standard error.

    Never finer than one row where a coarser one exists: a perfect score has no standard error.

    >>> ladder_step(3000, (0.9 * 0.1 / 3000) ** 0.5), ladder_step(200, 0.0)
    (0.005, 0.005)
    """
    coarse = [step for step in STEPS if step * n_public >= 1] or [STEPS[-1]]
    return min(coarse, key=lambda step: abs(step - standard_error))


def _gain(score: float, shown: float, direction: Direction) -> float:
    return score - shown if direction == "maximize" else shown - score


def _paired_error(scores: NDArray[np.float64], shown: NDArray[np.float64] | None) -> float:
    if shown is None or len(shown) != len(scores):
        raise ValueError("The state must hold the same rows' scores of what it shows.")
    deviation = float((scores - shown).std(ddof=1))
    return deviation / sqrt(len(scores))


def _rounded(score: float, step: float) -> float:
    # the nearest float to the decimal: 3 * 0.1 is not 0.3, and the display would betray it
    return round(round(score / step) * step, 12)
