"""Every form of labelled images becomes the same list of items; what is wrong is said in words."""

import gzip
import io
import lzma
import os
import pickle
import struct
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from competitions.pictures.examining import Picture, Raw
from competitions.preparing.sources import Item, batches, packed, read_source
from competitions.preparing.sources.catalogue import published
from competitions.refusals import Refused
from tests.competitions.zips import image
from tests.competitions.zips import packed as zipped

PIXEL = image()


@dataclass(frozen=True)
class Whole:
    """A source with all its pictures read."""

    items: Sequence[Item]
    pictures: Sequence[Picture]

    def read(self, index: int) -> Picture:
        return self.pictures[index]


def whole(stream: IO[bytes], name: str = "x") -> Whole:
    with read_source(stream, name) as found:
        return Whole(found.items, [found.read(n) for n in range(len(found.items))])


def source(files: Mapping[str, bytes], name: str = "upload.zip") -> Whole:
    return whole(io.BytesIO(zipped(files)), name)


def told(found: Whole) -> list[tuple[Any, ...]]:
    return [(item.name, item.label, item.part) for item in found.items]


def refusal(files: Mapping[str, bytes]) -> str:
    with pytest.raises(Refused) as error:
        source(files)
    return str(error.value)


def tar(files: Mapping[str, bytes], mode: Any = "w:gz", **kinds: bytes) -> io.BytesIO:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode) as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.type = len(data), kinds.get("kind", tarfile.REGTYPE)
            info.linkname = "/etc/passwd" if "kind" in kinds else ""
            archive.addfile(info, io.BytesIO(data))
    stream.seek(0)
    return stream


def idx(numbers: np.ndarray) -> bytes:
    return (
        bytes([0, 0, 8, numbers.ndim]) + struct.pack(f">{numbers.ndim}I", *numbers.shape)
    ) + numbers.astype(np.uint8).tobytes()


def batch(labels: list[int], protocol: int = 2) -> bytes:
    data = np.arange(len(labels) * 3072, dtype=np.uint32).astype(np.uint8).reshape(-1, 3072)
    return pickle.dumps({b"data": data, b"labels": labels}, protocol=protocol)


FOLDERS = {"cat/a.png": PIXEL, "cat/b.png": PIXEL, "dog/a.png": PIXEL, "dog/b.png": PIXEL}


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


# --- numbers: idx and CIFAR ----------------------------------------------------------------------


def idx_files(ending: str = "", pack: Any = bytes) -> dict[str, bytes]:
    files = {}
    for part, count in (("train", 4), ("t10k", 2)):
        pixels = np.arange(count * 6).reshape(count, 2, 3)
        files[f"{part}-images-idx3-ubyte{ending}"] = pack(idx(pixels))
        files[f"{part}-labels-idx1-ubyte{ending}"] = pack(idx(np.arange(count) % 2))
    return files


@pytest.mark.parametrize(("ending", "pack"), [("", bytes), (".gz", gzip.compress)])
def test_idx_files_packed_or_not(ending, pack):
    found = source(idx_files(ending, pack))
    assert len(found.items) == 6
    assert ("t10k-images[1]", "1", "test") in told(found)
    assert ("train-images[0]", "0", "train") in told(found)
    picture = found.read(0)
    assert isinstance(picture, Raw) and picture.pixels.shape == (2, 3)


def test_every_item_of_idx_files_reads_its_own_numbers():
    found = source(idx_files())
    for index, item in enumerate(found.items):
        place = int(item.name.partition("[")[2].rstrip("]"))
        picture = found.read(index)
        assert isinstance(picture, Raw)
        assert picture.pixels.ravel().tolist() == list(range(6 * place, 6 * place + 6))
        assert item.label == str(place % 2)


def test_garments_have_names_and_others_take_theirs_from_a_file():
    assert source(idx_files(), "fashion-mnist.zip").items[0].label == "T-shirt/top"
    assert source({**idx_files(), "classes.txt": b"even\nodd\n"}).items[0].label == "even"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"train-labels-idx1-ubyte": b""}, "not a whole idx file"),
        ({"train-images-idx3-ubyte": idx(np.zeros((9, 2, 3)))[:-1]}, "not a whole idx file"),
        ({"train-labels-idx1-ubyte": idx(np.zeros(3))}, "4 images"),
        ({"train-images-idx3-ubyte": b"\0\0\x08\x03" + b"\xff" * 12}, "not a whole idx file"),
        ({"classes.txt": b"one\n"}, "names for 1 classes"),
    ],
)
def test_idx_headers_are_not_believed(change, sentence):
    assert sentence in refusal({**idx_files(), **change})


def test_labels_without_their_images_are_missed():
    files = idx_files()
    del files["train-labels-idx1-ubyte"]
    assert "lacks 'train-labels-idx1-ubyte'" in refusal(files)


META = pickle.dumps({b"label_names": [b"airplane", b"bird"]})


