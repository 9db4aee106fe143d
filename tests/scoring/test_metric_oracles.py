"""Every metric against scikit-learn, or against its definition told in plain Python."""

from itertools import pairwise

import numpy as np
import pytest
from sklearn import metrics as oracle

from scoring.metrics import METRICS

K = 5
NAMES = tuple("abcde")
SEEDS = range(6)
AVERAGES = ("macro", "micro", "weighted")
PARENTS = {"a": "x/u", "b": "x/u", "c": "x/v", "d": "y", "e": ""}
COSTS = (np.arange(K)[:, None] - np.arange(K)) ** 2 * [[1], [2], [3], [1], [5]]


def value(key, truth, answer, **parameters):
    metric = METRICS[key]
    arguments = metric.arguments(parameters, NAMES)
    return metric.function(truth, answer, K, **arguments)


def codes(seed, n=200):
    """Truth and answer; evenly spread, one-sided, and with a class that nobody has or names."""
    rng = np.random.default_rng(seed)
    shares = [None, [0.9, 0.04, 0.03, 0.02, 0.01], [0.4, 0.0, 0.3, 0.2, 0.1]][seed % 3]
    truth, answer = (rng.choice(K, n, p=shares) for _ in range(2))
    return truth, np.where(rng.random(n) < 0.5, truth, answer)


def numbers(seed, shape):
    """Positive numbers; with an odd seed rough ones, and so many of them equal."""
    drawn = np.random.default_rng([seed, 1]).random(shape)
    return np.round(drawn, 1) + 0.1 if seed % 2 else drawn + 0.01


def probabilities(seed, n=200):
    drawn = numbers(seed, (n, K))
    return drawn / drawn.sum(axis=1, keepdims=True)


def every_class(seed, n=200):
    """Codes among which each class occurs."""
    truth = codes(seed, n)[0]
    truth[:K] = range(K)
    return truth


def sets(seed, n=60):
    """Truth and answer as sets of labels: every column holds both, some rows are empty."""
    rng = np.random.default_rng([seed, 2])
    shares = [0.5, 0.1, 0.8][seed % 3]
    truth, answer = (rng.random((n, K)) < shares for _ in range(2))
    truth[0], truth[1] = True, False
    return truth, np.where(rng.random((n, K)) < 0.3, truth, answer)


def binary(seed, n=150):
    truth = np.random.default_rng([seed, 3]).random(n) < [0.5, 0.05, 0.9][seed % 3]
    truth[:2] = True, False
    return truth, np.clip(numbers(seed, n), 0, 1)


def agrees(found, expected):
    return found == pytest.approx(expected, abs=1e-12, rel=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
def test_labels(seed):
    truth, answer = codes(seed)
    there = np.unique(truth)
    assert agrees(value("accuracy", truth, answer), oracle.accuracy_score(truth, answer))
    recall = oracle.recall_score(truth, answer, labels=there, average="macro", zero_division=0)
    assert agrees(value("balanced_accuracy", truth, answer), recall)
    chance = 1 / len(there)
    adjusted = value("balanced_accuracy", truth, answer, adjusted=True)
    assert agrees(adjusted, (recall - chance) / (1 - chance))
    matthews = oracle.matthews_corrcoef(truth, answer)
    assert agrees(value("matthews_corrcoef", truth, answer), matthews)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("weights", ["none", "linear", "quadratic"])
def test_kappa(seed, weights):
    truth, answer = codes(seed)
    expected = oracle.cohen_kappa_score(
        truth, answer, labels=range(K), weights=None if weights == "none" else weights
    )
    assert agrees(value("cohen_kappa", truth, answer, weights=weights), expected)


def counted(key, truth, answer, **settings):
    """scikit-learn's precision, recall, F or Jaccard."""
    function = {
        "precision": oracle.precision_score,
        "recall": oracle.recall_score,
        "f1": oracle.f1_score,
        "fbeta": oracle.fbeta_score,
        "jaccard": oracle.jaccard_score,
    }[key]
    return function(truth, answer, zero_division=0, **settings)


FAMILY: list[tuple[str, dict[str, float]]] = [
    ("precision", {}),
    ("recall", {}),
    ("f1", {}),
    ("jaccard", {}),
]
FAMILY += [("fbeta", {"beta": beta}) for beta in (0.5, 2.0)]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("average", AVERAGES)
@pytest.mark.parametrize(("key", "more"), FAMILY)
def test_counts_of_labels_and_of_sets(key, more, average, seed):
    truth, answer = codes(seed)
    expected = counted(key, truth, answer, labels=range(K), average=average, **more)
    assert agrees(value(key, truth, answer, average=average, **more), expected)
    truth, answer = sets(seed)
    expected = counted(key, truth, answer, average=average, **more)
    assert agrees(value(key, truth, answer, average=average, **more), expected)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("key", "more"), FAMILY)
