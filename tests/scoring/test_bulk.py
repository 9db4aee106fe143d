"""The fast reading and the careful one agree: same values bit for bit, and nothing wrong passes."""

import math
from contextlib import contextmanager
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring import Template
from scoring.reading import blocks, bulk, read
from scoring.reading.blocks import Unclear
from tests.scoring.readings import agree, outcome, same
from tests.scoring.right_files import LAYOUTS, Case, cases, large, letters, styles, write

QUICK = settings(deadline=None, max_examples=60)
# bytes of a block, and from how many bytes on threads read it
SIZES = st.sampled_from([(1 << 18, 4 << 20), (64, 4 << 20), (64, 0), (1, 0), (200, 0)])


@contextmanager
def blocks_of(size, threaded):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "SIZE", size)
        patch.setattr(bulk, "THREADED", threaded)
        yield


@pytest.mark.parametrize(("layout", "numbers"), LAYOUTS)
@settings(deadline=None, max_examples=30)
@given(data=st.data(), style=styles(), sizes=SIZES)
def test_a_right_file_is_taken_in_bulk_with_the_same_values(layout, numbers, data, style, sizes):
    case = data.draw(cases(layout, numbers))
    with blocks_of(*sizes):
        values = agree(write(case, style), case.template)
    assert values is not None
    assert len(values) == len(case.rows)


awkward = st.lists(
    st.text('ab,"\n\u00e9 ', min_size=1, max_size=6) | st.just("y" * 129) | st.just("\u00e9" * 65),
    min_size=1,
    max_size=6,
    unique=True,
)


@QUICK
@given(st.sampled_from(LAYOUTS), st.data(), styles(), SIZES)
def test_ids_with_marks_or_very_long_ones_are_read_with_care(form, data, style, sizes):
    case = data.draw(cases(*form, names=awkward))
    text = write(case, style)
    with blocks_of(*sizes):
        agree(text, case.template)
        values, problems = outcome(read, text, case.template)
    assert problems is None
    assert len(values) == len(case.rows)


any_label = st.text(letters) | st.sampled_from([" ", "   ", "\t", "\u00a0", "\x1f", "\x7f", " x"])


@QUICK
@given(cases("labels", "any"), st.lists(any_label, min_size=1, max_size=9), styles(), SIZES)
def test_where_no_classes_are_known_any_label_passes_that_is_not_blank(case, labels, style, sizes):
    rows = [(row[0], labels[at % len(labels)]) for at, row in enumerate(case.rows)]
    anything = Case(replace(case.template, classes=()), rows)
    blank = any(not label.strip() for _, label in rows)
    with blocks_of(*sizes):
        values = agree(write(anything, style), anything.template)
        _, problems = outcome(read, write(anything, style), anything.template)
    assert (problems is not None) is blank
    assert values is None or not blank


def drop_line(data, at, new):
    lines = data.splitlines(keepends=True)
    at = 1 + at % len(lines)  # the header is left; dropping what is not there changes nothing
    return b"".join(lines[:at] + lines[at + 1 :])


def double_line(data, at, new):
    lines = data.split(b"\n")
    return b"\n".join([*lines, lines[at % len(lines)]])


def change_byte(data, at, new):
    at %= len(data)
    return data[:at] + new + data[at + 1 :]


def insert_byte(data, at, new):
    at %= len(data) + 1
    return data[:at] + new + data[at:]


def delete_byte(data, at, new):
    at %= len(data)
    return data[:at] + data[at + 1 :]


def swap_bytes(data, at, new):
    at %= len(data)
    return data[:at] + data[at : at + 2][::-1] + data[at + 2 :]


CORRUPTIONS = [drop_line, double_line, change_byte, insert_byte, delete_byte, swap_bytes]
single_bytes = st.sampled_from(b'\n\r,", .-+e019a\x00\x80\xe9\xff\t').map(
    lambda byte: bytes([byte])
)


