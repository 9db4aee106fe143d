"""The fast reading and the careful one agree: same values bit for bit, and nothing wrong passes."""

import random
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring import Template
from scoring.reading import blocks, bulk, read
from tests.scoring.readings import agree, outcome, same

QUICK = settings(deadline=None, max_examples=80)
KINDS = {
    "labels": ["any"],
    "score": ["any", "unit"],
    "probabilities": ["any", "unit", "shares", "binary"],
    "ranked": ["any"],
    "sets": ["any"],
}
LAYOUTS = [(layout, numbers) for layout, kinds in KINDS.items() for numbers in kinds]
# bytes of a block, and from how many bytes on threads read it
SIZES = st.sampled_from([(1 << 18, 4 << 20), (64, 4 << 20), (64, 0), (1, 0), (200, 0)])


@contextmanager
def blocks_of(size, threaded):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "SIZE", size)
        patch.setattr(bulk, "THREADED", threaded)
        yield


@dataclass(frozen=True)
class Case:
    """A right file as cells, and the template it is right for."""

    template: Template
    rows: list[tuple[str, ...]]


letters = st.characters(codec="utf-8", exclude_characters='\x00\n\r,"')
ids_of_one_family = st.builds(
    lambda start, ends: [start + end for end in ends],
    st.sampled_from(["", "img_", "\u00e9\u00e8", "x" * 8, "0" * 15, "a b "]),
    st.lists(st.text("ab0 .\u00e9", min_size=1, max_size=20), min_size=1, max_size=6),
)
beginnings_of_each_other = st.text(letters, min_size=4, max_size=40).map(
    lambda name: [name[:size] for size in range(1, len(name) + 1)][:9]
)
ids = st.one_of(
    st.lists(st.text(letters, min_size=1, max_size=12), min_size=1, max_size=9),
    ids_of_one_family,
    beginnings_of_each_other,
).map(lambda names: [*dict.fromkeys(names)])
class_names = st.sampled_from(
    ["{}", "c{}", "Klasse-\u00df{}", "\u540d\u524d{}", "\U0001f431{}", "k" * 30 + "{}"]
)
finite = st.floats(allow_nan=False, allow_infinity=False)
TEXTS = {
    "any": st.one_of(
        finite.map(repr), st.integers(-999, 99999).map(str), finite.map("{:.24e}".format)
    ),
    "unit": st.floats(0, 1).map(repr)
    | st.floats(0, 1).map("{:.6f}".format)
    | st.sampled_from("01"),
    "shares": st.one_of(
        st.floats(0, 1).map(repr), st.floats(0, 1).map("{:.4f}".format), st.integers(0, 9).map(str)
    ),
    "binary": st.sampled_from(
        ["0", "1", "0.0", "1.0", "1e0", "-0", "0e5", "10e-1", "0.00", "1.000"]
    ),
}


@st.composite
def cases(draw, layout, numbers, names=ids):
    known = draw(names)
    wide = layout == "probabilities"
    size = draw(st.sampled_from([2, 2, 3, 3, 10, 300] if wide else [2, 5, 127, 128, 300]))
    classes = tuple(draw(class_names).format(at) for at in range(size))
    columns = classes if layout == "probabilities" else ("answer",)
    depth = draw(st.sampled_from([1, 2, 5])) if layout == "ranked" else 1
    template = Template(("id", *columns), known, classes, layout, numbers, depth)
    pool = draw(st.lists(TEXTS[numbers], min_size=1, max_size=12))
    rng = draw(st.randoms(use_true_random=False))
    return Case(template, [(name, *cells(template, pool, rng)) for name in known])


def cells(template, pool, rng):
    """What stands beside an id."""
    match template.layout:
        case "labels":
            return [rng.choice(template.classes)]
        case "score":
            return [rng.choice(pool)]
        case "probabilities":
            found = rng.choices(pool, k=len(template.classes))
            if template.numbers == "shares":
                found[rng.randrange(len(found))] = rng.choice(["1", "0.5", "5e-324", "1e-3"])
            return found
    labels = rng.choices(template.classes, k=rng.randint(template.layout == "ranked", 6))
    spaces = ["", " ", "   "]
    inside = "".join(label + " " * rng.randint(1, 3) for label in labels).strip(" ")
    return [rng.choice(spaces) + inside + rng.choice(spaces)]


@st.composite
def styles(draw):
    """A way to write a table."""
    return {
        "rng": draw(st.randoms(use_true_random=False)),
        "newline": draw(st.sampled_from(["\n", "\r\n"])),
        "bom": draw(st.booleans()),
        "quoted": draw(st.sampled_from([0, 0, 0.3, 1])),  # share of the cells
        "shuffled": draw(st.booleans()),
        "swapped": draw(st.booleans()),
        "end": draw(st.sampled_from(["", "\n", "\r\n", "\n\n\r\n"])),
    }


def write(case, style):
    rng, rows = style["rng"], list(case.rows)
    order = list(range(len(case.template.header)))
    if style["shuffled"]:
        rng.shuffle(rows)
    if style["swapped"]:
        rng.shuffle(order)

    def cell(text):
        whole = rng.random() < style["quoted"] or any(mark in text for mark in '\n\r,"')
        return '"' + text.replace('"', '""') + '"' if whole else text

    lines = [",".join(cell(row[at]) for at in order) for row in [case.template.header, *rows]]
    text = style["newline"].join(lines) + style["end"]
    return (b"\xef\xbb\xbf" if style["bom"] else b"") + text.encode()


@pytest.mark.parametrize(("layout", "numbers"), LAYOUTS)
@settings(deadline=None, max_examples=40)
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
@settings(deadline=None, max_examples=60)
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
    head = ",".join(template.header)
    agree(f"{head}\na,{','.join([top] * columns)}\nb,1{',0' * (columns - 1)}\n".encode(), template)


def test_a_list_may_be_as_long_as_all_names_together_whatever_their_bytes():
    classes = tuple(f"\u540d\u524d{at:03d}" for at in range(300))
    template = Template(("id", "tags"), ("a", "b"), classes, "sets")
    whole = " ".join(classes)
    for cell in (whole, f"{whole} ", f" {whole} ", f"{whole} {classes[0]}"):
        fits = len(cell) <= template.longest_field
        values = agree(f"id,tags\na,{cell}\nb,\n".encode(), template)
        assert (values is not None) is fits
    assert len(whole.encode()) > template.longest_field


def large(layout, numbers, rows=1500, columns=12):
    """A file of several blocks."""
    draw = np.random.default_rng(0)
    classes = tuple(f"class {at}" if layout == "labels" else f"class_{at}" for at in range(columns))
    names = [f"test/img_{at:06d}.png" for at in range(rows)]
    head = classes if layout == "probabilities" else ("answer",)
    template = Template(("id", *head), names, classes, layout, numbers, 3)
    pool = {"binary": ["0", "1"]}.get(numbers, [repr(float(each)) for each in draw.random(99)])
    rng = random.Random(0)  # noqa: S311
    return Case(template, [(name, *cells(template, pool, rng)) for name in names]), rng


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
