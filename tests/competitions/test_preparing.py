"""From three files to a challenge; what is wrong with them is said in a sentence."""

import csv
import io
import json
import os
import signal
import stat
import tracemalloc
import warnings
import zipfile
import zlib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.db import connections
from PIL import Image, ImageChops, ImageOps, ImageStat
from PIL.PngImagePlugin import PngInfo
from typer.testing import CliRunner

import scoring
from competitions import files, lifecycle, preparing, tasks
from competitions.models import Competition, DataFile, Preparation, SolutionVersion, State
from competitions.pictures import metadata
from competitions.preparing import archives, claims, progress, telling
from competitions.preparing.archives import Archive
from competitions.preparing.build import build
from competitions.refusals import NotReady, Refused
from scoring.splits import given_commitment
from scoring.terminal import app as scoring_app
from tests.classroom import compiled
from tests.competitions.zips import (
    CLASSES,
    TRUTH,
    hidden_zip,
    image,
    packed,
    solution_csv,
    train_zip,
)

pytestmark = pytest.mark.django_db


def content(competition: Competition, name: str) -> bytes:
    return files.read("data", competition.files.get(name=name).path)


def rows(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode())))


# --- what comes out ------------------------------------------------------------------------------


def test_it_makes_everything_that_participants_need(prepared):
    competition = prepared()
    assert competition.preparation == Preparation.READY
    assert competition.preparation_note == (
        "6 training images in 3 classes, 30 test images (9 public, 21 private)."
    )
    assert list(competition.files.values_list("name", "rows")) == [
        ("train.zip", 6),
        ("test.zip", 30),
        ("train.csv", 6),
        ("sample_submission.csv", 30),
        ("starter.ipynb", None),
    ]
    assert rows(content(competition, "train.csv"))[:2] == [["id", "label"], ["cat/0.png", "cat"]]
    assert {row[1] for row in rows(content(competition, "sample_submission.csv"))[1:]} == {"cat"}


def test_the_sample_submission_is_scored_and_the_truth_scores_one(prepared):
    competition = prepared()
    truth = compiled(competition)
    sample = scoring.evaluate(
        content(competition, "sample_submission.csv"), truth, scoring.Spec("accuracy")
    )
    assert sample.score == pytest.approx(1 / 3)
    assert scoring.evaluate(solution_csv(), truth, scoring.Spec("accuracy")).private == 1
    assert truth.classes == CLASSES


def test_the_split_is_sealed_by_a_secret_seed(prepared):
    version = prepared().solution
    truth = compiled(version.competition)
    seed = files.read("solutions", preparing.seed_path(version.commitment))
    labels = [TRUTH[name] for name in truth.ids]
    public = scoring.split_ids(truth.ids, labels, 0.3, seed)
    assert len(seed) == 16
    assert public == {name for name, shown in zip(truth.ids, truth.public, strict=True) if shown}
    assert version.commitment == scoring.commitment(seed, truth.ids)
    assert (version.rows, version.public_rows, version.private_rows) == (30, 9, 21)


def test_a_given_usage_column_is_kept(prepared):
    lines = [f"{name},{label}" for name, label in TRUTH.items()]
    usage = ["Public"] * 5 + ["Private"] * 20 + ["Ignored"] * 5
    given = [f"{line},{use}" for line, use in zip(lines, usage, strict=True)]
    version = prepared(solution="\n".join(["id,label,Usage", *given]).encode()).solution
    truth = compiled(version.competition)
    assert [name for name, shown in zip(truth.ids, truth.public, strict=True) if shown] == list(
        TRUTH
    )[:5]
    assert (version.public_rows, version.private_rows) == (5, 20)


def resealed(version: SolutionVersion, folder: Path, *more: str) -> tuple[str, str]:
    """What anyone gets from `python -m scoring split` and the seed, once it is told."""
    seed = files.read("solutions", preparing.seed_path(version.commitment)).hex()
    (folder / "S.csv").write_bytes(files.read("solutions", version.path))
    arguments = ["split", "--solution", str(folder / "S.csv"), "--out", str(folder / "O.csv")]
    done = CliRunner().invoke(scoring_app, [*arguments, "--seed", seed, "--json", *more])
    return json.loads(done.stdout)["commitment"], (folder / "O.csv").read_text()