@pytest.mark.parametrize(("layout", "numbers"), LAYOUTS)
@settings(deadline=None, max_examples=40)
@given(
    data=st.data(),
    style=styles(),
    sizes=SIZES,
    corrupt=st.sampled_from(CORRUPTIONS),
    at=st.integers(0, 1 << 20),
    new=single_bytes | st.binary(min_size=1, max_size=1),
)
def test_no_corruption_passes_that_the_careful_reading_would_find(
    layout, numbers, data, style, sizes, corrupt, at, new
):
    case = data.draw(cases(layout, numbers))
    with blocks_of(*sizes):
        agree(corrupt(write(case, style), at, new), case.template)


LABELS = Template(("id", "label"), ("a", "b", "c"), ("x", "y", "no z"))


@pytest.mark.parametrize(
    "rows",
    [
        b"a,x\nb,y\nc,x\r",
        b"a,x\nb,y\nc,x\n\r\r\n",
        b"a,x\nb,y\r\r\nc,x\n",
        b"a,x\nb\n,y\nc,x\n",
        b"a,x,b\ny\nc,x\n",
        b"a,x\n\nb,y\nc,x\n",
        b"a,x\na,x\nc,x\n",
        b"a,x\nb,y\nc,x\nc,x\n",
        b"a,x\nb,y\n",
        b'a,x"\nb,y\nc,"x\n',
        b'a,"x\nb",y\nc,x\n',
        b'"a,x\nb",y\nc,x\n',
        b'"a","x""\n"b,y\nc,x\n',
        b'a,""x\nb,y\nc,x""\n',
        b'a,x""\nb,y\nc,x\n',
        b'a,"x" \nb,y\nc,x\n',
        b'a,x\nb,y\nc,x\n""',
        b'a,x\nb,y\nc,x\n""\n',
        b'a, "x"\nb,y\nc,x\n',
        b'a,"x""y"\nb,y\nc,x\n',
        b'""a,x\nb,y\nc,x\n',
        b'"a"b,x\nb,y\nc,x\n',
        b"a,x \nb,y\nc,x\n",
        b"a,no  z\nb,y\nc,x\n",
        b"a,no\nb,y\nc,x\n",
        b"a,\nb,y\nc,x\n",
        b",x\nb,y\nc,x\n",
        b"a,x\nb,y\nc,\xc3\n",
        b"a,x\nb,y\nc,x\x80\n",
    ],
)
@pytest.mark.parametrize("size", [1, 4, 64])
def test_what_the_fast_reading_must_not_take(rows, size):
    with blocks_of(size, 0):
        assert agree(b"id,label\na,x\nb,no z\nc,y\n", LABELS).tolist() == [0, 2, 1]
        assert agree(b"id,label\n" + rows, LABELS) is None
    assert outcome(read, b"id,label\n" + rows, LABELS)[1]


NO_NUMBERS = ("nan", "", " 0.5", "0.5 ", "1e400", "-1e400", "-inf", "0.5.", "0,5")
WRONG_CELLS = [
    ("score", "any", "0.5", NO_NUMBERS),
    ("score", "unit", "1", (*NO_NUMBERS, "-0.5", "1.5", "-5e-324", "1.0000000000000002")),
    ("probabilities", "any", "1,1", ("1,nan", "1e400,1", "1,", ",1", "1", "1,1,1")),
    ("probabilities", "unit", "1,0", ("1,-1e-9", "1.5,0", "-1,-1")),
    ("probabilities", "unit", "1.00,0.00", ("1.01,0.00", "9.99,0.00", "0.99,-.01")),
    ("probabilities", "shares", "1.00,0.00", ("0.00,0.00",)),
    ("probabilities", "binary", "1.0,0.0", ("1.0,0.5", "2.0,0.0", "1.0;0.0")),
    (
        "probabilities",
        "shares",
        "1,2",
        ("0,0", "-0,0.0", "0.1,-0.1", "2,-1", "-1,-1", "1e308,1e308"),
    ),
    ("probabilities", "binary", "1,0", ("0.5,0", "1,2", "-1,0", "1,1e-300", "10,0", "True,0")),
    ("ranked", "any", "x y", ("", " ", "   ", "x  z", "xy", "x\ty", "x\u00a0y", "x,y", "x y?")),
    ("sets", "any", "", ("x  z", "xy", "x\ty", "x\u00a0y", "x,y", "x y?", "\u00a0")),
]


