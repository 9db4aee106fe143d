"""Several submissions on the same rows: what their difference in score is worth.

How the uncertainty is found depends on the metric. A mean of one value per row has an exact
covariance; the AUC of one positive class has DeLong's; for everything else the metric itself is
computed again on resampled rows, the same ones for every submission.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from scoring.bootstrap import REPLICATES
from scoring.comparisons import bootstrap_p, delong, mcnemar_mid_p
from scoring.errors import SolutionError, SpecError
from scoring.evaluate import Judged, judge, value
from scoring.intervals import Z95, covariance_of_means, percentile_interval, wilson
from scoring.metrics import Direction
from scoring.rank_sets import RESOLUTION, RankSets, rank_sets_of
from scoring.ranking import rank
from scoring.solutions import Solution
from scoring.spec import Spec

MOST = 200  # submissions: rank sets of more take seconds and tell little
SEED = 0
LEVEL = 0.05
DECIMALS = 12
ROUNDING = 0.5 * 10**-DECIMALS
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
    layouts = {one.form.layout for one in judged}
    if len(layouts) > 1:
        raise SpecError(
            f"The files have different layouts ({', '.join(sorted(layouts))}), whose scores may "
            "not mean the same. Send all in one form."
        )
    rows = int(solution.counted.sum())
    if rows < 2:
        raise SolutionError("A comparison needs at least two rows that count.")
    scores = np.array([value(one, solution, "counted") for one in judged], np.float64)
    found = _uncertainty(judged, solution, scores)
    sets = rank_sets_of(scores, found.covariance, judged[0].metric.direction, seed=SEED)
    return _comparison(list(submissions), judged[0], rows, found, sets)


def _judged(name: str, data: bytes, solution: Solution, spec: Spec) -> Judged:
    try:
        return judge(data, solution, spec)
    except Exception as error:
        error.add_note(name)
        raise


def _uncertainty(judged: list[Judged], solution: Solution, scores: Floats) -> _Uncertainty:
    if judged[0].metric.rows is not None:
        return _of_rows(judged, solution, scores)
    if judged[0].metric.key == "roc_auc" and judged[0].form.layout == "score":
        return _of_auc(judged, solution, scores)
    return _of_bootstrap(judged, solution, scores)


def _of_rows(judged: list[Judged], solution: Solution, scores: Floats) -> _Uncertainty:
    columns = [
        one.metric.rows(*one.call(solution, "counted"), **one.arguments)
        for one in judged
        if one.metric.rows is not None
    ]
    rows = np.stack(columns, axis=1)
    covariance = covariance_of_means(rows)
    if judged[0].metric.interval == "wilson":
        ends = np.array([wilson(float(score), len(rows)) for score in scores])
        right = rows.astype(np.float32)  # counts below 2**24 are exact
        better = np.rint((right.T @ (1 - right)).astype(np.float64)).astype(np.int64)
        return _Uncertainty(
            "rows", scores, covariance, ends[:, 0], ends[:, 1], mcnemar_mid_p(better, better.T)
        )
    return _normal("rows", scores, covariance)


def _of_auc(judged: list[Judged], solution: Solution, scores: Floats) -> _Uncertainty:
    positive = solution.truth("positive", "counted")
    if min(np.count_nonzero(positive), np.count_nonzero(~positive)) < 2:
        raise SolutionError("A comparison of areas needs two rows of each class at least.")
    answers = np.stack([one.values[solution.rows("counted")] for one in judged], axis=1)
    return _normal("delong", scores, delong(positive, answers)[1])


def _of_bootstrap(judged: list[Judged], solution: Solution, scores: Floats) -> _Uncertainty:
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
    p = np.stack([bootstrap_p(column[:, None] - replicates) for column in replicates.T])
    np.fill_diagonal(p, 1)
    return p


def _normal(method: Method, scores: Floats, covariance: Floats) -> _Uncertainty:
    variance = np.maximum(np.diag(covariance), 0)
    half = Z95 * np.sqrt(variance)
    of_difference = np.maximum(variance[:, None] + variance[None, :] - 2 * covariance, 0)
    apart = np.abs(scores[:, None] - scores[None, :])
    # below rounding error the difference has no variance: it is the same on every row
    certain = of_difference <= RESOLUTION * (variance[:, None] + variance[None, :])
    z = apart / np.sqrt(np.where(certain, 1, of_difference))
    p = np.where(certain, np.where(apart > ROUNDING, 0.0, 1.0), 2 * _tail(z))
    return _Uncertainty(method, scores, covariance, scores - half, scores + half, p)


def _tail(z: Floats) -> Floats:
    normal = NormalDist()
    return np.array([normal.cdf(-each) for each in z.ravel()]).reshape(z.shape)


def _comparison(
    names: list[str], judged: Judged, rows: int, found: _Uncertainty, sets: RankSets
) -> Comparison:
    direction = judged.metric.direction
    # two scores that differ by rounding alone share a rank
    places = rank([round(score, DECIMALS) for score in found.scores.tolist()], direction)
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
            # a rank set from a few rows may be surer than the test of the pair
            bool(sets.tied[at] or found.p[order[0], at] > LEVEL),
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
