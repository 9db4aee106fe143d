"""Reference values, scikit-learn as the oracle, and one property test over the whole table."""

import math

import numpy as np
import pytest
from sklearn import metrics as oracle

from scoring import METRICS

TRUTH = np.array([0, 1, 2, 2, 1, 0, 2, 1])
LABELS = np.array([0, 2, 2, 2, 1, 0, 1, 1])
PROBABILITIES = np.array(
    [
        [0.7, 0.2, 0.1],
        [0.1, 0.3, 0.6],
        [0.1, 0.1, 0.8],
        [0.2, 0.2, 0.6],
        [0.2, 0.7, 0.1],
        [0.6, 0.3, 0.1],
        [0.1, 0.5, 0.4],
        [0.25, 0.5, 0.25],
    ]
)
REFERENCE = {
    "accuracy": 0.75,
    "balanced_accuracy": 7 / 9,
    "f1": 7 / 9,
    "log_loss": 0.5964444254,
}
ORACLES = {
    "accuracy": lambda truth, p, k: oracle.accuracy_score(truth, p),
    "balanced_accuracy": lambda truth, p, k: oracle.recall_score(
        truth, p, labels=np.unique(truth), average="macro", zero_division=0
    ),
    "f1": lambda truth, p, k: oracle.f1_score(
        truth, p, labels=range(k), average="macro", zero_division=0
    ),
    "log_loss": lambda truth, p, k: oracle.log_loss(
        truth, p / p.sum(axis=1, keepdims=True), labels=range(k)
    ),
}


def value(key, truth, labels, probabilities, classes=3):
    metric = METRICS[key]
    answer = labels if metric.layout == "labels" else probabilities
    return metric.function(truth, answer, classes)


def world(seed, n=200, classes=5):
    rng = np.random.default_rng(seed)
    probabilities = rng.random((n, classes)) + 0.01
    return rng.integers(0, classes, n), rng.integers(0, classes, n), probabilities


@pytest.mark.parametrize("key", METRICS)
def test_reference(key):
    assert value(key, TRUTH, LABELS, PROBABILITIES) == pytest.approx(REFERENCE[key], abs=1e-9)


@pytest.mark.parametrize("key", METRICS)
@pytest.mark.parametrize("seed", range(5))
def test_oracle(key, seed):
    truth, labels, probabilities = world(seed)
    if seed == 4:  # a class that nobody has and nobody names
        truth, labels = truth % 4, labels % 4
    expected = ORACLES[key](truth, labels if METRICS[key].layout == "labels" else probabilities, 5)
    assert value(key, truth, labels, probabilities, 5) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("truth", "probabilities", "expected"),
    [
        ([0, 1], [[1, 0], [1, 0]], 17.2693881975),
        ([0, 1], [[2, 2], [1, 3]], 0.4904146265),
        ([3], [[0.1] * 10], 2.3025850930),
    ],
)
def test_log_loss_clips_and_normalises(truth, probabilities, expected):
    found = METRICS["log_loss"].function(np.array(truth), np.array(probabilities, float), 2)
    assert found == pytest.approx(expected, abs=1e-9)


def test_f1_counts_a_class_that_occurs_nowhere():
    truth, labels = np.array([0, 0, 1, 1]), np.array([0, 0, 1, 0])
    assert METRICS["f1"].function(truth, labels, 3) == pytest.approx(0.488888888889, abs=1e-9)


@pytest.mark.parametrize("key", METRICS)
def test_order_of_rows_and_classes_does_not_matter(key):
    truth, labels, probabilities = world(7)
    rows = np.random.default_rng(1).permutation(len(truth))
    renamed = np.random.default_rng(2).permutation(5)
    columns = np.argsort(renamed)
    before = value(key, truth, labels, probabilities, 5)
    after = value(
        key, renamed[truth[rows]], renamed[labels[rows]], probabilities[rows][:, columns], 5
    )
    assert after == pytest.approx(before, abs=1e-12)


@pytest.mark.parametrize("key", METRICS)
def test_bounds_and_direction(key):
    metric = METRICS[key]
    truth, labels, probabilities = world(3)
    right = value(key, truth, truth, np.eye(5)[truth], 5)
    wrong = value(key, truth, (truth + 1) % 5, np.eye(5)[(truth + 1) % 5], 5)
    some = value(key, truth, labels, probabilities, 5)
    low, high = metric.bounds
    best, worst = (high, low) if metric.direction == "maximize" else (low, high)
    assert right == pytest.approx(best, abs=1e-12)
    assert wrong == pytest.approx(worst, abs=1e-12)
    assert low < some < high


@pytest.mark.parametrize("key", METRICS)
def test_one_row_and_one_finite_float(key):
    found = value(key, np.array([1]), np.array([0]), np.array([[0.5, 0.5]]), 2)
    assert isinstance(found, float)
    assert math.isfinite(found)


def test_keys_and_fields_of_the_table():
    for key, metric in METRICS.items():
        assert key == metric.key
        assert metric.title
        assert metric.source
