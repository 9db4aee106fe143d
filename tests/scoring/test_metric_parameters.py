"""What an organiser may write as a parameter, and what is said of what may not be written."""

import numpy as np
import pytest

from scoring.errors import SpecError
from scoring.metrics import METRICS, REQUIRED

CLASSES = ("cat", "dog", "car")
PATHS = {"cat": "animal", "dog": "animal", "car": ""}


def arguments(key, parameters=None, classes=CLASSES):
    return METRICS[key].arguments(parameters or {}, classes)


@pytest.mark.parametrize("key", METRICS)
def test_defaults_are_filled_in_and_required_parameters_asked_for(key):
    metric = METRICS[key]
    needed = [parameter.name for parameter in metric.parameters if parameter.required]
    if needed:
        with pytest.raises(SpecError, match=f"'{key}' needs the parameter '{needed[0]}': "):
            metric.arguments({}, CLASSES)
    else:
        assert set(metric.arguments({}, CLASSES)) == {each.name for each in metric.parameters}


@pytest.mark.parametrize("key", METRICS)
def test_every_default_is_a_value_that_could_have_been_written(key):
    for parameter in METRICS[key].parameters:
        assert parameter.meaning.endswith(".")
        if not parameter.required:
            assert parameter.parse(parameter.default) == parameter.default
        for word in parameter.choices:
            parameter.parse(word)


def test_only_costs_and_parents_are_required():
    needed = {
        (key, each.name)
        for key, metric in METRICS.items()
        for each in metric.parameters
        if each.default is REQUIRED
    }
    assert needed == {("cost_weighted_accuracy", "costs"), ("hierarchical_accuracy", "parents")}


@pytest.mark.parametrize(
    ("key", "name", "written", "expected"),
    [
        ("top_k_accuracy", "k", "3", 3),
        ("top_k_accuracy", "k", 3.0, 3),
        ("map_at_k", "k", 1, 1),
        ("ece", "bins", " 20 ", 20),
        ("fbeta", "beta", "0.5", 0.5),
        ("fbeta", "beta", 3, 3.0),
        ("probabilistic_f1", "beta", 2.0, 2.0),
        ("balanced_accuracy", "adjusted", "true", True),
        ("balanced_accuracy", "adjusted", "1", True),
        ("balanced_accuracy", "adjusted", 0, False),
        ("balanced_accuracy", "adjusted", False, False),
        ("f1", "average", "weighted", "weighted"),
        ("roc_auc", "multi_class", "ovo", "ovo"),
        ("cohen_kappa", "weights", "quadratic", "quadratic"),
    ],
)
def test_a_value_is_read_from_a_string_and_from_json(key, name, written, expected):
    found = arguments(key, {name: written})[name]
    assert (found, type(found)) == (expected, type(expected))


# what may be written, and values that may not
WRONG: list[tuple[str, str, str, list[object]]] = [
    (
        *("top_k_accuracy", "k", "a whole number from 1 to 1000000"),
        ["0", -1, 2.5, "two", "nan", "inf", True, None, [3], 10**9, 10**400],
    ),
    (
        *("fbeta", "beta", "a number above 0 and not above 1000"),
        [0, "-1", "1e9", "nan", True, None],
    ),
    ("balanced_accuracy", "adjusted", "true or false", ["yes", 2, None]),
    ("roc_auc", "average", "one of: macro, weighted", ["micro", None, 1]),
    ("f1", "positive", "the name of a class", [True, 1.5, ["cat"]]),
    ("f1", "positive", "only with average=binary", ["cat"]),
    (
        *("mean_column_log_loss", "weights", "one number per class"),
        ["1,x", "1,-1,2", [0, 0, 0], "nan,1,1", {"cat": 1}, "[1,", [[1], [1, 2]]],
    ),
    ("mean_column_log_loss", "weights", "one number for each of the 3 classes", ["1,2", [1]]),
    (
        *("cost_weighted_accuracy", "costs", "a square table"),
        [
            *("", "0,1", "0,1;1", "0,1,1;1,0,1", "1,1;1,0", "0,0;0,0", "0,-1;1,0", "0,inf;1,0"),
            *([[0, None], [1, 0]], "[[0, 1], [1, 0]", {}, 5, [[[0]]], "[" * 100_000),
        ],
    ),
    ("cost_weighted_accuracy", "costs", "each of the 3 classes, not 2", ["0,1;1,0"]),
    (
        *("hierarchical_accuracy", "parents", "each class's ancestors"),
        ["", "animal", "[]", {}, {"cat": 1}, {"cat": "a//b"}, '{"cat": ["a"]}'],
    ),
    ("hierarchical_accuracy", "parents", "no class 'cow'", [{**PATHS, "cow": "animal"}]),
    ("hierarchical_accuracy", "parents", "nothing of the class 'car'", [{"cat": "", "dog": ""}]),
]


