"""The seals: what was published before the start holds for what was scored, or it is said."""

import csv
import io

import pytest
from django.utils import timezone

from competitions import files, final, lifecycle, preparing, reveal, seal, tasks
from competitions.models import Competition, SolutionVersion
from scoring import commitment
from scoring.splits import given_commitment, salt_from, solution_commitment
from tests.competitions.zips import solution_csv


@pytest.fixture
def over(prepared):
    """``over()``: a challenge that was prepared, opened and closed."""

    def run(**uploads):
        where = prepared(**uploads)
        lifecycle.open_now(where, despite="no baseline in this test")
        lifecycle.close_now(where)
        return Competition.objects.get(pk=where.pk)

    return run


def given():
    """The organiser's own split: the first row of each class is public."""
    rows = list(csv.reader(io.StringIO(solution_csv().decode())))
    seen = set()
    lines = [[*rows[0], "Usage"]]
    for name, label in rows[1:]:
        lines.append([name, label, "Private" if label in seen else "Public"])
        seen.add(label)
    return written(lines)


def written(rows):
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def stored(version):
    return list(csv.reader(io.StringIO(files.read("solutions", version.path).decode())))


def seed_of(version):
    return files.read("solutions", preparing.seed_path(version.commitment))


def replace(version, rows, *, seal_too=False):
    """Another file in the place of the solution, by somebody who can write everywhere."""
    data = written(rows)
    kept = files.store_bytes("solutions", data)
    fields = {"path": kept.path, "sha256": kept.sha256}
    if seal_too:
        fields["label_seal"] = solution_commitment(salt_from(seed_of(version)), data)
    SolutionVersion.objects.filter(pk=version.pk).update(**fields)


def other_label(rows):
    first, second = rows[1], next(row for row in rows[2:] if row[1] != rows[1][1])
    first[1], second[1] = second[1], first[1]


def other_usage(rows):
    first, second = rows[1], next(row for row in rows[2:] if row[2] != rows[1][2])
    first[2], second[2] = second[2], first[2]


def checked(where):
    fresh = Competition.objects.get(pk=where.pk)
    return next(check for check in reveal.checklist(fresh) if check.name == "seal")


def sentence(where):
    return SolutionVersion.objects.filter(competition=where).first().verification


@pytest.mark.parametrize("solution", [solution_csv, given])
def test_an_untouched_challenge_is_verified_and_its_seed_told_after_the_reveal(over, solution):
    where = over(solution=solution())
    assert seal.verify(where.pk)
    version = SolutionVersion.objects.get()
    assert (version.verification, version.seed) == ("", "")
    assert checked(where).is_done
    reveal.reveal(where)
    assert seal.unverified() == [where.pk]
    tasks.verify_seal(where.pk)
    version.refresh_from_db()
    # what anybody computes again from what is told
    seed = bytes.fromhex(version.seed)
    rows = stored(version)[1:]
    drawn, fixed = (
        commitment(seed, [row[0] for row in rows]),
        given_commitment(seed, {row[0]: row[2] for row in rows}),
    )
    assert version.commitment == (fixed if solution is given else drawn)
    data = files.read("solutions", version.path)
    assert version.label_seal == solution_commitment(salt_from(seed), data)
    assert seal.unverified() == []


@pytest.mark.parametrize("solution", [solution_csv, given])
@pytest.mark.parametrize("change", [other_label, other_usage])
def test_one_label_or_one_row_on_the_other_side_breaks_the_seal(over, solution, change):
    where = over(solution=solution())
    rows = stored(where.solution)
    change(rows)
    replace(where.solution, rows)
    assert seal.verify(where.pk) is False
    assert sentence(where) == seal.OTHER_LABELS.format(1)
    assert (checked(where).is_done, checked(where).sentence) == (False, sentence(where))


@pytest.mark.parametrize(
    ("solution", "expected"), [(solution_csv, seal.OTHER_DRAW), (given, seal.OTHER_SPLIT)]
)
def test_rows_that_changed_sides_show_even_under_a_new_seal_of_the_labels(over, solution, expected):
    where = over(solution=solution())
    rows = stored(where.solution)
    other_usage(rows)
    replace(where.solution, rows, seal_too=True)
    assert seal.verify(where.pk) is False
    assert sentence(where) == expected


def test_a_row_that_is_gone_breaks_the_split(over):
    where = over()
    replace(where.solution, stored(where.solution)[:-1], seal_too=True)
    seal.verify(where.pk)
    assert sentence(where) == seal.OTHER_SPLIT


def test_what_is_missing_is_said_and_looked_for_again(over):
    where = over()
    version = where.solution
    path = preparing.seed_path(version.commitment)
    seed = seed_of(version)
    files.delete("solutions", path)
    seal.verify(where.pk)
    assert sentence(where) == seal.NO_SEED
    assert seal.unverified() == []
    SolutionVersion.objects.update(verified_at=timezone.now() - 2 * seal.AGAIN_AFTER)
    assert seal.unverified() == [where.pk]
    files.storage("solutions").save(path, io.BytesIO(seed))
    solution = files.read("solutions", version.path)
    files.delete("solutions", version.path)
    seal.verify(where.pk)
    assert sentence(where) == seal.NO_FILE.format(1)
    files.store_bytes("solutions", solution)
    assert seal.verify(where.pk)
    SolutionVersion.objects.update(label_seal="")
    seal.verify(where.pk)
    assert sentence(where) == seal.NOT_SEALED


def corrected(where, change):
    """A second version of the solution, sealed when it came."""
    version = where.solution
    rows = stored(version)
    change(rows)
    version.pk, version.version = None, 2
    version.save()
    replace(version, rows, seal_too=True)
    where.solution = version
    where.save()


def ignored(rows):
    other_label(rows)
    rows[3][2] = "Ignored"


def test_corrected_labels_are_said_to_have_been_sealed_later(over):
    where = over()
    first = SolutionVersion.objects.get()
    corrected(where, ignored)
    assert seal.verify(where.pk)
    told = final.results(Competition.objects.get(pk=where.pk))["seal"]
    assert told["verified"]
    assert first.label_seal in told["note"]
    assert "corrected" in told["note"]


def test_a_correction_moves_no_row_and_hides_no_change_of_the_first_labels(over):
    where = over()
    corrected(where, other_usage)
    seal.verify(where.pk)
    assert sentence(where) == seal.OTHER_ROWS.format(2)
    first = SolutionVersion.objects.get(version=1)
    rows = stored(first)
    other_label(rows)
    replace(first, rows)
    seal.verify(where.pk)
    assert sentence(where) == seal.OTHER_LABELS.format(1)


def test_the_sweep_has_challenges_verified_that_are_over(prepared, valkey):
    where = prepared()
    assert SolutionVersion.objects.get().label_seal
    lifecycle.open_now(where, despite="no baseline in this test")
    tasks.sweep()
    assert valkey.client.llen(tasks.INSIGHT) == 0
    lifecycle.close_now(where)
    tasks.sweep()
    assert valkey.client.llen(tasks.INSIGHT) == 1
    tasks.verify_seal(where.pk)
    assert SolutionVersion.objects.get().verified_at is not None
    tasks.sweep()
    assert valkey.client.llen(tasks.INSIGHT) == 1