def test_the_seal_of_a_drawn_split_is_verified_at_the_terminal(prepared, tmp_path):
    version = prepared().solution
    seal, drawn_again = resealed(version, tmp_path)
    assert seal == version.commitment
    assert drawn_again.encode() == files.read("solutions", version.path)


def test_the_seal_of_a_given_split_binds_its_public_rows(prepared, tmp_path):
    uses = ["Public"] * 5 + ["Private"] * 25
    given = [f"{row[0]},{row[1]},{use}" for row, use in zip(TRUTH.items(), uses, strict=True)]
    version = prepared(solution="\n".join(["id,label,Usage", *given]).encode()).solution
    assert resealed(version, tmp_path, "--given")[0] == version.commitment
    swapped = (tmp_path / "S.csv").read_text().replace("x00.png,cat,Public", "x00.png,cat,Private")
    (tmp_path / "T.csv").write_text(swapped)
    seed = files.read("solutions", preparing.seed_path(version.commitment))
    usage = {row[0]: row[2] for row in rows(swapped.encode())[1:]}
    assert given_commitment(seed, usage) != version.commitment


def test_ids_may_leave_out_the_ending(prepared):
    bare = {name.removesuffix(".png"): label for name, label in TRUTH.items()}
    competition = prepared(solution=solution_csv(bare))
    assert rows(content(competition, "sample_submission.csv"))[1] == ["x00", "cat"]


def test_the_archives_tell_nothing_but_the_images(prepared):
    """One time, one mode, sorted by name, no junk, no folder around it all."""
    names = list(TRUTH)[::-1]
    dated = [(zipfile.ZipInfo(f"my test/{name}", (2020, 1, n + 1, 0, 0, 0)), image(n))
             for n, name in enumerate(names)]  # fmt: skip
    junk = [("__MACOSX/._x00.png", b"junk"), ("my test/.DS_Store", b"junk"), ("my test/", b"")]
    competition = prepared(test=packed([*junk, *dated]))
    with zipfile.ZipFile(io.BytesIO(content(competition, "test.zip"))) as archive:
        infos = archive.infolist()
    assert [info.filename for info in infos] == sorted(TRUTH)
    assert len({(info.date_time, info.external_attr, info.extra) for info in infos}) == 1


def test_the_order_of_the_solution_is_not_the_order_of_the_sample(prepared):
    """A solution sorted by class would otherwise be read off the sample submission."""
    by_class = dict(sorted(TRUTH.items(), key=lambda row: row[1]))
    competition = prepared(solution=solution_csv(by_class))
    assert [row[0] for row in rows(content(competition, "sample_submission.csv"))[1:]] == sorted(
        TRUTH
    )


def test_a_train_archive_may_bring_its_labels_in_a_table(prepared):
    images = {f"data/images/{n}.png": image(n) for n in range(3)}
    table = b"id,label\n0,cat\n1.png,dog\n2,owl\n"
    competition = prepared(train=packed({**images, "data/train.csv": table}))
    assert rows(content(competition, "train.csv"))[1:] == [
        ["0.png", "cat"],
        ["1.png", "dog"],
        ["2.png", "owl"],
    ]


def test_the_board_shows_no_more_digits_than_rows_can_carry(draft, prepared):
    assert prepared().decimals == 2
    Competition.objects.filter(pk=draft.pk).update(decimals=1)
    assert prepared().decimals == 1


# --- what is refused -----------------------------------------------------------------------------

EXTRA, MISSING = {**TRUTH, "y.png": "cat"}, dict(list(TRUTH.items())[4:])
TELLING = {f"{label}_{n}.png": label for n, label in enumerate(TRUTH.values())}


