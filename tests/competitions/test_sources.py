"""Every form of labelled images becomes the same list of items; what is wrong is said in words."""

import io
import unicodedata

import pytest

from competitions.refusals import Refused
from tests.competitions.labelled import FOLDERS, PIXEL, refusal, source, told, whole
from tests.competitions.zips import packed as zipped

# --- class folders -------------------------------------------------------------------------------


def test_class_folders_below_any_common_folder():
    found = source({f"my photos/{name}": data for name, data in FOLDERS.items()})
    assert told(found)[0] == ("my photos/cat/a.png", "cat", "")
    assert found.read(0) == PIXEL


def test_notes_beside_the_images_are_no_trouble():
    notes = {"README.md": b"hello", "LICENSE": b"free", "cat/about.txt": b"cats"}
    assert len(source({**FOLDERS, **notes}).items) == 4
    assert "run.exe" in refusal({**FOLDERS, "cat/run.exe": b"MZ"})


def test_train_and_test_folders_are_the_sources_own_split():
    found = source({f"{part}/{n}": PIXEL for part in ("train", "test") for n in FOLDERS})
    assert {(item.name.split("/")[0], item.part) for item in found.items} == {
        ("train", "train"),
        ("test", "test"),
    }


def test_validation_images_are_the_test_set_unless_there_is_one():
    two = source({f"{part}/{n}": PIXEL for part in ("train", "val") for n in FOLDERS})
    assert {item.part for item in two.items if item.name.startswith("val")} == {"test"}
    three = source({f"{part}/{n}": PIXEL for part in ("train", "val", "test") for n in FOLDERS})
    assert {item.part for item in three.items if item.name.startswith("val")} == {"train"}


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({}, "is empty"),
        ({"a.csv": b"id,label\n"}, "holds no images"),
        ({"a.png": PIXEL, "b.png": PIXEL}, "one folder per class"),
        ({"cat/a.png": PIXEL, "dog.png": PIXEL, "owl/a.png": PIXEL}, "Not so placed: dog.png"),
        ({"cat/a.png": PIXEL, "cat/b.png": PIXEL, "readme.txt": b""}, "one folder per class"),
        ({" cat/a.png": PIXEL, "dog/a.png": PIXEL}, "spaces around"),
        ({f"{'x' * 101}/a.png": PIXEL, "dog/a.png": PIXEL}, "longer than 100"),
    ],
)
def test_what_is_wrong_is_said(files, sentence):
    assert sentence in refusal(files)


def test_a_class_may_have_folders_within_which_are_no_groups():
    found = source({"cat/session3/1.png": PIXEL, "cat/2.png": PIXEL, "dog/1.png": PIXEL})
    assert [(item.label, item.group) for item in found.items] == [
        ("cat", ""),
        ("cat", ""),
        ("dog", ""),
    ]


def test_endings_in_capital_letters_are_images_too():
    assert len(source({"cat/1.PNG": PIXEL, "dog/2.JpEg": PIXEL}).items) == 2


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        (["cat/a/b/1.png", "dog/1.png"], "too deep"),
        (["train/cat/1.png", "test/cat/2.png", "docs/plot.png"], "beside them: docs/plot.png"),
        (["cat/1.png", "Cat/2.png", "dog/1.png"], "differ only in capital letters: Cat, cat"),
        (["cat/a.png", "cat/A.png", "dog/1.png"], "names differ only in capital letters"),
    ],
)
def test_folders_that_do_not_tell_the_class_are_asked_about(files, sentence):
    assert sentence in refusal(dict.fromkeys(files, PIXEL))


def test_a_class_may_be_called_train():
    files = dict.fromkeys(["car/1.png", "train/1.png", "bus/1.png"], PIXEL)
    assert {item.label for item in source(files).items} == {"car", "train", "bus"}


# --- a table -------------------------------------------------------------------------------------

TABLE = b"file,label,patient,usage,split\na.png,cat,p1,,train\nb.png,dog,p1,Public,test\n"
MORE = b"c.png,cat,p2,ignored,test\nd.png,dog,p3,Private,test\n"


def test_a_table_knows_groups_usage_and_split():
    files = {f"images/{name}.png": PIXEL for name in "abcd"}
    found = source({**files, "labels.csv": TABLE + MORE})
    assert [(i.label, i.group, i.usage, i.part) for i in found.items] == [
        ("cat", "p1", "", "train"),
        ("dog", "p1", "Public", "test"),
        ("cat", "p2", "Ignored", "test"),
        ("dog", "p3", "Private", "test"),
    ]


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        (b"id,label\na,cat\nb,dog\nc,owl\n", "lacks images that labels.csv names: c"),
        (b"id,label\na,cat\n", "without a line in labels.csv: b.png"),
        (b"id,label\na,cat\na,dog\n", "'a' twice, again in line 3"),
        (b"id,label,usage\na,cat,Secret\nb,dog,Public\n", "usage 'secret' in line 2"),
        (b"id,label,split\na,cat,dev2\nb,dog,test\n", "split 'dev2' in line 2"),
        (b"id,label\na,\nb,dog\n", "without a class in line 2"),
        (b"id,label\na,cat\nb\n", "wrong number of values in line 3"),
    ],
)
def test_a_wrong_table_is_answered_with_its_line(table, sentence):
    assert sentence in refusal({"a.png": PIXEL, "b.png": PIXEL, "labels.csv": table})


