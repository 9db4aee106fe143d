"""Files read when asked for, decoded ahead by threads, and sets that do not fit into memory."""

import tempfile
import threading
import zipfile
from pathlib import Path

import numpy as np
import pytest

from baselines import train
from baselines.catalogue import dataset
from baselines.data import decoding
from baselines.errors import BaselineError, CallError
from tests.baselines.conftest import Onlooker, zipped


@pytest.fixture
def small_memory(monkeypatch):
    monkeypatch.setattr(decoding, "IN_MEMORY", 0)


def test_a_folder_and_an_archive_show_the_same_files(tmp_path):
    files = {"a/1.txt": b"one", "b.txt": b"two"}
    (tmp_path / "set.zip").write_bytes(zipped(files))
    with zipfile.ZipFile(tmp_path / "set.zip") as archive:
        archive.extractall(tmp_path / "set")
    for source in ("set.zip", "set"):
        assert dict(decoding.Files(tmp_path / source)) == files
        assert list(decoding.Files(tmp_path / source, lambda name: "/" in name)) == ["a/1.txt"]
        assert "../set.zip" not in decoding.Files(tmp_path / source)


def test_a_damaged_member_is_named(tmp_path):
    path = tmp_path / "set.zip"
    path.write_bytes(zipped({"a.png": b"x" * 1000}).replace(b"xx", b"xy", 1))
    with pytest.raises(BaselineError, match=r"a\.png is damaged"):
        decoding.Files(path)["a.png"]


def test_threads_are_a_bounded_number_ahead():
    begun, lock = [], threading.Lock()

    def work(name):
        with lock:
            begun.append(name)
        return name

    names = [f"{at}" for at in range(20 * decoding.AHEAD)]
    results = decoding.ahead(work, names)
    assert next(results) == "0"
    assert len(begun) <= decoding.AHEAD + 1
    assert ["0", *results] == names


def test_what_was_begun_can_be_left():
    results = decoding.ahead(lambda name: name, [f"{at}" for at in range(500)])
    next(results)
    results.close()
    assert not [each for each in threading.enumerate() if "ThreadPool" in each.name]


def test_a_large_set_lies_in_a_file(challenge_folder, small_memory):
    images = dataset(str(challenge_folder), Path())
    assert isinstance(images.train.pixels, np.memmap)
    assert isinstance(images.test.pixels, np.memmap)


@pytest.mark.torch
def test_a_large_set_is_learnt_like_a_small_one(challenge_folder, tmp_path, monkeypatch):
    pytest.importorskip("torch")

    def probabilities(name):
        images = dataset(str(challenge_folder), Path())
        options = {"epochs": 2, "batch_size": 16}
        run = train.plan("lenet5", images, seed=0, options=options)
        _result, model = train.trained(run, images, tmp_path / name, Onlooker())
        return model.probabilities(images.test.pixels)

    in_memory = probabilities("small")
    monkeypatch.setattr(decoding, "IN_MEMORY", 0)
    np.testing.assert_allclose(probabilities("large"), in_memory, atol=1e-5)


def test_a_disk_that_is_too_small_is_named(challenge_folder, small_memory, monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "absent"))
    with pytest.raises(CallError, match=r"Set TMPDIR .* or use --largest"):
        dataset(str(challenge_folder), Path())
