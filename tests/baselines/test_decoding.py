"""Files read when asked for, decoded ahead by threads, and sets that do not fit into memory."""

import io
import os
import shutil
import subprocess
import sys
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


def damaged(name: str, how: int = zipfile.ZIP_DEFLATED) -> bytes:
    """An archive in which a few bytes of the packed file are others than they were."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", how) as archive:
        archive.writestr(name, b"".join(b"%d " % (at * at) for at in range(3000)))
    data = bytearray(file.getvalue())
    start = 30 + len(name)  # behind the member's head
    data[start + 20 : start + 40] = bytes(each ^ 0xFF for each in data[start + 20 : start + 40])
    return bytes(data)


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


@pytest.mark.parametrize("how", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_damaged_member_is_named_however_it_was_packed(tmp_path, how):
    path = tmp_path / "set.zip"
    path.write_bytes(damaged("a.png", how))
    with pytest.raises(BaselineError, match=r"a\.png is damaged in .*set\.zip\. Fetch it again"):
        decoding.Files(path)["a.png"]


def test_a_member_with_a_password_is_named(tmp_path):
    data = bytearray(zipped({"a.png": b"x" * 100}))
    data[6] |= 1  # the flag of encryption: in the member's own head and in the directory
    data[data.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "set.zip").write_bytes(data)
    with pytest.raises(BaselineError, match=r"a\.png is damaged"):
        decoding.Files(tmp_path / "set.zip")["a.png"]


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


# --- a full disk ---------------------------------------------------------------------------------

FULL = """
import sys
from pathlib import Path
import numpy as np
from baselines.data import decoding
from baselines.errors import CallError

disk = Path(sys.argv[1])
try:
    if sys.argv[2] == "images":
        decoding.IN_MEMORY = 0
        names, shape = map(str, range(99)), (99, 3, 64, 64)
        decoding.array(lambda name: np.ones(shape[1:], np.uint8), names, shape)
    else:
        from baselines.transfer import frozen
        frozen._write(disk / "f.npy", 99, (np.ones((9, 9999), np.float16) for _ in range(11)))
except CallError as error:
    print(error)
"""


@pytest.mark.skipif(not shutil.which("unshare"), reason="needs Linux and util-linux")
@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("images", "Set TMPDIR to a larger disk, or use --largest"),
        pytest.param("features", "Choose another --cache", marks=pytest.mark.torch),
    ],
)
def test_a_disk_that_becomes_full_is_named(what, words, tmp_path):
    """On a disk of half a megabyte. A hole in a mapped file would end the process by SIGBUS."""
    if what == "features":
        pytest.importorskip("torch")
    mount = 'mount -t tmpfs -o size=512k none "$0" || exit 77; TMPDIR="$0" exec "$@"'
    program = [sys.executable, "-c", FULL, str(tmp_path), what]
    done = subprocess.run(
        ["unshare", "-Urm", "sh", "-c", mount, str(tmp_path), *program],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    if done.returncode == 77 or "unshare" in done.stderr:
        pytest.skip("no file system may be mounted here")
    assert done.returncode == 0, done.stderr
    assert words in done.stdout


@pytest.mark.parametrize("fallocate", [True, False])
def test_room_is_zeros_from_its_start_on(fallocate, monkeypatch):
    if not fallocate:  # as on macOS and Windows
        monkeypatch.delattr(os, "posix_fallocate", raising=False)
    with tempfile.TemporaryFile() as file:
        file.write(b"head")
        decoding.reserve(file, 4, 3_000_000)
        file.seek(0)
        assert file.read() == b"head" + bytes(3_000_000)
