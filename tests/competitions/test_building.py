"""From labelled images to a challenge that tells nothing of its labels but by its pixels."""

import csv
import gzip
import io
import json
import secrets
import zipfile
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from competitions import files, preparing, seal
from competitions.models import Act, Competition, Finding, Kind, Preparation
from competitions.preparing.leaks import report, settling
from competitions.refusals import NotReady, Refused
from tests.competitions.labelled import idx
from tests.competitions.zips import packed

pytestmark = [pytest.mark.django_db, pytest.mark.once("test_build_pages.py")]
SECRET = "taken-at-the-zoo-in-bern"


def noise(seed: int, size: tuple[int, int] = (24, 24), kind: str = "PNG", shade: int = 0) -> bytes:
    """A picture like no other one, with a note beside its pixels."""
    draw = np.random.default_rng(seed)
    coarse = draw.integers(shade, 256, (6, 6, 3), np.uint8)
    picture = Image.fromarray(coarse).resize(size, Image.Resampling.NEAREST)
    note = PngInfo()
    note.add_text("Comment", SECRET)
    options = {"pnginfo": note} if kind == "PNG" else {"comment": SECRET.encode(), "quality": 90}
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


def folders(each: int = 20, classes: tuple[str, ...] = ("cat", "dog", "owl")) -> dict[str, bytes]:
    return {
        f"{label}/{label}_{n:03d}.png": noise(1000 * at + n)
        for at, label in enumerate(classes)
        for n in range(each)
    }


@pytest.fixture
def built(draft: Competition) -> Callable[..., Competition]:
    """``built(files)``: the draft after these images were built into it."""

    def build(images: Mapping[str, bytes], name: str = "x.zip", **options: Any) -> Competition:
        inbox = preparing.receive_source(draft.pk, [packed(images)], name, **options)
        preparing.prepare(draft.pk, inbox)
        return Competition.objects.get(pk=draft.pk)

    return build


def archive(competition: Competition, name: str) -> zipfile.ZipFile:
    stored = competition.files.get(name=name)
    return zipfile.ZipFile(io.BytesIO(files.read("data", stored.path)))


def solution(competition: Competition) -> list[dict[str, str]]:
    assert competition.solution is not None
    text = files.read("solutions", competition.solution.path).decode()
    return list(csv.DictReader(io.StringIO(text)))


def pixels(data: bytes) -> bytes:
    with Image.open(io.BytesIO(data)) as picture:
        return picture.convert("RGB").tobytes()


# --- what comes out ------------------------------------------------------------------------------


def test_everything_that_a_challenge_needs_is_made(built):
    competition = built(folders())
    assert competition.preparation == Preparation.READY, competition.preparation_note
    names = set(competition.files.values_list("name", flat=True))
    assert {"train.zip", "test.zip", "train.csv", "sample_submission.csv"} <= names
    with archive(competition, "train.zip") as train, archive(competition, "test.zip") as test:
        assert (len(train.namelist()), len(test.namelist())) == (42, 18)
        assert {name.split("/")[0] for name in train.namelist()} == {"cat", "dog", "owl"}
        assert {row["id"] for row in solution(competition)} == set(test.namelist())
    assert competition.image_spec["width"] == [24, 24]
    assert competition.solution.classes == ["cat", "dog", "owl"]
    assert Counter(row["Usage"] for row in solution(competition)) == {"Public": 5, "Private": 13}
    assert seal.verify(competition.pk) is True


def test_every_image_keeps_its_pixels_and_its_class(built):
    images = folders()
    of = {pixels(data): name.split("/")[0] for name, data in images.items()}
    competition = built(images)
    hidden = {row["id"]: row["label"] for row in solution(competition)}
    with archive(competition, "train.zip") as train, archive(competition, "test.zip") as test:
        seen = [(of[pixels(train.read(n))], n.split("/")[0]) for n in train.namelist()]
        seen += [(of[pixels(test.read(n))], hidden[n]) for n in test.namelist()]
    assert len(seen) == len(images)
    assert all(own == given for own, given in seen)


