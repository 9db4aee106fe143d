"""Reference values, and what each metric does at its edges."""

import math

import numpy as np
import pytest

from scoring.metrics import METRICS, per_class

NAMES = tuple("abcdefgh")

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
SETS = np.array([[1, 0, 1], [0, 1, 0], [1, 1, 0], [0, 0, 1]], dtype=bool)
GIVEN = np.array([[1, 0, 0], [0, 1, 1], [1, 1, 0], [0, 0, 0]], dtype=bool)
SCORES = np.array([[0.9, 0.2, 0.4], [0.1, 0.8, 0.6], [0.7, 0.9, 0.2], [0.3, 0.1, 0.45]])

COSTS = "0,1,2;1,0,1;2,1,0"
PARENTS = {"a": "left", "b": "left", "c": "right"}


def value(key, truth, answer, classes=3, **parameters):
    metric = METRICS[key]
    arguments = metric.arguments(parameters, NAMES[:classes])
    return metric.function(np.asarray(truth), np.asarray(answer), classes, **arguments)


@pytest.mark.parametrize(
    ("key", "parameters", "answer", "expected"),
    [
        ("accuracy", {}, LABELS, 0.75),
        ("balanced_accuracy", {}, LABELS, 0.7777777778),
        ("balanced_accuracy", {"adjusted": "true"}, LABELS, 0.6666666667),
        ("top_k_accuracy", {"k": 2}, PROBABILITIES, 1.0),
        ("top_k_error", {"k": 1}, PROBABILITIES, 0.25),
        ("f1", {}, LABELS, 0.7777777778),
        ("f1", {"average": "micro"}, LABELS, 0.75),
        ("f1", {"average": "weighted"}, LABELS, 0.75),
        ("log_loss", {}, PROBABILITIES, 0.5964444254),
        ("roc_auc", {}, PROBABILITIES, 0.9222222222),
        ("roc_auc", {"average": "weighted"}, PROBABILITIES, 0.9125),
        ("roc_auc", {"multi_class": "ovo"}, PROBABILITIES, 0.9305555556),
        ("roc_auc", {"multi_class": "ovo", "average": "weighted"}, PROBABILITIES, 0.9244791667),
        ("matthews_corrcoef", {}, LABELS, 0.6190476190),
        ("cohen_kappa", {}, LABELS, 0.6190476190),
        ("cohen_kappa", {"weights": "linear"}, LABELS, 0.7037037037),
        ("cohen_kappa", {"weights": "quadratic"}, LABELS, 0.7948717949),
        ("brier", {}, PROBABILITIES, 0.336875),
        ("ece", {}, PROBABILITIES, 0.125),
        ("ece", {"bins": 10}, PROBABILITIES, 0.125),
        ("cost_weighted_accuracy", {"costs": COSTS}, LABELS, 0.875),
        ("hierarchical_accuracy", {"parents": PARENTS}, LABELS, 0.75),
    ],
)
def test_reference_with_one_label_per_row(key, parameters, answer, expected):
    assert value(key, TRUTH, answer, **parameters) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("key", "parameters", "answer", "expected"),
    [
        ("mean_column_roc_auc", {}, SCORES, 0.8333333333),
        ("roc_auc", {}, SCORES, 0.8333333333),
        ("fbeta", {"average": "samples"}, GIVEN, 0.5972222222),
        ("f1", {"average": "samples"}, GIVEN, 0.5833333333),
        ("f1", {"average": "micro"}, GIVEN, 0.7272727273),
        ("f1", {}, GIVEN, 0.6666666667),
        ("hamming_loss", {}, GIVEN, 0.25),
        ("subset_accuracy", {}, GIVEN, 0.25),
        ("jaccard", {}, GIVEN, 0.5),
        ("average_precision", {}, SCORES, 0.8611111111),
        ("label_ranking_average_precision", {}, SCORES, 1.0),
        ("mean_column_log_loss", {}, SCORES, 0.3696093137),
    ],
)
def test_reference_with_a_set_of_labels_per_row(key, parameters, answer, expected):
    assert value(key, SETS, answer, **parameters) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("truth", "probabilities", "expected"),
    [
        ([0, 1], [[1, 0], [1, 0]], 17.2693881975),
        ([0, 1], [[2, 2], [1, 3]], 0.4904146265),
        ([3], [[0.1] * 10], 2.3025850930),
        # a row whose sum is above the largest float
        ([3], [[1e308] * 10], 2.3025850930),
    ],
)
def test_log_loss_clips_and_divides_by_the_row_sum(truth, probabilities, expected):
    found = METRICS["log_loss"].function(np.array(truth), np.array(probabilities, float), 2)
    assert found == pytest.approx(expected, abs=1e-9)