@pytest.mark.parametrize(
    ("upload", "sentence"),
    [
        ({"train": b"not a zip"}, "The train archive is not a whole zip archive"),
        ({"train": packed({"a.png": image(), "b.png": image()})}, "one folder per class"),
        ({"train": train_zip(["cat"])}, "one folder per class"),
        ({"train": train_zip(["cat", "dog"])}, "classes without a training image: owl"),
        ({"train": packed({"cat/a.png": image(), "dog/b.png": b"GIF? no"})}, "'dog/b.png', which"),
        ({"train": packed({"cat/a.png": image(), "dog/run.exe": b"MZ"})}, "dog/run.exe"),
        ({"train": packed({" cat/a.png": image(), "dog/b.png": image()})}, "spaces around"),
        ({"train": packed({"a/1.png": image(), "b/1.png": image(), "train.csv": b"id,label\n"
          b"a/1.png,cat\n"})}, "without a line in train.csv: b/1.png"),
        ({"test": packed({})}, "The test archive holds no images"),
        ({"test": packed({"readme.txt": b"hello"})}, "not an image: readme.txt"),
        ({"test": packed({f"{y}/{x}": image() for x, y in TRUTH.items()})}, "several folders"),
        ({"solution": b"\x89PNG\r\n"}, "The solution cannot be read. This is an image"),
        ({"solution": solution_csv(MISSING)}, "images: x00.png, x01.png, x02.png and 1 more"),
        ({"solution": solution_csv(EXTRA)}, "ids without a test image: y.png."),
        ({"solution": solution_csv({**TRUTH, "x00.png": "emu"})}, "a training image: emu."),
        ({"solution": solution_csv(TELLING), "test": hidden_zip(TELLING)}, "30 of 30 test images"),
        ({"solution": solution_csv() + b"\nx00.png,cat"}, "'x00.png' in the lines 2 and 32"),
    ],
)  # fmt: skip
def test_wrong_files_are_answered_with_a_sentence(prepared, upload, sentence):
    competition = prepared(**upload)
    assert competition.preparation == Preparation.REFUSED
    assert sentence in competition.preparation_note
    assert not DataFile.objects.exists()
    assert not SolutionVersion.objects.exists()


def link() -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("cat/link.png")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


