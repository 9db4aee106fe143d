"""Names and keywords of architectures: their form, before anything is built."""

import math

import pytest

from scoring import InvalidSubmission, ProblemCode
from scoring.sandbox.architectures import check


@pytest.mark.parametrize("name", ["resnet18", "patches-logistic", "torchvision/convnext_tiny"])
def test_names_that_may_exist(name):
    check(name, {"width": 2, "act": "relu", "rate": 0.5, "pre": True, "sides": [1, [2]], "x": None})


@pytest.mark.parametrize(
    "name",
    ["", "ResNet", "../x", "torchvision/", "torchvision/a/b", "os:system", "a b", "é", "a" * 65,
     "timm/resnet18", "resnet18\n"],
)  # fmt: skip
def test_names_that_cannot(name):
    with pytest.raises(InvalidSubmission) as error:
        check(name, {})
    assert error.value.problems[0].code is ProblemCode.UNKNOWN_ARCHITECTURE


@pytest.mark.parametrize(
    "arguments",
    [
        {"weights": "DEFAULT"},
        {"num_classes": 10},
        {"pretrained": True},
        {"__class__": 1},
        {"Width": 1},
        {"a-b": 1},
        {3: 1},
        {"a": {"b": 1}},
        {"a": b"x"},
        {"a": object()},
        {"a": math.inf},
        {"a": math.nan},
        {"a": 1 << 40},
        {"a": -(10**400)},
        {"a": [10**400]},
        {"a": "\0x"},
        {"a": ["two\nlines"]},
        {"a": "\ud800"},
        {"a": "x" * 201},
        {"a": [0] * 1001},
        {"a": [[[[[[1]]]]]]},
        {f"k{at}": at for at in range(33)},
    ],
)
def test_keywords_that_no_architecture_takes(arguments):
    with pytest.raises(InvalidSubmission) as error:
        check("resnet18", arguments)
    assert error.value.problems[0].code is ProblemCode.BAD_MODEL_ARGUMENTS


def test_lists_that_hold_themselves_end():
    endless = []
    endless.append(endless)
    with pytest.raises(InvalidSubmission):
        check("resnet18", {"a": endless})


@pytest.mark.torch
def test_every_network_of_the_baselines_has_such_a_name():
    catalogue = pytest.importorskip("baselines.catalogue")
    for name in catalogue.ARCHITECTURES:
        check(name, {})
