"""The baseline that needs no torch."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from baselines import catalogue, softmax, train
from baselines.errors import BaselineError, CallError

WITHOUT_TORCH = """
import sys

class NotInstalled:
    def find_spec(name, path, target=None):
        if name in ("torch", "django"):
            raise ModuleNotFoundError(f"No module named {name}", name=name)

sys.meta_path.insert(0, NotInstalled)
from baselines.__main__ import app
app(sys.argv[1:])
"""


def run(*words):
    command = [sys.executable, "-c", WITHOUT_TORCH, *map(str, words)]
    root = Path(__file__).parents[2]
    return subprocess.run(command, capture_output=True, text=True, cwd=root, check=False)


def test_digits_without_torch(tmp_path):
    answer = run("train", "--arch", "softmax", "--data", "digits", "--out", tmp_path, "--json")
    assert answer.returncode == 0, answer.stderr
    found = json.loads(answer.stdout.splitlines()[-1])
    assert found["test_accuracy"] > 0.95
    assert found["parameters"] == 64 * 10 + 10
    assert (found["arch"], found["data"], found["device"]) == ("softmax", "digits", "cpu")
    assert json.loads((tmp_path / "run.json").read_text())["metrics"] == found


def test_says_how_to_get_torch(tmp_path):
    answer = run("train", "--arch", "lenet5", "--data", "digits", "--out", tmp_path, "--json")
    assert answer.returncode == 2
    message = json.loads(answer.stdout.splitlines()[-1])["error"]["message"]
    assert "make install" in message


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
    run = train.plan("softmax", data, seed=3, epochs=2)
    first, second = (softmax.fit(data, run, onlooker) for _ in range(2))
    assert (first.weights == second.weights).all()
    assert onlooker.steps == 2 * train.steps(run, data)
    assert len(onlooker.accuracies) == 4


def test_a_run_comes_back_as_it_was(tmp_path, onlooker):
    data = catalogue.dataset("digits", tmp_path)
    run = train.plan("softmax", data, seed=0, epochs=1)
    model = softmax.fit(data, run, onlooker)
    model.save(tmp_path)
    again = softmax.load(tmp_path, run)
    pixels = data.test.pixels
    assert (again.probabilities(pixels) == model.probabilities(pixels)).all()
    (tmp_path / "model.npz").write_bytes(b"PK broken")
    with pytest.raises(BaselineError, match="Train it again"):
        softmax.load(tmp_path, run)


def test_an_unknown_architecture_is_named():
    with pytest.raises(CallError, match=r"no architecture lenet6. Choose one of softmax, mlp"):
        catalogue.recipe("lenet6")
