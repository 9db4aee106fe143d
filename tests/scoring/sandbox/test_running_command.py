"""python -m scoring run: a team's model at home, through the real sandbox."""

import csv
import json
import zipfile
from contextlib import nullcontext

import numpy as np
import pytest
from typer.testing import CliRunner

from scoring import Solution, Spec, evaluate
from scoring.sandbox.server import ForkServer
from scoring.terminal import app, challenges
from tests.scoring.sandbox import specimens

SPEC = 'title = "Squares"\nmetric = "{metric}"\n{more}[model]\nimage = [3, 8, 8]\n'
CLASSES = 'classes = ["0", "1", "2", "3"]\n'


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "competition.toml").write_text(SPEC.format(metric="accuracy", more="") + CLASSES)
    pixels = np.random.default_rng(0).integers(0, 256, (20, 3, 8, 8), np.uint8)
    np.save("images.npy", pixels)
    return tmp_path


@pytest.fixture(scope="module")
def started():
    with ForkServer.start(trusted=True) as server:
        yield server


@pytest.fixture
def warm(started, monkeypatch):
    """The server as the command starts it, once for several calls: it takes seconds."""
    monkeypatch.setattr(ForkServer, "start", staticmethod(lambda **_: nullcontext(started)))


def save_images(path, suffix=".png"):
    image = pytest.importorskip("PIL.Image")
    pixels = np.load("images.npy").transpose(0, 2, 3, 1)
    path.mkdir(parents=True)
    for row, one in enumerate(pixels):
        image.fromarray(one).save(path / f"img_{row:02d}{suffix}")
    return [f"img_{row:02d}{suffix}" for row in range(len(pixels))]


def call(*arguments, images="images.npy"):
    return CliRunner().invoke(
        app, ["run", *map(str, arguments), "--images", str(images), "--spec", "competition.toml"]
    )


def rows_of(path):
    with open(path, newline="") as file:
        return list(csv.reader(file))


