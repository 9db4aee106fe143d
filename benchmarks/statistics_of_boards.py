"""How long do the statistics of an honest leaderboard take?

    python -m benchmarks.statistics_of_boards            every row of the table
    python -m benchmarks.statistics_of_boards --repeat 3

Sizes are those of a large challenge: 10 000 rows, 200 teams or 1000 submissions, 1000 bootstrap
replicates. Every time is the median of several runs after one that does not count; beside it,
where it teaches something, the naive way of computing the same. A naive way marked "~" was run on
fewer replicates and multiplied.

Matrix products are OpenBLAS's, whose threads wait for each other: on two cores that other processes
keep busy, the whole bootstrap takes 1.8 s with two threads and 0.08 s with OPENBLAS_NUM_THREADS=1.
On idle cores the second thread saves a tenth.
"""

import argparse
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from statistics import median

import numpy as np
from numpy.typing import NDArray

from scoring.alarm import gap_z
from scoring.bootstrap import (
    bootstrap_weights,
    confusion_replicates,
    leader_differences,
    paired_confusion_replicates,
    replicate_means,
)
from scoring.comparisons import PackedRows, mcnemar_mid_p
from scoring.delong import delong
from scoring.intervals import covariance_of_means, percentile_interval
from scoring.ladder import LadderState, parameter_free
from scoring.rank_sets import rank_sets
from scoring.shrinkage import expected_on_private
from scoring.splits import split_ids

ROWS, TEAMS, SUBMISSIONS, REPLICATES, CLASSES = 10_000, 200, 1000, 1000, 10
FEW = 20  # replicates of a naive bootstrap

Work = Callable[[], object]
Bools = NDArray[np.bool_]
Codes = NDArray[np.intp]


@dataclass(frozen=True)
class Row:
    operation: str
    size: str
    work: Work
    goal: float | None = None  # milliseconds
    naive: Work | None = None
    times: int = 1  # how much of the work the naive way leaves out


def correct_rows(submissions: int) -> Bools:
    """Rows [n, S] of correlated submissions around 90 %."""
    draw = np.random.default_rng(1)
    difficulty = draw.standard_normal((ROWS, 1)) * 0.6**0.5
    own = draw.standard_normal((ROWS, submissions), np.float32) * 0.4**0.5
    return np.asarray(difficulty + own < draw.normal(1.28, 0.1, submissions))


def macro_f1(stack: NDArray[np.int64]) -> NDArray[np.float64]:
    hits = np.diagonal(stack, axis1=-2, axis2=-1)
    either = stack.sum(axis=-1) + stack.sum(axis=-2)
    return np.asarray((2 * hits / np.maximum(either, 1)).mean(axis=-1))


def confusion(truth: Codes, answer: Codes) -> NDArray[np.int64]:
    cells = np.bincount(truth * CLASSES + answer, minlength=CLASSES**2)
    return cells.reshape(CLASSES, CLASSES)


def whole_bootstrap(rows: Bools) -> None:
    replicates = replicate_means(bootstrap_weights(ROWS), rows)
    percentile_interval(replicates)
    percentile_interval(leader_differences(replicates, int(rows.mean(axis=0).argmax())))


def row_by_row(rows: Bools) -> None:
    draw = np.random.default_rng(0)
    for _ in range(FEW):
        rows[draw.integers(0, ROWS, ROWS)].mean(axis=0)


def scored_again(truth: Codes, answer: Codes) -> None:
    draw = np.random.default_rng(0)
    for _ in range(FEW):
        drawn = draw.integers(0, ROWS, ROWS)
        macro_f1(confusion(truth[drawn], answer[drawn]))


def against_all(packed: PackedRows, new: Bools) -> None:
    mcnemar_mid_p(*packed.against(new))


def column_by_column(rows: Bools, new: Bools) -> None:
    more, fewer = new[:, None] & ~rows, rows & ~new[:, None]
    mcnemar_mid_p(more.sum(axis=0), fewer.sum(axis=0))


def as_product(rows: Bools) -> None:
    values = rows.astype(np.float32)
    values.T @ (1 - values)


