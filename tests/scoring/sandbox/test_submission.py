"""A model's logits score as the CSV that its team would have sent."""

import csv
import io

import numpy as np
import pytest

from scoring import InvalidSubmission, ProblemCode, Solution, Spec, SpecError, Template, evaluate
from scoring.layouts import template as template_of
from scoring.sandbox.contract import Contract
from scoring.sandbox.submission import softmax, submission_csv

ROWS = 300
NAMES = ("cat", "dog", "eel", 'a "b", c')
IDS = [f"img_{at:03d}.png" for at in range(ROWS)]


def drawn(classes, seed=0, scale=3.0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, len(classes), ROWS)
    logits = rng.normal(size=(ROWS, len(classes))) * scale
    logits[np.arange(ROWS), labels] += scale
    return labels, logits.astype(np.float32)


def solution_of(labels, classes, spec=None):
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["id", "label"])
    writer.writerows(zip(IDS, [classes[label] for label in labels], strict=True))
    return Solution.read(text.getvalue().encode(), classes=sorted(classes), spec=spec)


def contract(classes, **more):
    return Contract(3, 8, 8, tuple(classes), **more)


def score(logits, solution, spec, made_for):
    template = template_of(solution, spec)[1]
    return evaluate(submission_csv(logits, IDS, made_for, template), solution, spec).score


def test_accuracy_is_that_of_the_largest_logits():
    labels, logits = drawn(NAMES)
    spec = Spec("accuracy")
    found = score(logits, solution_of(labels, NAMES), spec, contract(NAMES))
    assert found == (logits.argmax(axis=1) == labels).mean()
    assert 0.5 < found < 1


def test_log_loss_is_that_of_the_softmax():
    labels, logits = drawn(NAMES)
    exact = logits.astype(np.float64)
    exact -= np.log(np.exp(exact).sum(axis=1, keepdims=True))
    found = score(logits, solution_of(labels, NAMES), Spec("log_loss"), contract(NAMES))
    assert found == pytest.approx(-exact[np.arange(ROWS), labels].mean(), rel=1e-6)


def test_top_k_accuracy_as_ranked_lists_and_as_probabilities():
    classes = NAMES[:3]
    labels, logits = drawn(classes, scale=1.0)
    best = (-logits).argsort(axis=1, kind="stable")[:, :2]
    expected = (best == labels[:, np.newaxis]).any(axis=1).mean()
    for layout in ("ranked", "probabilities"):
        spec = Spec("top_k_accuracy", {"k": 2}, layout=layout)
        found = score(logits, solution_of(labels, classes, spec), spec, contract(classes))
        assert found == pytest.approx(expected)


def test_the_area_under_the_curve_of_a_column_of_scores():
    metrics = pytest.importorskip("sklearn.metrics")
    classes = ("1", "0")  # the first logit is that of the positive class
    labels, logits = drawn(classes, scale=1.0)
    spec = Spec("roc_auc", layout="score")
    found = score(logits, solution_of(labels, classes), spec, contract(classes))
    margin = logits[:, 0].astype(float) - logits[:, 1]
    assert found == pytest.approx(metrics.roc_auc_score(labels == 0, margin), abs=1e-6)


def test_the_area_under_the_curve_of_columns():
    metrics = pytest.importorskip("sklearn.metrics")
    labels, logits = drawn(NAMES, scale=1.0)
    names = sorted(NAMES)
    found = score(logits, solution_of(labels, NAMES), Spec("roc_auc"), contract(NAMES))
    shares = softmax(logits.astype(float))[:, [NAMES.index(name) for name in names]]
    codes = [names.index(NAMES[label]) for label in labels]
    expected = metrics.roc_auc_score(codes, shares, multi_class="ovr")
    assert found == pytest.approx(expected, abs=1e-6)


def test_sets_are_the_classes_above_one_half():
    spec = Spec("subset_accuracy")
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(ROWS, 3)).astype(np.float32)
    cells = [" ".join(f"c{at}" for at in np.flatnonzero(row > 0)) for row in logits]
    rows = "".join(f"{name},{cell}\n" for name, cell in zip(IDS, cells, strict=True))
    classes = ["c0", "c1", "c2"]
    solution = Solution.read(f"id,labels\n{rows}".encode(), classes=classes, spec=spec)
    assert score(logits, solution, spec, contract(classes, several=True)) == 1