@pytest.mark.parametrize("protocol", [0, 1, 2, 4])
def test_cifar_batches_of_any_age(protocol):
    files = {
        "cifar-10-batches-py/data_batch_1": batch([0, 1], protocol),
        "cifar-10-batches-py/test_batch": batch([1], protocol),
        "cifar-10-batches-py/batches.meta": META,
    }
    found = whole(tar(files), "cifar-10-python.tar.gz")
    assert told(found) == [
        ("data_batch_1[0]", "airplane", "train"),
        ("data_batch_1[1]", "bird", "train"),
        ("test_batch[0]", "bird", "test"),
    ]
    picture = found.read(0)
    # planes of red, green and blue become triples
    assert isinstance(picture, Raw) and picture.pixels.shape == (32, 32, 3)
    assert picture.pixels[0, 1].tolist() == [1, (1024 + 1) % 256, (2048 + 1) % 256]


def test_batches_may_be_packed_one_by_one():
    files = {"data_batch_1.xz": lzma.compress(batch([0, 1])), "batches.meta": META}
    assert [item.part for item in source(files).items] == ["train", "train"]


class Bomb:
    def __reduce__(self):
        return os.system, ("touch ran",)


@pytest.mark.parametrize(
    "data",
    [pickle.dumps(Bomb()), pickle.dumps([1]), b"", b"\x80\x04K\x01.", pickle.dumps({b"data": 1})],
    ids=["a program", "a list", "nothing", "a number", "half"],
)
def test_a_pickle_that_is_no_batch_does_nothing(data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "data_batch_1" in refusal({"data_batch_1": data})
    assert not (tmp_path / "ran").exists()


@given(
    st.lists(
        st.sampled_from(["os", "posix", "builtins", "subprocess", "numpy", "codecs", "_codecs"]),
        min_size=1,
        max_size=3,
    ),
    st.sampled_from(["system", "exec", "eval", "Popen", "load", "decode", "getattr"]),
)
def test_no_pickle_reaches_a_name_that_is_not_ours(modules, name):
    for module in modules:
        for found in (f"c{module}\n{name}\n.", f"\x8c{chr(len(module))}{module}"):
            stream = io.BytesIO(found.encode("latin1"))
            with pytest.raises(Exception):  # noqa: B017 - of whatever kind: it gives no object
                batches._Unpickler(stream).load()


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


# --- what it is packed in ------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_tars_of_every_packing(mode):
    assert len(whole(tar(FOLDERS, mode), "x").items) == 4


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE])
def test_links_and_devices_in_a_tar_are_refused(kind):
    with pytest.raises(Refused, match="a link or device"):
        whole(tar({"cat/a.png": b""}, kind=kind), "x")


@pytest.mark.parametrize("name", ["../a.png", "/etc/a.png", "a/../../b.png", "a\\b.png"])
def test_names_that_lead_out_of_a_tar_are_refused(name):
    with pytest.raises(Refused, match="leads out of it"):
        whole(tar({name: PIXEL}), "x")


def test_a_tar_that_unpacks_beyond_measure_is_refused(monkeypatch):
    monkeypatch.setattr("competitions.preparing.sources.containers.MAX_TOTAL", 1 << 20)
    with pytest.raises(Refused, match="unpacks to more than"):
        whole(tar({"cat/a.png": bytes(3 << 20)}), "x")


@pytest.mark.parametrize("data", [b"", b"hello", PIXEL, b"PK\x03\x04 and no more", b"\x1f\x8bno"])
def test_what_is_no_archive_is_refused(data):
    with pytest.raises(Refused, match="Pack it again"):
        whole(io.BytesIO(data), "x")


def test_a_folder_of_this_machine_becomes_the_same_source(tmp_path):
    for name, data in {**FOLDERS, ".hidden/x.png": PIXEL}.items():
        (tmp_path / "set" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "set" / name).write_bytes(data)
    (tmp_path / "set" / "cat" / "out.png").symlink_to(__file__)
    stream = io.BytesIO(b"".join(packed(tmp_path / "set")))
    assert told(whole(stream, "set")) == told(source(FOLDERS))


def test_a_path_that_is_not_there_is_said(tmp_path):
    with pytest.raises(Refused, match="neither a file nor a folder"):
        list(packed(tmp_path / "nothing"))


# --- published sets ------------------------------------------------------------------------------


def test_a_set_on_this_machine_is_found_in_either_layout(tmp_path):
    (tmp_path / "cifar-10").mkdir()
    (tmp_path / "cifar-10" / "test_batch.xz").touch()
    assert published("cifar10", tmp_path) == tmp_path / "cifar-10"


def test_a_set_that_cannot_be_had_says_where_its_files_belong(tmp_path, monkeypatch):
    monkeypatch.setattr("competitions.preparing.sources.catalogue.DOWNLOAD", "raise SystemExit(1)")
    with pytest.raises(Refused, match=r"Put its files into .*kmnist"):
        published("kmnist", tmp_path)
    with pytest.raises(Refused, match="Known: mnist"):
        published("imagenet", tmp_path)