def test_counts_of_one_class(key, more, seed):
    truth, answer = codes(seed)
    for code, name in enumerate(NAMES):
        expected = counted(key, truth == code, answer == code, **more)
        assert agrees(value(key, truth, answer, average="binary", positive=name, **more), expected)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("key", "more"), FAMILY)
def test_counts_of_rows(key, more, seed):
    truth, answer = sets(seed)
    truth[1] = answer[1] = False
    # scikit-learn's zero_division would also reward a label too many or too few
    empty = np.mean(~truth.any(axis=1) & ~answer.any(axis=1))
    expected = counted(key, truth, answer, average="samples", **more) + empty
    assert empty > 0
    assert agrees(value(key, truth, answer, average="samples", **more), expected)


@pytest.mark.parametrize("seed", SEEDS)
def test_sets_as_a_whole(seed):
    truth, answer = sets(seed)
    assert agrees(value("hamming_loss", truth, answer), oracle.hamming_loss(truth, answer))
    assert agrees(value("subset_accuracy", truth, answer), oracle.accuracy_score(truth, answer))


@pytest.mark.parametrize("seed", SEEDS)
def test_losses_of_probabilities(seed):
    truth, answer = codes(seed)[0], probabilities(seed)
    settings = {"labels": list(range(K))}
    assert agrees(value("log_loss", truth, answer), oracle.log_loss(truth, answer, **settings))
    brier = oracle.brier_score_loss(truth, answer, scale_by_half=False, **settings)
    assert agrees(value("brier", truth, answer), brier)
    # rows that do not add up to 1 are divided by their sum
    assert agrees(value("log_loss", truth, 7 * answer), oracle.log_loss(truth, answer, **settings))
    assert agrees(value("brier", truth, 7 * answer), brier)


@pytest.mark.parametrize("seed", SEEDS)
def test_losses_of_one_number_per_row(seed):
    truth, score = binary(seed)
    score = np.minimum(score, 0.99)
    assert agrees(value("log_loss", truth, score), oracle.log_loss(truth, score))
    assert agrees(value("brier", truth, score), oracle.brier_score_loss(truth, score))


@pytest.mark.parametrize("seed", SEEDS)
def test_mean_column_log_loss(seed):
    truth, answer = sets(seed)[0], np.clip(numbers(seed, (60, K)), 0, 0.99)
    columns = [oracle.log_loss(truth[:, at], answer[:, at]) for at in range(K)]
    assert agrees(value("mean_column_log_loss", truth, answer), np.mean(columns))
    weights = [2, 1, 0, 1, 4]
    expected = np.average(columns, weights=weights)
    assert agrees(value("mean_column_log_loss", truth, answer, weights=weights), expected)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("average", ["macro", "weighted"])
def test_area_under_the_curve(average, seed):
    truth, answer = every_class(seed), probabilities(seed)
    for way in ("ovr", "ovo"):
        expected = oracle.roc_auc_score(truth, answer, multi_class=way, average=average)
        assert agrees(value("roc_auc", truth, answer, multi_class=way, average=average), expected)
    truth, answer = sets(seed)[0], numbers(seed, (60, K))
    expected = oracle.roc_auc_score(truth, answer, average=average)
    assert agrees(value("roc_auc", truth, answer, average=average), expected)


@pytest.mark.parametrize("seed", SEEDS)
def test_area_of_one_column_and_of_each(seed):
    truth, score = binary(seed)
    assert agrees(value("roc_auc", truth, score), oracle.roc_auc_score(truth, score))
    truth, answer = sets(seed)[0], numbers(seed, (60, K))
    expected = oracle.roc_auc_score(truth, answer, average="macro")
    assert agrees(value("mean_column_roc_auc", truth, answer), expected)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("average", [*AVERAGES, "samples"])
def test_average_precision(average, seed):
    truth, answer = every_class(seed), numbers(seed, (200, K))
    expected = oracle.average_precision_score(np.eye(K)[truth], answer, average=average)
    assert agrees(value("average_precision", truth, answer, average=average), expected)
    truth, answer = sets(seed)[0], numbers(seed, (60, K))
    truth[:, 0] |= ~truth.any(axis=1)
    truth[-1] = np.eye(K)[1]
    expected = oracle.average_precision_score(truth, answer, average=average)
    assert agrees(value("average_precision", truth, answer, average=average), expected)


@pytest.mark.parametrize("seed", SEEDS)
def test_average_precision_of_one_column_and_of_rankings(seed):
    truth, score = binary(seed)
    expected = oracle.average_precision_score(truth, score)
    assert agrees(value("average_precision", truth, score), expected)
    truth, answer = sets(seed)[0], numbers(seed, (60, K))
    expected = oracle.label_ranking_average_precision_score(truth, answer)
    assert agrees(value("label_ranking_average_precision", truth, answer), expected)


