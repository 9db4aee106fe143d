"""What `baselines export` writes answers in the sandbox as the run itself does, to the last place
that a board shows: in every format, and with the mean over mirror images."""

from dataclasses import replace

import numpy as np
import pytest

from scoring.sandbox.contract import Contract, Format, Job
from scoring.sandbox.inspection import inspect

pytestmark = pytest.mark.torch
CLASSES = tuple("0123456789")
SHAPE = (3, 16, 16)


@pytest.fixture(scope="module")
def pixels():
    return np.random.default_rng(1).integers(0, 256, (40, *SHAPE), np.uint8)


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "flips"])
def run(request, tmp_path_factory):
    """A network with weights drawn by lot, as a run folder keeps it."""
    for package in ("torch", "onnxscript", "onnxruntime", "safetensors"):
        pytest.importorskip(package)
    import torch  # noqa: PLC0415

    from baselines import deep, train, weights  # noqa: PLC0415 - needs torch
    from baselines.data.dataset import Dataset, Labelled  # noqa: PLC0415

    some = Labelled(np.zeros((20, *SHAPE), np.uint8), np.arange(20) % 10)
    noise = Dataset("noise", CLASSES, some, some, "test set")
    options = {"flips": request.param, "bf16": False}
    planned = train.plan("resnet20", noise, seed=0, options=options)
    # untrained logits reach hundreds, whose rounding alone may pass the tolerance: of this draw not
    torch.manual_seed(2)
    folder = tmp_path_factory.mktemp("run")
    replace(planned, metrics={"accuracy": 0.1}).save(folder)  # as if trained to its end
    weights.save(deep.new(planned), folder)
    return folder


@pytest.mark.parametrize("kind", ["onnx", "safetensors", "pt2"])
def test_an_export_is_scored_as_the_run_would_be(server, run, pixels, tmp_path, kind):
    from baselines import deep, export, runs  # noqa: PLC0415 - needs torch

    file = export.export(run, kind, tmp_path / f"model.{kind}")
    np.save(tmp_path / "images.npy", pixels)
    contract = Contract(*SHAPE, CLASSES, frozenset(Format))
    upload = inspect(file, contract).upload
    outcome, logits = server.run(Job(upload, tmp_path / "images.npy", contract))
    assert logits is not None, outcome.message
    likely = np.exp(logits - logits.max(axis=1, keepdims=True))
    likely /= likely.sum(axis=1, keepdims=True)
    own = deep.load(run, runs.read(run)).probabilities(pixels)
    np.testing.assert_allclose(likely, own, atol=1e-5)
