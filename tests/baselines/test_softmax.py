"""The baseline that needs no torch."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from baselines import catalogue, softmax, train
from baselines.errors import BaselineError, CallError

# One process for two commands: to load scikit-learn, which has the digits, is most of either.
WITHOUT_TORCH = """
import json, sys

class NotInstalled:
    def find_spec(name, path, target=None):
        if name in ("torch", "django"):
            raise ModuleNotFoundError(f"No module named {name}", name=name)

sys.meta_path.insert(0, NotInstalled)
from baselines.__main__ import app
for words in json.loads(sys.argv[1]):
    try:
        app(words)
    except SystemExit as end:
        print(json.dumps(end.code))
"""


@pytest.fixture(scope="module")
def without_torch(tmp_path_factory):
    """For each architecture its folder, the exit code and the last line of what it printed."""
    folders = {arch: tmp_path_factory.mktemp(arch) for arch in ("softmax", "lenet5")}
    commands = [
        ["train", "--arch", arch, "--data", "digits", "--out", str(folder), "--json"]
        for arch, folder in folders.items()
    ]
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH, json.dumps(commands)],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found, code, refusal, other_code = map(json.loads, done.stdout.splitlines()[-4:])
    return {
        "softmax": (folders["softmax"], code, found),
        "lenet5": (folders["lenet5"], other_code, refusal),
    }


def test_digits_without_torch(without_torch):
    folder, code, found = without_torch["softmax"]
    assert code == 0
    assert found["test_accuracy"] > 0.95
    assert found["parameters"] == 64 * 10 + 10
    assert (found["arch"], found["data"], found["device"]) == ("softmax", "digits", "cpu")
    assert json.loads((folder / "run.json").read_text())["metrics"] == found


def test_says_how_to_get_torch(without_torch):
    _, code, refusal = without_torch["lenet5"]
    assert code == 2
    assert "make install" in refusal["error"]["message"]


def test_the_gradient_is_predicted_minus_true():
    """Against finite differences of the loss."""
    rng = np.random.default_rng(0)
    features, labels = rng.normal(size=(5, 4)).astype(np.float32), np.array([0, 1, 2, 1, 0])
    start = rng.normal(size=(4, 3))

    def loss(weights):
        scores = features @ weights
        chosen = scores[np.arange(5), labels]
        return np.mean(np.log(np.exp(scores).sum(axis=1)) - chosen)

    one = np.ones(1, np.float32)
    model = softmax.Softmax(start.copy(), np.zeros(3), one, one)
    model.learn(features, labels, rate=1.0)
    step = start - model.weights - softmax.WEIGHT_DECAY * start
    for at in np.ndindex(4, 3):
        nudge = np.zeros((4, 3))
        nudge[at] = 1e-5
        slope = (loss(start + nudge) - loss(start - nudge)) / 2e-5
        assert step[at] == pytest.approx(slope, abs=1e-6)


def test_the_same_seed_gives_the_same_model(tmp_path, onlooker):
    data = catalogue.dataset("digits", tmp_path)
    run = train.plan("softmax", data, seed=3, options={"epochs": 2})
    first, second = (softmax.fit(data, run, onlooker) for _ in range(2))
    assert (first.weights == second.weights).all()
    assert onlooker.steps == 2 * train.steps(run, data)
    assert len(onlooker.accuracies) == 4


def test_a_training_that_diverges_says_so(tmp_path, onlooker):
    data = catalogue.dataset("digits", tmp_path)
    run = train.plan("softmax", data, seed=0, options={"rate": 1e9})
    with pytest.raises(BaselineError, match=r"diverged.* Choose a rate far below 1e\+09"):
        softmax.fit(data, run, onlooker)


def test_a_run_comes_back_as_it_was(tmp_path, onlooker):
    data = catalogue.dataset("digits", tmp_path)
    run = train.plan("softmax", data, seed=0, options={"epochs": 1})
    model = softmax.fit(data, run, onlooker)
    model.save(tmp_path)
    again = softmax.load(tmp_path, run)
    pixels = data.test.pixels
    assert (again.probabilities(pixels) == model.probabilities(pixels)).all()
    (tmp_path / "model.npz").write_bytes(b"PK broken")
    with pytest.raises(BaselineError, match="Train it again"):
        softmax.load(tmp_path, run)


def test_an_unknown_architecture_is_named():
    with pytest.raises(CallError, match=r"no architecture lenet6. Choose one of softmax, "):
        catalogue.architecture("lenet6")
