"""Evidence found one file at a time gives what the closed forms give for all at once."""

import numpy as np
import pytest

from scoring import Solution, SolutionError, Spec, evidence
from scoring.delong import delong
from scoring.evaluate import judge
from scoring.evidence import covariance
from scoring.intervals import covariance_of_means

ROWS = 300
DRAW = np.random.default_rng(1)
TRUTH = DRAW.integers(0, 2, ROWS)
PUBLIC = DRAW.random(ROWS) < 0.4
SCORES = np.clip(TRUTH + DRAW.normal(0, 0.7, (3, ROWS)), -0.5, 1.5) / 2 + 0.25


def solution(truth=TRUTH, public=PUBLIC):
    usage = np.where(public, "Public", "Private")
    rows = "".join(f"{at},{truth[at]},{usage[at]}\n" for at in range(ROWS))
    return Solution.read(f"id,label,Usage\n{rows}".encode())


def found(metric, layout, values, where):
    spec = Spec(metric, {}, layout=layout)
    files = (
        "id,label\n" + "".join(f"{at},{value}\n" for at, value in enumerate(its)) for its in values
    )
    return [evidence.evidence(judge(file.encode(), where, spec), where, "public") for file in files]


def test_means_of_rows_in_blocks(monkeypatch):
    monkeypatch.setattr(evidence, "BLOCK", 7)
    guesses = (SCORES > 0.5).astype(int)
    its = found("accuracy", "labels", guesses, solution())
    right = (guesses == TRUTH)[:, PUBLIC]
    assert [one.score for one in its] == right.mean(axis=1).tolist()
    assert covariance(its) == pytest.approx(covariance_of_means(right.T), rel=1e-12)
    assert its[0].error == pytest.approx(right[0].std(ddof=1) / PUBLIC.sum() ** 0.5)
    assert its[0].nbytes == PUBLIC.sum()


def test_areas_from_placements():
    its = found("roc_auc", "score", SCORES.tolist(), solution())
    areas, expected = delong(TRUTH[PUBLIC] == 1, SCORES[:, PUBLIC].T)
    assert [one.score for one in its] == pytest.approx(areas)
    assert covariance(its) == pytest.approx(expected, rel=1e-9)


def test_resamples_are_the_same_for_all_and_see_the_split_alone():
    guesses = (SCORES > 0.5).astype(int)
    other = np.where(PUBLIC, TRUTH, 1 - TRUTH)
    its, same = (found("f1", "labels", guesses, solution(truth)) for truth in (TRUTH, other))
    assert (covariance(its) == covariance(same)).all()
    twins = found("f1", "labels", [guesses[0], guesses[0]], solution())
    assert np.ptp(covariance(twins)) == 0
    # alike models are right on the same rows: their difference is surer than either score
    assert covariance(its)[0, 1] > 0


def test_too_few_rows_are_no_evidence():
    one = np.arange(ROWS) < 1
    with pytest.raises(SolutionError, match="two rows"):
        found("accuracy", "labels", [TRUTH], solution(public=one))
    rare = np.where(PUBLIC & (np.cumsum(PUBLIC) > 1), 0, 1)
    with pytest.raises(SolutionError, match="two rows of each class"):
        found("roc_auc", "score", SCORES[:1].tolist(), solution(truth=rare))
