"""Test images packed into one array: whole, in order, and refused in words."""

import io
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from scoring.sandbox.contract import Contract
from scoring.sandbox.images import ImagesError, pack, read_head

COLOUR = Contract(channels=3, height=4, width=6, classes=("a", "b"))
IDS = ("b", "a", "c")


def picture(seed, mode="RGB", size=(6, 4), kind="PNG"):
    bands = len(mode) if mode != "L" else 1
    shape = (size[1], size[0]) if bands == 1 else (size[1], size[0], bands)
    pixels = np.random.default_rng(seed).integers(0, 256, shape, np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind)
    return file.getvalue()


@pytest.fixture
def pictures():
    return {f"test/{name}.png": picture(seed) for seed, name in enumerate("abcd")}


def as_folder(pictures, path):
    for name, data in pictures.items():
        (path / name).parent.mkdir(exist_ok=True)
        (path / name).write_bytes(data)
    return path


def as_zip(pictures, path):
    with zipfile.ZipFile(path / "test.zip", "w") as archive:
        for name, data in pictures.items():
            archive.writestr(name, data)
    return path / "test.zip"


def as_pairs(pictures, _path):
    return iter(pictures.items())


@pytest.mark.parametrize("given", [as_folder, as_zip, as_pairs])
@pytest.mark.parametrize(
    "ids", [IDS, [f"{each}.png" for each in IDS], [f"test/{i}.png" for i in IDS]]
)
def test_images_lie_in_the_order_of_the_ids(pictures, tmp_path, given, ids):
    packed = np.load(pack(given(pictures, tmp_path), COLOUR, ids, tmp_path / "images.npy"))
    assert (packed.shape, packed.dtype) == ((3, 3, 4, 6), np.uint8)
    for row, each in zip(packed, IDS, strict=True):
        expected = np.asarray(Image.open(io.BytesIO(pictures[f"test/{each}.png"])))
        assert (row.transpose(1, 2, 0) == expected).all()


def test_grey_images_have_one_channel(tmp_path):
    data = picture(0, "L")
    contract = replace(COLOUR, channels=1)
    packed = np.load(pack([("a.png", data)], contract, ["a"], tmp_path / "images.npy"))
    assert (packed[0, 0] == np.asarray(Image.open(io.BytesIO(data)))).all()


def test_the_packed_file_says_what_it_holds(pictures, tmp_path):
    path = pack(pictures.items(), COLOUR, IDS, tmp_path / "images.npy")
    head = read_head(path, COLOUR)
    assert head.shape == (3, 3, 4, 6)
    raw = np.memmap(path, np.uint8, "r", head.offset, head.shape)
    assert (raw == np.load(path)).all()
    with pytest.raises(ImagesError, match="Pack them again"):
        read_head(path, replace(COLOUR, width=4, height=6))
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ImagesError, match="cut short"):
        read_head(path, COLOUR)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"test/a.png": picture(0, size=(4, 6))}, "test/a.png has 4 x 6 pixels"),
        ({"test/a.png": b"no picture"}, "cannot be read as an image"),
        ({"test/a.png": picture(0)[:80]}, "cut short or damaged"),
        ({"other/a.png": picture(9)}, "two images for the id a"),
    ],
)
def test_images_that_do_not_fit_are_named_and_nothing_is_left(pictures, tmp_path, change, says):
    target = tmp_path / "packed" / "images.npy"
    target.parent.mkdir()
    with pytest.raises(ImagesError, match=says):
        pack((pictures | change).items(), COLOUR, IDS, target)
    assert list(target.parent.iterdir()) == []


def test_missing_images_are_counted(pictures, tmp_path):
    with pytest.raises(ImagesError, match="2 of 4 images are missing, such as x, y"):
        pack(pictures.items(), COLOUR, ["a", "x", "b", "y"], tmp_path / "images.npy")


def test_an_id_that_comes_twice(pictures, tmp_path):
    with pytest.raises(ImagesError, match="comes twice"):
        pack(pictures.items(), COLOUR, ["a", "a"], tmp_path / "images.npy")


@pytest.mark.parametrize("name", ["missing.zip", "cut.zip"])
def test_a_source_that_is_none(tmp_path, name):
    (tmp_path / "cut.zip").write_bytes(b"PK\3\4")
    with pytest.raises(ImagesError):
        pack(tmp_path / name, COLOUR, IDS, tmp_path / "images.npy")


def test_an_array_saved_by_columns_is_no_packed_file(tmp_path):
    np.save(tmp_path / "images.npy", np.asfortranarray(np.zeros((3, 3, 4, 6), np.uint8)))
    with pytest.raises(ImagesError):
        read_head(tmp_path / "images.npy", COLOUR)
