"""The organiser's file: what is compiled, and what is said when it is wrong."""

import pytest

from scoring import Solution, SolutionError, Spec, Template, layouts

WITH_USAGE = b"id,label,Usage\na,2,Public\nb,10,private\nc,,Ignored\nd,2,Private\n"


def test_compiled():
    solution = Solution.read(WITH_USAGE)
    assert (solution.id_column, solution.label_column) == ("id", "label")
    assert solution.ids == ("a", "b", "c", "d")
    assert solution.classes == ("2", "10")
    assert solution.codes.tolist() == [0, 1, -1, 0]
    assert solution.public.tolist() == [True, False, False, False]
    assert solution.private.tolist() == [False, True, False, True]
    assert (solution.n_public, solution.n_private, solution.has_split) == (1, 2, True)


def test_without_usage_every_row_counts_and_nothing_is_split():
    solution = Solution.read(b"id,label\na,x\nb,y\n")
    assert solution.counted.all()
    assert (solution.n_public, solution.n_private, solution.has_split) == (0, 0, False)


def test_columns_by_name_at_any_place():
    data = b"Usage,species,kind,image\nPublic,x,1,a\nPrivate,y,2,b\n"
    solution = Solution.read(data, id_column="image", label_column="species")
    assert solution.ids == ("a", "b")
    assert solution.classes == ("x", "y")


@pytest.mark.parametrize(
    ("labels", "order"),
    [
        ("10 9 2", ("2", "9", "10")),
        ("10 9 b", ("10", "9", "b")),
        ("-1 0.5 0", ("-1", "0", "0.5")),
        ("b a B", ("B", "a", "b")),
    ],
)
def test_class_order(labels, order):
    rows = "".join(f"{at},{label}\n" for at, label in enumerate(labels.split()))
    assert Solution.read(f"id,label\n{rows}".encode()).classes == order


def test_given_classes_keep_their_order():
    assert Solution.read(b"id,label\na,x\nb,y\n", classes=["y", "z", "x"]).classes == (
        "y",
        "z",
        "x",
    )


def test_templates_hold_no_label():
    solution = Solution.read(WITH_USAGE)
    _, labels = layouts.template(solution, Spec("accuracy"))
    _, numbers = layouts.template(solution, Spec("log_loss"))
    assert labels == Template(
        ("id", "label"), solution.ids, ("2", "10"), "labels", tells_classes=False
    )
    assert numbers.header == ("id", "2", "10")
    assert layouts.template(solution, Spec("f1"))[1] is labels


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b"\x89PNG", "image"),
        (b"id,label\n", "no rows"),
        (b"id\na\n", "needs an id column and a label column"),
        (b"id,id\na,x\n", "name of its own"),
        (b"id,label,other\na,x,1\n", "found 2: label, other"),
        (b"id,Usage\na,Public\n", "found 0: none"),
        (b"id,label\na,x\na,y\n", "the lines 2 and 3"),
        (b"id,label\n,x\nb,y\n", "Line 2 of the solution has no id"),
        (b"id,label\na,x\nb,\nc,y\n", "Line 3 of the solution has no label"),
        (b"id,label\na,x\nb, y\n", "spaces around it"),
        (b"id,label\na,x\nb,y,z\n", "Line 3 of the solution has 3 values"),
        (b"id,label\na,x\nb,x\n", "at least two classes"),
        (b"id,label,Usage\na,x,Public\nb,y,Secret\n", "Line 3 of the solution: Usage must be"),
        (b"id,label,Usage\na,x,Public\nb,y,Public\n", "one Public and one Private"),
        (b"id,label\na,x\nb," + b"y" * 2000, "longer than 1024"),
        (b'id,label\na,x\n"b,y\n', "cannot be read"),
    ],
)
def test_refused(data, words):
    with pytest.raises(SolutionError, match=words):
        Solution.read(data)


def test_refused_calls():
    data = b"id,label\na,x\nb,y\n"
    with pytest.raises(SolutionError, match="no column 'image', only: id, label"):
        Solution.read(data, id_column="image")
    with pytest.raises(SolutionError, match=r"Line 3 .* not in the list of classes"):
        Solution.read(data, classes=["x", "z"])
    with pytest.raises(SolutionError, match="same name twice"):
        Solution.read(data, classes=["x", "y", "x"])


def test_sample_submission_as_template():
    labels = Template.read(b"label,id\nx,1\nx,2\n", id_column="id", classes=["x", "y"])
    assert labels == Template(("id", "label"), ("1", "2"), ("x", "y"), "labels")
    numbers = Template.read(b"id,x,y\n1,0.5,0.5\n")
    assert numbers == Template(("id", "x", "y"), ("1",), ("x", "y"), "probabilities", "shares")


@pytest.mark.parametrize(
    "sample", [b"", b"id\n1\n", b"id,label\n", b"id,label\n1,x\n1,x\n", b"id,label\n1\n"]
)
def test_sample_submission_refused(sample):
    with pytest.raises(SolutionError, match="sample submission"):
        Template.read(sample)


def test_a_column_that_repeats_is_refused_at_once():
    """Twenty thousand equal ids once took seconds, and a million would have taken an hour."""
    rows = b"".join(b"dog,%d\n" % (at % 10) for at in range(60_000))
    with pytest.raises(SolutionError, match="the id 'dog' in the lines 2 and 3"):
        Solution.read(b"id,label\n" + rows)
