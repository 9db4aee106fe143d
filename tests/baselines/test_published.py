"""The classic sets, and the refusal to unpickle anything but CIFAR-10's own bytes."""

import gzip
import pickle
import struct

import numpy as np
import pytest

from baselines.catalogue import dataset
from baselines.data import published
from baselines.errors import BaselineError, CallError


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
    with pytest.raises(CallError, match=r"mnist is not under .*MNIST/raw/train-images"):
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
