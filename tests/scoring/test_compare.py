"""Several submissions on the same rows: who leads, and who cannot be told from the leader."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from scoring import InvalidSubmission, Solution, SolutionError, Spec, SpecError, evaluate
from scoring.compare import compare
from scoring.comparisons import delong_test, mcnemar_mid_p
from scoring.intervals import mean_interval, wilson
from scoring.terminal import app

ROWS = 400
DRAW = np.random.default_rng(4)
TRUTH = DRAW.integers(0, 3, ROWS)


def table(values):
    return ("id,label\n" + "".join(f"{at},{value}\n" for at, value in enumerate(values))).encode()


def noisy(wrong, seed):
    """The truth with a share of the rows made wrong."""
    draw = np.random.default_rng(seed)
    return np.where(draw.random(ROWS) < wrong, (TRUTH + 1) % 3, TRUTH)


GUESSES = {"good": noisy(0.1, 1), "alike": noisy(0.1, 2), "bad": noisy(0.5, 3)}
FILES = {name: table(guess) for name, guess in GUESSES.items()}
SOLUTION = Solution.read(table(TRUTH))


def by_name(found):
    return {entry.name: entry for entry in found.entries}


def pair(found, *names):
    return next(at for at in found.pairs if {at.first, at.second} == set(names))


def test_accuracy_with_wilson_and_mcnemar():
    found = compare(FILES, SOLUTION, Spec("accuracy"))
    entries = by_name(found)
    right = {name: guess == TRUTH for name, guess in GUESSES.items()}
    assert (found.method, found.rows) == ("rows", ROWS)
    for name, entry in entries.items():
        assert entry.score == right[name].mean()
        assert (entry.low, entry.high) == wilson(entry.score, ROWS)
    b, c = ((right[one] & ~right[two]).sum() for one, two in (("good", "bad"), ("bad", "good")))
    assert pair(found, "good", "bad").p == pytest.approx(float(mcnemar_mid_p(b, c)))
    assert entries["good"].tied
    assert entries["alike"].tied
    assert not entries["bad"].tied
    assert (entries["bad"].rank, entries["bad"].best_rank, entries["bad"].worst_rank) == (3, 3, 3)


def test_rank_one_comes_first_whatever_the_direction():
    costs = compare(FILES, SOLUTION, Spec("top_k_error", {"k": 1}, layout="labels"))
    shares = compare(FILES, SOLUTION, Spec("accuracy"))
    assert [entry.name for entry in costs.entries] == [entry.name for entry in shares.entries]
    assert costs.entries[0].score == pytest.approx(1 - shares.entries[0].score)
    assert [entry.tied for entry in costs.entries] == [entry.tied for entry in shares.entries]


def probabilities(guess, sure):
    rows = np.full((ROWS, 3), (1 - sure) / 2)
    rows[np.arange(ROWS), guess] = sure
    lines = (",".join([str(at), *map(repr, row)]) for at, row in enumerate(rows.tolist()))
    return ("id,0,1,2\n" + "\n".join(lines)).encode()


def test_a_mean_of_rows_has_the_normal_interval():
    files = {name: probabilities(guess, 0.8) for name, guess in GUESSES.items()}
    found = compare(files, SOLUTION, Spec("log_loss"))
    loss = -np.log(np.where(GUESSES["good"] == TRUTH, 0.8, 0.1))
    entry = by_name(found)["good"]
    low, high = mean_interval(loss[:, None])
    assert entry.score == pytest.approx(loss.mean(), abs=1e-12)
    assert (entry.low, entry.high) == pytest.approx((low[0], high[0]), abs=1e-12)
    assert pair(found, "good", "bad").p < 1e-6


def test_the_area_under_the_curve_has_delongs_covariance():
    positive = TRUTH == 0
    scores = {
        name: positive + np.random.default_rng(seed).normal(0, spread, ROWS)
        for seed, (name, spread) in enumerate({"a": 0.5, "b": 0.5, "c": 3.0}.items())
    }
    files = {name: table(map(repr, score.tolist())) for name, score in scores.items()}
    found = compare(files, Solution.read(table(positive.astype(int))), Spec("roc_auc"))
    assert found.method == "delong"
    expected = delong_test(positive, scores["a"], scores["c"])
    assert pair(found, "a", "c").p == pytest.approx(expected.p, rel=1e-6)


def test_every_other_metric_is_resampled():
    found = compare(FILES, SOLUTION, Spec("f1"))
    entries = by_name(found)
    assert found.method == "bootstrap"
    for entry in entries.values():
        assert entry.low < entry.score < entry.high
        assert entry.high - entry.low < 0.15
    assert not entries["bad"].tied
    assert pair(found, "good", "bad").p < 0.01
    assert pair(found, "good", "alike").p > 0.05
    assert compare(FILES, SOLUTION, Spec("f1")) == found


def test_the_same_answers_twice_are_tied_with_p_one():
    for metric in ("accuracy", "f1", "cohen_kappa"):
        found = compare({"a": FILES["good"], "b": FILES["good"]}, SOLUTION, Spec(metric))
        assert [entry.rank for entry in found.entries] == [1, 1]
        assert all(entry.tied for entry in found.entries)
        assert found.pairs[0].p == 1


def test_ignored_rows_are_left_out():
    lines = [b"id,label,Usage"]
    for at, label in enumerate(TRUTH):
        usage = "Ignored" if at < 100 else ("Public", "Private")[at % 2]
        lines.append(f"{at},{label},{usage}".encode())
    found = compare(FILES, Solution.read(b"\n".join(lines)), Spec("accuracy"))
    assert found.rows == ROWS - 100
    assert by_name(found)["good"].score == (GUESSES["good"] == TRUTH)[100:].mean()


def test_what_cannot_be_compared():
    with pytest.raises(SpecError, match="2 to 200"):
        compare({"good": FILES["good"]}, SOLUTION, Spec("accuracy"))
    with pytest.raises(InvalidSubmission) as caught:
        compare({**FILES, "broken": b"id,label\n"}, SOLUTION, Spec("accuracy"))
    assert caught.value.__notes__ == ["broken"]
    rare = Solution.read(table([0] * (ROWS - 1) + [1]), classes=["0", "1"])
    scored = {name: table(["0.5"] * ROWS) for name in "ab"}
    with pytest.raises(SolutionError, match="undefined on too many resamples"):
        compare(scored, rare, Spec("average_precision", layout="score"))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, data in {**FILES, "S": table(TRUTH), "broken": b"id,label\n0,7\n"}.items():
        (tmp_path / f"{name}.csv").write_bytes(data)


def call(*arguments):
    files = ("compare", "--solution", "S.csv", "--metric", "accuracy", *arguments)
    return CliRunner().invoke(app, list(files))


def test_terminal(folder):
    found = json.loads(call("good.csv", "alike.csv", "bad.csv", "--json").stdout)
    assert [entry["tied"] for entry in found["entries"]] == [True, True, False]
    assert len(found["pairs"]) == 3
    said = call("good.csv", "alike.csv", "bad.csv").stdout
    assert "2 of 3 cannot be told from the best" in said
    assert said.count(" tied ") == 2
    broken = call("good.csv", "broken.csv", "--json")
    assert (broken.exit_code, json.loads(broken.stdout)["file"]) == (1, "broken.csv")
    assert call("good.csv").exit_code == 2
    assert "named twice" in call("good.csv", "good.csv").stderr


def test_files_of_different_layouts_are_not_compared():
    positive = (TRUTH == 0).astype(int)
    truth = Solution.read(table(positive))
    scores = table(positive * 0.8 + 0.1)
    columns = "".join(f"{at},{0.9 - 0.8 * p},{0.1 + 0.8 * p}\n" for at, p in enumerate(positive))
    files = {"a": scores, "b": ("id,0,1\n" + columns).encode()}
    with pytest.raises(SpecError, match="different layouts"):
        compare(files, truth, Spec("roc_auc"))


def test_areas_need_two_rows_of_each_class():
    truth = Solution.read(table([0, 1, 1]))
    with pytest.raises(SolutionError, match="two rows of each class"):
        compare({"a": table([0.1, 0.2, 0.3]), "b": table([0.3, 0.2, 0.1])}, truth, Spec("roc_auc"))


def test_a_difference_without_variance_is_certain():
    truth = Solution.read(table([0] * 10 + [1] * 10))
    files = {"right": table([0.1] * 10 + [0.9] * 10), "wrong": table([0.9] * 10 + [0.1] * 10)}
    found = compare(files, truth, Spec("roc_auc"))
    assert (found.pairs[0].difference, found.pairs[0].p) == (1, 0)


def test_scores_are_those_of_evaluate_and_rounding_makes_no_rank():
    draw = np.random.default_rng(0)
    shares = draw.dirichlet(np.ones(3), ROWS)
    files = {}
    for name, factor in (("a", 1.0), ("b", 3.0), ("c", 1 / 7)):
        lines = (
            ",".join([str(at), *map(repr, (row * factor).tolist())])
            for at, row in enumerate(shares)
        )
        files[name] = ("id,0,1,2\n" + "\n".join(lines)).encode()
    found = compare(files, SOLUTION, Spec("brier"))
    assert [entry.rank for entry in found.entries] == [1, 1, 1]
    for entry in found.entries:
        assert entry.score == evaluate(files[entry.name], SOLUTION, Spec("brier")).score


def test_few_rows_leave_everybody_tied():
    truth = Solution.read(table([0, 1, 0, 1]))
    files = {"right": table([0, 1, 0, 1]), "wrong": table([1, 0, 1, 0])}
    found = compare(files, truth, Spec("accuracy"))
    assert found.pairs[0].p == 0.0625
    assert all(entry.tied for entry in found.entries)
