"""Known names are found in bulk, and nothing else is; a vocabulary is a sequence like any other."""

import random
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.reading.blocks import Block, Unclear
from scoring.reading.forms import places_of
from scoring.vocabulary import MAX_WORDS, Vocabulary
from tests.scoring.right_files import numbered

QUICK = settings(deadline=None, max_examples=80)
LONGEST = 8 * MAX_WORDS  # bytes

# what may stand in a plain cell
characters = st.characters(codec="utf-8", exclude_characters='\x00\n\r,"')
# the same first words for many, so that the last bytes must be looked at
beginnings = st.sampled_from(
    ["", "1234567", "12345678", "x" * 16, "x" * 24, "\u00e9" * 4, "\U0001f600" * 20]
)
endings = st.text(characters, max_size=5) | st.text("ab", max_size=9)
names = st.builds(str.__add__, beginnings, endings).filter(bool)
lists_of_names = st.lists(names, min_size=1, max_size=40, unique=True) | numbered()


def find(vocabulary, queries):
    """The places of the queries, as a file with one column is read; None when one is unknown."""
    block = Block("".join(f"{query}\n" for query in queries).encode(), 1)
    try:
        return places_of(vocabulary, block, block.starts[:, 0], block.ends[:, 0]).tolist()
    except Unclear:
        return None


@QUICK
@given(lists_of_names, st.data())
def test_known_names_are_found_in_any_order(known, data):
    queries = data.draw(st.lists(st.sampled_from(known), min_size=1, max_size=60))
    vocabulary = Vocabulary(known)
    assert find(vocabulary, known) == list(range(len(known)))
    assert find(vocabulary, queries) == [known.index(query) for query in queries]


@QUICK
@given(lists_of_names, names, st.data())
def test_an_unknown_name_is_found_nowhere(known, other, data):
    near = data.draw(st.sampled_from(known))
    cut = data.draw(st.integers(0, len(near)))
    strangers = [other, near + other, near[:cut], near[cut:], near.swapcase(), near * 2]
    strangers += [
        near[:cut] + mark + near[cut + more :] for mark in "019a:/\u0661" for more in (0, 1)
    ]
    stranger = data.draw(st.sampled_from(strangers))
    queries = list(known)
    queries.insert(data.draw(st.integers(0, len(known))), stranger)
    if stranger in known:
        assert find(Vocabulary(known), queries) == [known.index(query) for query in queries]
    else:
        assert find(Vocabulary(known), queries) is None
        assert find(Vocabulary(known), [stranger]) is None


@pytest.mark.parametrize(
    ("known", "stranger"),
    [("12345678", "12345678 "), ("a", ""), ("x" * LONGEST, "x" * (LONGEST + 1)), ("a", "a" * 9)],
)
def test_a_name_is_not_its_beginning(known, stranger):
    for queries in ([stranger], [known, stranger], [stranger, known]):
        assert find(Vocabulary([known]), queries) is None
        assert find(Vocabulary([known, "b"]), [*queries, "b"]) is None


@pytest.mark.parametrize("size", [1, 7, 8, 9, 15, 16, 17, 63, 64, 65, LONGEST - 1, LONGEST])
def test_names_of_every_length_beside_short_ones(size):
    known = ["b", "a" * size, "a" * (size - 1) + "c"]
    vocabulary = Vocabulary(known)
    assert find(vocabulary, known[::-1]) == [2, 1, 0]
    assert find(vocabulary, ["a" * (size - 1) + "b"] if size > 1 else ["d"]) is None
    assert find(vocabulary, ["a" * (size + 1)]) is None