@pytest.mark.parametrize(
    ("layout", "numbers", "right", "wrong"),
    [(*form, cell) for *form, cells in WRONG_CELLS for cell in cells],
)
def test_cells_that_the_fast_reading_must_not_take(layout, numbers, right, wrong):
    columns = ("x", "y") if layout == "probabilities" else ("answer",)
    template = Template(("id", *columns), ("a", "b", "c"), ("x", "y"), layout, numbers, 2)
    rows = [f"{name},{right}" for name in "abc"]
    assert agree("\n".join([",".join(template.header), *rows]).encode(), template) is not None
    for at in range(3):
        changed = [f"{name},{wrong if place == at else right}" for place, name in enumerate("abc")]
        file = "\n".join([",".join(template.header), *changed]).encode()
        assert agree(file, template) is None
        assert outcome(read, file, template)[1]


SMALL_FILES = [
    ("labels", "any", "id,label\nn1.x,a\nn3.x,b\nn5.x,a\n"),
    ("labels", "any", "id,label\n01,a\n03,b\n10,a\n"),
    ("labels", "any", "label,id\na b,u\nbc,v\na b,w\n"),
    ("score", "unit", "id,p\nu,0.25\nv,1\nw,1e-1\n"),
    ("probabilities", "unit", "id,a,b\n1,0.25,1.00\n3,0.50,0.75\n"),
    ("probabilities", "shares", "b,id,a\n0.2,u,1.0\n0.5,v,0.1\n"),
    ("probabilities", "shares", "id,b,a\nu,0.2,1.0\nv,0.5,0.1\n"),
    ("probabilities", "binary", "id,a,b\nu,0.0,1.0\nv,1.0,1.0\n"),
    ("ranked", "any", "id,p\nu,a b\nv,b\nw,a\n"),
    ("sets", "any", "id,p\nu,a b\nv,\nw,a\n"),
]
MARKS = [mark.encode() for mark in ("\n", ",", '"', " ", ".", "/", ":", "0", "2", "a")]


def single_changes(data, start):
    """Every byte behind the header replaced, deleted, swapped with a near one, or pushed on."""
    for at in range(start, len(data)):
        before, byte, behind = data[:at], data[at : at + 1], data[at + 1 :]
        yield before + behind
        for mark in MARKS:
            yield before + mark + behind
            yield before + mark + byte + behind
        for far in range(10):
            yield before + behind[far : far + 1] + behind[:far] + byte + behind[far + 1 :]


@pytest.mark.parametrize(("layout", "numbers", "text"), SMALL_FILES)
def test_every_single_change_of_a_small_file(layout, numbers, text):
    header, *rows = (line.split(",") for line in text.splitlines())
    columns = [name for name in header if name != "id"]
    classes = columns if layout == "probabilities" else ["a", "b"]
    if any("bc" in row for row in rows):
        classes = ["a b", "bc"]
    known = [row[header.index("id")] for row in rows]
    template = Template(("id", *columns), known, tuple(classes), layout, numbers, 2)
    assert agree(text.encode(), template) is not None
    for changed in set(single_changes(text.encode(), text.index("\n") + 1)):
        agree(changed, template)


