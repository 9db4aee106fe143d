"""Published sets by name: those that lie here, and those that torchvision fetches."""

import gzip
import hashlib
import io
import os
import subprocess
import sys
import tarfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from competitions.pictures.examining import Raw
from competitions.preparing.sources import Item, catalogue, containers, packed, read_source
from competitions.preparing.sources.catalogue import (
    FETCHING,
    SETS,
    Packed,
    is_on_this_machine,
    published,
)
from competitions.refusals import Refused
from tests.competitions import zips
from tests.competitions.labelled import whole
from tests.competitions.zips import image

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"


def touched(folder: Path, names: Sequence[str], ending: str = "") -> Path:
    folder.mkdir(parents=True)
    for name in names:
        (folder / f"{name}{ending}").touch()
    return folder


@pytest.fixture
def broken(monkeypatch, tmp_path):
    """A machine without torchvision: the program that would import it ends at once."""
    program = tmp_path / "program.py"
    program.write_text("raise SystemExit(1)")
    monkeypatch.setattr(catalogue, "PROGRAM", program)
    return tmp_path / "sets"


@pytest.fixture
def program(monkeypatch, tmp_path):
    """``program("…")``: what is run instead of torchvision, as Python with its arguments' names."""
    file = tmp_path / "program.py"
    head = "import sys, time\nfrom pathlib import Path\n"
    head += "kind, halves, here, fresh, target = sys.argv[1:]\n"
    monkeypatch.setattr(catalogue, "PROGRAM", file)
    monkeypatch.setattr(catalogue, "LOOK_EVERY", 0.05)
    return lambda body: file.write_text(head + body)


@pytest.fixture
def archive(monkeypatch):
    """CIFAR-10 as published, in a few bytes."""
    data = b"the whole archive"
    md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
    one = Packed("cifar-10-python.tar.gz", len(data), md5)
    cifar = replace(SETS["cifar10"], archive=one)
    monkeypatch.setattr(catalogue, "SETS", {**SETS, "cifar10": cifar})
    return data


@pytest.mark.parametrize("ending", ["", ".gz", ".xz"])
@pytest.mark.parametrize("name", ["mnist", "cifar10", "cifar100"])
def test_a_set_on_this_machine_is_found_in_every_layout(name, ending, tmp_path):
    for place, folder in enumerate(SETS[name].folders):
        downloads = tmp_path / str(place)
        found = touched(downloads / folder, SETS[name].files, ending)
        assert published(name.upper(), downloads) == found


def test_an_archive_as_published_is_found(archive, tmp_path):
    (tmp_path / "cifar-10-python.tar.gz").write_bytes(archive)
    assert is_on_this_machine("cifar10", tmp_path)
    assert published("cifar10", tmp_path) == tmp_path / "cifar-10-python.tar.gz"


WHOLE = f"""
folder = Path(fresh) / "cifar-10-batches-py"
folder.mkdir()
for name in {SETS["cifar10"].files!r}:
    (folder / name).write_text("new")
"""


@pytest.mark.parametrize("cut", [slice(9), slice(None, None, -1)])
def test_what_is_left_of_a_broken_download_is_downloaded_anew(archive, program, tmp_path, cut):
    """Too short, or of the right size and with holes."""
    downloads = tmp_path / "sets"
    downloads.mkdir()
    (downloads / "cifar-10-python.tar.gz").write_bytes(archive[cut])
    assert is_on_this_machine("cifar10", downloads) is (len(archive[cut]) == len(archive))
    program(WHOLE)
    assert published("cifar10", downloads) == downloads / "cifar-10-batches-py"


def test_half_a_folder_is_completed_with_whole_files(program, tmp_path):
    half = touched(tmp_path / "cifar-10-batches-py", ["test_batch"])
    program(WHOLE)
    assert published("cifar10", tmp_path) == half
    assert (half / "test_batch").read_text() == "new"


def test_a_download_that_is_cut_off_leaves_nothing(program, tmp_path):
    downloads = tmp_path / "sets"
    program(f"{WHOLE}\nraise SystemExit(1)")
    with pytest.raises(Refused, match="could not be downloaded"):
        published("cifar10", downloads)
    assert list(downloads.iterdir()) == []


