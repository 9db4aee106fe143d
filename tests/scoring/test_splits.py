"""Splits whose groups stay together, and the seals of splits and of the solution."""

import hashlib
import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from scoring import SpecError, commitment
from scoring.splits import given_commitment, salt_from, solution_commitment, split_ids
from scoring.terminal import app

QUICK = settings(deadline=None, max_examples=50)
SEED = bytes(range(16))
ROWS = "id,label,Usage\na,x,Public\nb,y,Private\nc,x,Ignored\n"


@pytest.fixture
def split(tmp_path):
    """``split(solution, …)``: the command's answer, and the file that it wrote."""

    def run(solution, *more):
        (tmp_path / "S.csv").write_text(solution)
        files = ("--solution", str(tmp_path / "S.csv"), "--out", str(tmp_path / "O.csv"))
        done = CliRunner().invoke(app, ["split", *files, "--seed", SEED.hex(), "--json", *more])
        return done, tmp_path / "O.csv"

    return run


def test_a_given_split_is_kept_and_sealed_with_its_usage(split):
    done, out = split(ROWS, "--given")
    usage = {"a": "Public", "b": "Private", "c": "Ignored"}
    found = json.loads(done.stdout)
    assert out.read_text() == ROWS
    assert (found["public"], found["private"], found["ignored"]) == (1, 1, 1)
    assert found["commitment"] == given_commitment(SEED, usage)
    assert found["commitment"] == commitment(SEED, ["c,Ignored", "a,Public", "b,Private"])


def test_the_seal_of_a_given_split_changes_with_every_usage():
    usage = {"a": "Public", "b": "Private"}
    seals = {given_commitment(SEED, {**usage, "a": word}) for word in ("Public", "Private")}
    assert len(seals) == 2


def test_nothing_given_is_an_error_of_the_call(split):
    done, out = split("id,label\na,x\nb,y\n", "--given")
    assert (done.exit_code, "Usage column" in done.stderr) == (2, True)
    assert not out.exists()


def rows_of(n, seed):
    """Ids, labels and groups of about four rows, most of them of one label."""
    draw = random.Random(seed)  # noqa: S311
    groups = [f"g{draw.randrange(max(1, n // 4))}" for _ in range(n)]
    labels = [("abc"[len(name) % 3] if draw.random() < 0.8 else "b") for name in groups]
    return [f"{at}.png" for at in range(n)], labels, groups


@QUICK
@given(st.integers(2, 80), st.floats(0.05, 0.95), st.integers(0, 99))
def test_the_rows_of_a_group_stay_together_whatever_the_order(n, fraction, seed):
    rows = list(zip(*rows_of(n, seed), strict=True))
    ids, labels, groups = zip(*rows, strict=True)
    public = split_ids(ids, labels, fraction, SEED, groups)
    sides = {(group, name in public) for name, group in zip(ids, groups, strict=True)}
    assert len(sides) == len(set(groups))
    random.Random(n).shuffle(rows)  # noqa: S311
    ids, labels, groups = zip(*rows, strict=True)
    assert split_ids(ids, labels, fraction, SEED, groups) == public


@QUICK
@given(st.integers(2, 80), st.floats(0.05, 0.95), st.integers(0, 99))
def test_a_row_in_a_group_of_its_own_splits_as_without_groups(n, fraction, seed):
    ids, labels, _ = rows_of(n, seed)
    assert split_ids(ids, labels, fraction, SEED, ids) == split_ids(ids, labels, fraction, SEED)


@QUICK
@given(st.lists(st.integers(1, 9), min_size=1, max_size=30), st.floats(0.05, 0.95))
def test_a_class_misses_its_share_by_half_a_group_that_does_not_fit(sizes, fraction):
    groups = [f"g{at}" for at, size in enumerate(sizes) for _ in range(size)]
    ids = [f"{at}.png" for at in range(len(groups))]
    public = split_ids(ids, ["x"] * len(ids), fraction, SEED, groups)
    taken = {groups[ids.index(name)] for name in public}
    left = [size for at, size in enumerate(sizes) if f"g{at}" not in taken]
    missed = abs(len(public) - int(fraction * len(ids) + 0.5))
    assert missed <= (min(left) / 2 if left else max(sizes) / 2)


def test_a_large_group_does_not_crowd_out_the_small_ones():
    # whichever comes first by HMAC, 30 of 200 rows are to be had without the group of 100
    for seed in range(20):
        groups = ["large"] * 100 + [f"small{at}" for at in range(100)]
        ids = [str(at) for at in range(200)]
        public = split_ids(ids, ["x"] * 200, 0.15, bytes([seed] * 16), groups)
        assert len(public) == 30
        assert public.isdisjoint(ids[:100])


