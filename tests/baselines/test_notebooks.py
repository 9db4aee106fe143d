"""The notebooks: valid as files, and run for real, with fewer images and shorter training."""

import csv
import re

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("matplotlib")
pytestmark = pytest.mark.torch

from baselines import runs  # noqa: E402 - needs torch
from baselines.data.decoding import Files  # noqa: E402
from baselines.errors import CallError  # noqa: E402
from baselines.notebooks.drawing import gallery  # noqa: E402
from baselines.transfer import recipe  # noqa: E402
from tests.baselines import cells  # noqa: E402
from tests.baselines.test_transfer import FILES, archive  # noqa: E402

NAMES = sorted(path.stem for path in cells.NOTEBOOKS.glob("*.ipynb"))
IDENTITY = re.compile(r"[a-zA-Z0-9_-]{1,64}")  # as nbformat 4.5 has it
SETTING = re.compile(r'environ\.get\("(\w+)"')


# ---------------------------------------------------------------- the files


def test_there_are_three():
    assert NAMES == ["first-submission", "transfer-learning", "why-does-it-overfit"]


@pytest.mark.parametrize("name", NAMES)
def test_it_is_valid_by_the_schema_of_nbformat_4_5(name):
    found = cells.read(name)
    assert found.keys() == {"cells", "metadata", "nbformat", "nbformat_minor"}
    assert (found["nbformat"], found["nbformat_minor"]) == (4, 5)
    assert found["metadata"]["kernelspec"].keys() == {"display_name", "language", "name"}
    identities = [cell["id"] for cell in found["cells"]]
    assert len(set(identities)) == len(identities)
    assert all(map(IDENTITY.fullmatch, identities))
    for cell in found["cells"]:
        own = {"execution_count", "outputs"} if cell["cell_type"] == "code" else set()
        assert cell.keys() == {"id", "cell_type", "metadata", "source", *own}
        assert cell["metadata"] == {}
        assert all(line.endswith("\n") for line in cell["source"][:-1])


@pytest.mark.parametrize("name", NAMES)
def test_nothing_of_the_machine_that_ran_it_is_left(name):
    for cell in cells.read(name)["cells"]:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None
        assert not re.search(r"/(home|root|Users|tmp|work)/|[A-Z]:\\", "".join(cell["source"]))


@pytest.mark.parametrize("name", NAMES)
def test_it_has_ten_cells_of_code_each_with_words_before_it(name):
    kinds = [cell["cell_type"] for cell in cells.read(name)["cells"]]
    assert kinds.count("code") == 10
    assert "codecode" not in "".join(kinds)


@pytest.mark.parametrize("name", NAMES)
def test_it_begins_with_what_it_needs_and_how_it_is_opened(name):
    words = "".join(cells.read(name)["cells"][0]["source"])
    for needed in ("`make install`", "`make lab`", "jupyter lab", "VS Code"):
        assert needed in words


@pytest.mark.parametrize("name", NAMES)
def test_all_settings_stand_in_one_cell_at_the_top(name):
    first, *others = cells.code(name)
    assert first[0] == "parameters"
    assert SETTING.search(first[1])
    assert not any(SETTING.search(lines) for _identity, lines in others)


# ---------------------------------------------------------------- run


@pytest.fixture
def settings(monkeypatch):
    """``settings(EPOCHS=2)``: what the first cell of a notebook reads."""

    def give(**chosen):
        for name, value in chosen.items():
            monkeypatch.setenv(f"NOTEBOOK_{name}", str(value))

    return give


@pytest.mark.parametrize("opened", ["in the clone", "in its own folder"])
def test_the_first_submission_is_fetched_trained_and_scored(
    opened, site, settings, tmp_path, monkeypatch, capsys
):
    own = cells.NOTEBOOKS
    monkeypatch.chdir(own if opened == "in its own folder" else own.parents[1])
    monkeypatch.setenv("HOLDOUT_TOKEN", "secret")
    settings(URL=site.url, SLUG="sides", DATA=tmp_path / "data", RUNS=tmp_path / "runs", EPOCHS=4)
    names, pictures = cells.run("first-submission")
    assert names["CLONE"] == own.parents[1]
    assert list(pictures) == ["look", "average", "worst", "confused", "check"]
    assert site.seen[-2][:2] == ("POST", "/api/competitions/sides/submissions/")
    assert names["answers"] in site.seen[-2][2]
    rows = list(csv.reader(names["answers"].decode().splitlines()))
    assert (rows[0], len(rows)) == (["id", "side"], 11)
    assert {label for _name, label in rows[1:]} <= {"left", "right"}
    told = capsys.readouterr().out
    assert "48 images to learn from, 12 set aside" in told
    assert "Scored: 0.9 on the public part." in told
    assert runs.read(tmp_path / "runs" / "first-sides").metrics["test_accuracy"] > 0