@pytest.mark.parametrize(
    ("key", "name", "allowed", "written"),
    [(*about, value) for *about, values in WRONG for value in values],
)
def test_a_wrong_value_is_refused_with_a_sentence(key, name, allowed, written):
    with pytest.raises(SpecError) as refusal:
        arguments(key, {name: written})
    told = str(refusal.value)
    assert told.startswith(f"The parameter '{name}' of the metric '{key}' cannot be ")
    assert allowed in told
    assert told.endswith(".")
    assert len(told) < 400


def test_an_unknown_parameter_is_named_with_those_that_exist():
    with pytest.raises(SpecError, match=r"does not take the parameter 'k'\. Leave it out\."):
        arguments("accuracy", {"k": 1})
    with pytest.raises(SpecError, match=r"does not take the parameter 'q'\. It takes: k\."):
        arguments("map_at_k", {"q": 1})


@pytest.mark.parametrize(
    ("classes", "written", "expected"),
    [
        (("0", "1"), None, 1),
        (("1", "0"), None, 0),
        (("1", "2", "3"), "", 0),
        (("no", "yes"), None, 1),
        (CLASSES, "dog", 1),
        (("0", "1", "2"), 2, 2),
    ],
)
def test_the_positive_class_is_the_one_named_or_1_or_the_last_of_two(classes, written, expected):
    given = {"average": "binary", "positive": written}
    assert arguments("f1", given, classes)["positive"] == expected


@pytest.mark.parametrize(
    ("given", "told"), [({}, "cannot be left out"), ({"positive": "cow"}, "no class 'cow'")]
)
def test_a_positive_class_that_cannot_be_known_is_asked_for(given, told):
    with pytest.raises(SpecError, match=told):
        arguments("recall", {"average": "binary", **given})


@pytest.mark.parametrize(
    "written", ["0,1,2;1,0,1;2,1,0", "[[0,1,2],[1,0,1],[2,1,0]]", [[0, 1, 2], [1, 0, 1], [2, 1, 0]]]
)
def test_costs_are_read_from_every_form(written):
    found = arguments("cost_weighted_accuracy", {"costs": written})["costs"]
    np.testing.assert_array_equal(found, [[0, 1, 2], [1, 0, 1], [2, 1, 0]])


@pytest.mark.parametrize("written", ["2,1,0.5", "[2, 1, 0.5]", [2, 1, 0.5]])
def test_weights_of_the_columns_are_read_from_every_form(written):
    found = arguments("mean_column_log_loss", {"weights": written})["weights"]
    np.testing.assert_array_equal(found, [2, 1, 0.5])


def test_columns_weigh_the_same_by_default():
    for given in ({}, {"weights": ""}, {"weights": None}):
        found = arguments("mean_column_log_loss", given)["weights"]
        np.testing.assert_array_equal(found, [1, 1, 1])


@pytest.mark.parametrize("written", [PATHS, '{"cat": "animal", "dog": " animal ", "car": ""}'])
def test_parents_are_read_from_json_and_from_a_mapping(written):
    tree = arguments("hierarchical_accuracy", {"parents": written})["parents"]
    np.testing.assert_array_equal(tree.shared(np.array([0, 0]), np.array([1, 2])), [0.5, 0])


def test_values_can_be_read_before_the_classes_are_known():
    assert METRICS["fbeta"].parse({"beta": "1"}) == {
        "average": "macro",
        "positive": None,
        "beta": 1.0,
    }
    with pytest.raises(SpecError, match="cannot be '0'"):
        METRICS["map_at_k"].parse({"k": "0"})


def test_a_form_is_accepted_only_where_the_settings_let_it_be_judged():
    top = METRICS["top_k_accuracy"]
    assert top.layouts == ("probabilities", "ranked", "labels")
    assert top.accept("sets") is None
    assert top.accept("labels").truth == "codes"
    assert top.accept("labels", arguments("top_k_accuracy", {"k": 1})).truth == "codes"
    assert top.accept("labels", arguments("top_k_accuracy")) is None
    assert top.accept("ranked", arguments("top_k_accuracy")).truth == "codes"