def test_an_ignored_image_needs_no_class():
    table = b"id,label,usage\na,cat,\nb,dog,\nc,,Ignored\n"
    found = source({**{f"{n}.png": PIXEL for n in "abc"}, "labels.csv": table})
    assert [(item.label, item.usage) for item in found.items][2] == ("", "Ignored")


def test_a_row_that_may_mean_two_images_gives_neither_its_class():
    table = b"id,label\n1,cat\n2,dog\n"
    files = {"a/1.png": PIXEL, "b/1.png": PIXEL, "c/2.png": PIXEL, "labels.csv": table}
    assert "several images that '1' in labels.csv may mean" in refusal(files)
    whole_paths = b"id,label\na/1,cat\nb/1.png,dog\nc/2,dog\n"
    found = source({**files, "labels.csv": whole_paths})
    assert [item.label for item in found.items] == ["cat", "dog", "dog"]


def test_a_table_may_be_called_in_capitals_and_spell_in_another_form_of_unicode():
    table = unicodedata.normalize("NFD", "id,label\n\u00e9,caf\u00e9\nb,dog\n").encode()
    found = source({"\u00e9.png": PIXEL, "b.png": PIXEL, "LABELS.CSV": table})
    assert {item.label for item in found.items} == {"caf\u00e9", "dog"}


def test_an_empty_table_is_said():
    assert "labels.csv cannot be read" in refusal({"a.png": PIXEL, "labels.csv": b""})


# --- a challenge as it was given elsewhere -------------------------------------------------------


def kaggle() -> dict[str, bytes]:
    return {
        "train/1.png": PIXEL,
        "train/2.png": PIXEL,
        "train.csv": b"id,label\n1,cat\n2,dog\n",
        "test/3.png": PIXEL,
        "test/4.png": PIXEL,
        "sample_submission.csv": b"id,label\n3,cat\n4,cat\n",
        "solution.csv": b"id,label,Usage\n3,cat,Public\n4,dog,Private\n",
    }


def test_train_test_and_solution():
    found = source(kaggle())
    assert [(i.label, i.part, i.usage) for i in found.items] == [
        ("cat", "train", ""),
        ("dog", "train", ""),
        ("cat", "test", "Public"),
        ("dog", "test", "Private"),
    ]


def test_zips_within_are_opened():
    files = {
        "train.zip": zipped({"cat/1.png": PIXEL, "dog/2.png": PIXEL}),
        "test.zip": zipped({"3.png": PIXEL}),
        "solution.csv": b"id,label\n3,dog\n",
    }
    found = source(files)
    assert told(found)[-1] == ("test/3.png", "dog", "test")
    assert [found.read(n) for n in range(3)] == [PIXEL] * 3


def test_images_beside_train_and_test_are_asked_about():
    assert "Elsewhere: other/5.png" in refusal({**kaggle(), "other/5.png": PIXEL})


def test_the_outermost_folder_tells_the_side():
    files = {
        "train/testudo/1.png": PIXEL,
        "train/cat/2.png": PIXEL,
        "test/3.png": PIXEL,
        "solution.csv": b"id,label\n3,cat\n",
    }
    assert told(source(files))[1] == ("train/testudo/1.png", "testudo", "train")


def test_a_file_in_a_folder_and_in_a_zip_is_refused():
    files = {"train.zip": zipped({"cat/1.png": PIXEL}), "train/cat/1.png": PIXEL}
    assert "'train/cat/1.png' twice, in a folder and in a zip" in refusal(files)


def test_a_zip_within_may_end_in_capitals():
    files = {
        "train.ZIP": zipped({"cat/1.png": PIXEL, "dog/2.png": PIXEL}),
        "test.ZIP": zipped({"3.png": PIXEL}),
        "solution.csv": b"id,label\n3,dog\n",
    }
    assert told(source(files))[-1] == ("test/3.png", "dog", "test")


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({"a/1.heic": b"x", "b/2.HEIC": b"x"}, "Save them as JPEG"),
        ({**FOLDERS, "cat/3.heic": b"x"}, "Save them as JPEG"),
        ({"cats/1.png": PIXEL, "cats/2.png": PIXEL}, "all its images in one folder, cats/"),
    ],
)
def test_what_teachers_bring_instead_is_named(files, sentence):
    assert sentence in refusal(files)


@pytest.mark.parametrize(
    ("data", "sentence"), [(b"Rar!\x1a\x07\x00", "Pack a zip instead"), (PIXEL, "a single image")]
)
def test_what_is_no_archive_is_named(data, sentence):
    with pytest.raises(Refused, match=sentence):
        whole(io.BytesIO(data))


def test_documents_beside_the_images_are_passed_over():
    beside = {"notes.docx": b"x", "cat/Thumbs.db": b"x", "list.xlsx": b"x"}
    assert told(source({**FOLDERS, **beside})) == told(source(FOLDERS))


@pytest.mark.parametrize("coding", ["utf-8-sig", "cp1252"])
def test_a_table_as_excel_saves_it(coding):
    table = "image;label\na.png;Bär\nb.png;Hund\n".encode(coding)
    found = source({"a.png": PIXEL, "b.png": PIXEL, "labels.csv": table})
    assert [item.label for item in found.items] == ["Bär", "Hund"]


def test_a_slip_of_the_pen_names_both_sides():
    words = refusal({"a.png": PIXEL, "b.png": PIXEL, "labels.csv": b"id,label\na,cat\nbb,dog\n"})
    assert "without a line in labels.csv: b.png" in words and "no image: bb" in words