def test_marks_of_0_and_1_hold_the_largest_logit_or_all_above_one_half():
    template = Template(("id", "b", "a"), ["x"], ("b", "a"), "probabilities", "binary")
    logits = np.array([[1.0, 2.0]])
    one = submission_csv(logits, ["x"], contract(("a", "b")), template)
    assert one == b"id,b,a\nx,1,0\n"
    both = submission_csv(logits, ["x"], contract(("a", "b"), several=True), template)
    assert both == b"id,b,a\nx,1,1\n"


def test_where_several_classes_may_be_right_each_has_a_sigmoid():
    template = Template(("id", "a", "b"), ["x"], ("a", "b"), "probabilities", "unit")
    logits = np.array([[0.0, np.log(3.0)]])
    found = submission_csv(logits, ["x"], contract(("a", "b"), several=True), template)
    assert found == b"id,a,b\nx,0.5,0.75\n"


def test_columns_come_in_the_order_of_the_sample_and_not_of_the_logits():
    template = Template(("id", "b", "a"), ["x"], ("b", "a"), "probabilities", "shares")
    found = submission_csv(np.array([[1000.0, 0.0]]), ["x"], contract(("a", "b")), template)
    assert found == b"id,b,a\nx,0.0,1.0\n"


def test_of_equal_logits_the_first_class_is_taken():
    template = Template(("id", "label"), ["x"], ("a", "b"), "ranked", depth=2)
    found = submission_csv(np.array([[0.0, 0.0]]), ["x"], contract(("b", "a")), template)
    assert found == b"id,label\nx,b a\n"


def test_a_score_is_that_of_the_same_softmax_written_in_full():
    """As the baselines do: 32-bit probabilities with all digits of the 64-bit float."""
    torch = pytest.importorskip("torch")
    labels, logits = drawn(NAMES, scale=12.0)
    solution, spec = solution_of(labels, NAMES), Spec("log_loss")
    template = template_of(solution, spec)[1]
    shares = torch.from_numpy(logits).softmax(dim=1).numpy().astype(float)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["id", *NAMES])
    writer.writerows([name, *row] for name, row in zip(IDS, shares.tolist(), strict=True))
    theirs = evaluate(text.getvalue().encode(), solution, spec).score
    ours = submission_csv(logits, IDS, contract(NAMES), template)
    assert evaluate(ours, solution, spec).score == pytest.approx(theirs, rel=1e-6)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_none_are_the_model_s_fault(bad):
    template = Template(("id", "label"), ["x", "y"], ("a", "b"))
    with pytest.raises(InvalidSubmission, match="1 of 2 images") as error:
        submission_csv(np.array([[0.0, bad], [0, 1]]), ["x", "y"], contract(("a", "b")), template)
    assert error.value.problems[0].code is ProblemCode.BAD_MODEL_ANSWERS


def test_another_number_of_rows_or_columns_is_the_model_s_fault():
    template = Template(("id", "label"), ["x"], ("a", "b"))
    with pytest.raises(InvalidSubmission, match=r"must give \(1, 2\) numbers"):
        submission_csv(np.zeros((1, 3)), ["x"], contract(("a", "b")), template)


def test_other_images_or_classes_are_the_host_s_business():
    template = Template(("id", "label"), ["x"], ("a", "b"))
    with pytest.raises(SpecError, match="images are not those"):
        submission_csv(np.zeros((1, 2)), ["y"], contract(("a", "b")), template)
    with pytest.raises(SpecError, match="classes are not"):
        submission_csv(np.zeros((1, 2)), ["x"], contract(("a", "c")), template)
    scores = Template(("id", "age"), ["x"], ("a", "b"), "score")
    with pytest.raises(SpecError, match="classes 0 and 1 only"):
        submission_csv(np.zeros((1, 2)), ["x"], contract(("a", "b")), scores)
