"""Published sets by name: those that lie here, and those that torchvision fetches."""

import gzip
import io
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from competitions.pictures.examining import Raw
from competitions.preparing.sources import Item, catalogue, packed, read_source
from competitions.preparing.sources.catalogue import SETS, is_on_this_machine, published
from competitions.refusals import Refused
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


@pytest.mark.parametrize("ending", ["", ".gz", ".xz"])
@pytest.mark.parametrize("name", ["mnist", "cifar10", "cifar100"])
def test_a_set_on_this_machine_is_found_in_every_layout(name, ending, tmp_path):
    for place, folder in enumerate(SETS[name].folders):
        downloads = tmp_path / str(place)
        found = touched(downloads / folder, SETS[name].files, ending)
        assert published(name.upper(), downloads) == found


def test_an_archive_as_published_is_found(tmp_path):
    (tmp_path / "cifar-10-python.tar.gz").touch()
    assert published("cifar10", tmp_path) == tmp_path / "cifar-10-python.tar.gz"


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
    assert list((broken / "images").iterdir()) == []
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
    assert list((tmp_path / "images").iterdir()) == []


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
