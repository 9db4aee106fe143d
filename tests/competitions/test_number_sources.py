"""MNIST's idx files and CIFAR's batches, with a pickle taken as data and never run."""

import gzip
import lzma
import os
import pickle
import struct
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from competitions.pictures.examining import Raw
from competitions.preparing.sources import pickled
from tests.competitions.labelled import batch, idx, refusal, source, tar, told, whole

# --- idx files -----------------------------------------------------------------------------------


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


# --- CIFAR batches -------------------------------------------------------------------------------

META = pickle.dumps({b"label_names": [b"airplane", b"bird"]})


@pytest.mark.parametrize("protocol", [0, 1, 2, 4, 5])
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


def test_a_set_that_lies_packed_and_unpacked_is_read_once():
    both = {**idx_files(), **idx_files(".gz", gzip.compress)}
    assert told(source(both)) == told(source(idx_files()))


def test_more_pictures_than_are_taken_are_refused_before_they_are_listed(monkeypatch):
    monkeypatch.setattr("competitions.preparing.sources.arrays.MAX_MEMBERS", 5)
    assert "more than 5 images" in refusal(idx_files())
    assert "more than 5 images" in refusal({"data_batch_1": batch([0, 1] * 3)})


def test_what_stays_in_memory_is_counted_over_all_files(monkeypatch):
    monkeypatch.setattr("competitions.preparing.sources.expanding.MOST_IN_ALL", 40)
    assert "too large" in refusal(idx_files(".gz", gzip.compress))


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress])
def test_a_packed_member_swells_to_a_limit(pack, monkeypatch):
    monkeypatch.setattr("competitions.preparing.sources.expanding.MOST", 1 << 16)
    assert "too large" in refusal({"data_batch_1.xz": pack(bytes(1 << 20))})


def test_arrays_by_column_keep_their_pixels():
    data = np.asfortranarray(np.arange(2 * 3072).reshape(2, 3072).astype(np.uint8))
    found = source({"data_batch_1": pickle.dumps({b"data": data, b"labels": [0, 1]})})
    same = source({"data_batch_1": batch([0, 1])})
    for index in (0, 1):
        one, other = found.read(index), same.read(index)
        assert isinstance(one, Raw) and isinstance(other, Raw)
        assert (one.pixels == other.pixels).all()


def test_arrays_of_anything_but_bytes_are_no_batch():
    data = np.zeros((2, 1536), np.uint16)
    assert "not a whole CIFAR batch" in refusal(
        {"data_batch_1": pickle.dumps({b"data": data, b"labels": [0, 1]})}
    )


# --- pickles -------------------------------------------------------------------------------------

PLAIN = st.recursive(
    st.integers(-(2**31), 2**31 - 1) | st.text() | st.none() | st.booleans(),
    lambda within: st.lists(within) | st.dictionaries(st.text(), within),
    max_leaves=20,
)


@given(PLAIN, st.sampled_from([2, 3, 4, 5]))
def test_data_comes_through_as_it_was(value, protocol):
    assert pickled.read(pickle.dumps(value, protocol)) == value


@given(st.binary(max_size=200))
def test_any_bytes_give_data_or_nothing(data):
    with suppress(pickled.Broken):
        value = pickled.read(data + b".")
        module = type(value).__module__
        assert module in ("builtins", pickled.__name__)
        assert not callable(value)


CALLS = ["os system", "builtins exec", "builtins getattr", "numpy load", "_codecs decode"]


@given(st.lists(st.sampled_from(CALLS), min_size=1), st.binary(max_size=20), st.booleans())
def test_no_name_but_ours_is_looked_up(names, rest, by_stack):
    program = b""
    for name in names:
        module, _space, attribute = name.encode().partition(b" ")
        if by_stack:
            words = (b"\x8c" + bytes([len(word)]) + word for word in (module, attribute))
            program += b"".join(words) + b"\x93"
        else:
            program += b"c" + module + b"\n" + attribute + b"\n"
    with pytest.raises(pickled.Broken):
        pickled.read(program + rest + b".")


ENDLESS = {
    "lists by the million": b"]" * (pickled.MOST_STEPS + 1) + b".",
    "a key whose hash never ends": b"}(" + b")" + b"2\x86" * 40 + b"K\x01u.",
    "memory set aside": b"\x96" + struct.pack("<Q", 200 << 30) + b".",
    "a text encoded again and again": b"(\x8c\xff" + b"x" * 255 + b"q\x000"
    + b"c_codecs\nencode\nh\x00\x85R" * 100 + b"l.",
    "state for our own function": b"c_codecs\nencode\n}(U\x01xK\x01ub.",
}  # fmt: skip


@pytest.mark.parametrize("data", ENDLESS.values(), ids=ENDLESS)
def test_a_pickle_that_costs_more_than_its_size_is_refused(data):
    with pytest.raises(pickled.Broken):
        pickled.read(data)
