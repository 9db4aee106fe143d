"""Every reason to refuse a file, with the line and the remedy."""

from dataclasses import replace

import pytest

from scoring import ProblemCode, Solution, Spec, Template, check, evaluate, layouts
from scoring.decoding import MAX_FIELD

SOLUTION = Solution.read(
    b"id,label,Usage\n001.png,cat,Public\n002.png,dog,Private\n003.png,ship,Private\n",
    classes=["cat", "dog", "ship"],
)
_, LABELS = layouts.template(SOLUTION, Spec("accuracy"))
_, PROBABILITIES = layouts.template(SOLUTION, Spec("log_loss"))
GOOD = b"id,label\n001.png,cat\n002.png,dog\n003.png,cat\n"
ROWS = b"001.png,1,0,0\n002.png,0.2,0.3,0.5\n003.png,0,1e-2,1\n"
GOOD_PROBABILITIES = b"id,cat,dog,ship\n" + ROWS


def first(data, template=LABELS):
    problems, _ = check(data, template)
    assert problems, "the file passed"
    return problems[0]


REFUSED = {
    ProblemCode.EMPTY_FILE: (b"\xef\xbb\xbf \r\n", None, "is empty"),
    ProblemCode.NOT_TEXT: (b"\x89PNG\r\n\x1a\n\x00", None, "an image renamed to .csv"),
    ProblemCode.NOT_UTF8: (b"id,label\n001.png,c\xe4t\n", 2, "UTF-8"),
    ProblemCode.BARE_CARRIAGE_RETURN: (GOOD.replace(b"\n", b"\r"), 1, "LF or CRLF"),
    ProblemCode.BAD_QUOTES: (GOOD.replace(b"dog", b'"dog'), 3, "not closed"),
    ProblemCode.INDEX_COLUMN: (b",id,label\n0,001.png,cat\n", 1, "index=False"),
    ProblemCode.WRONG_HEADER: (GOOD.replace(b"label", b"Label"), 1, "must be: id,label"),
    ProblemCode.DUPLICATE_COLUMN: (b"id,label,label\n", 1, "'label' occurs twice"),
    ProblemCode.NO_ROWS: (b"id,label\n", None, "no rows"),
    ProblemCode.TOO_MANY_ROWS: (GOOD + b"001.png,cat\n", 5, "already in line 2"),
    ProblemCode.EMPTY_LINE: (GOOD.replace(b"002", b"\n002"), 3, "Delete it"),
    ProblemCode.WRONG_FIELD_COUNT: (GOOD.replace(b"dog", b"dog,1"), 3, "has 3 values"),
    ProblemCode.LINE_TOO_LONG: (GOOD.replace(b"dog", b"," * 5_000_000), 3, "line break"),
    ProblemCode.FIELD_TOO_LONG: (GOOD.replace(b"dog", b"d" * 2000), 3, "longer than 1024"),
    ProblemCode.EMPTY_ID: (GOOD.replace(b"002.png", b""), 3, "id is missing"),
    ProblemCode.UNKNOWN_ID: (GOOD.replace(b"002", b"004"), 3, "'004.png' is not among"),
    ProblemCode.DUPLICATE_ID: (GOOD.replace(b"003", b"001"), 4, "already in line 2"),
    ProblemCode.MISSING_IDS: (GOOD[:-12], None, "1 id is missing: '003.png'"),
    ProblemCode.EMPTY_LABEL: (GOOD.replace(b"dog", b" "), 3, "id '002.png' is missing"),
    ProblemCode.UNKNOWN_CLASS: (GOOD.replace(b"dog", b"Dgo"), 3, "Did you mean 'dog'?"),
    ProblemCode.CLASS_INDEX: (GOOD.replace(b"dog", b"1"), 3, "Write the class name"),
}
REFUSED_NUMBERS = {
    ProblemCode.BAD_NUMBER: (b"0.3", b"nan", 3, "'nan' in the column 'dog'"),
    ProblemCode.NEGATIVE_NUMBER: (b"0.3", b"-0.3", 3, "is negative"),
    ProblemCode.BAD_ROW_SUM: (b"png,1,0", b"png,0,0", 2, "add up to nothing"),
}

