"""Commands around a run: exports that answer alike, tables, pictures, events, recipes, sweeps."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from baselines import bench, recipes, runs, train
from baselines.__main__ import app
from baselines.catalogue import dataset
from baselines.errors import BaselineError, CallError
from baselines.training.options import Options

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch
torch.set_num_threads(1)


def call(*words: str) -> dict[str, Any]:
    """What a command prints as JSON."""
    done = CliRunner().invoke(app, [*words, "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("tools") / "run"
    call("train", "--arch", "lenet5", "--data", "digits", "--epochs", "2", "--out", str(folder))
    return folder


# --- export --------------------------------------------------------------------------------------


def expected(run: Path, images: np.ndarray) -> np.ndarray:
    deep = pytest.importorskip("baselines.deep")
    return deep.load(run, runs.read(run)).probabilities(images)


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


@pytest.fixture
def images() -> np.ndarray:
    return dataset("digits", Path()).test.pixels[:7]


def test_onnx_answers_alike_for_any_number_of_images(run, images, tmp_path):
    runtime = pytest.importorskip("onnxruntime")
    file = call("export", str(run), "--format", "onnx", "--out", str(tmp_path / "m.onnx"))["file"]
    session = runtime.InferenceSession(file, providers=["CPUExecutionProvider"])
    for some in (images, images[:1]):
        (logits,) = session.run(None, {"images": some.astype(np.float32) / 255})
        assert np.abs(softmax(logits) - expected(run, some)).max() < 1e-4
    assert [path.name for path in tmp_path.iterdir()] == ["m.onnx"]  # no weights beside it


def test_safetensors_say_what_they_are(run, images, tmp_path):
    safetensors = pytest.importorskip("safetensors")
    deep = pytest.importorskip("baselines.deep")
    out = tmp_path / "m.safetensors"
    call("export", str(run), "--format", "safetensors", "--out", str(out))
    with safetensors.safe_open(out, "pt") as file:
        head = {name: json.loads(value) for name, value in file.metadata().items()}
        state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    assert head["arch"] == "lenet5"
    assert head["classes"] == list("0123456789")
    assert head["input"] == [1, 8, 8]
    network = deep.new(runs.read(run))
    network.load_state_dict(state)
    with torch.inference_mode():
        logits = network.eval()(torch.from_numpy(images).float() / 255).numpy()
    assert np.abs(softmax(logits) - expected(run, images)).max() < 1e-4


def test_pt2_answers_alike(run, images, tmp_path):
    out = tmp_path / "m.pt2"
    call("export", str(run), "--format", "pt2", "--out", str(out))
    with torch.inference_mode():
        logits = torch.export.load(out).module()(torch.from_numpy(images).float() / 255).numpy()
    assert np.abs(softmax(logits) - expected(run, images)).max() < 1e-4


def test_an_export_that_answers_otherwise_is_not_kept(run, tmp_path, monkeypatch):
    export = pytest.importorskip("baselines.export")
    write, _answer = export.KINDS["safetensors"]
    wrong = {"safetensors": (write, lambda _path, images, _run: torch.zeros(len(images), 10))}
    monkeypatch.setattr(export, "KINDS", wrong)
    with pytest.raises(BaselineError, match="answers otherwise"):
        export.export(run, "safetensors", tmp_path / "m.safetensors")
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_exported_is_said(run, tmp_path):
    export = pytest.importorskip("baselines.export")
    with pytest.raises(CallError, match="Choose one of onnx, safetensors, pt2"):
        export.export(run, "keras", tmp_path / "m")
    call("train", "--arch", "softmax", "--data", "digits", "--epochs", "1", "--out", str(tmp_path))
    with pytest.raises(CallError, match="softmax is no network"):
        export.export(tmp_path, "onnx", tmp_path / "m.onnx")


# --- tables and pictures -------------------------------------------------------------------------


def test_shapes_as_json():
    told = call("shapes", "--arch", "vgg16")
    assert told["parameters"] == 138_357_544
    first = next(layer for layer in told["layers"] if layer["parameters"])
    assert first["output"] == [64, 224, 224]
    assert first["memory"] == 4 * 64 * 224 * 224


def test_compare_trains_each_and_draws_them(tmp_path):
    pytest.importorskip("matplotlib")
    told = call(
        "compare", "--archs", "lenet5,softmax", "--data", "digits", "--epochs", "1",
        "--out", str(tmp_path),
    )  # fmt: skip
    assert [one["arch"] for one in told["results"]] == ["softmax", "lenet5"]
    assert runs.read(tmp_path / "lenet5").metrics["test_accuracy"] > 0.1
    with Image.open(told["picture"]) as picture:
        assert picture.size[0] > 800


def test_find_rate_draws_the_losses(tmp_path):
    pytest.importorskip("matplotlib")
    out = tmp_path / "rates.png"
    told = call("find-rate", "--arch", "lenet5", "--data", "digits", "--out", str(out))
    assert 1e-6 < told["rate"] < 1
    assert out.is_file()


def test_explain_from_a_run_folder(run, tmp_path):
    pytest.importorskip("captum")
    told = call("explain", str(run), "--out", str(tmp_path), "--images", "60")
    assert "lenet5 on digits" in Path(told["page"]).read_text()


def test_filters_on_a_photo_of_ones_own(tmp_path):
    pytest.importorskip("matplotlib")
    photo = tmp_path / "photo.png"
    Image.new("RGB", (40, 30), (200, 30, 30)).save(photo)
    told = call("filters", "--image", str(photo), "--out", str(tmp_path / "filters.png"))
    assert Path(told["picture"]).is_file()


# --- recipes -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", recipes.names())
def test_a_recipe_can_be_followed(name):
    recipe = recipes.read(name)
    options = Options().changed(recipe.options)
    assert options.total_epochs(60_000) > 0
    assert 0.5 < recipe.accuracy < 1


def test_the_tuned_settings_are_taken_by_themselves():
    tuned = recipes.tuned("lenet5", "mnist")
    assert tuned == recipes.read("mnist-quick").options
    assert recipes.tuned("lenet5", "cifar10") == {}
    with pytest.raises(CallError, match="Choose one of"):
        recipes.read("nothing")


def test_a_recipe_names_both_and_an_option_still_counts(tmp_path):
    call("train", "--recipe", "digits", "--epochs", "1", "--out", str(tmp_path))
    run = runs.read(tmp_path)
    assert (run.arch, run.data, run.training.epochs, run.training.batch_size) == (
        "lenet5", "digits", 1, 64,
    )  # fmt: skip
    assert CliRunner().invoke(app, ["train", "--out", str(tmp_path)]).exit_code == 2


def test_bench_says_whether_a_claim_is_kept(tmp_path, monkeypatch, onlooker):
    slow = recipes.Recipe("slow", "softmax", "digits", 0.9, 1e-9, {"epochs": 3})
    good = recipes.Recipe("good", "softmax", "digits", 0.9, 60, {"epochs": 3})
    monkeypatch.setattr(recipes, "names", lambda: ["slow", "good"])
    monkeypatch.setattr(recipes, "read", {"slow": slow, "good": good}.__getitem__)
    one, other = bench.bench(["slow", "good"], Path(), tmp_path, 2, lambda *_: onlooker)
    assert (one.keeps, other.keeps) == (False, True)
    assert other.deviation is not None
    assert other.as_json()["n"] == 2


# --- TensorBoard and sweeps ----------------------------------------------------------------------


def scalars(folder: Path) -> set[str]:
    events = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    found = events.EventAccumulator(str(folder))
    found.Reload()
    return set(found.Tags()["scalars"])


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_run_is_recorded(run):
    assert {"train/accuracy", "train/loss", "train/rate", "test/accuracy"} <= scalars(
        run / "events"
    )
    assert list((run / "events").glob("**/tensors.tsv"))  # the projector's


@pytest.mark.filterwarnings("ignore")
def test_a_sweep_never_looks_at_the_test_set(tmp_path, monkeypatch):
    pytest.importorskip("optuna")
    seen = []
    trained = train.trained

    def looked(run, data, *rest):
        seen.append(len(data.train) + len(data.test))
        return trained(run, data, *rest)

    monkeypatch.setattr(train, "trained", looked)
    told = call(
        "sweep", "--arch", "perceptron", "--data", "digits", "--trials", "2", "--epochs", "1",
        "--out", str(tmp_path),
    )  # fmt: skip
    assert set(seen) == {len(dataset("digits", Path()).train)}
    assert told["trials"] == 2
    assert 0 < told["accuracy"] <= 1


# --- transfer from the terminal ------------------------------------------------------------------


def test_transfer_from_a_folder_to_a_submission(tmp_path):
    """With weights of one's own, for there is no network here."""
    recipe = pytest.importorskip("baselines.transfer.recipe")
    torch.manual_seed(0)
    weights = tmp_path / "weights.pth"
    torch.save(recipe.untrained("squeezenet1_1").state_dict(), weights)
    photos = tmp_path / "photos"
    for part, count in (("train", 6), ("val", 3)):
        for name, colour in (("blue", (20, 30, 220)), ("red", (220, 30, 20))):
            folder = photos / part / name
            folder.mkdir(parents=True)
            for n in range(count):
                Image.new("RGB", (48, 40), tuple(c + n for c in colour)).save(folder / f"{n}.png")
    out = tmp_path / "run"
    told = call(
        "transfer", "--data", str(photos), "--weights", str(weights), "--base", "squeezenet1_1",
        "--side", "64", "--head-epochs", "20", "--cache", str(tmp_path / "features"),
        "--out", str(out),
    )  # fmt: skip
    assert (told["arch"], told["held_out_images"]) == ("transfer", 6)
    answers = tmp_path / "answers.csv"
    call("predict", str(out), "--images", str(photos / "val" / "red"), "--out", str(answers))
    assert answers.read_text().splitlines()[0] == "id,label"
    assert len(answers.read_text().splitlines()) == 4