def test_log_loss_of_one_number_per_row_clips_at_the_same_bound():
    truth, sure = np.array([True, False]), np.array([0.0, 1.0])
    # 1 - (1 - 1e-15) is 9.99e-16 in float64
    assert value("log_loss", truth, sure) == pytest.approx(-math.log(1e-15), abs=1e-3)
    assert value("log_loss", truth, 1 - sure) == pytest.approx(0, abs=1e-14)


@pytest.mark.parametrize(
    ("scores", "expected"), [([0.1, 0.4, 0.35, 0.8], 0.75), ([0.3, 0.3, 0.3, 0.3], 0.5)]
)
def test_area_under_the_curve_counts_a_tie_as_half(scores, expected):
    assert value("roc_auc", [False, False, True, True], scores) == expected


def test_f1_counts_a_class_that_occurs_nowhere_as_0():
    assert value("f1", [0, 0, 1, 1], [0, 0, 1, 0]) == pytest.approx(0.488888888889, abs=1e-9)


def test_a_row_without_a_true_and_without_a_given_label_counts_1_over_samples():
    sets = np.array([[0, 0], [1, 0]], dtype=bool)
    for key in ("f1", "precision", "recall", "jaccard"):
        assert value(key, sets, sets, 2, average="samples") == 1
        # but nothing is right about a label where none belongs, or none where one does
        assert value(key, sets, ~sets, 2, average="samples") == 0
        assert value(key, sets, np.zeros_like(sets), 2, average="samples") == 0.5


# truths a, b, c, d; code 4 and above are other classes, -1 ends a list
LISTS = [[0, 1, 2, -1, -1], [2, 1, 0, -1, -1], [0, 1, 3, 4, 2], [5, 6, 7, -1, -1]]


@pytest.mark.parametrize(("k", "expected"), [(5, 0.425), (3, 0.375), (1, 0.25)])
def test_map_at_k_reads_the_first_k_alone(k, expected):
    assert value("map_at_k", range(4), LISTS, 8, k=k) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(("k", "expected"), [(3, 1 / 3), (2, 0)])
def test_map_at_k_lets_a_repeated_class_keep_its_places(k, expected):
    assert value("map_at_k", [1], [[0, 0, 1]], k=k) == pytest.approx(expected, abs=1e-12)
    assert value("map_at_k", [0], [[0, 0, 1]], k=k) == 1


def test_lists_that_are_all_empty_are_worth_0():
    empty = np.empty((2, 0), dtype=np.int32)
    assert value("map_at_k", [0, 1], empty) == 0
    assert value("top_k_accuracy", [0, 1], empty) == 0


def test_top_k_prefers_the_lower_class_index_among_equal_numbers():
    equal = np.full((3, 3), 0.5)
    assert value("top_k_accuracy", [0, 1, 2], equal, k=1) == pytest.approx(1 / 3)
    assert value("top_k_accuracy", [0, 1, 2], equal, k=2) == pytest.approx(2 / 3)


def test_top_k_reads_numbers_lists_and_bare_labels_alike():
    lists = np.argsort(-PROBABILITIES, axis=1, kind="stable")
    for k in (1, 2, 3):
        of_numbers = value("top_k_accuracy", TRUTH, PROBABILITIES, k=k)
        assert value("top_k_accuracy", TRUTH, lists, k=k) == of_numbers
        assert value("top_k_error", TRUTH, lists, k=k) == pytest.approx(1 - of_numbers)
    assert value("top_k_accuracy", TRUTH, LABELS, k=1) == 0.75


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        ({"a": "x", "b": "x", "c": "y"}, 0.5),
        ({"a": "x/u", "b": "x/u", "c": "y"}, 2 / 3),
        ({"a": "x/u", "b": "x/v", "c": "y"}, 1 / 3),
        ({"a": "x", "b": "x/u/v", "c": "y"}, 0.25),
        ({"a": "x", "b": "", "c": "y"}, 0),
        # names alone do not meet: the u below x is not the u below y
        ({"a": "x/u", "b": "y/u", "c": "y"}, 0),
        # a class may itself be the parent of another
        ({"a": "b", "b": "", "c": "y"}, 0.5),
    ],
)
def test_hierarchical_accuracy_is_the_shared_part_of_the_longer_path(paths, expected):
    assert value("hierarchical_accuracy", [0], [1], parents=paths) == pytest.approx(expected)
    assert value("hierarchical_accuracy", [1], [0], parents=paths) == pytest.approx(expected)


def test_costs_are_read_by_true_class_first():
    lopsided = [[0, 1], [4, 0]]
    assert value("cost_weighted_accuracy", [0], [1], 2, costs=lopsided) == 0.75
    assert value("cost_weighted_accuracy", [1], [0], 2, costs=lopsided) == 0


def test_matthews_correlation_of_a_constant_answer_is_0():
    assert value("matthews_corrcoef", TRUTH, np.zeros(8, dtype=int)) == 0