REFUSED_KINDS = {
    ProblemCode.NUMBER_ABOVE_ONE: ("unit", b"1.5", "'1.5' in the column 'dog'"),
    ProblemCode.NOT_ZERO_OR_ONE: ("binary", b"0.5", "neither 0 nor 1"),
}
ELSEWHERE = {ProblemCode.TOO_LARGE, ProblemCode.METRIC_REFUSED}  # below; test_custom.py
_CODES = list(ProblemCode)
OF_MODELS = _CODES[_CODES.index(ProblemCode.MODEL_TOO_LARGE) :]  # tests/scoring/sandbox


def test_every_code_is_provoked_here():
    assert {*REFUSED, *REFUSED_NUMBERS, *REFUSED_KINDS, *ELSEWHERE, *OF_MODELS} == set(_CODES)


@pytest.mark.parametrize("code", REFUSED_KINDS)
def test_refused_by_the_kind_of_number(code):
    kind, cell, words = REFUSED_KINDS[code]
    template = replace(PROBABILITIES, numbers=kind)
    good = b"id,cat,dog,ship\n001.png,1,0,0\n002.png,0,1,0\n003.png,0,1,1\n"
    assert check(good, template) == ([], 0)
    problem = first(good.replace(b"002.png,0,1", b"002.png,0," + cell), template)
    assert (problem.code, problem.line) == (code, 3)
    assert words in problem.message


@pytest.mark.parametrize("code", REFUSED)
def test_refused(code):
    data, line, words = REFUSED[code]
    problems, more = check(data, LABELS)
    assert code in [problem.code for problem in problems]
    assert more == 0
    assert problems[0].line == line
    assert words in problems[0].message


@pytest.mark.parametrize("code", REFUSED_NUMBERS)
def test_refused_number(code):
    old, new, line, words = REFUSED_NUMBERS[code]
    problem = first(GOOD_PROBABILITIES.replace(old, new), PROBABILITIES)
    assert (problem.code, problem.line) == (code, line)
    assert words in problem.message


def test_too_large():
    problems, _ = check(GOOD, LABELS, max_bytes=len(GOOD) - 1)
    assert [problem.code for problem in problems] == [ProblemCode.TOO_LARGE]
    assert check(GOOD, LABELS, max_bytes=len(GOOD)) == ([], 0)


@pytest.mark.parametrize(
    "data",
    [
        GOOD,
        GOOD[:-1],
        GOOD + b"\n\r\n",
        GOOD.replace(b"\n", b"\r\n"),
        b"\xef\xbb\xbf" + GOOD,
        b"label,id\ncat,003.png\ndog,002.png\ncat,001.png\n",
        b'"id","label"\n"001.png","cat"\n002.png,dog\n003.png,"cat"\n',
    ],
)
def test_accepted(data):
    assert check(data, LABELS) == ([], 0)
    assert evaluate(data, SOLUTION, Spec("accuracy")).score == 2 / 3


NOT_NUMBERS = """nan inf -inf Infinity 1e400 1_000 \u0663 +1 .5 1. 01 0x1 1e 1e0001 1,0 True 0.5%
= 1d0 \u00bd"""


@pytest.mark.parametrize("text", NOT_NUMBERS.split())
def test_numbers_that_python_or_pandas_would_take(text):
    data = GOOD_PROBABILITIES.replace(b"0.3", text.encode())
    assert first(data, PROBABILITIES).line == 3


@pytest.mark.parametrize("text", ["0", "-0", "0.0", "1e5", "1E-300", "123.456e+07", "0e0"])
def test_numbers_that_are_taken(text):
    assert check(GOOD_PROBABILITIES.replace(b"0.3", text.encode()), PROBABILITIES) == ([], 0)


@pytest.mark.parametrize(
    ("cell", "remedy"),
    [
        ("002", "Write the file extension too: '002.png'"),
        ("test/002.png", "Leave out the folder: '002.png'"),
        ("test\\002.png", "Leave out the folder: '002.png'"),
        ("2.png", "Keep the leading zeros: '002.png'"),
        (" 002.png", "Remove the spaces"),
        ("cat", "Copy the ids from the sample submission"),
    ],
)
def test_hint_for_an_id(cell, remedy):
    assert remedy in first(GOOD.replace(b"002.png", cell.encode())).message


def test_hint_for_an_extension_that_should_not_be():
    template = Template(("id", "label"), ("1", "2"), ("0", "1"))
    assert (
        "Leave out the file extension: '1'" in first(b"id,label\n1.png,0\n2,1\n", template).message
    )


