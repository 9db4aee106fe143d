"""From three files to a challenge; what is wrong with them is said in a sentence."""

import csv
import io
import stat
import warnings
import zipfile
from collections.abc import Callable

import pytest

import scoring
from competitions import deadlines, files, preparing, solutions
from competitions.models import Competition, DataFile, Preparation, SolutionVersion, State
from competitions.preparing import archives
from competitions.preparing.archives import Archive
from competitions.refusals import NotReady, Refused
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


@pytest.fixture
def prepared(draft: Competition) -> Callable[..., Competition]:
    """``prepared(train=…)``: the draft after an upload of good files, but for those given."""

    def upload(**uploads: bytes) -> Competition:
        wanted = {"train": train_zip(), "test": hidden_zip(), "solution": solution_csv(), **uploads}
        inbox = preparing.receive(draft.pk, **{name: [data] for name, data in wanted.items()})
        preparing.prepare(draft.pk, inbox)
        return Competition.objects.get(pk=draft.pk)

    return upload


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
    ]
    assert rows(content(competition, "train.csv"))[:2] == [["id", "label"], ["cat/0.png", "cat"]]
    assert {row[1] for row in rows(content(competition, "sample_submission.csv"))[1:]} == {"cat"}


def test_the_sample_submission_is_scored_and_the_truth_scores_one(prepared):
    competition = prepared()
    truth = solutions.compiled(competition.solution_id)
    sample = scoring.evaluate(
        content(competition, "sample_submission.csv"), truth, scoring.Spec("accuracy")
    )
    assert sample.score == pytest.approx(1 / 3)
    assert scoring.evaluate(solution_csv(), truth, scoring.Spec("accuracy")).private == 1
    assert truth.classes == CLASSES


def test_the_split_is_sealed_by_a_secret_seed(prepared):
    version = prepared().solution
    truth = solutions.compiled(version.pk)
    seed = files.read("solutions", preparing.seed_path(version.commitment))
    labels = [TRUTH[name] for name in truth.ids]
    public = scoring.split_ids(truth.ids, labels, 0.3, seed)
    assert len(seed) == 16
    assert public == {name for name, shown in zip(truth.ids, truth.public, strict=True) if shown}
    assert version.commitment == scoring.commitment(seed, public)
    assert (version.rows, version.public_rows, version.private_rows) == (30, 9, 21)


def test_a_given_usage_column_is_kept(prepared):
    lines = [f"{name},{label}" for name, label in TRUTH.items()]
    usage = ["Public"] * 5 + ["Private"] * 20 + ["Ignored"] * 5
    given = [f"{line},{use}" for line, use in zip(lines, usage, strict=True)]
    version = prepared(solution="\n".join(["id,label,Usage", *given]).encode()).solution
    truth = solutions.compiled(version.pk)
    assert [name for name, shown in zip(truth.ids, truth.public, strict=True) if shown] == list(
        TRUTH
    )[:5]
    assert (version.public_rows, version.private_rows) == (5, 20)


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


def test_a_sample_of_probabilities_for_a_metric_that_wants_them(draft, prepared):
    Competition.objects.filter(pk=draft.pk).update(metric="log_loss")
    sample = content(prepared(), "sample_submission.csv")
    assert rows(sample)[:2] == [["id", *CLASSES], ["x00.png", *["0.333333"] * 3]]


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
        ({"solution": solution_csv(TELLING), "test": hidden_zip(TELLING)}, "its own class"),
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
    with pytest.raises(Refused, match="6 entries; the most is 5"):
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


# --- when, and how often -------------------------------------------------------------------------


def upload(competition: Competition, **uploads: bytes) -> preparing.Inbox:
    wanted = {"train": train_zip(), "test": hidden_zip(), "solution": solution_csv(), **uploads}
    return preparing.receive(competition.pk, **{name: [data] for name, data in wanted.items()})


def test_receiving_marks_the_competition(draft):
    upload(draft)
    draft.refresh_from_db()
    assert draft.preparation == Preparation.PREPARING
    with pytest.raises(NotReady):
        deadlines.open_now(draft)


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
    assert competition.files.count() == 4


def test_an_open_competition_takes_no_files(draft, prepared):
    deadlines.open_now(prepared())
    with pytest.raises(NotReady, match="Only a draft"):
        upload(draft)


def test_a_competition_opened_meanwhile_is_left_alone(draft, prepared):
    prepared()
    inbox = upload(draft, train=train_zip(each=3))
    Competition.objects.filter(pk=draft.pk).update(state=State.OPEN, preparation=Preparation.READY)
    preparing.prepare(draft.pk, inbox)
    assert SolutionVersion.objects.count() == 1


def test_a_fault_of_ours_is_said_to_be_ours(draft):
    inbox = {**upload(draft)}
    files.storage("data").delete(inbox["train"])
    preparing.prepare(draft.pk, inbox)
    draft.refresh_from_db()
    assert (draft.preparation, draft.preparation_note) == ("refused", preparing.OUR_FAULT)
