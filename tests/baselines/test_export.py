"""A transferred network as one file: it answers a challenge as `predict` does."""

import csv
import io
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from baselines import predict, runs, train
from baselines.errors import CallError
from scoring.sandbox import images
from scoring.sandbox.contract import Contract
from tests.baselines.conftest import Onlooker

torch = pytest.importorskip("torch")
export = pytest.importorskip("baselines.export")
recipe = pytest.importorskip("baselines.transfer.recipe")
photos = pytest.importorskip("baselines.transfer.photos")
pytestmark = pytest.mark.torch

CLASSES = ("blue", "red")
CLOSE = 1e-4  # of probabilities


def photo(at: int, size: tuple[int, int]) -> bytes:
    """Noise, reddish or bluish."""
    pixels = np.random.default_rng(at).integers(0, 120, (size[1], size[0], 3), np.uint8)
    pixels[..., 2 if at % 2 == 0 else 0] += 120
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def trained(folder: Path, weights: Path, sizes: list[tuple[int, int]]) -> Path:
    """A run on a challenge whose labelled and test photos have these sizes in turn."""
    for at in range(12):
        place = folder / "train" / CLASSES[at % 2] / f"{at}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(photo(at, sizes[at % len(sizes)]))
    (folder / "test").mkdir()
    for at in range(6):
        (folder / "test" / f"t{at}.png").write_bytes(photo(100 + at, sizes[at % len(sizes)]))
    rows = "".join(f"t{at}.png,0.5,0.5\n" for at in (3, 0, 5, 1, 2, 4))
    (folder / "sample_submission.csv").write_text("id,blue,red\n" + rows)
    model = {"base": "squeezenet1_1", "weights": str(weights), "side": 64, "head_rate": 0.01}
    source = {"data": str(folder), "root": "", "largest": None, "side": 64}
    data = photos.read(folder, 64)
    run = train.plan("transfer", data, seed=0, options={"model": model}, source=source)
    train.train(run, data, folder / "run", Onlooker())
    return folder / "run"


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "weights.pth"
    torch.save(recipe.untrained("squeezenet1_1").state_dict(), path)
    return path


@pytest.fixture(scope="module")
def wide(weights, tmp_path_factory) -> Path:
    """A challenge of photos of 90x72, transferred to a network that sees 64x64."""
    return trained(tmp_path_factory.mktemp("wide"), weights, [(90, 72)])


@pytest.fixture(scope="module")
def square(weights, tmp_path_factory) -> Path:
    """Photos of differing sizes, of which the middle is brought to 64x64."""
    return trained(tmp_path_factory.mktemp("square"), weights, [(90, 72), (80, 80)])


def predicted(run: Path) -> tuple[list[str], np.ndarray]:
    """Ids and probabilities of the CSV that would be handed in."""
    rows = list(csv.reader(io.StringIO(predict.predict(run, run.parent, None).decode())))[1:]
    probabilities = np.array([row[1:] for row in rows], float)
    assert np.ptp(probabilities) > 0.3  # or they would be alike whatever the file does
    return [row[0] for row in rows], probabilities


def as_the_site_has_them(run: Path, ids: list[str], tmp_path: Path) -> np.ndarray:
    """The test images as the site gives them to a model: as they are, float32 from 0 to 1."""
    described = runs.read(run)
    contract = Contract(described.channels, described.height, described.width, CLASSES)
    packed = images.pack(run.parent / "test", contract, ids, tmp_path / "images.npy")
    return np.load(packed).astype(np.float32) / 255


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def test_a_transferred_network_scores_as_onnx_as_its_csv_does(wide, tmp_path):
    """The site gives a model the challenge's images in their own size; the file resizes them."""
    for package in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(package)
    ids, expected = predicted(wide)
    file = export.export(wide, "onnx", tmp_path / "m.onnx")
    session = export.runtime().InferenceSession(str(file), providers=["CPUExecutionProvider"])
    given = as_the_site_has_them(wide, ids, tmp_path)
    assert given.shape == (6, 3, 72, 90)
    (logits,) = session.run(None, {"images": given})
    assert np.abs(softmax(logits) - expected).max() < CLOSE


def test_a_transferred_network_scores_as_pt2_as_its_csv_does(wide, tmp_path):
    ids, expected = predicted(wide)
    program = torch.export.load(export.export(wide, "pt2", tmp_path / "m.pt2")).module()
    with torch.inference_mode():
        logits = program(torch.from_numpy(as_the_site_has_them(wide, ids, tmp_path))).numpy()
    assert np.abs(softmax(logits) - expected).max() < CLOSE


def test_weights_alone_cannot_resize_and_the_refusal_says_what_can(wide, tmp_path):
    pytest.importorskip("safetensors")
    with pytest.raises(CallError, match=r"3 x 72 x 90 .* to 3 x 64 x 64 .* onnx or pt2"):
        export.export(wide, "safetensors", tmp_path / "m.safetensors")
    assert list(tmp_path.iterdir()) == []


def test_squares_are_one_of_torchvisions_networks_for_the_site(square, tmp_path):
    """The site builds it by the name in the file and fills in the weights."""
    safetensors = pytest.importorskip("safetensors")
    inside = pytest.importorskip("scoring.sandbox.inside.architectures")
    network = pytest.importorskip("scoring.sandbox.inside.network")
    file = export.export(square, "safetensors", tmp_path / "m.safetensors")
    with safetensors.safe_open(file, "pt") as opened:
        head = {name: json.loads(value) for name, value in opened.metadata().items()}
    assert head["arch"] == "torchvision/squeezenet1_1"
    assert str(tmp_path.parent) not in json.dumps(head)  # where the weights lay is nobody's concern
    wanted = network.Wanted(3, 64, 64, 2, False, 1, False, 0)
    built = inside.build(file.read_bytes(), head["arch"], head["model"], wanted).eval()
    ids, expected = predicted(square)
    pictures = {name: (square.parent / "test" / name).read_bytes() for name in ids}
    pixels = torch.from_numpy(photos.stack(pictures, (64, 64), grey=False)).float() / 255
    with torch.inference_mode():
        assert np.abs(softmax(built(pixels).numpy()) - expected).max() < CLOSE


def test_a_run_that_was_stopped_is_not_exported(square, tmp_path):
    replace(runs.read(square), metrics={}).save(tmp_path)
    with pytest.raises(CallError, match="not trained to its end"):
        export.export(tmp_path, "pt2", tmp_path / "m.pt2")


def test_onnxruntime_leaves_nothing_in_the_home_folder(tmp_path):
    """On its own, it opens a database of use there when it is imported."""
    pytest.importorskip("onnxruntime")
    plain = {name: value for name, value in os.environ.items() if "TELEMETRY" not in name}
    environment = {**plain, "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    program = "from baselines.export import runtime; runtime()"
    subprocess.run([sys.executable, "-c", program], env=environment, check=True, timeout=120)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