HOSTILE = {
    "../cat/a.png": "leads out of it",
    "/etc/a.png": "leads out of it",
    "cat\\..\\a.png": "leads out of it",
    "C:/cat/a.png": "leads out of it",
    "cat//a.png": "leads out of it",
    "cat/a\n.png": "leads out of it",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_names_that_lead_elsewhere_are_refused(name):
    with pytest.raises(Refused, match=HOSTILE[name]):
        Archive(io.BytesIO(packed({name: image()})), "train archive")


def test_links_are_refused():
    with pytest.raises(Refused, match="a link or device"):
        Archive(io.BytesIO(packed([(link(), b"/etc/passwd")])), "train archive")


def test_a_name_that_comes_twice_is_refused():
    """Also in two spellings of Unicode, which some file systems hold for one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # zipfile's own, about the equal name
        twice = packed([("caf\u00e9.png", image()), ("cafe\u0301.png", image(1))])
    with pytest.raises(Refused, match="twice"):
        Archive(io.BytesIO(twice), "train archive")


def test_an_archive_that_swells_is_refused():
    bomb = packed({"cat/zeros.png": bytes(8 << 20)})
    assert len(bomb) < 10_000
    with pytest.raises(Refused, match="more than 200 times"):
        Archive(io.BytesIO(bomb), "train archive")


def test_entries_that_share_their_bytes_are_refused():
    """A bomb by overlapping: every entry of the list points at the same packed bytes."""
    data = packed({f"{n}.png": bytes(range(256)) for n in range(3)})
    at = data.index(b"PK\x01\x02")
    size = data.index(b"PK\x01\x02", at + 1) - at
    listed = [data[at + i * size :][:size] for i in range(3)]
    overlapping = b"".join(entry[:42] + listed[0][42:46] + entry[46:] for entry in listed)
    archive = data[: data.index(b"PK\x03\x04", 1)] + overlapping + data[at + 3 * size :]
    with pytest.raises(Refused):
        Archive(io.BytesIO(archive), "train archive")


def test_too_many_entries_are_refused(monkeypatch):
    monkeypatch.setattr(archives, "MAX_MEMBERS", 5)
    with pytest.raises(Refused, match="more than 5 entries"):
        Archive(io.BytesIO(train_zip()), "train archive")


def test_too_much_in_all_is_refused(monkeypatch):
    monkeypatch.setattr(archives, "MAX_TOTAL", 100)
    with pytest.raises(Refused, match="unpacks to more"):
        Archive(io.BytesIO(train_zip()), "train archive")


def test_a_damaged_entry_is_refused(prepared):
    whole = packed([(zipfile.ZipInfo("cat/a.png"), image()), ("dog/b.png", image())])
    damaged = whole.replace(b"IDAT", b"IDOT", 1)
    assert "damaged file, 'cat/a.png'" in prepared(train=damaged).preparation_note


def test_an_image_of_too_many_pixels_is_refused(prepared):
    """A few kilobytes on the disk, gigabytes in memory: known from the header alone."""
    huge = packed({"cat/a.png": image(size=(9000, 9000)), "dog/b.png": image()})
    assert "more than 50 million pixels" in prepared(train=huge).preparation_note


def understated(size: int) -> bytes:
    """An archive of one entry that unpacks to ``size`` zeros and says that it has a thousand."""
    data = bytearray(packed({"cat/a.png": bytes(size)}))
    for at, offset in ((data.index(b"PK\x01\x02"), 24), (0, 22)):
        data[at + offset : at + offset + 4] = (1000).to_bytes(4, "little")
    return bytes(data)


def peak_of(read: Callable[[], object]) -> int:
    """Bytes that Python held at most, a refusal included."""
    tracemalloc.start()
    try:
        with pytest.raises(Refused):
            read()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_an_entry_larger_than_it_says_is_not_inflated():
    stream = io.BytesIO(understated(64 << 20))
    assert peak_of(lambda: Archive(stream, "train archive").read("cat/a.png")) < 2 << 20


def test_a_list_of_millions_is_refused_before_it_is_built():
    """The last record may admit to any number of entries; the list itself is counted."""
    entry = b"PK\x01\x02" + bytes(24) + (1).to_bytes(2, "little") + bytes(16) + b"a"
    listed = entry * 300_000
    end = b"PK\x05\x06" + bytes(4) + (1).to_bytes(2, "little") * 2
    archive = listed + end + len(listed).to_bytes(4, "little") + bytes(6)
    stream = io.BytesIO(archive)
    assert peak_of(lambda: Archive(stream, "train archive")) < 2 * len(listed)
    huge = end + ((1 << 32) - 2).to_bytes(4, "little") + bytes(6)
    assert peak_of(lambda: Archive(io.BytesIO(huge), "train archive")) < 2 << 20


# --- names that tell -----------------------------------------------------------------------------


def few_wrong(count: int) -> dict[str, str]:
    """Names that hold their class, but for one in a thousand."""
    return {f"{CLASSES[n % 3] if n % 1000 else 'x'}_{n}.jpg": CLASSES[n % 3] for n in range(count)}


OPAQUE = {f"{n * 2654435761 % 2**32:08x}.png": "01"[n % 2] for n in range(500)}


@pytest.mark.parametrize(
    "names",
    [
        few_wrong(2000),
        {f"{n % 10}_{n:05d}.png": str(n % 10) for n in range(100)},
        {f"{n:04d}.{('Cat', 'caterpillar')[n % 2]}.JPG": ("cat", "caterpillar")[n % 2].lower()
         for n in range(40)},
        {**OPAQUE, **{f"scan-{n % 2}-{n + 10}.png": "01"[n % 2] for n in range(60)}},
    ],
)  # fmt: skip
def test_names_that_tell_are_refused(names):
    bare = {name.lower(): label for name, label in names.items()}
    with pytest.raises(Refused, match="names hold their own class"):
        telling.refuse(bare)


@pytest.mark.parametrize(
    "names",
    [
        {f"IMG_20201015_{n:04d}.jpg": "01"[n % 2] for n in range(200)},
        {f"DSC0{n:04d}.JPG": str(n * 7 % 10) for n in range(200)},
        {f"cat_or_dog_{n}.png": ("cat", "dog")[n % 2] for n in range(200)},
        {f"cat_{n}.png": ("cat", "dog")[n % 2] for n in range(200)},
        {f"{n}.png": ("png", "jpg")[n % 2] for n in range(200)},
        {f"{n}.png": str(n * 7 % 10) for n in range(200)},
        OPAQUE,
    ],
)
def test_ordinary_names_are_not_refused(names):
    telling.refuse(names)


# --- what is written beside the pixels -----------------------------------------------------------

SECRET = "melanoma"


def captioned(kind: str, size: tuple[int, int] = (12, 8)) -> bytes:
    """A picture with the secret in every place that Pillow can write it to."""
    picture = Image.effect_noise(size, 60)
    exif, stream = Image.Exif(), io.BytesIO()
    exif[0x010E], exif[0x0112] = SECRET, 6
    notes = PngInfo()
    notes.add_text("label", SECRET)
    notes.add_itxt("label", SECRET)
    options: dict[str, dict[str, Any]] = {
        "PNG": {"pnginfo": notes, "exif": exif},
        "JPEG": {"exif": exif, "comment": SECRET, "icc_profile": SECRET.encode()},
        "WEBP": {"exif": exif, "xmp": SECRET.encode(), "lossless": True},
        "GIF": {"comment": SECRET},
        "TIFF": {"exif": exif, "description": SECRET, "compression": "tiff_lzw"},
        "BMP": {},
    }
    picture.save(stream, kind, **options[kind])
    return stream.getvalue() + SECRET.encode() * (kind in ("PNG", "JPEG", "GIF", "BMP"))


def pixels(data: bytes) -> bytes:
    with Image.open(io.BytesIO(data)) as picture:
        return picture.convert("RGB").tobytes()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP"])
def test_pictures_keep_their_pixels_and_lose_their_captions(kind):
    data = captioned(kind)
    clean = metadata.stripped(data)
    assert SECRET.encode() in data
    assert SECRET.encode() not in clean
    assert kind == "JPEG" or pixels(clean) == pixels(data)  # that one is turned, see below
    assert metadata.stripped(clean) == clean


def test_a_jpeg_is_written_as_it_is_shown():
    """Which side is up tells of the camera, and a camera often of the class."""
    data = captioned("JPEG")
    with (
        Image.open(io.BytesIO(data)) as before,
        Image.open(io.BytesIO(metadata.stripped(data))) as picture,
    ):
        assert dict(picture.getexif()) == {}
        assert picture.quantization == before.quantization
        shown = ImageOps.exif_transpose(before).convert("L")
        apart = ImageStat.Stat(ImageChops.difference(shown, picture.convert("L")))
        assert picture.size == shown.size
        assert apart.mean[0] < 8


def test_a_png_says_nothing_of_gamma():
    stream = io.BytesIO()
    Image.new("L", (4, 4), 9).save(stream, "PNG")
    plain = stream.getvalue()
    gamma = b"gAMA" + (45454).to_bytes(4, "big")
    chunk = (4).to_bytes(4, "big") + gamma + zlib.crc32(gamma).to_bytes(4, "big")
    assert metadata.stripped(plain[:33] + chunk + plain[33:]) == plain


def test_nothing_stands_behind_a_jpegs_note_on_colours():
    stream = io.BytesIO()
    Image.new("CMYK", (16, 16)).save(stream, "JPEG")
    data = stream.getvalue()
    at = data.index(b"\xff\xee")
    size = int.from_bytes(data[at + 2 : at + 4], "big")
    longer = (size + len(SECRET)).to_bytes(2, "big")
    told = data[:at] + b"\xff\xee" + longer + data[at + 4 : at + 2 + size] + SECRET.encode()
    told += data[at + 2 + size :]
    assert metadata.stripped(told) == metadata.stripped(data)


@pytest.mark.parametrize("options", [{"progressive": True}, {"optimize": True}])
def test_other_jpegs_and_moving_gifs_are_still_read(options):
    stream = io.BytesIO()
    Image.effect_noise((64, 64), 60).convert("CMYK").save(stream, "JPEG", **options)
    assert pixels(metadata.stripped(stream.getvalue())) == pixels(stream.getvalue())
    film, frames = io.BytesIO(), [Image.effect_noise((9, 9), 60) for _ in range(3)]
    frames[0].save(film, "GIF", save_all=True, append_images=frames[1:], loop=0)
    with Image.open(io.BytesIO(metadata.stripped(film.getvalue()))) as picture:
        assert picture.n_frames == 3


@pytest.mark.parametrize("kind", ["PNG", "GIF", "TIFF"])
def test_a_picture_cut_off_is_answered_with_a_sentence(kind):
    with pytest.raises(metadata.Unstrippable):
        metadata.stripped(captioned(kind)[:60])


def test_published_test_images_carry_no_captions(prepared):
    competition = prepared(test=packed({name: captioned("PNG") for name in TRUTH}))
    assert competition.preparation == Preparation.READY
    assert SECRET.encode() not in content(competition, "test.zip")


# --- when, and how often -------------------------------------------------------------------------


def upload(competition: Competition, **uploads: bytes) -> preparing.Inbox:
    wanted = {"train": train_zip(), "test": hidden_zip(), "solution": solution_csv(), **uploads}
    return preparing.receive(competition.pk, **{name: [data] for name, data in wanted.items()})


def test_receiving_marks_the_competition(draft):
    upload(draft)
    draft.refresh_from_db()
    assert draft.preparation == Preparation.PREPARING
    with pytest.raises(NotReady):
        lifecycle.open_now(draft)


def test_a_second_delivery_does_nothing(draft):
    inbox = upload(draft)
    preparing.prepare(draft.pk, inbox)
    preparing.prepare(draft.pk, inbox)
    assert SolutionVersion.objects.count() == 1


def test_an_upload_overtaken_by_the_next_one_does_nothing(draft):
    old, new = upload(draft), upload(draft, train=train_zip(each=3))
    preparing.prepare(draft.pk, old)
    draft.refresh_from_db()
    assert draft.preparation == Preparation.PREPARING
    preparing.prepare(draft.pk, new)
    assert DataFile.objects.get(name="train.zip").rows == 9


def test_new_files_make_a_new_version(draft, prepared):
    prepared()
    competition = prepared(train=train_zip(each=3))
    assert competition.solution.version == 2
    assert competition.files.count() == 5


def test_the_last_upload_is_prepared_anew_for_other_settings(draft, prepared):
    prepared()
    Competition.objects.filter(pk=draft.pk).update(metric="log_loss")
    inbox = preparing.anew(draft.pk)
    with pytest.raises(NotReady):
        lifecycle.open_now(draft)
    with pytest.raises(NotReady):
        preparing.anew(draft.pk)
    preparing.prepare(draft.pk, inbox)
    competition = Competition.objects.get(pk=draft.pk)
    assert (competition.preparation, competition.solution.version) == (Preparation.READY, 2)
    assert rows(content(competition, files.SAMPLE))[0] == ["id", *CLASSES]


def test_nothing_is_prepared_anew_before_a_first_upload(draft):
    with pytest.raises(NotReady):
        preparing.anew(draft.pk)


def test_an_open_competition_takes_no_files(draft, prepared):
    lifecycle.open_now(prepared(), despite="no baseline in this test")
    with pytest.raises(NotReady):
        preparing.anew(draft.pk)
    with pytest.raises(NotReady, match="Only a draft"):
        upload(draft)


def test_a_competition_opened_meanwhile_is_left_alone(draft, prepared):
    prepared()
    inbox = upload(draft, train=train_zip(each=3))
    Competition.objects.filter(pk=draft.pk).update(
        state=State.OPEN, preparation=Preparation.READY, preparation_since=None
    )
    preparing.prepare(draft.pk, inbox)
    assert SolutionVersion.objects.count() == 1


def test_a_fault_of_ours_is_said_to_be_ours(draft):
    inbox = {**upload(draft)}
    files.storage("data").delete(inbox["train"])
    preparing.prepare(draft.pk, inbox)
    draft.refresh_from_db()
    assert (draft.preparation, draft.preparation_note) == ("refused", preparing.OUR_FAULT)


def test_files_that_arrive_after_it_opened_are_refused(draft):
    """It was a draft when the bytes began to come."""

    def opened_meanwhile():
        Competition.objects.filter(pk=draft.pk).update(
            state=State.CLOSED, preparation=Preparation.READY, solution=solution_of(draft)
        )
        yield train_zip()

    with pytest.raises(NotReady, match="Only a draft"):
        preparing.receive(draft.pk, train=opened_meanwhile(), test=[b""], solution=[b""])


def solution_of(competition: Competition) -> SolutionVersion:
    fields = {"rows": 2, "public_rows": 1, "private_rows": 1, "classes": []}
    return SolutionVersion.objects.create(competition=competition, version=1, **fields)


def later(competition: Competition, **ago: timedelta) -> None:
    """Moves the row's times into the past."""
    competition.refresh_from_db()
    Competition.objects.filter(pk=competition.pk).update(
        **{
            name: getattr(competition, name) and getattr(competition, name) - span
            for name, span in ago.items()
        }
    )


def lease_over(competition: Competition) -> None:
    hour = timedelta(hours=1)
    later(competition, preparation_until=hour, preparation_rung_at=hour)


def test_the_settings_decided_meanwhile_are_kept(draft, monkeypatch):
    inbox = upload(draft)

    def slow(*arguments):
        Competition.objects.filter(pk=draft.pk).update(decimals=1)
        return build(*arguments)

    monkeypatch.setattr(preparing, "build", slow)
    preparing.prepare(draft.pk, inbox)
    draft.refresh_from_db()
    assert (draft.preparation, draft.decimals) == (Preparation.READY, 1)


@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_in_the_middle_loses_nothing(draft, monkeypatch):
    inbox = upload(draft)
    connections.close_all()
    child = os.fork()
    if child == 0:
        monkeypatch.setattr(preparing, "build", lambda *_: os.kill(os.getpid(), signal.SIGKILL))
        preparing.prepare(draft.pk, inbox)
        os._exit(1)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    assert preparing.forgotten() == []  # its lease runs: whoever has it may be alive
    preparing.prepare(draft.pk, inbox)  # delivered again at once
    draft.refresh_from_db()
    assert (draft.preparation, draft.preparation_attempts) == (Preparation.PREPARING, 1)
    lease_over(draft)
    assert preparing.forgotten() == [(draft.pk, inbox)]
    preparing.prepare(draft.pk, inbox)
    draft.refresh_from_db()
    assert (draft.preparation, draft.preparation_until) == (Preparation.READY, None)


def test_a_lost_message_is_rung_again_but_not_all_the_time(draft):
    inbox = upload(draft)
    assert preparing.forgotten() == []
    later(draft, preparation_rung_at=timedelta(minutes=3))
    assert preparing.forgotten() == [(draft.pk, inbox)]
    assert preparing.forgotten() == []


def test_what_kills_every_worker_ends_with_a_sentence(draft):
    inbox = upload(draft)
    for attempt in range(3):
        assert preparing.give_up() == []
        claimed = claims.claim(draft.pk, inbox)
        assert claimed.preparation_attempts == attempt + 1
        assert claims.claim(draft.pk, inbox) is None
        lease_over(draft)
    assert claims.claim(draft.pk, inbox) is None
    assert preparing.forgotten() == []
    assert preparing.give_up() == [draft.pk]
    draft.refresh_from_db()
    assert (draft.preparation, draft.preparation_note) == (Preparation.REFUSED, claims.HOPELESS)


def test_what_nobody_reads_for_a_day_ends_with_a_sentence(draft):
    upload(draft)
    later(draft, preparation_since=timedelta(days=2), preparation_rung_at=timedelta(days=1))
    assert preparing.forgotten() == []
    assert preparing.give_up() == [draft.pk]


def test_an_attempt_taken_for_dead_changes_nothing(draft, monkeypatch):
    """It was only slow: while it read, its lease ran out and another one began."""
    inbox = upload(draft)
    monkeypatch.setattr(progress, "TELL_EVERY", 0)

    def stopped_for_long(competition, inbox, still_ours):
        lease_over(competition)
        assert claims.claim(draft.pk, inbox)
        return build(competition, inbox, still_ours)

    monkeypatch.setattr(preparing, "build", stopped_for_long)
    preparing.prepare(draft.pk, inbox)
    draft.refresh_from_db()
    assert (draft.preparation, draft.preparation_attempts) == (Preparation.PREPARING, 2)
    assert not SolutionVersion.objects.exists()


def test_the_lease_is_renewed_image_by_image(draft, monkeypatch):
    inbox, seen = upload(draft), []
    monkeypatch.setattr(progress, "TELL_EVERY", 0)
    renew = claims.renew
    monkeypatch.setattr(
        claims, "renew", lambda claimed, **far: seen.append(far) or renew(claimed, **far)
    )
    preparing.prepare(draft.pk, inbox)
    looked = [far for far in seen if far["preparation_step"] == "Looking at the images"]
    assert [far["preparation_done"] for far in looked] == list(range(6 + 30 + 1))
    assert {far["preparation_total"] for far in looked} == {36}


@pytest.mark.parametrize("where", [(archives.Archive, "read"), (preparing, "build")])
def test_the_time_limit_has_its_own_sentence(draft, monkeypatch, where):
    """Also where Celery's exception arrives between two bytes of an image."""
    inbox = upload(draft)

    def late(*_arguments, **_options):
        raise SoftTimeLimitExceeded

    monkeypatch.setattr(*where, late)
    preparing.prepare(draft.pk, inbox)
    draft.refresh_from_db()
    assert (draft.preparation, draft.preparation_note) == ("refused", preparing.TOO_LONG)


def test_large_archives_have_an_hour():
    assert tasks.prepare.soft_time_limit == 3600 < tasks.prepare.time_limit


def test_the_sweep_rings_for_forgotten_uploads(draft, monkeypatch):
    calls = []
    monkeypatch.setattr(tasks.prepare, "apply_async", lambda args, **_options: calls.append(args))
    inbox = upload(draft)
    later(draft, preparation_rung_at=timedelta(minutes=3))
    tasks.sweep()
    assert calls == [(draft.pk, inbox)]
