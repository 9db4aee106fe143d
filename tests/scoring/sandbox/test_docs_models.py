"""docs/model-submissions.md: its snippets make models that are taken, and it leaves nothing out."""

import re
import tomllib
import warnings
from pathlib import Path

import numpy as np
import pytest

from scoring import ProblemCode
from scoring.sandbox.contract import Contract, Ending, Format
from scoring.sandbox.inspection import inspect
from scoring.sandbox.settings import KEYS, contract_from
from tests.scoring.sandbox import specimens

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "model-submissions.md").read_text()
SIZE = (3, 8, 8)


def snippet(title):
    """The first Python block below a heading."""
    section = PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]
    return re.search(r"^```python\n(.*?)^```$", section, re.M | re.S)[1]


def run(title, folder, monkeypatch, **names):
    """Executes the block and looks at the file that it writes."""
    monkeypatch.chdir(folder)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(compile(snippet(title), title, "exec"), {"size": SIZE, **names})  # noqa: S102
    return inspect(folder / "model.onnx", specimens.CONTRACT)


def answers(path, images):
    """The model's own, by onnxruntime."""
    runtime = pytest.importorskip("onnxruntime")
    session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: images})[0]


def drawn(count=5):
    return np.random.default_rng(0).random((count, *SIZE), np.float32)


@pytest.mark.torch
def test_from_pytorch(tmp_path, monkeypatch):
    for package in ("torch", "onnx", "onnxscript"):
        pytest.importorskip(package)
    import torch  # noqa: PLC0415

    network, mean, deviation = specimens.network(), [0.5, 0.4, 0.3], [0.2, 0.3, 0.4]
    names = {"network": network, "mean": mean, "deviation": deviation}
    found = run("From PyTorch", tmp_path, monkeypatch, **names)
    assert (found.upload.format, found.batch) == (Format.ONNX, None)
    images = torch.from_numpy(drawn())
    with torch.inference_mode():
        flat = (torch.tensor(each)[:, None, None] for each in (mean, deviation))
        ours = network((images - next(flat)) / next(flat)).numpy()
    assert answers(tmp_path / "model.onnx", drawn()) == pytest.approx(ours, abs=1e-5)


@pytest.mark.torch
@pytest.mark.framework
def test_from_keras(tmp_path, monkeypatch):
    keras = pytest.importorskip("keras", reason="Keras is not installed")
    layers = [keras.Input((8, 8, 3)), keras.layers.Conv2D(5, 3), keras.layers.Flatten()]
    model = keras.Sequential([*layers, keras.layers.Dense(4)])
    found = run("From Keras and TensorFlow", tmp_path, monkeypatch, model=model)
    assert found.parameters >= 3 * 5 * 9 + 5 * 36 * 4  # biases may be folded into one another
    ours = model.predict(drawn().transpose(0, 2, 3, 1), verbose=0)
    assert answers(tmp_path / "model.onnx", drawn()) == pytest.approx(ours, abs=1e-5)


@pytest.mark.framework
def test_from_jax(tmp_path, monkeypatch):
    pytest.importorskip("jax2onnx", reason="jax2onnx is not installed")
    nnx = pytest.importorskip("flax.nnx", reason="flax is not installed")
    linear = nnx.Linear(3, 4, rngs=nnx.Rngs(0))

    def model(images):
        return linear(images.mean(axis=(1, 2)))

    run("From JAX", tmp_path, monkeypatch, model=model)
    ours = np.asarray(model(drawn().transpose(0, 2, 3, 1)))
    assert answers(tmp_path / "model.onnx", drawn()) == pytest.approx(ours, abs=1e-5)


@pytest.mark.parametrize(
    "kind", ["linear_model:LogisticRegression", "ensemble:RandomForestClassifier"]
)
def test_from_scikit_learn(tmp_path, monkeypatch, kind):
    pytest.importorskip("skl2onnx", reason="skl2onnx is not installed")
    module, _, name = kind.partition(":")
    learner = getattr(pytest.importorskip(f"sklearn.{module}"), name)
    images = drawn(200)
    labels = (images.mean(axis=(1, 2, 3)) * 400).astype(int) % 4
    keywords = {"max_iter": 5000} if "linear" in kind else {}
    classifier = learner(**keywords).fit(images.reshape(200, -1), labels)
    found = run("From scikit-learn", tmp_path, monkeypatch, classifier=classifier)
    assert found.parameters > 4 * 192 if "linear" in kind else found.parameters > 0
    shares = np.exp(answers(tmp_path / "model.onnx", images))
    assert shares == pytest.approx(classifier.predict_proba(images.reshape(200, -1)), abs=1e-5)


def test_the_table_of_a_spec_is_taken_and_has_every_key():
    text = re.search(r"^```toml\n(.*?)^```$", PAGE, re.M | re.S)[1]
    found = contract_from(tomllib.loads(text)["model"])
    assert found == Contract(3, 32, 32, ("cat", "dog"), budgets=found.budgets)
    assert {key for key in KEYS if not re.search(rf"\b{key} = ", text)} == set()


def test_every_code_and_every_ending_is_explained():
    codes = [code for code in ProblemCode if "model" in code or "forbidden" in code]
    assert len(codes) > 12
    explained = re.findall(r"^\| `(\w+)` \|", PAGE, re.M)
    assert set(codes) <= set(explained)
    assert {ProblemCode.TOO_MANY_PARAMETERS, ProblemCode.UNKNOWN_ARCHITECTURE} <= set(explained)
    assert set(Ending) - {Ending.DONE} <= set(explained)
