"""The classic sets, and the refusal to unpickle anything but CIFAR-10's own bytes."""

import gzip
import pickle
import struct
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from sklearn.datasets import load_digits
from typer.testing import CliRunner

from baselines.__main__ import app
from baselines.catalogue import dataset
from baselines.data import published
from baselines.data.dataset import split
from baselines.errors import BaselineError, CallError
from tests.baselines.conftest import running


def idx(array):
    head = b"\0\0\x08" + bytes([array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return head + array.astype(np.uint8).tobytes()


@pytest.mark.parametrize(
    "folder, pack, end", [("MNIST/raw", bytes, ""), ("mnist", gzip.compress, ".gz")]
)
def test_reads_idx_in_both_layouts(tmp_path, folder, pack, end):
    images, labels = np.arange(2 * 28 * 28).reshape(2, 28, 28) % 256, np.array([7, 2])
    (tmp_path / folder).mkdir(parents=True)
    for half in ("train", "t10k"):
        for name, array in (("images-idx3", images), ("labels-idx1", labels)):
            (tmp_path / folder / f"{half}-{name}-ubyte{end}").write_bytes(pack(idx(array)))
    found = published.mnist(tmp_path)
    assert found.train.pixels.shape == (2, 1, 28, 28)
    assert (found.test.pixels[:, 0] == images).all()
    assert found.test.labels.tolist() == [7, 2]


def test_says_where_it_looked(tmp_path):
    with pytest.raises(CallError, match=r"not under .*MNIST/raw/train-images.* fetch mnist"):
        published.mnist(tmp_path)


def test_refuses_a_cut_idx_file(tmp_path):
    (tmp_path / "mnist").mkdir()
    path = tmp_path / "mnist" / "train-images-idx3-ubyte"
    path.write_bytes(idx(np.zeros((2, 28, 28)))[:-1])
    with pytest.raises(BaselineError, match="cut short"):
        published.mnist(tmp_path)


class Trap:
    sprung = False

    def __reduce__(self):
        return setattr, (Trap, "sprung", True)


def test_never_unpickles_a_foreign_batch(tmp_path):
    (tmp_path / "cifar-10-batches-py").mkdir()
    path = tmp_path / "cifar-10-batches-py" / "data_batch_1"
    path.write_bytes(pickle.dumps(Trap()))
    with pytest.raises(BaselineError, match=r"not CIFAR-10's published data_batch_1 .* not opened"):
        published.cifar10(tmp_path)
    assert not Trap.sprung


def test_the_digits_hold_out_the_same_fifth_every_time(tmp_path):
    first, second = dataset("digits", tmp_path), dataset("digits", tmp_path)
    assert (len(first.train), len(first.test)) == (1438, 359)
    assert (first.test.pixels == second.test.pixels).all()
    assert min(np.bincount(first.test.labels)) >= 34
    assert first.train.pixels.max() == 255
    _kept, held = split("digits", load_digits().target)
    assert held[:8].tolist() == [2, 5, 6, 10, 12, 13, 14, 19]  # on which recipes were measured
    assert held.sum() == 313_684


def test_every_class_keeps_an_image_to_train_with():
    for sizes in [(1, 1, 1, 1, 1, 5), (5, 1, 2, 3, 1, 4), (9, 1), (2,) * 5]:
        for part in (2, 5):
            labels = np.repeat(np.arange(len(sizes)), sizes)
            kept, held = split("few", labels, part)
            assert sorted([*kept, *held]) == list(range(len(labels)))
            assert set(labels[kept]) == set(labels)
            assert len(held) == sum(size for size in sizes if size > 1) // part
    with pytest.raises(BaselineError, match=r"few has 0 labelled images in classes of two or more"):
        split("few", np.arange(10))


@pytest.mark.published_data
def test_reads_the_real_mnist(shared):
    found = published.mnist(shared)
    assert found.train.pixels.shape == (60_000, 1, 28, 28)
    assert found.test.labels[:5].tolist() == [7, 2, 1, 0, 4]


@pytest.mark.published_data
def test_reads_a_real_cifar_batch(shared):
    batch = published._cifar_batch(shared / "cifar-10" / "test_batch.xz", "test_batch")
    assert batch.pixels.shape == (10_000, 3, 32, 32)
    assert np.bincount(batch.labels).tolist() == [1000] * 10


# --- download ------------------------------------------------------------------------------------


@pytest.fixture
def mirror(monkeypatch, tmp_path):
    """A mirror of MNIST on this machine: torchvision downloads from here whatever lies in it."""
    mnist = pytest.importorskip("baselines.vision").datasets.MNIST
    folder = tmp_path / "mirror"
    folder.mkdir()
    handler = partial(SimpleHTTPRequestHandler, directory=str(folder))
    with running(ThreadingHTTPServer(("127.0.0.1", 0), handler)) as server:
        monkeypatch.setattr(mnist, "mirrors", [f"http://127.0.0.1:{server.server_port}/"])
        yield folder


def fetched(tmp_path, *words):
    return CliRunner().invoke(app, ["fetch", "mnist", "--out", str(tmp_path / "data"), *words])


def test_fetch_brings_mnist_as_training_reads_it(mirror, shared, tmp_path):
    for file in (shared / "mnist").iterdir():
        (mirror / file.name).symlink_to(file)
    answer = fetched(tmp_path, "--json")
    assert answer.exit_code == 0, answer.output
    assert dataset("mnist", tmp_path / "data").train.pixels.shape == (60_000, 1, 28, 28)


def test_fetch_refuses_what_is_not_the_published_file(mirror, tmp_path):
    for half in ("train", "t10k"):
        for name in ("images-idx3", "labels-idx1"):
            (mirror / f"{half}-{name}-ubyte.gz").write_bytes(gzip.compress(b"something else"))
    answer = fetched(tmp_path)
    assert answer.exit_code == 1
    assert "mnist could not be downloaded" in answer.output
    with pytest.raises(BaselineError, match="Fetch it again"):
        dataset("mnist", tmp_path / "data")


def test_fetch_without_a_network_says_what_to_do(monkeypatch, tmp_path):
    mnist = pytest.importorskip("baselines.vision").datasets.MNIST
    monkeypatch.setattr(mnist, "mirrors", ["http://127.0.0.1:9/"])  # where nobody listens
    answer = fetched(tmp_path)
    assert answer.exit_code == 1
    assert "Without internet, copy its files" in answer.output