@pytest.fixture
def photos(settings, tmp_path):
    """Red and blue ones, and a network for them that nobody has trained."""
    torch.manual_seed(0)
    torch.save(recipe.untrained("mobilenet_v2").state_dict(), tmp_path / "weights.pth")
    source = archive(tmp_path / "photos.zip", FILES)
    settings(PHOTOS=source, WEIGHTS=tmp_path / "weights.pth", SIDE=32)
    settings(HEAD_PASSES=2, TUNE_PASSES=1)


def test_a_network_is_transferred_and_compared(photos, capsys):
    names, pictures = cells.run("transfer-learning")
    assert list(pictures) == ["look", "compare", "worst"]
    told = capsys.readouterr().out
    assert "classifier.1 is now Linear(in_features=1280, out_features=2, bias=True)" in told
    assert "2,562 of 2,226,434 weights learn" in told
    assert names["row"].worked >= names["worked"] > 0  # from scratch has no less time
    shares = names["shares"]
    assert list(shares) == [
        "guessing one of 2", "from scratch", "a new last layer", "unfrozen from features.14 on",
    ]  # fmt: skip
    assert all(0 <= share <= 1 for share in shares.values())


def test_without_photos_it_says_what_to_do(settings, tmp_path):
    settings(PHOTOS=tmp_path / "absent")
    with pytest.raises(CallError, match=r"no photos at .*absent\. Make a folder with train/CLASS"):
        cells.run("transfer-learning")


@pytest.mark.published_data
def test_real_weights_are_worth_more_than_training_from_scratch(shared, settings, tmp_path):
    """Half of the classes are enough to see it."""
    every = Files(shared / "photos" / "caltech101-24.zip")
    classes = sorted({name.split("/")[-2] for name in every if "/train/" in name})[:12]
    some = {name: every[name] for name in every if name.split("/")[-2] in classes}
    settings(PHOTOS=archive(tmp_path / "some.zip", some), BASE="squeezenet1_1", SIDE=64)
    settings(WEIGHTS=shared / "weights" / "squeezenet1_1_caffe-edb46aa9.pth", LAYER="features.12")
    settings(HEAD_PASSES=10, TUNE_PASSES=1)
    names, _pictures = cells.run("transfer-learning")
    assert names["frozen"] > names["scratch"] + 0.15


def test_it_overfits_and_the_table_says_what_helped(settings, capsys):
    settings(EPOCHS=8, SEEDS=1, FEW=60)
    names, pictures = cells.run("why-does-it-overfit")
    remedies = ["nothing", "dropout", "weight decay", "augmentation", "early stopping"]
    assert list(names["tried"]) == [*remedies, "four times the images"]
    assert list(pictures) == [
        "few", "nothing", "dropout", "weight-decay", "augmentation", "early-stopping", "more-data",
    ]  # fmt: skip
    (rows,) = names["tried"]["nothing"]
    assert rows.shape == (9, 5)
    assert rows[-1, 0] == 8 * 3  # passes, each of sixty images in batches of twenty
    told = capsys.readouterr().out
    assert all(name.partition(" ")[0] in told for name in names["tried"])


# ---------------------------------------------------------------- the pictures


def test_a_gallery_needs_as_many_words_as_images():
    with pytest.raises(ValueError, match="3 images, 2 words and 2 marks do not belong together"):
        gallery(np.zeros((3, 1, 8, 8), np.uint8), ["a", "b"])
    with pytest.raises(ValueError, match="at least one"):
        gallery(np.zeros((0, 1, 8, 8), np.uint8), [])
