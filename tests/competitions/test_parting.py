"""Whose images are hidden, and which of them are public: what a source says of it counts."""

import csv
import io
from collections import Counter
from collections.abc import Callable, Mapping

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from PIL import Image

from competitions import files, preparing
from competitions.models import Competition, Finding, Preparation
from competitions.preparing import labelled
from competitions.preparing.archives import Archive
from competitions.refusals import Refused
from tests.competitions.test_building import folders, noise
from tests.competitions.zips import packed

pytestmark = [pytest.mark.django_db, pytest.mark.once("test_build_pages.py")]


@pytest.fixture
def built(draft) -> Callable[..., Competition]:
    def build(images: Mapping[str, bytes], **options) -> Competition:
        inbox = preparing.receive_source(draft.pk, [packed(images)], "x.zip", **options)
        preparing.prepare(draft.pk, inbox)
        return Competition.objects.select_related("solution").get(pk=draft.pk)

    return build


def tabled(rows: list[str], header: str) -> dict[str, bytes]:
    images = {row.split(",")[0]: noise(n) for n, row in enumerate(rows)}
    return {**images, "labels.csv": "\n".join([header, *rows]).encode()}


def usages(competition: Competition) -> Counter[str]:
    assert competition.solution is not None
    data = files.read("solutions", competition.solution.path).decode()
    return Counter(row["Usage"] for row in csv.DictReader(io.StringIO(data)))


def with_usage(public: int, private: int, rest: int) -> dict[str, bytes]:
    said = ["Public"] * public + ["Private"] * private + [""] * rest
    rows = [f"{n:03d}.png,{('cat', 'dog')[n % 2]},{each}" for n, each in enumerate(said)]
    return tabled(rows, "id,label,usage")


def test_rows_whose_usage_is_given_are_the_test_set(built):
    competition = built(with_usage(public=10, private=20, rest=40))
    assert usages(competition) == {"Public": 10, "Private": 20}
    assert "40" in competition.preparation_note


def test_a_share_that_is_asked_for_draws_everything_anew(built):
    competition = built(with_usage(public=4, private=56, rest=20), test_fraction=0.5)
    drawn = usages(competition)
    assert sum(drawn.values()) == 40
    assert drawn["Public"] == pytest.approx(0.3 * 40, abs=2)


def grouped(split: list[str]) -> dict[str, bytes]:
    """Five patients with four images each, two of them in train and two in test."""
    rows = [f"{n:03d}.png,{('cat', 'dog')[n // 2 % 2]},p{n // 4},{split[n % 2]}" for n in range(40)]
    return tabled(rows, "id,label,patient,split")


def test_a_split_that_parts_groups_is_refused_by_name(built):
    competition = built(grouped(["train", "test"]))
    assert competition.preparation == Preparation.REFUSED
    assert "stand on both sides of training and test: p0, p1, p2" in competition.preparation_note


def test_groups_stay_whole_where_the_split_is_drawn(built):
    assert built(grouped(["train", "test"]), test_fraction=0.4).preparation == Preparation.READY


def test_given_usages_that_part_a_group_are_refused(built):
    rows = [
        f"{n:03d}.png,{('cat', 'dog')[n // 4 % 2]},p{n // 2},{('Public', 'Private')[n % 2]}"
        for n in range(16)
    ] + [f"{n:03d}.png,{('cat', 'dog')[n % 2]},," for n in range(16, 30)]
    note = built(tabled(rows, "id,label,group,usage")).preparation_note
    assert "both sides of public and private" in note


# --- what files tell -----------------------------------------------------------------------------


def jpeg(seed: int, quality: int, side: int) -> bytes:
    draw = np.random.default_rng(seed)
    picture = Image.fromarray(draw.integers(0, 256, (40, 40, 3), np.uint8))
    exif = Image.Exif()
    exif[0x0112] = side
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=quality, exif=exif)
    return stream.getvalue()


def test_the_size_of_the_files_is_among_what_may_tell_a_class(built):
    """Two cameras, two qualities: the sizes of the test files would be the labels."""
    images = {f"cat/{n}.jpg": jpeg(n, 60, 3) for n in range(30)}
    images |= {f"dog/{n}.jpg": jpeg(100 + n, 95, 6) for n in range(30)}
    competition = built(images)
    finding = Finding.objects.get(competition=competition, kind="shortcut")
    assert finding.counts["by"] == "bytes"
    assert finding.counts["right"] > 0.9
    for name in ("train.zip", "test.zip"):
        data = files.read("data", competition.files.get(name=name).path)
        assert b"Exif" not in data


