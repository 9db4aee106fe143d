"""Several submissions on the same rows: what their difference in score is worth.

How the uncertainty is found depends on the metric. A mean of one value per row has an exact
covariance; the AUC of one positive class has DeLong's; for everything else the metric itself is
computed again on resampled rows, the same ones for every submission.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from scoring.comparisons import bootstrap_p, mcnemar_mid_p
from scoring.errors import SpecError
from scoring.evaluate import Judged, judge
from scoring.evidence import SEED, Evidence, Method, covariance, evidence
from scoring.intervals import Z95, percentile_interval, wilson
from scoring.metrics import Direction
from scoring.rank_sets import RESOLUTION, RankSets, rank_sets_of
from scoring.ranking import rank
from scoring.solutions import Solution
from scoring.spec import Spec

MOST = 200  # submissions: rank sets of more take seconds and tell little
LEVEL = 0.05
DECIMALS = 12
ROUNDING = 0.5 * 10**-DECIMALS

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
    found = _uncertainty(judged, solution)
    sets = rank_sets_of(found.scores, found.covariance, judged[0].metric.direction, seed=SEED)
    return _comparison(list(submissions), judged[0], int(solution.counted.sum()), found, sets)


def _judged(name: str, data: bytes, solution: Solution, spec: Spec) -> Judged:
    try:
        return judge(data, solution, spec)
    except Exception as error:
        error.add_note(name)
        raise


def _uncertainty(judged: list[Judged], solution: Solution) -> _Uncertainty:
    found = [evidence(one, solution, "counted") for one in judged]
    scores = np.array([one.score for one in found])
    if judged[0].metric.interval == "wilson":
        return _of_shares(found, scores)
    if found[0].method == "bootstrap":
        return _of_bootstrap(found, scores)
    return _normal(found, scores)


def _of_shares(found: list[Evidence], scores: Floats) -> _Uncertainty:
    rows = np.stack([one.parts[0] for one in found], axis=1)
    ends = np.array([wilson(float(score), len(rows)) for score in scores])
    right = rows.astype(np.float32)  # counts below 2**24 are exact
    better = np.rint((right.T @ (1 - right)).astype(np.float64)).astype(np.int64)
    p = mcnemar_mid_p(better, better.T)
    return _Uncertainty("rows", scores, covariance(found), ends[:, 0], ends[:, 1], p)


def _of_bootstrap(found: list[Evidence], scores: Floats) -> _Uncertainty:
    replicates = np.stack([one.parts[0] for one in found], axis=1)
    defined = replicates[np.isfinite(replicates).all(axis=1)]
    low, high = percentile_interval(defined)
    return _Uncertainty("bootstrap", scores, covariance(found), low, high, _p_values(defined))


def _p_values(replicates: NDArray[np.float64]) -> Floats:
    p = np.stack([bootstrap_p(column[:, None] - replicates) for column in replicates.T])
    np.fill_diagonal(p, 1)
    return p


def _normal(found: list[Evidence], scores: Floats) -> _Uncertainty:
    shared = covariance(found)
    variance = np.maximum(np.diag(shared), 0)
    half = Z95 * np.sqrt(variance)
    of_difference = np.maximum(variance[:, None] + variance[None, :] - 2 * shared, 0)
    apart = np.abs(scores[:, None] - scores[None, :])
    # below rounding error the difference has no variance: it is the same on every row
    certain = of_difference <= RESOLUTION * (variance[:, None] + variance[None, :])
    z = apart / np.sqrt(np.where(certain, 1, of_difference))
    p = np.where(certain, np.where(apart > ROUNDING, 0.0, 1.0), 2 * _tail(z))
    return _Uncertainty(found[0].method, scores, shared, scores - half, scores + half, p)


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
