"""Commands around a run: exports that answer alike, tables, pictures, events, recipes, sweeps."""

import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from baselines import bench, catalogue, compare, recipes, runs, train
from baselines.__main__ import app
from baselines.catalogue import dataset
from baselines.commands import learning, settings
from baselines.data.dataset import Dataset, Labelled
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
        "compare", "--archs", "lenet5,softmax,knn", "--data", "digits", "--epochs", "1",
        "--out", str(tmp_path),
    )  # fmt: skip
    assert [one["arch"] for one in told["results"]] == ["softmax", "knn", "lenet5"]
    run = runs.read(tmp_path / "lenet5")
    assert run.metrics["test_accuracy"] > 0.1
    own = Options().changed({**catalogue.architecture("lenet5").options, "epochs": 1})
    assert run.training == own  # and not the recipe's for the digits
    assert len(learning.source(run).test) == run.metrics["held_out_images"]
    with Image.open(told["picture"]) as picture:
        assert picture.size[0] > 800


def test_compare_without_a_name_says_so(tmp_path):
    done = CliRunner().invoke(
        app, ["compare", "--archs", ",", "--data", "digits", "--out", str(tmp_path)]
    )
    assert done.exit_code == 2
    assert "Name the architectures" in done.stderr


@pytest.mark.parametrize("parameters", [(650,), (650, 61_706), (650, 3_000, 61_706, 138_357_544)])
def test_the_names_stand_beside_their_bubbles_and_within_the_frame(parameters):
    agg = pytest.importorskip("matplotlib.backends.backend_agg")
    results = [
        train.Result(
            "patches-logistic", "digits", True, 0.9 + n / 50, "fifth", 9, size, 60.0, "cpu"
        )
        for n, size in enumerate(parameters)
    ]
    figure = compare.drawn(results)
    agg.FigureCanvasAgg(figure).draw()
    (axes,) = figure.axes
    frame = axes.get_window_extent()
    for label, points in zip(axes.texts, axes.collections, strict=True):
        box = label.get_window_extent()
        assert frame.x0 < box.x0 and box.x1 < frame.x1
        (middle, _height), *_ = axes.transData.transform(points.get_offsets())
        radius = (points.get_sizes()[0] / np.pi) ** 0.5 * figure.dpi / 72
        assert box.x0 > middle + radius or box.x1 < middle - radius


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


SHAPES = {"digits": (1, 8, 8), "cifar10": (3, 32, 32)}


def noise(shape: tuple[int, ...], classes: int = 10, n: int = 40) -> Dataset:
    pixels = np.random.default_rng(0).integers(0, 256, (n, *shape), np.uint8)
    images = Labelled(pixels, np.arange(n) % classes)
    return Dataset("noise", tuple(map(str, range(classes))), images, images, "itself")


@pytest.mark.parametrize("name", recipes.names())
def test_a_recipe_can_be_followed(name, tmp_path, onlooker):
    """Every setting of it is taken, counts, and lets the network learn."""
    recipe = recipes.read(name)
    data = noise(SHAPES.get(recipe.data, (1, 28, 28)))
    options = {**recipe.options, "epochs": 8, "batch_size": 20}
    run = train.plan(recipe.arch, data, seed=0, options=options, tuned=False)
    train.refuse_idle(run, recipe.options)
    result = train.train(run, data, tmp_path, onlooker)
    assert onlooker.steps == 8 * 2
    assert result.parameters > 1000
    assert onlooker.accuracies[-1] > onlooker.accuracies[0]
    assert 0.5 < recipe.accuracy < 1


def test_the_tuned_settings_are_taken_by_themselves():
    tuned = recipes.tuned("lenet5", "mnist")
    assert tuned == recipes.read("mnist-quick").options
    assert recipes.tuned("lenet5", "cifar10") == {}
    with pytest.raises(CallError, match="Choose one of"):
        recipes.read("nothing")
    data = replace(noise((3, 32, 32)), name="cifar10")
    run = train.plan("resnet9", data, seed=0, source={"data": "cifar10", "root": "data"})
    assert run.training.optimiser == "muon"
    assert run.training.rate == recipes.read("cifar10").options["rate"]


def test_a_challenge_that_is_named_like_a_set_is_not_that_set(tmp_path, challenge_folder):
    folder = challenge_folder.rename(tmp_path / "digits")
    out = tmp_path / "run"
    told = call(
        "train", "--arch", "lenet5", "--data", str(folder), "--epochs", "1", "--out", str(out)
    )
    assert (told["data"], told["published"]) == ("digits", False)
    assert runs.read(out).training.batch_size == Options().batch_size
    assert train.is_published({"data": "digits", "root": "data"})


