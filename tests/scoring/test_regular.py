"""Short cuts of the fast reading: numbered ids, single letters, decimals of one length.

They are taken by most files, so a file that only looks regular must not slip through.
"""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring import Template
from scoring.reading import blocks, bulk
from scoring.reading.blocks import Lines
from scoring.reading.forms import FORMS
from scoring.reading.numbered import NumberTable
from scoring.vocabulary import Vocabulary
from tests.scoring.readings import agree

QUICK = settings(deadline=None, max_examples=60)
FAMILIES = ["{}", "{:05d}", "img_{}.png", "{:08d}.jpg", "0{}", "test-{:03d}-b", "x" * 8 + "{}"]


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr(blocks, "SIZE", 256)


def names_of(family, numbers):
    return [family.format(number) for number in numbers]


def table(names):
    return Vocabulary(names).derived(NumberTable.of)


@pytest.mark.parametrize("family", [family for family in FAMILIES if family != "0{}"])
def test_numbered_names_are_found_and_no_others(family):
    numbers = random.Random(1).sample(range(900), 300)  # noqa: S311
    names = names_of(family, numbers)
    known = table(names)
    assert known is not None
    asked = [*names[::-1], *names[:5]]
    lines = Lines("\n".join(asked).encode())
    assert known.find(lines, *lines.bounds()).tolist() == [*range(299, -1, -1), *range(5)]
    strangers = [family.format(number) for number in range(900, 903)]
    near = [name + "0" for name in names[:3]] + ["0" + name for name in names[:3]]
    near += [name[1:] for name in names[:3]] + [name[:-1] for name in names[:3]]
    for name in {*strangers, *near, "1_0", "+1", "\u0663"} - set(names):
        lines = Lines(f"{names[0]}\n{name}".encode())
        assert known.find(lines, *lines.bounds()) is None, name


@pytest.mark.parametrize(
    "names",
    [
        ["1", "01"],
        ["05", "0123"],
        ["1", "2", "x"],
        ["a1", "b2"],
        ["1.png", "2.jpg"],
        ["1", "99999999"],
        ["123456789", "987654321"],
        ["x" * 9 + "1", "x" * 9 + "2"],
        ["", "1"],
        ["\u00e9"],
    ],
)
def test_names_that_are_not_simply_numbered(names):
    assert table(names) is None


TEXTS = {
    "six": "{:.6f}",
    "four": "{:.4f}",
    "eight": "{:.8f}",
    "twelve": "{:.12f}",
    "sixteen": "{:.16f}",
    "one": "{:.1f}",
}


@QUICK
@given(
    st.sampled_from([("labels", "any"), ("probabilities", "shares"), ("probabilities", "any")]),
    st.sampled_from(FAMILIES),
    st.sampled_from(sorted(TEXTS)),
    st.integers(2, 12),
    st.randoms(use_true_random=True),
)
def test_the_short_cuts_give_what_the_careful_reading_gives(form, family, text, columns, rng):
    layout, numbers = form
    classes = tuple("0123456789ab"[:columns])
    names = names_of(family, rng.sample(range(500), 40))
    head = classes if layout == "probabilities" else ("label",)
    template = Template(("id", *head), names, classes, layout, numbers)
    rows = [cells(rng, template, TEXTS[text], name) for name in names]
    rng.shuffle(rows)
    file = "\n".join([",".join(template.header), *rows]) + "\n"
    assert agree(file.encode(), template) is not None
    changed = corrupted(rng, file, len(",".join(template.header)) + 1)
    agree(changed.encode(), template)


def cells(rng, template, text, name):
    if template.layout == "labels":
        return f"{name},{rng.choice(template.classes)}"
    return ",".join([name, *(text.format(0.05 + 0.9 * rng.random()) for _ in template.classes)])


def corrupted(rng, file, start):
    """One character changed, put in or taken out, or two of them exchanged."""
    at = rng.randrange(start, len(file))
    other = rng.choice("0123456789.,\n-e +ab\u00e9")
    match rng.randrange(4):
        case 0:
            return file[:at] + other + file[at + 1 :]
        case 1:
            return file[:at] + other + file[at:]
        case 2:
            return file[:at] + file[at + 1 :]
        case _:
            there = rng.randrange(start, len(file))
            first, last = sorted((at, there))
            middle = file[first + 1 : last]
            return file[:first] + file[last : last + 1] + middle + file[first] + file[last + 1 :]


@pytest.mark.parametrize(
    "rows",
    [
        "1,0.5,0.5\n2,0.25,0.5\n3,0.5,0.5",  # one cell longer, as long as the rest of its row
        "1,0.5,0.5\n2,0.5,0.5,0.5\n3,0.5",
        "1,0.5,0.5\n,0.5,0.5\n3,0.5,0.5",
        "1,0.5,0.5\n2,0,5.0.5\n3,0.5,0.5",
        "1,0.5,0.5\n2,0.5;0.5\n3,0.5,0.5",
        "1,0.5,0.5\n2,00.,0.5\n3,0.5,0.5",
        "1,0.5,0.5\n2,0.5,.05\n3,0.5,0.5",
    ],
)
def test_rows_that_only_look_regular(rows):
    template = Template(("id", "x", "y"), ("1", "2", "3"), ("x", "y"), "probabilities", "shares")
    values = agree(f"id,x,y\n{rows}\n".encode(), template)
    assert (values is None) is (rows.count("0.25") == 0)


def test_the_short_cuts_are_taken():
    names = [str(at) for at in range(50)]
    labels = Template(("id", "label"), names, ("0", "1"))
    text = "".join(f"{at},{at % 2}\n" for at in range(50)).encode()
    assert FORMS["labels"](labels, ["id", "label"]).regular(Lines(text)) is not None
    shares = Template(("id", "0", "1"), names, ("0", "1"), "probabilities", "shares")
    text = "".join(f"{at},{at / 64:.6f},1.000000\n" for at in range(50)).encode()
    form = FORMS["probabilities"](shares, ["id", "0", "1"])
    assert form.regular(Lines(text)) is not None
    assert bulk.read(b"id,0,1\n" + text, 7, form).tolist() == [[at / 64, 1] for at in range(50)]
    assert FORMS["labels"](labels, ["label", "id"]).regular(Lines(b"1,2\n")) is None