def test_the_pages_are_drafted_and_a_changed_word_is_kept(built, draft):
    competition = built(folders())
    assert "| Training images | 42, each with its class |" in competition.data_page
    Competition.objects.filter(pk=draft.pk).update(overview="My own words.")
    again = built(folders(each=30))
    assert again.overview == "My own words."
    assert "| Training images | 63, each with its class |" in again.data_page


def test_numbers_become_files_of_one_size(built):
    draw = np.random.default_rng(0)
    shapes = draw.integers(0, 256, (60, 5, 5), np.uint8)
    shapes[::2, 1:, 1:] = 0  # plain ones, which would pack to less
    data = {"train-images": idx(shapes), "train-labels": idx(np.arange(60) % 2)}
    competition = built({f"{name}-ubyte": gzip.compress(each) for name, each in data.items()})
    assert competition.preparation == Preparation.READY, competition.preparation_note
    with archive(competition, "test.zip") as test:
        assert len({info.file_size for info in test.infolist()}) == 1


def test_a_class_that_is_no_folders_name_leaves_the_archive_flat(built):
    table = "id,label\n" + "".join(f"{n},{('T-shirt/top', 'Bag')[n % 2]}\n" for n in range(40))
    images = {f"{n}.png": noise(n) for n in range(40)}
    competition = built({**images, "labels.csv": table.encode()})
    with archive(competition, "train.zip") as train:
        assert not any("/" in name for name in train.namelist())
    labels = files.read("data", competition.files.get(name="train.csv").path).decode()
    assert "T-shirt/top" in labels


# --- nothing tells a label (R12, T5) -------------------------------------------------------------


def information(values: np.ndarray, labels: np.ndarray) -> float:
    """Mutual information of two columns of codes, in bits."""
    table = np.zeros((values.max() + 1, labels.max() + 1))
    np.add.at(table, (values, labels), 1)
    joint = table / table.sum()
    alone = joint.sum(1, keepdims=True) * joint.sum(0, keepdims=True)
    some = joint > 0
    return float((joint[some] * np.log2(joint[some] / alone[some])).sum())