def test_a_recipe_names_both_and_an_option_still_counts(tmp_path):
    call("train", "--recipe", "digits", "--epochs", "1", "--out", str(tmp_path))
    run = runs.read(tmp_path)
    assert (run.arch, run.data, run.training.epochs, run.training.batch_size) == (
        "lenet5", "digits", 1, 64,
    )  # fmt: skip
    assert CliRunner().invoke(app, ["train", "--out", str(tmp_path)]).exit_code == 2


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ("--arch softmax --optimiser adam", "--optimiser changes nothing about softmax"),
        ("--arch softmax --activation tanh", "--activation changes nothing about softmax"),
        ("--arch knn --epochs 3", "--epochs changes nothing about knn"),
        ("--arch lenet5 --momentum 0.5", "--momentum changes nothing together with --optimiser"),
        ("--arch lenet5 --optimiser muon --weight-decay 0.1", "--weight-decay changes nothing"),
        ("--arch lenet5 --early-stopping 3 --ema 0.9", "--ema changes nothing"),
        ("--arch softmax --recipe digits", "tuned for lenet5 and says nothing about softmax"),
        ("--arch lenet5 --rate nan", "A rate of nan is none to learn with"),
    ],
)
def test_options_that_would_change_nothing_are_refused(words, problem, tmp_path):
    done = CliRunner().invoke(
        app, ["train", "--data", "digits", "--out", str(tmp_path / "run"), *words.split()]
    )
    assert done.exit_code == 2
    assert problem in done.stderr
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("seed", [2**32, 10**22])
@pytest.mark.parametrize(
    "words",
    [
        "train --arch lenet5 --data digits",
        "train --arch hog-logistic --data digits",
        "transfer --data photos",
        "compare --archs hog-logistic --data digits",
        "sweep --arch perceptron --data digits",
        "find-rate --arch perceptron --data digits",
    ],
)
def test_a_seed_that_is_too_large_is_refused(words, seed, tmp_path):
    words = [*words.split(), "--seed", str(seed), "--out", str(tmp_path / "out")]
    done = CliRunner().invoke(app, words, env={"COLUMNS": "200"})
    assert done.exit_code == 2, done.output
    assert "--seed" in done.stderr and "4294967295" in done.stderr
    assert not (tmp_path / "out").exists()


def test_every_setting_of_the_command_line_is_one_of_training():
    assert set(settings.TRAINING) <= {each.name for each in fields(Options)}
    offered = CliRunner().invoke(app, ["train", "--help"], env={"COLUMNS": "200"}).stdout
    for name in (*settings.TRAINING, *settings.MODEL):
        assert f"--{name.replace('_', '-')}" in offered


def test_bench_says_whether_a_claim_is_kept(tmp_path, monkeypatch, onlooker):
    slow = recipes.Recipe("slow", "softmax", "digits", 0.9, 1e-9, {"epochs": 3})
    good = recipes.Recipe("good", "softmax", "digits", 0.9, 60, {"epochs": 3})
    monkeypatch.setattr(recipes, "names", lambda: ["slow", "good"])
    monkeypatch.setattr(recipes, "read", {"slow": slow, "good": good}.__getitem__)
    one, other = bench.bench(["slow", "good"], Path(), tmp_path, 2, lambda *_: onlooker)
    assert (one.keeps, other.keeps) == (False, True)
    assert other.deviation is not None
    assert other.as_json()["n"] == 2
    run = runs.read(tmp_path / "good-1")
    assert len(learning.source(run).test) == run.metrics["held_out_images"]


def test_bench_that_is_stopped_shows_what_it_has_measured(tmp_path, monkeypatch):
    quick = recipes.Recipe("quick", "softmax", "digits", 0.9, 60, {"epochs": 1})
    monkeypatch.setattr(recipes, "names", lambda: ["quick", "never"])
    measured = bench.Measured(quick, (train.Result("", "", True, 0.95, "", 1, 1, 0.5, "cpu"),))

    def benched(*_asked):
        yield measured
        raise KeyboardInterrupt

    monkeypatch.setattr(bench, "bench", benched)
    stopped = CliRunner().invoke(app, ["bench", "--out", str(tmp_path)])
    assert stopped.exit_code == 130
    assert "95.00" in stopped.stderr
    assert f"Stopped. What was trained to its end lies in {tmp_path}" in stopped.stderr


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
def test_training_again_leaves_no_second_curve_and_nothing_of_others_is_removed(tmp_path):
    pytest.importorskip("tensorboard")
    words = ["train", "--arch", "perceptron", "--data", "digits", "--epochs", "1", "--out"]
    call(*words, str(tmp_path))
    events = tmp_path / "events"
    first = set(events.glob("events.out.*"))
    (events / "notes.txt").write_text("mine")
    again = CliRunner().invoke(app, [*words, str(tmp_path), "--json"])
    assert again.stdout.startswith("{"), again.stdout  # no warning of TensorBoard's before it
    second = set(events.glob("events.out.*"))
    assert first and second and not first & second
    call(*words, str(tmp_path), "--no-log")
    assert [path.name for path in events.rglob("*")] == ["notes.txt"]
    assert not runs.is_recorded(tmp_path)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("log", [True, False])
