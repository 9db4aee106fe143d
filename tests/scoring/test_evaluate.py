"""The one door: reports, refusals, and what never leaves."""

import random
import string

import pytest

from scoring import InvalidSubmission, Solution, SolutionError, Spec, SpecError, evaluate, wilson

DATA = b"id,label,Usage\na,x,Public\nb,y,Public\nc,x,Private\nd,y,Private\ne,x,Ignored\n"
SOLUTION = Solution.read(DATA)
GUESS = b"id,label\ne,y\nd,y\nc,y\nb,y\na,y\n"


def test_report():
    report = evaluate(GUESS, SOLUTION, Spec("accuracy"))
    assert (report.metric, report.direction) == ("accuracy", "maximize")
    assert (report.score, report.public, report.private) == (0.5, 0.5, 0.5)
    assert (report.rows, report.public_rows, report.private_rows) == (4, 2, 2)
    assert report.public_interval == wilson(0.5, 2)


def test_report_without_split():
    report = evaluate(b"id,label\na,x\nb,x\n", Solution.read(b"id,label\na,x\nb,y\n"), Spec("f1"))
    assert report.score == pytest.approx(1 / 3)
    assert (report.public, report.private, report.public_interval) == (None, None, None)


def test_probabilities_by_name_of_the_column():
    rows = "".join(f"{name},1,3\n" for name in "abcde")
    report = evaluate(f"id,y,x\n{rows}".encode(), SOLUTION, Spec("log_loss"))
    swapped = "".join(f"{name},3,1\n" for name in "abcde")
    assert evaluate(f"id,x,y\n{swapped}".encode(), SOLUTION, Spec("log_loss")) == report
    assert report.direction == "minimize"


def test_ignored_rows_change_nothing_but_must_be_there():
    other = GUESS.replace(b"e,y", b"e,x")
    assert evaluate(other, SOLUTION, Spec("f1")) == evaluate(GUESS, SOLUTION, Spec("f1"))
    with pytest.raises(InvalidSubmission, match="1 id is missing: 'e'"):
        evaluate(GUESS.replace(b"e,y\n", b""), SOLUTION, Spec("f1"))


def test_refusal_reads_as_sentences():
    with pytest.raises(InvalidSubmission) as caught:
        evaluate(b"id,label\na,z\n", SOLUTION, Spec("accuracy"))
    assert str(caught.value).startswith("Line 2: 'z' (id 'a') is not a class of this challenge.")
    assert str(caught.value).count("\n") == 1
    assert "3 more problems" in str(InvalidSubmission(caught.value.problems, 3))


def test_calls_that_are_wrong():
    with pytest.raises(SpecError, match=r"no metric 'acuracy'\. Choose one of: accuracy"):
        Spec("acuracy")
    with pytest.raises(SpecError, match="does not take the parameter 'k'"):
        Spec("accuracy", {"k": 3})


def test_the_byte_cap_is_the_spec_s():
    with pytest.raises(InvalidSubmission, match="larger than 10 bytes"):
        evaluate(GUESS, SOLUTION, Spec("accuracy", max_bytes=10))


def test_a_solution_in_which_nothing_counts():
    solution = Solution.read(b"id,label,Usage\na,x,Public\nb,y,Private\n")
    solution.counted[:] = False
    with pytest.raises(SolutionError, match="No row of the solution counts"):
        evaluate(b"id,label\na,x\nb,y\n", solution, Spec("accuracy"))


def malformed(rng, ids):
    """A file with something wrong in it, made without the solution."""
    rows = [f"{name},{rng.choice(['cat', '', '7', 'zz'])}" for name in ids]
    rng.shuffle(rows)
    text = "id,label\n" + "\n".join(rows[: rng.randrange(len(rows))])
    at = rng.randrange(len(text))
    return (text[:at] + rng.choice('",\n\r\x00;e') + text[at:]).encode()


def test_no_label_in_any_sentence():
    rng = random.Random(5)  # noqa: S311
    ids = [f"{at}.png" for at in range(40)]
    labels = ["".join(rng.choices(string.ascii_letters, k=16)) for _ in ids]
    lines = "".join(f"{name},{label}\n" for name, label in zip(ids, labels, strict=True))
    solution = Solution.read(f"id,label\n{lines}".encode())
    for _ in range(300):
        with pytest.raises(InvalidSubmission) as caught:
            evaluate(malformed(rng, ids), solution, Spec("accuracy"))
        assert not any(label in str(caught.value) for label in labels)