@pytest.mark.parametrize(
    ("cell", "remedy"),
    [("DOG", "'dog'?"), ("dog ", "Remove the spaces"), ("zebra", "Write one of: cat,dog")],
)
def test_hint_for_a_class(cell, remedy):
    assert remedy in first(GOOD.replace(b"dog", cell.encode())).message


def test_hint_for_a_float_where_classes_are_numbers():
    template = Template(("id", "label"), ("a",), ("0", "1"))
    assert "whole number: '1'" in first(b"id,label\na,1.0\n", template).message


@pytest.mark.parametrize(("header", "word"), [(b"id;label", "semicolons"), (b"id\tlabel", "tabs")])
def test_hint_for_a_separator(header, word):
    assert word in first(header + GOOD[8:]).message


def test_at_most_twenty_problems_and_the_summary_among_them():
    ids = [f"{i}.png" for i in range(100)]
    template = Template(("id", "label"), tuple(ids), ("cat", "dog"))
    data = "id,label\n" + "".join(f"{name},cow\n" for name in ids[:90])
    problems, more = check(data.encode(), template)
    assert (len(problems), more) == (20, 71)
    assert problems[-1].code is ProblemCode.MISSING_IDS
    assert "10 ids are missing: '90.png', '91.png', '92.png', ..." in problems[-1].message


def test_too_many_rows_says_how_many_are_expected():
    problems, _ = check(GOOD + b"004.png,cat\n" * 50, LABELS)
    assert [problem.code for problem in problems] == ["unknown_id", "too_many_rows"]
    assert "the 3 expected" in problems[-1].message


def test_right_number_of_commas_in_the_wrong_rows():
    data = b"id,label\n001.png,cat,002.png\ndog\n003.png,cat\n"
    assert first(data).code is ProblemCode.WRONG_FIELD_COUNT


def test_lines_are_counted_through_quoted_line_breaks():
    assert first(GOOD.replace(b"cat\n002", b'"c\nat"\n002')).line == 2
    problems, _ = check(GOOD.replace(b"cat\n002.png,dog", b'"c\nat"\n002.png,dgo'), LABELS)
    assert [problem.line for problem in problems] == [2, 4]


def test_cells_are_repeated_cut_and_escaped():
    message = first(GOOD.replace(b"dog", b"\x1b[31m" + b"x" * 900)).message
    assert "\x1b" not in message
    assert len(message) < 250


@pytest.mark.parametrize(
    "data",
    [
        b"," * 500_000 + b"\n",
        b'"' * 200_001,
        b"id,label\n" + b"\n" * 2_000_000,
        b"id,label\n" + b",\n" * 1_000_000,
        b"id,label\n001.png," + b"x" * 131_073,
        b'id,label\n001.png,"' + b"x\n" * 500_000,
        b"id," + b"l" * 5_000_000,
        b"\xff\xfei\x00d\x00",
        b"PK\x03\x04" + bytes(100),
        bytes(1_000_000),
    ],
    ids=range(10),
)
def test_hostile(data):
    problems, _ = check(data, LABELS)
    assert problems
    assert all(len(problem.message) < 400 for problem in problems)


def test_a_number_may_be_long_but_not_for_ever():
    long = b"0." + b"3" * MAX_FIELD
    problem = first(GOOD_PROBABILITIES.replace(b"0.3", long), PROBABILITIES)
    assert problem.code is ProblemCode.FIELD_TOO_LONG


def test_unknown_classes_let_any_label_pass():
    template = Template.read(GOOD)
    assert check(GOOD.replace(b"dog", b"zebra"), template) == ([], 0)
    assert first(GOOD.replace(b"dog", b""), template).code is ProblemCode.EMPTY_LABEL


@pytest.mark.parametrize("cell", ["DOG", "zebra", "do", "1"])
def test_class_names_that_follow_from_the_solution_are_not_told(cell):
    solution = Solution.read(b"id,label\n001.png,cat\n002.png,dog\n003.png,ship\n")
    _, template = layouts.template(solution, Spec("accuracy"))
    message = first(GOOD.replace(b"dog", cell.encode()), template).message
    assert not any(f"{name}" in message.replace(cell, "") for name in ("cat", "dog", "ship"))