def test_what_a_killed_worker_left_is_cleared(program, tmp_path):
    dead, alive = tmp_path / f"{FETCHING}dead", tmp_path / f"{FETCHING}alive"
    for folder in (dead, alive):
        touched(folder, ["piece"])
    os.utime(dead, (0, time.time() - catalogue.DEAD_AFTER - 1))
    program(WHOLE)
    published("cifar10", tmp_path)
    assert (dead.exists(), alive.exists()) == (False, True)


# --- a download that takes longer than a lease ---------------------------------------------------


def test_a_long_download_says_that_it_is_alive(program, tmp_path):
    signs: list[float] = []
    program(f"time.sleep(0.5)\n{WHOLE}")
    published("cifar10", tmp_path, alive=lambda: signs.append(time.monotonic()))
    assert len(signs) >= 3


def test_whom_nobody_waits_for_ends_its_download(program, tmp_path):
    class Overtaken(Exception):
        pass

    def overtaken():
        raise Overtaken

    downloads, began = tmp_path / "sets", time.monotonic()
    program(f"time.sleep(60)\n{WHOLE}")
    with pytest.raises(Overtaken):
        published("cifar10", downloads, alive=overtaken)
    assert time.monotonic() - began < 30
    assert list(downloads.iterdir()) == []


def test_a_download_without_an_end_is_given_up(program, monkeypatch, tmp_path):
    monkeypatch.setattr(catalogue, "TIME_LIMIT", 0.2)
    program("time.sleep(60)")
    with pytest.raises(Refused, match="could not be downloaded"):
        published("cifar10", tmp_path / "sets")


@pytest.mark.parametrize("mode", ["w:gz", "w:bz2", "w:xz"])
def test_unpacking_says_that_it_is_alive(mode):
    signs, packed_tar = [], io.BytesIO()
    with tarfile.open(fileobj=packed_tar, mode=mode) as tar:
        for name in ("a.bin", "b.bin"):
            entry = tarfile.TarInfo(name)
            entry.size = 3 << 20
            tar.addfile(entry, io.BytesIO(os.urandom(entry.size)))
    packed_tar.seek(0)
    with ExitStack() as open_files:
        containers.opened(packed_tar, open_files, alive=lambda: signs.append(1))
    assert len(signs) >= 6


def test_zips_within_are_unpacked_alive():
    signs = []
    outer = io.BytesIO(zips.packed({"train.zip": zips.packed({"a.png": image(1)})}))
    with ExitStack() as open_files:
        containers.opened(outer, open_files, alive=lambda: signs.append(1))
    assert signs


def test_half_a_set_is_none(broken):
    touched(broken / "mnist", SETS["mnist"].files[1:])
    assert not is_on_this_machine("mnist", broken)
    with pytest.raises(Refused, match="could not be downloaded"):
        published("mnist", broken)


def test_a_set_that_cannot_be_had_says_where_its_files_belong(broken):
    with pytest.raises(Refused, match=r"Put its files into .*kmnist,"):
        published("kmnist", broken)
    with pytest.raises(Refused, match=r"its images with a labels.csv into .*images/eurosat,"):
        published("eurosat", broken)
    assert list(broken.iterdir()) == []
    with pytest.raises(Refused, match="Known: mnist"):
        published("imagenet", broken)


def test_a_folder_that_cannot_be_written_is_no_crash(broken):
    broken.write_text("a file where the folder should be")
    with pytest.raises(Refused, match="could not be downloaded"):
        published("usps", broken)


# --- torchvision itself --------------------------------------------------------------------------


def items(folder: Path) -> Sequence[Item]:
    return whole(io.BytesIO(b"".join(packed(folder)))).items


@pytest.fixture
def cut_off(monkeypatch):
    """The way to the network ends here, for the program of its own as well."""
    pytest.importorskip("torch")
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")


