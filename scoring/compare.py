"""Several submissions on the same rows: what their difference in score is worth.

How the uncertainty is found depends on the metric. A mean of one value per row has an exact
covariance; the AUC of one positive class has DeLong's; for everything else the metric itself is
computed again on resampled rows, the same ones for every submission.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from scoring.bootstrap import REPLICATES
from scoring.comparisons import delong, mcnemar_mid_p
from scoring.errors import SolutionError, SpecError
from scoring.evaluate import Judged, judge, value
from scoring.intervals import Z95, covariance_of_means, percentile_interval, wilson
from scoring.metrics import Direction
from scoring.rank_sets import RankSets, rank_sets_of
from scoring.ranking import rank
from scoring.solutions import Solution
from scoring.spec import Spec

MOST = 200  # submissions: rank sets of more take seconds and tell little
SEED = 0
MOST_UNDEFINED = 0.05  # of the resamples; beyond, those that are left are a biased choice

Method: TypeAlias = Literal["rows", "delong", "bootstrap"]
Floats: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class Entry:
    """One submission among the others; `low` and `high` are its score's 95 % interval.

    Its true rank lies from `best_rank` to `worst_rank` (Mogstad and others 2023); `tied` says that
    it cannot be told from the leader.
    """

    name: str
    score: float
    low: float
    high: float
    rank: int
    best_rank: int
    worst_rank: int
    tied: bool


@dataclass(frozen=True)
class Pair:
    """The difference of two scores, and how often chance alone makes one as large (two-sided)."""

    first: str
    second: str
    difference: float
    p: float


@dataclass(frozen=True)
class Comparison:
    """`entries` and `pairs` with the best first; `method` says where the uncertainty comes from."""

    metric: str
    direction: Direction
    rows: int
    method: Method
    entries: tuple[Entry, ...]
    pairs: tuple[Pair, ...]


@dataclass(frozen=True, eq=False)
class _Uncertainty:
    """Scores [S], their covariance [S, S], interval ends [S] and p-values of the pairs [S, S]."""

    method: Method
    scores: Floats
    covariance: Floats
    low: Floats
    high: Floats
    p: Floats


def compare(submissions: Mapping[str, bytes], solution: Solution, spec: Spec) -> Comparison:
    """Compares files by name on all rows that count.

    Raises InvalidSubmission for the first file that cannot be read (with its name in a note),
    SpecError for less than two files or more than 200, SolutionError under two rows.
    """
    if not 2 <= len(submissions) <= MOST:
        raise SpecError(f"Compare 2 to {MOST} submissions, not {len(submissions)}.")
    judged = [_judged(name, data, solution, spec) for name, data in submissions.items()]
    rows = int(solution.counted.sum())
    if rows < 2:
        raise SolutionError("A comparison needs at least two rows that count.")
    found = _uncertainty(judged, solution)
    sets = rank_sets_of(found.scores, found.covariance, judged[0].metric.direction, seed=SEED)
    return _comparison(list(submissions), judged[0], rows, found, sets)


def _judged(name: str, data: bytes, solution: Solution, spec: Spec) -> Judged:
    try:
        return judge(data, solution, spec)
    except Exception as error:
        error.add_note(name)
        raise


def _uncertainty(judged: list[Judged], solution: Solution) -> _Uncertainty:
    if all(one.metric.rows is not None for one in judged):
        return _of_rows(judged, solution)
    if all(one.metric.key == "roc_auc" and one.form.layout == "score" for one in judged):
        return _of_auc(judged, solution)
    return _of_bootstrap(judged, solution)


def _of_rows(judged: list[Judged], solution: Solution) -> _Uncertainty:
    columns = [
        one.metric.rows(*one.call(solution, "counted"), **one.arguments)
        for one in judged
        if one.metric.rows is not None
    ]
    rows = np.stack(columns, axis=1)
    scores, covariance = rows.mean(axis=0), covariance_of_means(rows)
    if judged[0].metric.interval == "wilson":
        ends = np.array([wilson(float(score), len(rows)) for score in scores])
        right = rows.astype(np.float32)  # counts below 2**24 are exact
        better = np.rint((right.T @ (1 - right)).astype(np.float64)).astype(np.int64)
        return _Uncertainty(
            "rows", scores, covariance, ends[:, 0], ends[:, 1], mcnemar_mid_p(better, better.T)
        )
    return _normal("rows", scores, covariance)


def _of_auc(judged: list[Judged], solution: Solution) -> _Uncertainty:
    positive = solution.truth("positive", "counted")
    scores = np.stack([one.values[solution.rows("counted")] for one in judged], axis=1)
    return _normal("delong", *delong(positive, scores))


def _of_bootstrap(judged: list[Judged], solution: Solution) -> _Uncertainty:
    scores = np.array([value(one, solution, "counted") for one in judged])
    calls = [one.call(solution, "counted") for one in judged]
    replicates = _replicates(judged, calls, len(calls[0][0]))
    low, high = percentile_interval(replicates)
    covariance = np.atleast_2d(np.cov(replicates, rowvar=False))
    return _Uncertainty("bootstrap", scores, covariance, low, high, _p_values(replicates))


def _replicates(
    judged: list[Judged], calls: list[tuple[Any, Any, int]], rows: int
) -> NDArray[np.float64]:
    """The scores on resampled rows [replicates, S], without samples on which one is undefined."""
    draw = np.random.default_rng(SEED)
    found = np.empty((REPLICATES, len(judged)))
    for replicate in found:
        at = draw.integers(0, rows, rows)
        for place, (one, (truth, answer, classes)) in enumerate(zip(judged, calls, strict=True)):
            replicate[place] = one.metric.function(truth[at], answer[at], classes, **one.arguments)
    defined = found[np.isfinite(found).all(axis=1)]
    if len(defined) < (1 - MOST_UNDEFINED) * REPLICATES:
        raise SolutionError(
            "The metric is undefined on too many resamples of the rows: some class has too few of "
            "them for a comparison."
        )
    return defined


def _p_values(replicates: NDArray[np.float64]) -> Floats:
    """Two-sided, by the share of replicates on the other side of 0 (Davison and Hinkley 1997)."""
    p = np.ones((replicates.shape[1],) * 2)
    for first in range(len(p)):
        above = (replicates[:, [first]] > replicates).sum(axis=0)
        below = (replicates[:, [first]] < replicates).sum(axis=0)
        equal = len(replicates) - above - below
        tail = np.minimum(above, below) + equal / 2
        p[first] = np.minimum(1, 2 * (tail + 1) / (len(replicates) + 1))
    np.fill_diagonal(p, 1)
    return p


def _normal(method: Method, scores: Floats, covariance: Floats) -> _Uncertainty:
    variance = np.maximum(np.diag(covariance), 0)
    half = Z95 * np.sqrt(variance)
    of_difference = np.maximum(variance[:, None] + variance[None, :] - 2 * covariance, 0)
    p = np.ones_like(covariance)
    for at in zip(*np.nonzero(of_difference > 0), strict=True):
        z = abs(scores[at[0]] - scores[at[1]]) / sqrt(of_difference[at])
        p[at] = 2 * NormalDist().cdf(-z)
    return _Uncertainty(method, scores, covariance, scores - half, scores + half, p)


def _comparison(
    names: list[str], judged: Judged, rows: int, found: _Uncertainty, sets: RankSets
) -> Comparison:
    direction = judged.metric.direction
    places = rank(found.scores.tolist(), direction)
    order = sorted(range(len(names)), key=lambda at: (places[at], names[at]))
    entries = (
        Entry(
            names[at],
            float(found.scores[at]),
            float(found.low[at]),
            float(found.high[at]),
            places[at],
            int(sets.lower[at]),
            int(sets.upper[at]),
            bool(sets.tied[at]),
        )
        for at in order
    )
    pairs = (
        Pair(
            names[one],
            names[two],
            float(found.scores[one] - found.scores[two]),
            float(found.p[one, two]),
        )
        for place, one in enumerate(order)
        for two in order[place + 1 :]
    )
    return Comparison(
        judged.metric.key, direction, rows, found.method, tuple(entries), tuple(pairs)
    )