def test_a_group_that_fits_exactly_is_taken_when_it_comes_first():
    groups = ["two"] * 2 + ["three"] * 3 + ["five"] * 5
    ids = [str(at) for at in range(10)]
    sizes = [len(split_ids(ids, ["x"] * 10, 0.3, bytes([seed] * 16), groups)) for seed in range(20)]
    # the three rows wanted, or two where the group of two comes before
    assert set(sizes) == {2, 3}


def test_groups_reference():
    ids = [f"img_{at:03d}.png" for at in range(20)]
    labels = [str(at % 4 // 2) for at in range(20)]
    groups = [f"video_{at // 3}" for at in range(20)]
    public = split_ids(ids, labels, 0.3, SEED, groups)
    # Class 0, 4 of 12 rows: video 5 comes first, and no other group of 3 fits or brings it nearer.
    # Class 1, 2 of 8 rows: video 2 has 3 and comes first, video 6 has 2 and fits.
    assert sorted(public) == [f"img_{at:03d}.png" for at in range(15, 20)]


@pytest.mark.parametrize(("mixed", "public"), [("ba", 0), ("bb", 2), ("ab", 0)])
def test_a_group_counts_for_its_commonest_label_the_smallest_of_equals(mixed, public):
    # in a class of its own, a group of two cannot come near half of two rows
    labels, groups = [*mixed, "b", "b"], ["g", "g", "h", "h"]
    assert len(split_ids(["1", "2", "3", "4"], labels, 0.5, SEED, groups)) == public


def test_groups_are_named_for_every_row():
    with pytest.raises(ValueError, match="zip"):
        split_ids(["1", "2"], ["a", "a"], 0.5, SEED, ["g"])


def test_the_solutions_seal_is_the_hash_of_salt_and_file():
    solution = b"id,label\n1,cat\n"
    assert solution_commitment(SEED, solution) == hashlib.sha256(SEED + solution).hexdigest()
    assert solution_commitment(bytes(16), solution) != solution_commitment(SEED, solution)
    assert solution_commitment(SEED, solution + b" ") != solution_commitment(SEED, solution)


@pytest.mark.parametrize("salt", [b"", bytes(15), bytes(17)])
def test_the_solutions_salt_has_one_length(salt):
    with pytest.raises(SpecError, match="exactly 16"):
        solution_commitment(salt, b"id,label\n")


def test_both_seals_can_be_checked_with_the_seed(split):
    done, out = split(ROWS, "--given")
    found = json.loads(done.stdout)
    assert found["salt"] == salt_from(SEED).hex()
    assert found["solution_commitment"] == solution_commitment(salt_from(SEED), out.read_bytes())


def test_groups_stay_together(split):
    rows = "".join(f"{at},{'xy'[at % 2]},{at // 4}\n" for at in range(80))
    done, out = split(f"id,label,video\n{rows}", "--group-column", "video", "--fraction", "0.5")
    lines = out.read_text().splitlines()
    assert lines[0] == "id,label,Usage"
    usages = [line.rsplit(",", 1)[1] for line in lines[1:]]
    assert json.loads(done.stdout)["public"] == usages.count("Public") == 40
    assert all(len(set(usages[at : at + 4])) == 1 for at in range(0, 80, 4))


@pytest.mark.parametrize("form", ["sets", "columns"])
def test_sets_are_stratified_by_their_rarest_label(split, form):
    sets = [("c", "r c", "")[0 if at % 10 else 1 + (at % 20 > 0)] for at in range(200)]
    if form == "sets":
        rows = "".join(f"{at},{cell}\n" for at, cell in enumerate(sets))
        done, out = split(f"id,tags\n{rows}", "--sets", "--fraction", "0.5")
    else:
        rows = "".join(
            f"{at},{int('c' in cell)},{int('r' in cell)}\n" for at, cell in enumerate(sets)
        )
        done, out = split(f"id,c,r\n{rows}", "--fraction", "0.5")
    assert json.loads(done.stdout)["public"] == 100
    lines = out.read_text().splitlines()
    assert lines[0] == ("id,tags,Usage" if form == "sets" else "id,c,r,Usage")
    public = [sets[at] for at, line in enumerate(lines[1:]) if line.endswith("Public")]
    assert {cell: public.count(cell) for cell in set(sets)} == {"c": 90, "r c": 5, "": 5}
    assert [line.rsplit(",", 1)[0] for line in lines[1:]] == rows.splitlines()  # as they stood