def bootstrap_rows(rows: Bools) -> list[Row]:
    weights = bootstrap_weights(ROWS)
    replicates = replicate_means(weights, rows)
    share = np.full(ROWS, 1 / ROWS)
    draw = np.random.default_rng(0)
    resample = partial(draw.multinomial, ROWS, share, REPLICATES)
    naive = partial(row_by_row, rows)
    return [
        Row("weights", "1000 x 10k", partial(bootstrap_weights, ROWS), None, resample),
        Row("means, right or wrong", "1000 x 10k x 200", partial(replicate_means, weights, rows)),
        Row(
            "means, float64",
            "1000 x 10k x 200",
            partial(replicate_means, weights, rows.astype(np.float64)),
        ),
        Row("percentile interval", "1000 x 200", partial(percentile_interval, replicates)),
        Row(
            "whole paired bootstrap",
            "200 x 10k",
            partial(whole_bootstrap, rows),
            500,
            naive,
            REPLICATES // FEW,
        ),
    ]


def confusion_rows() -> list[Row]:
    draw = np.random.default_rng(2)
    truth = draw.integers(0, CLASSES, ROWS)
    first, second = (
        np.where(draw.random(ROWS) < 0.9, truth, draw.integers(0, CLASSES, ROWS)) for _ in range(2)
    )
    one = partial(confusion_replicates, confusion(truth, first), macro_f1)
    two = partial(paired_confusion_replicates, truth, (first, second), CLASSES, macro_f1)
    again = partial(scored_again, truth, first)
    return [
        Row("macro F1, bootstrap", "10 classes", one, None, again, REPLICATES // FEW),
        Row("macro F1, paired bootstrap", "10 classes", two),
    ]


def comparison_rows() -> list[Row]:
    rows = correct_rows(SUBMISSIONS)
    packed, new = PackedRows.pack(rows), rows[:, 0] ^ (np.arange(ROWS) % 50 == 0)
    pairs = packed.all_pairs()
    upper = np.triu_indices(SUBMISSIONS)
    p_values = partial(mcnemar_mid_p, pairs[upper], pairs.T[upper])
    one, naive = partial(against_all, packed, new), partial(column_by_column, rows, new)
    product = partial(as_product, rows)
    return [
        Row("pack", "1000 x 10k", partial(PackedRows.pack, rows)),
        Row("one new against all, mid-p", "1000 x 10k", one, 5, naive),
        Row("all pairs counted", "1000 x 10k", packed.all_pairs, None, product),
        Row("mid-p of all pairs", "500 500", p_values),
    ]


def board_rows(rows: Bools) -> list[Row]:
    values = rows.astype(np.float64)
    covariance = covariance_of_means(values)
    scores = values.mean(axis=0)
    surer = np.random.default_rng(3).random((ROWS, TEAMS)) + rows[:, [0]]
    shown = parameter_free(LadderState(), rows[:, 0])
    ids = [f"img_{at:06d}.png" for at in range(ROWS)]
    labels = [str(at % CLASSES) for at in range(ROWS)]
    seed = secrets.token_bytes(16)
    return [
        Row("covariance of scores", "200 x 10k", partial(covariance_of_means, values)),
        Row("rank sets and tie band", "200 x 10k", partial(rank_sets, values), 200),
        Row("DeLong", "200 x 10k", partial(delong, rows[:, 0], surer)),
        Row("expected on private", "200 teams", partial(expected_on_private, scores, covariance)),
        Row("alarm", "200 teams", partial(gap_z, scores, scores, 3000, 7000)),
        Row("ladder, parameter-free", "10k", partial(parameter_free, shown, rows[:, 1])),
        Row("split", "10k", partial(split_ids, ids, labels, 0.3, seed)),
        Row("split by groups of 5", "10k", partial(split_ids, ids, labels, 0.3, seed, fives(ids))),
    ]


def fives(ids: list[str]) -> list[str]:
    return [str(at // 5) for at in range(len(ids))]


def milliseconds(work: Work, repeat: int) -> float:
    work()
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return median(times) * 1000


def written(row: Row, repeat: int) -> str:
    naive = "" if row.naive is None else f"{milliseconds(row.naive, repeat) * row.times:.1f}"
    mark = "~" if row.times > 1 else ""
    goal = "" if row.goal is None else f"{row.goal:.0f}"
    taken = milliseconds(row.work, repeat)
    return f"{row.operation:28}{row.size:18}{taken:9.2f}{goal:>8}{mark + naive:>12}"


def main() -> None:
    parser = argparse.ArgumentParser(description="Times of the statistics of a leaderboard.")
    parser.add_argument("--repeat", type=int, default=5, help="runs whose median is printed")
    repeat = parser.parse_args().repeat
    teams = correct_rows(TEAMS)
    print(f"{'operation':28}{'size':18}{'ms':>9}{'goal':>8}{'naive':>12}")
    for row in bootstrap_rows(teams) + confusion_rows() + board_rows(teams) + comparison_rows():
        print(written(row, repeat))


if __name__ == "__main__":
    main()
