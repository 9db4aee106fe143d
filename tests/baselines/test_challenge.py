"""A fetched challenge, packed or unpacked."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from baselines.catalogue import dataset
from baselines.data import challenge
from baselines.errors import BaselineError, CallError
from baselines.transfer import photos
from tests.baselines.conftest import png, zipped


def test_reads_the_archive(challenge_folder):
    found = dataset(str(challenge_folder), Path())
    assert found.classes == ("left", "right")
    assert (len(found.train), len(found.test)) == (48, 12)
    assert found.train.pixels.shape[1:] == (1, 10, 12)
    assert found.held_out == "validation fifth"


def test_an_unpacked_folder_gives_the_same(challenge_folder):
    packed = challenge.load(challenge_folder)
    with zipfile.ZipFile(challenge_folder / "train.zip") as archive:
        archive.extractall(challenge_folder / "train")
    unpacked = challenge.load(challenge_folder)
    assert (packed.train.pixels == unpacked.train.pixels).all()
    assert (packed.train.labels == unpacked.train.labels).all()


def test_images_without_folders_are_labelled_by_train_csv(tmp_path):
    (tmp_path / "train").mkdir()
    for at in range(10):
        (tmp_path / "train" / f"{at}.png").write_bytes(png(at % 2, at))
    table = "".join(f"{at},{'ab'[at % 2]}\n" for at in range(10))
    (tmp_path / "train.csv").write_text("id,label\n" + table)
    assert challenge.load(tmp_path).classes == ("a", "b")
    (tmp_path / "train.csv").write_text("id,label\n0,a\n")
    with pytest.raises(BaselineError, match=r"no label for 1.png \(9 in all\)"):
        challenge.load(tmp_path)


def test_images_of_several_sizes_and_colours_become_one_array():
    pictures = {"a.png": png(0, 0), "b.png": png(0, 0, (20, 20))}
    assert challenge.stack(pictures, *challenge.looks(pictures)).shape == (2, 1, 64, 64)
    assert challenge.stack(pictures, (8, 6), grey=False).shape == (2, 3, 6, 8)


def saved(pixels: np.ndarray, form: str) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, form)
    return file.getvalue()


LEVELS = np.array([[0, 128, 129, 257], [30_000, 65_278, 65_406, 65_535]])  # of 16 bits
BYTES = [[0, 0, 1, 1], [117, 254, 254, 255]]


@pytest.mark.parametrize(("form", "order"), [("PNG", "<"), ("TIFF", "<"), ("TIFF", ">")])
@pytest.mark.parametrize("reader", [challenge, photos])
def test_grey_of_16_bits_is_scaled_and_not_cut_off(form, order, reader):
    pictures = {"deep": saved(LEVELS.astype(f"{order}u2"), form), "flat": png(0, 0, (4, 2))}
    size, grey = challenge.looks(pictures)
    assert (size, grey) == ((4, 2), True)
    assert reader.stack(pictures, size, grey=True)[0].tolist() == [BYTES]
    assert reader.stack(pictures, size, grey=False)[0].tolist() == [BYTES] * 3
    bright = {"deep": saved(np.full((90, 80), 65_535, np.uint16), form)}
    assert reader.stack(bright, (20, 30), grey=True).min() == 255


@pytest.mark.parametrize("kind", ["float32", "int32"])
@pytest.mark.parametrize("reader", [challenge, photos])
def test_images_of_32_bits_are_refused(kind, reader):
    pictures = {"a/wide.tif": saved(LEVELS.astype(kind), "TIFF")}
    with pytest.raises(BaselineError, match=r"a/wide.tif .* 32 bits .* Save it with 8 or 16 bits"):
        reader.stack(pictures, (4, 2), grey=True)


def test_large_images_are_shrunk_to_one_side_and_small_ones_are_left(challenge_folder):
    assert dataset(str(challenge_folder), Path(), 6).train.pixels.shape[1:] == (1, 5, 6)
    assert dataset(str(challenge_folder), Path(), 64).train.pixels.shape[1:] == (1, 10, 12)


@pytest.mark.parametrize("data", [b"no image", png(0, 0)[:-30]])
def test_names_the_image_that_cannot_be_read(tmp_path, data):
    files = {**{f"a/{at}.png": png(0, at) for at in range(5)}, "b/broken.png": data}
    (tmp_path / "train.zip").write_bytes(zipped(files))
    with pytest.raises(BaselineError, match=r"b/broken.png .* Remove or replace it"):
        challenge.load(tmp_path)


def test_other_wrong_folders_are_named(tmp_path):
    with pytest.raises(CallError, match=r"neither train/ nor train.zip"):
        challenge.load(tmp_path)
    with pytest.raises(CallError, match=r"neither a folder nor one of digits, mnist"):
        dataset("mnits", tmp_path)
    (tmp_path / "train.zip").write_bytes(b"PK not really")
    with pytest.raises(BaselineError, match="not a whole zip archive"):
        challenge.load(tmp_path)
    (tmp_path / "train.zip").write_bytes(zipped({"a/0.png": png(0, 0), "a/1.png": png(0, 1)}))
    with pytest.raises(BaselineError, match="at least two"):
        challenge.load(tmp_path)


def test_classes_that_are_numbers_come_in_the_sites_order(tmp_path):
    """A model's outputs have that order; by the alphabet 10 would come before 2."""
    images = {f"{label}/{at}.png": png(0, at) for label in (1, 2, 10) for at in range(5)}
    (tmp_path / "train.zip").write_bytes(zipped(images))
    found = challenge.load(tmp_path)
    assert found.classes == ("1", "2", "10")
    assert sorted({found.classes[code] for code in found.train.labels}) == ["1", "10", "2"]