def test_weighted_area_of_a_staircase_and_of_chance():
    # false-positive rate .5 while the true-positive rate climbs from 0 to .5, then 1 at .5
    truth = np.array([False, True, True, False])
    expected = (2 * 0.4 * 0.5 + 0.6 * 0.5) / 1.4
    found = value("weighted_roc_auc", truth, [0.9, 0.8, 0.7, 0.1])
    assert found == pytest.approx(expected, abs=1e-12)
    # the diagonal: below .4 lie .5 - .6**2 / 2 of the area, the rest above
    chance = (2 * 0.32 + 0.18) / 1.4
    assert value("weighted_roc_auc", truth, [0.5] * 4) == pytest.approx(chance, abs=1e-12)


def test_probabilistic_f1_clips_and_is_0_where_nothing_is_given():
    truth = np.array([True, False, False])
    assert value("probabilistic_f1", truth, [7.0, -3.0, 0.0]) == 1
    assert value("probabilistic_f1", truth, [0.0, 0.0, 0.0]) == 0
    # precision .8 / 1.6, recall .8 / 1
    found = value("probabilistic_f1", truth, [0.8, 0.5, 0.3], beta=2)
    assert found == pytest.approx(5 * 0.5 * 0.8 / (4 * 0.5 + 0.8), abs=1e-12)


def test_weights_of_the_columns_are_divided_by_their_sum():
    one = value("mean_column_log_loss", SETS[:, :1], SCORES[:, :1], 1)
    rest = value("mean_column_log_loss", SETS[:, 1:], SCORES[:, 1:], 2)
    found = value("mean_column_log_loss", SETS, SCORES, weights="2,1,1")
    assert found == pytest.approx((one + rest) / 2, abs=1e-12)


@pytest.mark.parametrize("beta", [0.1, 0.3, 0.7, 1.1, 3.3])
def test_a_perfect_answer_is_1_to_the_last_bit_for_every_beta(beta):
    for rows in range(3, 40):
        truth = np.arange(rows) % 3
        assert value("fbeta", truth, truth, average="micro", beta=beta) == 1
        assert value("probabilistic_f1", truth > 0, (truth > 0).astype(float), beta=beta) == 1


def test_per_class_scores_name_every_class():
    found = per_class(np.array([0, 0, 1, 1]), np.array([0, 0, 1, 0]), 3)
    np.testing.assert_allclose(found.precision, [2 / 3, 1, 0])
    np.testing.assert_allclose(found.recall, [1, 0.5, 0])
    np.testing.assert_allclose(found.f1, [0.8, 2 / 3, 0])
    assert found.support.tolist() == [2, 2, 0]
    assert value("f1", [0, 0, 1, 1], [0, 0, 1, 0], average="binary", positive="a") == found.f1[0]


ONE_CLASS = np.array([1, 1, 1])
FULL_AND_EMPTY = np.array([[True, False, True], [True, False, False]])


@pytest.mark.parametrize(
    ("key", "parameters", "truth", "answer"),
    [
        ("balanced_accuracy", {"adjusted": True}, ONE_CLASS, np.array([0, 1, 2])),
        ("matthews_corrcoef", {}, ONE_CLASS, np.array([0, 1, 2])),
        ("cohen_kappa", {}, ONE_CLASS, ONE_CLASS),
        ("cohen_kappa", {"weights": "quadratic"}, ONE_CLASS, ONE_CLASS),
        ("roc_auc", {}, ONE_CLASS, PROBABILITIES[:3]),
        ("roc_auc", {"average": "weighted"}, ONE_CLASS, PROBABILITIES[:3]),
        ("roc_auc", {"multi_class": "ovo"}, ONE_CLASS, PROBABILITIES[:3]),
        ("roc_auc", {}, ONE_CLASS > 0, PROBABILITIES[:3, 0]),
        ("weighted_roc_auc", {}, ONE_CLASS > 0, PROBABILITIES[:3, 0]),
        ("weighted_roc_auc", {}, ONE_CLASS < 0, PROBABILITIES[:3, 0]),
        ("mean_column_roc_auc", {}, FULL_AND_EMPTY, SCORES[:2]),
        ("average_precision", {}, FULL_AND_EMPTY, SCORES[:2]),
        ("average_precision", {"average": "weighted"}, FULL_AND_EMPTY, SCORES[:2]),
        ("roc_auc", {"average": "weighted"}, FULL_AND_EMPTY & False, SCORES[:2]),
        ("average_precision", {"average": "weighted"}, FULL_AND_EMPTY & False, SCORES[:2]),
        ("average_precision", {"average": "micro"}, FULL_AND_EMPTY & False, SCORES[:2]),
        ("average_precision", {"average": "samples"}, FULL_AND_EMPTY & False, SCORES[:2]),
        ("f1", {"average": "weighted"}, FULL_AND_EMPTY & False, FULL_AND_EMPTY),
    ],
)
def test_a_truth_that_leaves_the_metric_undefined_gives_nan(key, parameters, truth, answer):
    assert math.isnan(value(key, truth, answer, **parameters))