@pytest.mark.torch
def test_images_are_written_as_they_were_published(cut_off, tmp_path):
    for name in ("Forest", "River"):
        (tmp_path / "eurosat" / "2750" / name).mkdir(parents=True)
        (tmp_path / "eurosat" / "2750" / name / "1.jpg").write_bytes(image(9, kind="JPEG"))
    folder = published("eurosat", tmp_path)
    assert folder == tmp_path / "images" / "eurosat"
    assert [(item.label, item.part) for item in items(folder)] == [("Forest", ""), ("River", "")]
    assert (folder / "0-all" / "0.jpg").read_bytes() == image(9, kind="JPEG")
    assert is_on_this_machine("eurosat", tmp_path)


@pytest.mark.torch
def test_parts_and_names_that_are_no_folders_names_stay(cut_off, tmp_path):
    data = tmp_path / "fgvc-aircraft-2013b" / "data"
    (data / "images").mkdir(parents=True)
    (data / "variants.txt").write_text("F-16A/B\nSpitfire\n")
    for part, number in (("trainval", 1), ("test", 2)):
        lines = [f"{number}{n} {name}\n" for n, name in enumerate(("F-16A/B", "Spitfire"))]
        (data / f"images_variant_{part}.txt").write_text("".join(lines))
        for n in range(2):
            (data / "images" / f"{number}{n}.jpg").write_bytes(image(n, kind="JPEG"))
    found = items(published("fgvc-aircraft", tmp_path))
    assert Counter((item.label, item.part) for item in found) == {
        ("F-16A/B", "train"): 1,
        ("Spitfire", "train"): 1,
        ("F-16A/B", "test"): 1,
        ("Spitfire", "test"): 1,
    }


@pytest.mark.torch
def test_without_a_network_nothing_half_is_left(cut_off, tmp_path):
    with pytest.raises(Refused, match="try again where there is a network"):
        published("usps", tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.torch
def test_every_set_is_one_of_torchvisions(cut_off, tmp_path):
    """Asked by the program itself, for this process never imports torch."""
    program = tmp_path / "asking.py"
    program.write_text(
        f"import sys; sys.path.append({str(catalogue.PROGRAM.parent)!r}); import downloading\n"
        "sys.exit(not all(hasattr(downloading.datasets, kind) for kind in sys.argv[1:]))"
    )
    kinds = {one.kind for one in SETS.values()}
    assert subprocess.run([sys.executable, "-P", str(program), *kinds]).returncode == 0


# --- the real ones -------------------------------------------------------------------------------


@pytest.fixture
def shared():
    if not SHARED.is_dir():
        pytest.skip("the published data sets are not beside this checkout (../shared/data)")
    return SHARED


def counted(stream: io.BytesIO, name: str) -> tuple[str, Counter[str], int]:
    with read_source(stream, name) as found:
        labels = {item.label for item in found.items}
        return found.form, Counter(item.part for item in found.items), len(labels)


@pytest.mark.published_data
@pytest.mark.parametrize(
    ("name", "form", "train"),
    [("mnist", "idx files", 60_000), ("fashion-mnist", "idx files", 60_000),
     ("cifar10", "CIFAR batches", 50_000)],
)  # fmt: skip
def test_the_real_sets(name, form, train, shared):
    stream = io.BytesIO(b"".join(packed(published(name, shared))))
    assert counted(stream, name) == (form, Counter(train=train, test=10_000), 10)


@pytest.mark.published_data
def test_real_photographs_in_two_parts(shared):
    stream = io.BytesIO((shared / "photos" / "caltech101-24.zip").read_bytes())
    assert counted(stream, "x.zip") == ("class folders", Counter(train=576, test=288), 24)


@pytest.mark.published_data
def test_the_first_real_digit_is_a_seven(shared):
    stream = io.BytesIO(b"".join(packed(shared / "mnist")))
    with read_source(stream, "mnist") as found:
        assert found.items[0] == Item("t10k-images[0]", "7", "test")
        picture = found.read(0)
    with gzip.open(shared / "mnist" / "t10k-images-idx3-ubyte.gz") as file:
        file.seek(16)
        assert isinstance(picture, Raw) and picture.pixels.tobytes() == file.read(784)