def test_rankings_do_not_depend_on_how_many_rows_are_ranked_in_one_go(monkeypatch):
    truth, answer = sets(1)[0], numbers(1, (60, K))
    whole = value("label_ranking_average_precision", truth, answer)
    monkeypatch.setattr("scoring.metrics.average_precision.CHUNK", 7 * K)
    assert value("label_ranking_average_precision", truth, answer) == whole


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("k", [1, 2, 4])
def test_first_k(k, seed):
    truth, answer = codes(seed)[0], numbers(seed, (200, K))
    # a stable sort: of equal numbers the lower class comes first
    lists = [sorted(range(K), key=lambda at, row=row: -row[at]) for row in answer]
    hits = [code in one[:k] for code, one in zip(truth, lists, strict=True)]
    worth = [1 / (one.index(code) + 1) for code, one in zip(truth, lists, strict=True)]
    assert agrees(value("top_k_accuracy", truth, answer, k=k), np.mean(hits))
    assert agrees(value("top_k_error", truth, np.array(lists), k=k), 1 - np.mean(hits))
    expected = np.mean(np.multiply(worth, hits))
    assert agrees(value("map_at_k", truth, np.array(lists, dtype=np.int16), k=k), expected)
    if seed % 2 == 0:  # among equal numbers scikit-learn takes the higher class
        expected = oracle.top_k_accuracy_score(truth, answer, k=k, labels=range(K))
        assert agrees(value("top_k_accuracy", truth, answer, k=k), expected)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("bins", [1, 10, 15])
def test_calibration_error(bins, seed):
    truth, answer = codes(seed)[0], probabilities(seed)
    edges = np.linspace(0, 1, bins + 1)
    expected = 0.0
    for low, high in pairwise(edges):
        inside = (answer.max(axis=1) > low) & (answer.max(axis=1) <= high)
        if inside.any():
            right = answer[inside].argmax(axis=1) == truth[inside]
            expected += inside.mean() * abs(answer[inside].max(axis=1).mean() - right.mean())
    assert agrees(value("ece", truth, answer, bins=bins), expected)


@pytest.mark.parametrize("seed", SEEDS)
def test_costs_and_trees(seed):
    truth, answer = codes(seed)
    cost = [COSTS[pair] for pair in zip(truth, answer, strict=True)]
    found = value("cost_weighted_accuracy", truth, answer, costs=COSTS.tolist())
    assert agrees(found, 1 - np.mean(cost) / COSTS.max())
    paths = [(*PARENTS[name].split("/"), name) if PARENTS[name] else (name,) for name in NAMES]
    near = []
    for one, other in zip(truth, answer, strict=True):
        same = [a == b for a, b in zip(paths[one], paths[other], strict=False)]
        common = same.index(False) if False in same else len(same)
        near.append(common / max(len(paths[one]), len(paths[other])))
    assert agrees(value("hierarchical_accuracy", truth, answer, parents=PARENTS), np.mean(near))


@pytest.mark.parametrize("seed", SEEDS)
def test_weighted_area_is_the_sum_of_two_bands_under_the_curve(seed):
    truth, score = binary(seed)
    false_rate, true_rate, _ = oracle.roc_curve(truth, score, drop_intermediate=False)
    # so fine a grid that the corner of a band is off by less than the tolerance
    grid = np.unique(np.concatenate([np.linspace(0, 1, 200_001), false_rate]))
    low, high = (np.interp(grid, false_rate, true_rate) for _ in range(2))
    for at in np.unique(false_rate):  # the curve jumps there: np.interp gives one end of it
        low[grid == at] = true_rate[false_rate == at].min()
        high[grid == at] = true_rate[false_rate == at].max()
    area = 0.0
    for weight, floor, top in [(2, 0.0, 0.4), (1, 0.4, 1.0)]:
        left, right = (np.clip(ends, floor, top) - floor for ends in (high[:-1], low[1:]))
        area += weight * float(np.sum((left + right) / 2 * np.diff(grid)))
    assert value("weighted_roc_auc", truth, score) == pytest.approx(area / 1.4, abs=1e-8)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("beta", [0.5, 1.0, 2.0])
def test_probabilistic_f1(beta, seed):
    truth, score = binary(seed)
    precision = sum(score[truth]) / sum(score)
    recall = sum(score[truth]) / sum(truth)
    expected = (1 + beta**2) * precision * recall / (beta**2 * precision + recall)
    assert agrees(value("probabilistic_f1", truth, score, beta=beta), expected)
    # with a certain 0 or 1 it is the ordinary F
    sure = score > 0.5
    ordinary = oracle.fbeta_score(truth, sure, beta=beta, zero_division=0)
    assert agrees(value("probabilistic_f1", truth, sure.astype(float), beta=beta), ordinary)