def test_resume_writes_events_where_the_run_had_them(log, tmp_path, monkeypatch):
    pytest.importorskip("tensorboard")

    def interrupted(*_):
        raise KeyboardInterrupt

    words = ["train", "--arch", "perceptron", "--data", "digits", "--epochs", "1", "--out"]
    with monkeypatch.context() as patched:
        patched.setattr("baselines.deep.fit", interrupted)
        stopped = CliRunner().invoke(app, [*words, str(tmp_path), "--log" if log else "--no-log"])
    assert stopped.exit_code == 130
    earlier = set((tmp_path / "events").glob("events.out.*"))
    call("resume", str(tmp_path))  # it begins anew, and so do its events
    later = set((tmp_path / "events").glob("events.out.*"))
    assert (bool(earlier), bool(later)) == (log, log)
    assert not earlier & later


@pytest.mark.filterwarnings("ignore")
def test_a_sweep_leaves_no_trials_of_an_earlier_one(tmp_path):
    pytest.importorskip("optuna")
    words = ["sweep", "--arch", "perceptron", "--data", "digits", "--epochs", "1", "--trials"]
    call(*words, "3", "--out", str(tmp_path))
    (tmp_path / "trial-2" / "notes.txt").write_text("mine")
    (tmp_path / "trial-of-mine").mkdir()
    call("train", "--arch", "softmax", "--data", "digits", "--epochs", "1", "--no-log",
         "--out", str(tmp_path / "trial-9"))  # fmt: skip
    call(*words, "1", "--out", str(tmp_path))
    kept = {path.name for path in tmp_path.iterdir()}
    assert kept == {"trial-0", "trial-2", "trial-9", "trial-of-mine"}
    assert [path.name for path in (tmp_path / "trial-2").iterdir()] == ["notes.txt"]
    assert runs.read(tmp_path / "trial-9").arch == "softmax"
    assert "test/accuracy" in scalars(tmp_path / "trial-0" / "events")


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
    trial = runs.read(tmp_path / "trial-0")
    assert len(learning.source(trial).test) == trial.metrics["held_out_images"]


def test_a_sweep_draws_nothing_that_changes_nothing():
    optuna = pytest.importorskip("optuna")
    sweep = pytest.importorskip("baselines.sweep")
    drawn = {"label_smoothing": 0.1, "batch_size": 64, "schedule": "linear", "weight_decay": 0.01}
    for optimiser in ("muon", "adamw"):
        rate = {f"rate of {optimiser}": 0.01}
        trial = optuna.trial.FixedTrial({**drawn, **rate, "optimiser": optimiser})
        found = sweep.draw(trial, with_filters=True)
        assert ("weight_decay" in found) == (optimiser == "adamw")


# --- transfer from the terminal ------------------------------------------------------------------


def test_transfer_from_a_folder_to_a_submission(tmp_path):
    """With weights of one's own, for there is no network here."""
    recipe = pytest.importorskip("baselines.transfer.recipe")
    torch.manual_seed(0)
    weights = tmp_path / "weights.pth"
    torch.save(recipe.untrained("squeezenet1_1").state_dict(), weights)
    photos, rng = tmp_path / "photos", np.random.default_rng(0)
    for part, count in (("train", 12), ("val", 6)):
        for name, channel in (("blue", 2), ("red", 0)):
            folder = photos / part / name
            folder.mkdir(parents=True)
            for n in range(count):
                image = rng.integers(0, 90, (40 + n, 48, 3), np.uint8)  # no two alike
                image[:, n : n + 24, channel] += 160
                Image.fromarray(image).save(folder / f"{name[0]}{n}.png")
    out = tmp_path / "run"
    told = call(
        "transfer", "--data", str(photos), "--weights", str(weights), "--base", "squeezenet1_1",
        "--side", "64", "--head-epochs", "300", "--cache", str(tmp_path / "features"),
        "--out", str(out),
    )  # fmt: skip
    assert (told["arch"], told["held_out_images"]) == ("transfer", 12)
    answers = tmp_path / "answers.csv"
    call("predict", str(out), "--images", str(photos / "val"), "--out", str(answers))
    header, *rows = answers.read_text().splitlines()
    assert header == "id,label"
    right = [Path(name).name[0] == label[0] for name, label in (row.split(",") for row in rows)]
    assert len(right) == 12
    assert sum(right) / 12 == pytest.approx(told["test_accuracy"], abs=1e-6)
    assert told["test_accuracy"] > 0.7
