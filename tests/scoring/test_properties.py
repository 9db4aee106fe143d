"""What must hold for every file: the form does not matter, one wrong byte does."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from scoring import InvalidSubmission, Solution, Spec, check, evaluate, layouts

CLASSES = ("ant", "bee", "cow")
QUICK = settings(deadline=None, max_examples=50)


@st.composite
def tables(draw):
    """Ids, truth and a guess for each."""
    ids = draw(
        st.lists(
            st.text("abc123._- é", min_size=1, max_size=6), min_size=2, max_size=8, unique=True
        )
    )
    ids = list(dict.fromkeys(name.strip() for name in ids))
    rows = st.lists(st.sampled_from(CLASSES), min_size=len(ids), max_size=len(ids))
    return [name or "x y" for name in ids], draw(rows), draw(rows)


@st.composite
def forms(draw):
    """A way to write the same table."""
    return {
        "shuffle": draw(st.integers(0, 99)),
        "newline": draw(st.sampled_from(["\n", "\r\n"])),
        "bom": draw(st.booleans()),
        "quotes": draw(st.booleans()),
        "swap": draw(st.booleans()),
        "last": draw(st.booleans()),
    }


def write(header, rows, form):
    rows = list(rows)
    random.Random(form["shuffle"]).shuffle(rows)  # noqa: S311
    mark = '"' if form["quotes"] else ""
    order = slice(None, None, -1 if form["swap"] else 1)
    lines = [",".join(f"{mark}{cell}{mark}" for cell in row[order]) for row in [header, *rows]]
    text = form["newline"].join(lines) + (form["newline"] if form["last"] else "")
    return (b"\xef\xbb\xbf" if form["bom"] else b"") + text.encode()


PLAIN = {"shuffle": 0, "newline": "\n", "bom": False, "quotes": False, "swap": False, "last": True}


def solution_of(ids, truth):
    lines = [f"{name},{label}" for name, label in zip(ids, truth, strict=True)]
    return Solution.read(("id,label\n" + "\n".join(lines)).encode(), classes=CLASSES)


@QUICK
@given(tables(), forms())
def test_the_form_of_the_file_does_not_change_the_score(table, form):
    ids, truth, guess = table
    solution = solution_of(ids, truth)
    rows = list(zip(ids, guess, strict=True))
    plain = evaluate(write(("id", "label"), rows, PLAIN), solution, Spec("f1"))
    assert evaluate(write(("id", "label"), rows, form), solution, Spec("f1")) == plain


@QUICK
@given(tables(), forms(), st.randoms(use_true_random=True))
def test_the_form_does_not_change_probabilities(table, form, rng):
    ids, truth, _ = table
    solution = solution_of(ids, truth)
    rows = [(name, *(repr(rng.uniform(0.01, 1)) for _ in CLASSES)) for name in ids]
    plain = evaluate(write(("id", *CLASSES), rows, PLAIN), solution, Spec("log_loss"))
    assert evaluate(write(("id", *CLASSES), rows, form), solution, Spec("log_loss")) == plain


def drop_row(rng, header, rows):
    rows.pop(rng.randrange(len(rows)))


def double_row(rng, header, rows):
    rows.append(rng.choice(rows))


def double_id(rng, header, rows):
    rows[0] = (rows[1][0], rows[0][1])


def change_id(rng, header, rows):
    at = rng.randrange(len(rows))
    rows[at] = (rows[at][0] + "?", rows[at][1])


def change_label(rng, header, rows):
    at = rng.randrange(len(rows))
    rows[at] = (rows[at][0], rng.choice(["", "elk", "0", "ant ", "Bee", "'ant'", "nan"]))


def add_field(rng, header, rows):
    at = rng.randrange(len(rows))
    rows[at] = (*rows[at], "")


def drop_field(rng, header, rows):
    at = rng.randrange(len(rows))
    rows[at] = rows[at][:1]


def change_header(rng, header, rows):
    header[rng.randrange(2)] += rng.choice(["s", " ", ","])


CORRUPTIONS = [
    drop_row, double_row, double_id, change_id, change_label, add_field, drop_field, change_header,
]  # fmt: skip


@QUICK
@given(tables(), forms(), st.sampled_from(CORRUPTIONS), st.randoms(use_true_random=True))
def test_any_single_corruption_is_refused(table, form, corrupt, rng):
    ids, truth, guess = table
    if len(ids) < 2:
        return
    header, rows = ["id", "label"], list(zip(ids, guess, strict=True))
    corrupt(rng, header, rows)
    _, template = layouts.template(solution_of(ids, truth), Spec("accuracy"))
    problems, _ = check(write(header, rows, form), template)
    assert problems


@QUICK
@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader(data):
    solution = solution_of(["a", "b"], ["ant", "bee"])
    for metric in ("accuracy", "log_loss"):
        try:
            evaluate(data, solution, Spec(metric))
        except InvalidSubmission as error:
            assert error.problems


@QUICK
@given(st.text('idlabe,"\r\n\x00\x85\u2028 antbec1.', max_size=60))
def test_no_text_breaks_the_reader(text):
    solution = solution_of(["a", "b"], ["ant", "bee"])
    try:
        evaluate(b"id,label\n" + text.encode(), solution, Spec("accuracy"))
    except InvalidSubmission as error:
        assert error.problems


@QUICK
@given(tables(), st.integers(0, 999))
def test_private_labels_cannot_move_the_public_score(table, seed):
    ids, truth, guess = table
    if len(ids) < 2:
        return
    usage = ["Public", "Private", *["Private"] * (len(ids) - 2)]
    submission = write(("id", "label"), zip(ids, guess, strict=True), PLAIN)
    scores = set()
    for relabelled in (truth, [truth[0], *random.Random(seed).choices(CLASSES, k=len(ids) - 1)]):  # noqa: S311
        rows = zip(ids, relabelled, usage, strict=True)
        data = "id,label,Usage\n" + "".join(f"{','.join(row)}\n" for row in rows)
        solution = Solution.read(data.encode(), classes=CLASSES)
        scores.add(evaluate(submission, solution, Spec("f1")).public)
    assert len(scores) == 1