@pytest.fixture(scope="module")
def onnx_model(tmp_path_factory):
    for package in ("torch", "onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(package)
    return specimens.write_onnx(tmp_path_factory.mktemp("model") / "model.onnx")


def expected():
    """The network's own answers (N, 4)."""
    torch = pytest.importorskip("torch")
    with torch.inference_mode():
        images = torch.from_numpy(np.load("images.npy")).float() / 255
        return specimens.network()(images).numpy()


@pytest.mark.torch
def test_labels_of_an_array_without_a_sample(folder, onnx_model):
    done = call(onnx_model, "--out", "submission.csv")
    assert done.exit_code == 0, done.output
    assert "images: 20" in done.stdout
    best = expected().argmax(axis=1)
    assert rows_of("submission.csv") == [
        ["id", "label"], *([str(row), str(label)] for row, label in enumerate(best))
    ]  # fmt: skip


@pytest.mark.torch
def test_a_fetched_challenge_with_a_sample_of_probabilities(folder, onnx_model, warm):
    text = SPEC.format(metric="log_loss", more="")
    (folder / "competition.toml").write_text(text)  # the classes are in the sample
    ids = save_images(folder / "data" / "test")
    header = "id,3,2,1,0\n"
    rows = "".join(f"{name},1,0,0,0\n" for name in reversed(ids))
    (folder / "data" / "sample_submission.csv").write_text(header + rows)
    (folder / "classes.txt").write_text("0\n1\n2\n3\n")
    arguments = (onnx_model, "--classes", "classes.txt", "--out", "out.csv", "--json")
    done = call(*arguments, images=folder / "data")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert (told["ok"], told["images"], told["format"]) == (True, 20, "onnx")
    assert told["images_per_second"] > 0
    solution = Solution.read(
        ("id,label\n" + "".join(f"{name},2\n" for name in ids)).encode(), classes=list("3210")
    )
    found = evaluate((folder / "out.csv").read_bytes(), solution, Spec("log_loss")).score
    logits = expected().astype(float)
    exact = np.log(np.exp(logits).sum(axis=1)) - logits[:, 2]
    assert found == pytest.approx(exact.mean(), rel=1e-5)


@pytest.mark.torch
def test_images_from_an_archive_and_a_ranked_list(folder, onnx_model, warm):
    more = 'layout = "ranked"\nmetric_parameters = { k = 2 }\n'
    text = SPEC.format(metric="map_at_k", more=more) + CLASSES
    (folder / "competition.toml").write_text(text)
    ids = save_images(folder / "unpacked")
    with zipfile.ZipFile("test.zip", "w") as archive:
        for name in ids:
            archive.write(folder / "unpacked" / name, f"test/{name}")
    assert call(onnx_model, "--out", "out.csv", images="test.zip").exit_code == 0
    best = (-expected()).argsort(axis=1, kind="stable")[:, :2]
    named = dict(rows_of("out.csv")[1:])
    assert named == {
        name.removesuffix(".png"): " ".join(map(str, row))
        for name, row in zip(ids, best, strict=True)
    }


@pytest.mark.torch
def test_safetensors_of_the_baselines_by_name(folder, warm):
    for package in ("torch", "safetensors"):
        pytest.importorskip(package)
    from safetensors.torch import save_file  # noqa: PLC0415

    from baselines.models.lenet import lenet5  # noqa: PLC0415
    from baselines.models.task import Task  # noqa: PLC0415

    save_file(lenet5(Task(3, 8, 8, 4), width=2).state_dict(), "model.safetensors")
    nameless = call("model.safetensors", "--json")
    assert nameless.exit_code == 1
    assert json.loads(nameless.stdout)["problems"][0]["code"] == "unknown_architecture"
    arguments = ("model.safetensors", "--architecture", "lenet5", "--arguments")
    assert call(*arguments, '{"width": 2}').exit_code == 0
    other = call(*arguments, '{"width": 3}', "--json")
    assert other.exit_code == 1
    assert json.loads(other.stdout)["ending"] == "refused"


def test_what_is_refused_is_told_without_starting_anything(folder):
    (folder / "model.onnx").write_bytes(b"\x80\x04pickle")
    done = call("model.onnx", "--out", "out.csv")
    assert done.exit_code == 1
    assert "pickle" in done.stdout
    done = call("model.onnx", "--json")
    assert json.loads(done.stdout)["problems"][0]["code"] == "pickle_forbidden"
    assert not (folder / "out.csv").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("none.onnx",), "No such file"),
        (("model.onnx", "--arguments", "[1]"), "JSON object"),
        (("model.onnx", "--arguments", "{"), "JSON object"),
        (("model.onnx", "--arguments", "@none"), "No such file"),
        (("model.onnx", "--sample", "none.csv"), "No such file"),
    ],
)
def test_wrong_calls(folder, arguments, words):
    (folder / "model.onnx").write_bytes(specimens.onnx_bytes())
    done = call(*arguments)
    assert done.exit_code == 2
    assert words in done.stderr


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('metric = "accuracy"\n', "no table [model]"),
        ("[model\n", "competition.toml"),
        (SPEC.format(metric="accuracy", more=""), "needs classes"),
        (SPEC.format(metric="acuracy", more="") + CLASSES, "no metric 'acuracy'"),
        (SPEC.format(metric="accuracy", more="") + "classes = 3\n", "classes must be"),
        ("[model]\nsizes = 3\n" + CLASSES, "does not know sizes"),
    ],
)
def test_wrong_specs(folder, text, words):
    (folder / "competition.toml").write_text(text)
    (folder / "model.onnx").write_bytes(specimens.onnx_bytes())
    done = call("model.onnx")
    assert done.exit_code == 2
    assert words in done.stderr


def read(folder, text):
    (folder / "competition.toml").write_text(text + CLASSES)
    return challenges.read(folder / "competition.toml", folder / "images.npy", None, None)


def test_metrics_of_sets_take_several_classes(folder):
    sets = read(folder, SPEC.format(metric="subset_accuracy", more=""))
    assert (sets.template.layout, sets.contract.several) == ("sets", True)
    marks = read(folder, SPEC.format(metric="mean_column_log_loss", more=""))
    assert (marks.template.layout, marks.contract.several) == ("probabilities", True)
    one = read(folder, SPEC.format(metric="log_loss", more=""))
    assert (one.template.numbers, one.contract.several) == ("shares", False)


def test_a_metric_of_the_organiser_s_own_is_known_by_its_layout(folder):
    found = read(folder, SPEC.format(metric="custom", more='layout = "probabilities"\n'))
    assert found.template.header == ("id", "0", "1", "2", "3")
    assert read(folder, SPEC.format(metric="custom", more="")).template.header == ("id", "label")
