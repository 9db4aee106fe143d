"""What must hold for the whole table: each metric with each of its settings and layouts."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.metrics import METRICS

KEYS = {
    *("accuracy", "balanced_accuracy", "top_k_accuracy", "top_k_error", "matthews_corrcoef"),
    *("precision", "recall", "f1", "fbeta", "jaccard", "hamming_loss", "subset_accuracy"),
    *("log_loss", "brier", "ece", "roc_auc", "average_precision", "weighted_roc_auc"),
    *("probabilistic_f1", "cohen_kappa", "cost_weighted_accuracy", "hierarchical_accuracy"),
    *("map_at_k", "mean_column_roc_auc", "mean_column_log_loss"),
    "label_ranking_average_precision",
}

QUICK = settings(deadline=None, max_examples=8)
NAMES = ("a", "b", "c", "d")
COSTS = [[0, 1, 2, 3], [4, 0, 5, 1], [1, 1, 0, 2], [2, 9, 1, 0]]
PARENTS = {"a": "x/u", "b": "x/u", "c": "x", "d": "y"}

FAMILY = [{"average": word} for word in ("macro", "micro", "weighted", "samples")]
FAMILY.append({"average": "binary", "positive": "b"})
SETTINGS: dict[str, list[dict[str, Any]]] = {
    "balanced_accuracy": [{}, {"adjusted": True}],
    "top_k_accuracy": [{"k": 1}, {"k": 2}],
    "top_k_error": [{"k": 1}, {"k": 2}],
    **dict.fromkeys(("precision", "recall", "f1", "fbeta", "jaccard"), FAMILY),
    "roc_auc": [
        {"multi_class": way, "average": word}
        for way in ("ovr", "ovo")
        for word in ("macro", "weighted")
    ],
    "average_precision": FAMILY[:4],
    "cohen_kappa": [{}, {"weights": "linear"}, {"weights": "quadratic"}],
    "cost_weighted_accuracy": [{"costs": COSTS}],
    "hierarchical_accuracy": [{"parents": PARENTS}],
    "mean_column_log_loss": [{}, {"weights": [3, 1, 0, 2]}],
}
# the order of the classes is part of what these measure
ORDINAL = [("cohen_kappa", {"weights": "linear"}), ("cohen_kappa", {"weights": "quadratic"})]


CASES = [
    (metric, form, parameters)
    for key, metric in METRICS.items()
    for parameters in SETTINGS.get(key, [{}])
    for layout in metric.layouts
    if (form := metric.accept(layout, metric.parse(parameters)))
]


def name_of(case):
    metric, form, parameters = case
    words = (str(word) for word in parameters.values() if not isinstance(word, list | dict))
    return "-".join((metric.key, form.layout, *words))


def every(cases):
    """The test, once for each of these."""
    return pytest.mark.parametrize(
        ("metric", "form", "parameters"), cases, ids=[name_of(case) for case in cases]
    )


def ordered(case):
    """Whether the order of the classes is part of what is measured."""
    metric, form, parameters = case
    return form.layout == "score" or (metric.key, parameters) in ORDINAL


def truth_for(form, rng, n, classes=4):
    """The truth, in which every class and its contrary occurs."""
    if form.truth == "positive":
        return rng.permutation(np.arange(n) % 3 == 0)
    codes = rng.permutation(np.arange(n) % classes)
    if form.truth == "matrix":
        return np.eye(classes, dtype=bool)[codes] | (rng.random((n, classes)) < 0.2)
    return codes


def answer_for(form, rng, n, classes=4):
    """Anything that the form allows; numbers without ties."""
    if form.layout == "labels":
        return rng.integers(0, classes, n)
    if form.layout == "score":
        return rng.random(n)
    if form.layout == "sets" or form.numbers == "binary":
        return rng.random((n, classes)) < 0.4
    if form.layout == "probabilities":
        return rng.random((n, classes))
    lists = rng.permuted(np.tile(np.arange(classes), (n, 1)), axis=1)
    lists[np.arange(classes) >= rng.integers(0, classes + 1, (n, 1))] = -1
    return lists


def value(metric, truth, answer, parameters, names=NAMES):
    return metric.function(truth, answer, len(names), **metric.arguments(parameters, names))


def frozen(*arrays):
    """The arrays, such that writing into one raises."""
    for array in arrays:
        array.flags.writeable = False
    return arrays


def test_the_table_holds_every_metric():
    assert set(METRICS) == KEYS
    for key, metric in METRICS.items():
        assert key == metric.key
        assert metric.title
        assert metric.source
        assert metric.layout == metric.layouts[0]
        assert len(set(metric.layouts)) == len(metric.layouts)
        assert metric.interval is None or metric.rows is not None


@every(CASES)
@QUICK
@given(seed=st.integers(0, 2**32 - 1))
def test_any_input_gives_a_finite_float_within_the_bounds_and_is_left_alone(
    metric, form, parameters, seed
):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(12, 40))
    truth, answer = frozen(truth_for(form, rng, n), answer_for(form, rng, n))
    found = value(metric, truth, answer, parameters)
    low, high = metric.bounds
    assert type(found) is float
    assert math.isfinite(found)
    assert low <= found <= high


@every(CASES)
@QUICK
@given(seed=st.integers(0, 2**32 - 1))
def test_the_order_of_the_rows_does_not_matter(metric, form, parameters, seed):
    rng = np.random.default_rng(seed)
    truth, answer, order = truth_for(form, rng, 24), answer_for(form, rng, 24), rng.permutation(24)
    before = value(metric, truth, answer, parameters)
    after = value(metric, truth[order], answer[order], parameters)
    assert after == pytest.approx(before, abs=1e-12)


def renamed_parameters(parameters, renamed):
    old = np.argsort(renamed)
    changed = dict(parameters)
    if "costs" in changed:
        changed["costs"] = np.array(changed["costs"])[np.ix_(old, old)].tolist()
    if isinstance(changed.get("weights"), list):
        changed["weights"] = [changed["weights"][at] for at in old]
    return changed


@every([case for case in CASES if not ordered(case)])
@QUICK
@given(seed=st.integers(0, 2**32 - 1))
def test_the_order_of_the_classes_does_not_matter_unless_it_has_a_meaning(
    metric, form, parameters, seed
):
    rng = np.random.default_rng(seed)
    truth, answer = truth_for(form, rng, 24), answer_for(form, rng, 24)
    renamed, ends = rng.permutation(4), -1  # code c becomes renamed[c]; the end stays the end
    old = np.argsort(renamed)
    moved = [
        array[:, old]
        if array.ndim == 2 and form.layout != "ranked"
        else np.append(renamed, ends)[array]
        for array in (truth, answer)
    ]
    before = value(metric, truth, answer, parameters)
    names = tuple(NAMES[at] for at in old)
    after = value(metric, *moved, renamed_parameters(parameters, renamed), names)
    assert after == pytest.approx(before, abs=1e-12)


@pytest.mark.parametrize("weights", ["linear", "quadratic"])
def test_kappa_with_weights_knows_the_order_of_the_classes(weights):
    truth, metric = np.array([0, 1, 2, 2]), METRICS["cohen_kappa"]
    near, far = (
        value(metric, truth, np.array([code, 1, 2, 2]), {"weights": weights}) for code in (1, 2)
    )
    assert near > far


@every([case for case in CASES if case[0].rows])
@QUICK
@given(seed=st.integers(0, 2**32 - 1))
def test_values_of_the_rows_have_the_score_as_their_mean(metric, form, parameters, seed):
    rng = np.random.default_rng(seed)
    truth, answer = frozen(truth_for(form, rng, 24), answer_for(form, rng, 24))
    rows = metric.rows(truth, answer, 4, **metric.arguments(parameters, NAMES))
    assert rows.shape == (24,)
    assert rows.dtype == np.float64
    assert value(metric, truth, answer, parameters) == pytest.approx(rows.mean(), abs=1e-12)
    if metric.interval == "wilson":
        assert set(rows) <= {0.0, 1.0}
    # the value of a row is its own: the first rows alone have the same
    alone = metric.rows(truth[:9], answer[:9], 4, **metric.arguments(parameters, NAMES))
    np.testing.assert_allclose(alone, rows[:9], atol=1e-12)


def right_answer(form, truth):
    """As good as can be."""
    if form.layout == "ranked":
        return truth[:, np.newaxis]
    if form.layout == "probabilities" and truth.ndim == 1:
        return np.eye(2)[truth]
    flags = form.layout == "sets" or form.numbers == "binary"
    return truth if form.layout == "labels" or flags else truth.astype(float)


def wrong_answer(form, truth):
    """As bad as can be: of two classes always the other one."""
    return right_answer(form, ~truth if truth.dtype == bool else 1 - truth)


# Not the end of the scale: where half of the labels are true, precision cannot fall below 1/2.
WORST = {
    ("brier", "score"): 1.0,
    ("average_precision", "probabilities"): 0.5,
    ("average_precision", "score"): 0.5,
    ("label_ranking_average_precision", "probabilities"): 0.5,
}
OF_TWO = {
    "balanced_accuracy": {"adjusted": True},
    "top_k_accuracy": {"k": 1},
    "top_k_error": {"k": 1},
    "cost_weighted_accuracy": {"costs": "0,2;2,0"},
    "hierarchical_accuracy": {"parents": {"a": "x", "b": "y"}},
}


PLAIN = [
    (metric, form, OF_TWO.get(key, {}))
    for key, metric in METRICS.items()
    for form in metric.accepts
]


@every(PLAIN)
def test_the_best_and_the_worst_answer_reach_the_ends_of_the_scale(metric, form, parameters):
    codes = np.random.default_rng(1).permutation(np.arange(20) % 2)
    truth = {"positive": codes == 1, "matrix": np.eye(2, dtype=bool)[codes]}.get(form.truth, codes)
    names = ("a", "b")
    right, wrong = right_answer(form, truth), wrong_answer(form, truth)
    best, worst, middle = (
        value(metric, truth, answer, parameters, names)
        for answer in (right, wrong, np.concatenate([right[:14], wrong[14:]]))
    )
    low, high = metric.bounds
    good, bad = (high, low) if metric.direction == "maximize" else (low, high)
    assert best == pytest.approx(good, abs=1e-12)
    # 1 - (1 - 1e-15) has three right digits in float64
    assert worst == pytest.approx(WORST.get((metric.key, form.layout), bad), abs=1e-3)
    assert min(best, worst) < middle < max(best, worst)


def hundred_classes(key, parameters):
    names = tuple(f"class {at}" for at in range(100))
    given = {
        "cost_weighted_accuracy": {"costs": (1 - np.eye(100)).tolist()},
        "hierarchical_accuracy": {"parents": {name: name[:-1] for name in names}},
    }
    return names, given.get(key, parameters)


@every([case for case in PLAIN if case[1].layout in ("labels", "ranked")])
def test_narrow_codes_do_not_overflow(metric, form, parameters):
    rng = np.random.default_rng(5)
    names, parameters = hundred_classes(metric.key, parameters)
    truth, answer = rng.integers(0, 100, 100_000), rng.integers(0, 100, 100_000)
    answer[::2] = truth[::2]
    if form.layout == "ranked":
        answer = np.column_stack([rng.integers(-1, 100, 100_000), answer])
    expected = value(metric, truth, answer, parameters, names)
    assert 0 < expected < 1
    for width in (np.int8, np.int16, np.int32):
        assert value(metric, truth, answer.astype(width), parameters, names) == expected