def test_names_order_dates_and_sizes_know_nothing_of_the_class(built, monkeypatch):
    """Against the classes dealt out anew: within what 99 of 100 deals stay below.

    The keys are not drawn here, for what is drawn lies outside once in a hundred times.
    """
    monkeypatch.setattr(secrets, "token_bytes", lambda count: bytes(range(7, 7 + count)))
    draw = np.random.default_rng(1)
    count = 900
    labels = np.sort(draw.integers(0, 3, count))  # as a folder lists them: class by class
    shapes = draw.integers(0, 256, (count, 8, 8), np.uint8)
    shapes[labels == 1, 2:, :] = 0  # one class packs to less
    data = {"train-images-ubyte": idx(shapes), "train-labels-ubyte": idx(labels)}
    competition = built(data, test_fraction=0.5)
    truth = {row["id"]: int(row["label"]) for row in solution(competition)}
    with archive(competition, "test.zip") as test:
        members = test.infolist()
    classes = np.array([truth[member.filename] for member in members])
    columns = {
        "place": np.arange(len(members)) * 10 // len(members),
        "first sign": np.array([int(member.filename[0], 16) for member in members]),
        "size": np.unique([m.file_size for m in members], return_inverse=True)[1],
        "date": np.unique([m.date_time for m in members], axis=0, return_inverse=True)[1].ravel(),
        "mode": np.unique([m.external_attr for m in members], return_inverse=True)[1],
    }
    for name, column in columns.items():
        null = [information(column, draw.permutation(classes)) for _ in range(300)]
        assert information(column, classes) <= np.quantile(null, 0.99) + 1e-12, name


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_no_name_note_or_folder_of_the_source_is_passed_on(built, kind):
    suffix = kind.lower()
    images = {
        f"{label}/zoo-{label}-{n}.{suffix}": noise(n + 100 * at, kind=kind)
        for at, label in enumerate(("cat", "dog"))
        for n in range(20)
    }
    competition = built(images)
    for name in ("train.zip", "test.zip"):
        data = files.read("data", competition.files.get(name=name).path)
        assert SECRET.encode() not in data
        assert b"zoo" not in data
    with archive(competition, "test.zip") as test:
        assert all("cat" not in name and "dog" not in name for name in test.namelist())
        assert {info.date_time for info in test.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_two_builds_of_the_same_images_share_no_name(built):
    first, second = ({row["id"] for row in solution(built(folders()))} for _ in range(2))
    assert not first & second


# --- groups, usage and parts ---------------------------------------------------------------------


def table_of(rows: list[tuple[str, ...]], header: str) -> bytes:
    return "\n".join([header, *(",".join(row) for row in rows)]).encode()


def test_groups_part_neither_between_train_and_test_nor_public_and_private(built):
    rows = [(f"{n}", ("cat", "dog")[n // 3 % 2], f"p{n // 3}") for n in range(120)]
    images = {f"{n}.png": noise(n) for n in range(120)}
    competition = built({**images, "labels.csv": table_of(rows, "id,label,patient")})
    assert competition.preparation == Preparation.READY, competition.preparation_note
    group = {pixels(images[f"{n}.png"]): rows[n][2] for n in range(120)}
    usage = {row["id"]: row["Usage"] for row in solution(competition)}
    sides: dict[str, set[str]] = {}
    with archive(competition, "train.zip") as train, archive(competition, "test.zip") as test:
        for name in train.namelist():
            sides.setdefault(group[pixels(train.read(name))], set()).add("train")
        for name in test.namelist():
            sides.setdefault(group[pixels(test.read(name))], set()).add(usage[name])
    assert all(len(where) == 1 for where in sides.values())
    assert {"train", "Public", "Private"} == set().union(*sides.values())
    assert seal.verify(competition.pk) is True


def test_the_sources_own_usage_and_parts_are_honoured(built):
    words = ["train"] * 20 + ["test"] * 20
    usages = [""] * 20 + ["Public"] * 8 + ["Private"] * 8 + ["Ignored"] * 4
    rows = [(f"{n}", ("cat", "dog")[n % 2], words[n], usages[n]) for n in range(40)]
    images = {f"{n}.png": noise(n) for n in range(40)}
    competition = built({**images, "labels.csv": table_of(rows, "id,label,split,usage")})
    assert Counter(row["Usage"] for row in solution(competition)) == {
        "Public": 8, "Private": 8, "Ignored": 4,
    }  # fmt: skip
    assert seal.verify(competition.pk) is True


def test_a_fraction_asked_for_counts_more_than_the_sources_parts(built):
    images = {f"{part}/{n}": data for part in ("train",) for n, data in folders().items()}
    images |= {"test/cat/z.png": noise(9001), "test/dog/z.png": noise(9002)}
    assert len(solution(built(images))) == 2
    assert len(solution(built(images, test_fraction=0.5))) == 31


def test_a_class_of_one_group_cannot_be_parted(built):
    rows = [(f"{n}", ("cat", "dog")[n // 20], ("a", "b")[n // 20]) for n in range(40)]
    images = {f"{n}.png": noise(n) for n in range(40)}
    competition = built(
        {**images, "labels.csv": table_of(rows, "id,label,group")}, test_fraction=0.9
    )
    assert competition.preparation == Preparation.REFUSED
    assert "image" in competition.preparation_note


# --- the leak report -----------------------------------------------------------------------------


def counted(competition: Competition) -> dict[str, int]:
    return dict(competition.findings.values_list("kind", "images"))


def finding(competition: Competition, kind: str) -> Finding:
    return Finding.objects.get(competition=competition, kind=kind)


def test_good_images_give_an_empty_report(built):
    assert counted(built(folders())) == {}


def test_copies_stay_on_one_side_of_a_split_that_is_drawn_here(built):
    images = folders()
    copies = {f"cat/copy{n}.png": images[f"cat/cat_{n:03d}.png"] for n in range(8)}
    competition = built({**images, **copies})
    exact = finding(competition, "exact")
    assert (exact.images, exact.remedy, exact.is_automatic) == (16, "group", True)
    with archive(competition, "train.zip") as train, archive(competition, "test.zip") as test:
        sides = [{pixels(each.read(n)) for n in each.namelist()} for each in (train, test)]
    assert not sides[0] & sides[1]


def test_a_copy_in_another_format_or_size_is_found(built):
    images = folders()
    with Image.open(io.BytesIO(images["owl/owl_003.png"])) as picture:
        stream = io.BytesIO()
        picture.resize((48, 48), Image.Resampling.BICUBIC).save(stream, "JPEG", quality=80)
    competition = built({**images, "owl/again.jpg": stream.getvalue()})
    near = finding(competition, "near")
    assert near.images == 2
    names = {each["name"] for pictures in report.examples(near) for each in pictures}
    assert names == {"owl/owl_003.png", "owl/again.jpg"}


def parted(**extra: bytes) -> dict[str, bytes]:
    images = {f"train/{name}": data for name, data in folders().items()}
    for at, label in enumerate(("cat", "dog", "owl")):
        images |= {f"test/{label}/{n}.png": noise(5000 + 100 * at + n) for n in range(10)}
    return images | extra


def test_copies_across_a_given_split_wait_for_a_decision(built, draft, host):
    images = parted()
    images["train/dog/leak.png"] = images["test/dog/3.png"]
    competition = built(images)
    exact = finding(competition, "exact")
    assert (exact.remedy, exact.counts["across"]) == ("", 1)
    inbox = settling.settle(exact, "drop", host)
    assert inbox is not None
    assert Act.objects.get(kind=Kind.FINDING_SETTLED).details == {"old": "", "new": "drop"}
    preparing.prepare(draft.pk, inbox)
    after = finding(competition, "exact")
    assert (after.remedy, after.is_automatic) == ("drop", False)
    with archive(competition, "train.zip") as train, archive(competition, "test.zip") as test:
        assert (len(train.namelist()), len(test.namelist())) == (60, 30)


def test_copies_may_stay_in_the_test_set_unscored(built, draft, host):
    images = parted()
    images["train/dog/leak.png"] = images["test/dog/3.png"]
    inbox = settling.settle(finding(built(images), "exact"), "ignore", host)
    preparing.prepare(draft.pk, inbox)
    competition = Competition.objects.get(pk=draft.pk)
    assert Counter(row["Usage"] for row in solution(competition))["Ignored"] == 1


def test_what_is_left_as_it_is_is_not_built_again(built, host):
    images = parted()
    images["train/dog/leak.png"] = images["test/dog/3.png"]
    competition = built(images)
    assert settling.settle(finding(competition, "exact"), "accept", host) is None
    competition.refresh_from_db()
    assert competition.preparation == Preparation.READY
    assert json.loads(competition.preparation_inbox["remedies"]) == {"exact": "accept"}


def test_one_picture_under_two_classes_is_a_conflict(built):
    images = folders()
    images["dog/same.png"] = images["cat/cat_001.png"]
    assert counted(built(images))["conflict"] == 2


def test_odd_images_are_found(built):
    images = folders()
    images["cat/broken.png"] = images["cat/cat_001.png"][:60]
    images["cat/tiny.png"] = noise(77, (3, 3))
    stream = io.BytesIO()
    Image.new("RGB", (24, 24), "red").save(stream, "PNG")
    images["dog/plain.png"] = stream.getvalue()
    competition = built(images)
    assert counted(competition) == {"unreadable": 1, "tiny": 1, "constant": 1}
    with archive(competition, "train.zip") as train, archive(competition, "test.zip") as test:
        assert len(train.namelist()) + len(test.namelist()) == 62


def test_classes_of_very_different_size_are_told(built):
    images = folders() | {f"cat/more{n}.png": noise(4000 + n) for n in range(200)}
    counts = finding(built(images), "imbalance").counts
    assert counts == {"most": 220, "least": 20, "largest": "cat", "smallest": "dog"} or (
        counts["smallest"] in ("dog", "owl")
    )


def test_files_that_tell_their_class_are_told(built):
    """Cats from one camera, dogs from another one: nobody needs to look at the picture."""
    images = {f"cat/{n}.png": noise(n, (24, 24)) for n in range(20)}
    images |= {f"dog/{n}.jpg": noise(100 + n, (32, 24), "JPEG") for n in range(20)}
    counts = finding(built(images), "shortcut").counts
    assert (counts["right"], counts["chance"]) == (1.0, 0.5)


def test_a_wrong_remedy_and_a_late_one_are_refused(built, host):
    images = parted()
    images["train/dog/leak.png"] = images["test/dog/3.png"]
    competition = built(images)
    with pytest.raises(Refused, match="Choose one of: Left out"):
        settling.settle(finding(competition, "exact"), "group", host)
    Competition.objects.filter(pk=competition.pk).update(state="open")
    with pytest.raises(NotReady):
        settling.settle(finding(competition, "exact"), "drop", host)


def test_three_uploaded_files_are_looked_at_too(prepared):
    """zips.image makes flat squares: one colour each, and equal ones on both sides."""
    assert counted(prepared()).keys() >= {"exact", "constant"}


# --- what is wrong -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("images", "sentence"),
    [
        ({"a.txt": b"x"}, "holds no images"),
        (
            {"cat/a.png": noise(1), "dog/b.png": noise(2)},
            "images to train with. A challenge takes two or more",
        ),
        ({"cat/a.png": b"no", "dog/b.png": b"no"}, "None of these files is a readable image"),
    ],
)
def test_what_cannot_become_a_challenge_says_why(built, images, sentence):
    competition = built(images)
    assert competition.preparation == Preparation.REFUSED
    assert sentence in competition.preparation_note


def test_a_fraction_that_is_none_is_refused_before_anything_is_kept(draft):
    with pytest.raises(Refused, match="between 0 and 1"):
        preparing.receive_source(draft.pk, [b"x"], "x.zip", test_fraction=1.5)


# --- the command ---------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, data in folders().items():
        place = tmp_path / "animals" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
    return tmp_path / "animals"


def test_the_command_builds_and_opens(folder):
    call_command("build_challenge", folder, slug="animals", title="Animals", open=True)
    competition = Competition.objects.get(slug="animals")
    assert (competition.title, competition.state) == ("Animals", "open")
    assert Act.objects.get(competition=competition, kind=Kind.OPENED)
    with pytest.raises(CommandError, match="no draft without submissions"):
        call_command("build_challenge", folder, slug="animals")


def test_the_command_takes_remedies_and_says_what_it_found(folder, capsys):
    (folder / "cat" / "copy.png").write_bytes(next(folder.glob("cat/*.png")).read_bytes())
    call_command("build_challenge", folder, slug="animals", remedy=["exact=drop"])
    assert "The same picture twice (exact): 2 images, sets 1. Left out." in capsys.readouterr().out
    with pytest.raises(CommandError, match="No remedy: mend"):
        call_command("build_challenge", folder, slug="others", remedy=["exact=mend"])


@pytest.mark.parametrize(
    ("source", "options", "sentence"),
    [
        ("nowhere", {}, "neither a file nor a folder"),
        ("mnist", {"test_fraction": 2.0}, "between 0 and 1"),
    ],
)
def test_the_command_refuses_in_words(db, source, options, sentence):
    with pytest.raises(CommandError, match=sentence):
        call_command("build_challenge", source, slug="x", **options)