@pytest.mark.parametrize(
    "name", ["a" * (LONGEST + 1), "\u00e9" * (LONGEST // 2 + 1), "a\x00", "\x00"]
)
def test_names_that_cannot_be_found_in_bulk_leave_it_to_the_dict(name):
    vocabulary = Vocabulary(["a", name])
    assert vocabulary.table is None
    assert find(vocabulary, ["a"]) is None
    assert vocabulary.places == {"a": 0, name: 1}


def test_the_longest_name_is_counted_in_bytes():
    assert Vocabulary(["\u00e9" * (LONGEST // 2)]).table is not None


def test_one_very_long_name_does_not_make_them_all_long():
    vocabulary = Vocabulary([*map(str, range(100_000)), "x" * 100_000])  # 10 GB as an array
    assert vocabulary.table is None


@pytest.mark.parametrize(
    "pattern",
    ["{}", "{:06d}", "img_{:06d}.png", "val/class_7/ILSVRC2012_val_{:08d}.JPEG", "\u00e9{}"],
)
def test_many_names(pattern):
    known = [pattern.format(at) for at in range(300_000)]
    vocabulary = Vocabulary(known)
    table = vocabulary.table
    assert table is not None
    order = np.random.default_rng(0).permutation(len(known))
    assert np.array_equal(table.find(table.words), np.arange(len(known)))
    assert np.array_equal(table.find(table.words[order]), order)
    strange = table.words[order]
    strange[150_000, -1] ^= np.uint64(1 << 63)  # no digit any more
    assert table.find(strange) is None
    shuffled = [known[at] for at in order[:50_000]]
    assert find(vocabulary, shuffled) == order[:50_000].tolist()
    for wrong in ("", "x", pattern.format(300_000), pattern.format(-1), f"{shuffled[0]}0"):
        assert find(vocabulary, [*shuffled[:9], wrong]) is None


def test_looking_up_nothing():
    assert Vocabulary(["a"]).table.find(np.zeros((0, 1), np.uint64)).tolist() == []
    empty = Vocabulary([])
    assert (len(empty), list(empty), empty.places) == (0, [], {})
    assert find(empty, ["a"]) is None
    assert find(empty, [""]) is None


@QUICK
@given(st.lists(st.text(max_size=5), unique=True), st.data())
def test_a_vocabulary_is_a_sequence(known, data):
    vocabulary = Vocabulary(iter(known))
    assert isinstance(vocabulary, Sequence)
    assert (len(vocabulary), list(vocabulary), list(reversed(vocabulary))) == (
        len(known),
        known,
        known[::-1],
    )
    assert vocabulary.places == {name: at for at, name in enumerate(known)}
    start, stop = data.draw(st.integers(-9, 9)), data.draw(st.integers(-9, 9))
    assert vocabulary[start:stop] == tuple(known[start:stop])
    for at, name in enumerate(known):
        assert (vocabulary[at], vocabulary[at - len(known)]) == (name, name)
        assert (vocabulary.index(name), vocabulary.count(name)) == (at, 1)
        assert name in vocabulary
    assert "longer than any of them" not in vocabulary
    assert None not in vocabulary
    with pytest.raises(IndexError):
        vocabulary[len(known)]


@QUICK
@given(st.lists(st.text(max_size=3), unique=True), st.randoms(use_true_random=False))
def test_equality_is_that_of_the_names(known, rng):
    vocabulary = Vocabulary(known)
    for same in (Vocabulary(known), tuple(known), list(known)):
        assert vocabulary == same
        assert same == vocabulary
    assert hash(vocabulary) == hash(tuple(known)) == hash(Vocabulary(known))
    shuffled = random.Random(rng.random()).sample(known, len(known))  # noqa: S311
    assert (vocabulary == shuffled) is (known == shuffled)
    assert vocabulary != [*known, "one more than there are"]
    assert vocabulary != Vocabulary([*known, "one more than there are"])
    assert vocabulary != set(known)
    assert vocabulary != 1


def test_a_vocabulary_is_taken_as_it_is():
    vocabulary = Vocabulary(["a", "b"])
    assert Vocabulary.of(vocabulary) is vocabulary
    assert Vocabulary.of(["a", "b"]) == vocabulary
    assert "2 names" in repr(vocabulary)


@pytest.mark.parametrize(
    ("known", "there"), [(["a", "1"], True), (["a", "1b", ""], False), ([], False)]
)
def test_whether_a_name_is_a_number(known, there):
    assert Vocabulary(known).has_numbers is there