@pytest.mark.parametrize(
    "rows",
    [
        b"a,b,0.25,1.00\nc,0.50,0.50\n",
        b"c,0.50,0.50\na,b,0.25,1.00\n",
        b"a,b,0.25,1.00\nc 0.50,0.50\n",
        b"a,b 0.25,1.00\nc,0.50,0.50\n",
        b"a,b,0.25 1.00\nc,0.50,0.50\n",
    ],
)
def test_an_id_with_a_comma_needs_quotes(rows):
    template = Template(("id", "x", "y"), ("a,b", "c"), ("x", "y"), "probabilities", "unit")
    assert agree(b"id,x,y\n" + rows, template) is None
    assert outcome(read, b"id,x,y\n" + rows, template)[1]
    labels = Template(("id", "label"), ("a,b", "c"), ("x", "y"))
    assert agree(b"id,label\na,b,x\nc,y\n", labels) is None
    assert agree(b"id,label\na,b,x\nc;y\n", labels) is None
    assert read(b'id,label\n"a,b",x\nc,y\n', labels).tolist() == [0, 1]


def test_an_empty_id_is_known_where_the_challenge_has_one():
    template = replace(LABELS, ids=("a", "", "c"))
    assert agree(b"id,label\na,x\n,y\nc,x\n", template).tolist() == [0, 1, 0]
    assert agree(b"id,label\na,x\nb,y\nc,x\n", template) is None
    assert agree(b"id,label\nc,x\n,y\n,x\n", template) is None


@pytest.mark.parametrize("name", [" ", "\u00a0", "\t", "\u2028", "-1", "nan", "a" * 128, "b" * 129])
def test_class_names_that_look_like_mistakes(name):
    template = replace(LABELS, classes=("x", name))
    agree(f"id,label\na,{name}\nb,x\nc,{name}\n".encode(), template)
    values = read(f"id,label\na,{name}\nb,x\nc,{name}\n".encode(), template)
    assert values.tolist() == [1, 0, 1]


@pytest.mark.parametrize(
    "top", ["9e307", "8.9e307", "1.7976931348623157e308", "1e300", "1e308", "4e292"]
)
@pytest.mark.parametrize("columns", [2, 3, 20])
def test_probabilities_at_the_end_of_what_a_number_can_hold(top, columns):
    classes = tuple(f"c{at}" for at in range(columns))
    template = Template(("id", *classes), ("a", "b"), classes, "probabilities", "shares")
    head, tops = ",".join(template.header), [top] * columns
    values = agree(f"{head}\na,{','.join(tops)}\nb,1{',0' * (columns - 1)}\n".encode(), template)
    assert (values is not None) is math.isfinite(sum(map(float, tops)))


def test_a_list_may_be_as_long_as_all_names_together_whatever_their_bytes():
    classes = tuple(f"\u540d\u524d{at:03d}" for at in range(300))
    template = Template(("id", "tags"), ("a", "b"), classes, "sets")
    whole = " ".join(classes)
    for cell in (whole, f"{whole} ", f" {whole} ", f"{whole} {classes[0]}"):
        fits = len(cell) <= template.longest_field
        values = agree(f"id,tags\na,{cell}\nb,\n".encode(), template)
        assert (values is not None) is fits
    assert len(whole.encode()) > template.longest_field


def test_after_a_wrong_block_no_other_is_begun(monkeypatch):
    """What is thrown keeps its block alive, so many wrong ones would add up."""
    begun = []

    def read_lines(text, form):
        begun.append(text)
        raise Unclear

    monkeypatch.setattr(bulk, "read_lines", read_lines)
    with blocks_of(1, 0):
        assert agree(b"id,label\n" + b"a,x\n" * 500, LABELS) is None
    assert 0 < len(begun) <= bulk.MAX_THREADS


@pytest.mark.parametrize(("layout", "numbers"), LAYOUTS)
def test_files_of_many_blocks_in_threads(layout, numbers):
    case, rng = large(layout, numbers)
    style = {"rng": rng, "newline": "\n", "bom": False, "quoted": 0, "swapped": False, "end": "\n"}
    ordered = write(case, {**style, "shuffled": False})
    shuffled = write(case, {**style, "shuffled": True})
    with blocks_of(1 << 12, 0):
        values = agree(ordered, case.template)
        assert values is not None
        assert same(values, agree(shuffled, case.template))
        wrong = shuffled[:-1] + b"?"
        assert agree(wrong, case.template) is None
