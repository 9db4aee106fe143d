"""Right files of all five layouts, with odd names, in every form in which one may be written."""

import random
from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from scoring import Template

KINDS = {
    "labels": ["any"],
    "score": ["any", "unit"],
    "probabilities": ["any", "unit", "shares", "binary"],
    "ranked": ["any"],
    "sets": ["any"],
}
LAYOUTS = [(layout, numbers) for layout, kinds in KINDS.items() for numbers in kinds]


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


@st.composite
def numbered(draw):
    """Names that differ in a number alone, with or without leading zeros, with holes or without."""
    before = draw(st.sampled_from(["", "img_", "a1_", "0", "x" * 8, "x" * 9, "\u00e9"]))
    behind = draw(st.sampled_from(["", ".png", "x" * 8, "x" * 9, "_a"]))
    width = draw(st.sampled_from([0, 1, 2, 4, 8, 9]))
    most = draw(st.sampled_from([9, 99, 9999, 10**8]))
    found = draw(st.lists(st.integers(0, most), min_size=1, max_size=9, unique=True))
    return [f"{before}{number:0{width}d}{behind}" for number in draw(st.permutations(found))]


ids = st.one_of(
    numbered(),
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
def equally_long(draw):
    """Numbers of one width."""
    places, more = draw(st.integers(1, 17)), draw(st.lists(st.floats(0, 1), max_size=11))
    return [f"{value:.{places}f}" for value in [1.0, *more]]


@st.composite
def cases(draw, layout, numbers, names=ids):
    known = draw(names)
    wide = layout == "probabilities"
    size = draw(st.sampled_from([2, 2, 3, 3, 10, 300] if wide else [2, 5, 127, 128, 300]))
    classes = tuple(draw(class_names).format(at) for at in range(size))
    columns = classes if layout == "probabilities" else ("answer",)
    depth = draw(st.sampled_from([1, 2, 5])) if layout == "ranked" else 1
    template = Template(("id", *columns), known, classes, layout, numbers, depth)
    pool = draw(st.lists(TEXTS[numbers], min_size=1, max_size=12) | equally_long())
    if numbers == "binary":
        pool = [text for text in pool if float(text) in (0, 1)]
    rng = draw(st.randoms(use_true_random=True))
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
                more = [text for text in pool if float(text) > 0] or ["1", "0.5", "5e-324"]
                found[rng.randrange(len(found))] = rng.choice(more)
            return found
    labels = rng.choices(template.classes, k=rng.randint(template.layout == "ranked", 6))
    spaces = ["", " ", "   "]
    inside = "".join(label + " " * rng.randint(1, 3) for label in labels).strip(" ")
    return [rng.choice(spaces) + inside + rng.choice(spaces)]


@st.composite
def styles(draw):
    """A way to write a table."""
    return {
        "rng": draw(st.randoms(use_true_random=True)),
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