def test_sizes_that_tell_nothing_are_no_finding(built):
    images = {f"{label}/{n}.jpg": jpeg(10 * n + k, 90, 1)
              for k, label in enumerate(("cat", "dog")) for n in range(30)}  # fmt: skip
    assert not Finding.objects.filter(competition=built(images), kind="shortcut").exists()


# --- three files of one's own --------------------------------------------------------------------


def test_one_row_never_labels_two_images():
    image = noise(1)
    train = {"a/1.png": image, "b/1.png": noise(2), "c/2.png": noise(3)}
    with pytest.raises(Refused, match=r"several images that '1\.png'"):
        files_of = {**train, "train.csv": b"id,label\n1.png,cat\n2.png,dog\n"}
        labelled.labels(Archive(io.BytesIO(packed(files_of)), "train archive"))


# --- the command ---------------------------------------------------------------------------------


def command(tmp_path, files_of: Mapping[str, bytes], *words: str) -> Competition:
    source = tmp_path / "x.zip"
    source.write_bytes(packed(files_of))
    call_command("build_challenge", str(source), "--slug", "x", *words)
    return Competition.objects.get(slug="x")


def in_two_parts(images: Mapping[str, bytes]) -> dict[str, bytes]:
    """The same images for training and for the test."""
    return {f"{part}/{name}": data for part in ("train", "test") for name, data in images.items()}


def test_a_remedy_is_one_that_is_offered(tmp_path):
    with pytest.raises(CommandError, match="No finding: nosuch"):
        command(tmp_path, folders(), "--remedy", "nosuch=drop")
    split = in_two_parts(folders())
    with pytest.raises(CommandError, match="is no remedy for exact here"):
        command(tmp_path, split, "--remedy", "exact=group")


def test_settings_of_a_second_try_count(tmp_path):
    first = command(tmp_path, folders(), "--title", "Beasts")
    again = command(tmp_path, folders(), "--metric", "log_loss", "--public-fraction", "0.5")
    assert first.pk == again.pk
    assert (again.title, again.metric, again.public_fraction) == ("Beasts", "log_loss", 0.5)


def test_what_is_passed_over_to_open_it_is_said(tmp_path, capsys):
    split = in_two_parts(folders())
    command(tmp_path, split, "--open")
    assert "Opened all the same: The leak report waits" in capsys.readouterr().err


def test_a_new_source_takes_the_report_of_the_last_one_away(built, draft):
    """Else a decision about the old images would be one about the new ones."""
    built(in_two_parts(folders()))
    assert Finding.objects.filter(competition=draft).exists()
    preparing.receive_source(draft.pk, [packed(folders())], "y.zip")
    assert not Finding.objects.filter(competition=draft).exists()


def test_a_usage_is_stronger_than_the_word_train(built):
    """A scored image whose label stands in train.csv would be no question."""
    rows = [f"{n:03d}.png,{('cat', 'dog')[n % 2]},train,{('Public', 'Private')[n // 2 % 2]}"
            for n in range(20)]  # fmt: skip
    rows += [f"{n:03d}.png,{('cat', 'dog')[n % 2]},train," for n in range(20, 40)]
    competition = built(tabled(rows, "id,label,split,usage"))
    assert usages(competition) == {"Public": 10, "Private": 10}


def test_no_jpeg_says_its_density(built):
    def dense(seed: int, dpi: int) -> bytes:
        draw = np.random.default_rng(seed)
        stream = io.BytesIO()
        picture = Image.fromarray(draw.integers(0, 256, (24, 24, 3), np.uint8))
        picture.save(stream, "JPEG", dpi=(dpi, dpi))
        return stream.getvalue()

    images = {f"cat/{n}.jpg": dense(n, 72) for n in range(20)}
    images |= {f"dog/{n}.jpg": dense(50 + n, 96) for n in range(20)}
    data = files.read("data", built(images).files.get(name="test.zip").path)
    assert b"JFIF" not in data
