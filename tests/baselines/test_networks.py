"""Published facts of the networks, and that each of them learns."""

from pathlib import Path

import numpy as np
import pytest

from baselines import train
from baselines.catalogue import RECIPES, dataset, recipe
from baselines.dataset import Dataset, Labelled
from baselines.errors import BaselineError

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch
torch.set_num_threads(1)  # such small networks gain nothing from a second core
DEEP = [name for name in RECIPES if name != "softmax"]


def noise(shape, classes=10, n=32):
    rng = np.random.default_rng(0)
    images = Labelled(
        rng.integers(0, 256, (n, *shape), dtype=np.uint8), rng.integers(0, classes, n)
    )
    return Dataset("noise", tuple(map(str, range(classes))), images, images, "itself")


def new(arch, shape, classes=10):
    deep = pytest.importorskip("baselines.deep")
    return deep.new(train.plan(arch, noise(shape, classes), seed=0, epochs=1))


def test_lenet5_has_the_paper_s_layers():
    """LeCun et al. 1998, figure 2 and section II.B: C1 156, C5 48 120, F6 10 164 weights."""
    body = new("lenet5", (1, 28, 28)).network[1]
    sizes = [sum(p.numel() for p in layer.parameters()) for layer in body]
    # C3 is complete here: 16 * (6 * 25 + 1); the paper's table of connections leaves 1 516
    assert [size for size in sizes if size] == [156, 2416, 48_120, 10_164, 850]
    shapes, images = [], torch.zeros(1, 1, 28, 28)
    for layer in body:
        images = layer(images)
        shapes.append(tuple(images.shape[1:]))
    maps = [(1, 32, 32), (6, 28, 28), (6, 14, 14), (16, 10, 10), (16, 5, 5), (120, 1, 1), (84,)]
    assert [shape for shape in dict.fromkeys(shapes) if shape in maps] == maps


def test_parameter_counts():
    assert new("lenet5", (1, 8, 8)).parameters == 61_706
    assert new("mlp", (1, 28, 28)).parameters == 784 * 256 + 256 + 256 * 256 + 256 + 2570
    assert new("resnet18", (3, 224, 224), classes=1000).parameters == 11_689_512  # torchvision's
    assert new("resnet18", (3, 32, 32)).parameters == 11_173_962  # the usual CIFAR variant


@pytest.mark.parametrize("arch", DEEP)
@pytest.mark.parametrize("shape", [(1, 8, 8), (1, 28, 28), (3, 32, 32), (3, 20, 41)])
def test_answers_any_small_image(arch, shape):
    found = new(arch, shape, classes=7).probabilities(noise(shape, n=2).train.pixels)
    assert found.shape == (2, 7)
    assert found.sum(axis=1) == pytest.approx([1, 1], abs=1e-5)


@pytest.mark.published_data
def test_takes_the_real_mnist_without_a_warning(shared):
    data = dataset("mnist", shared)
    assert new("lenet5", (1, 28, 28)).probabilities(data.test.pixels[:3]).shape == (3, 10)


@pytest.mark.parametrize("arch", DEEP)
def test_overfits_one_batch(arch):
    """A network that cannot learn 16 pictures of noise by heart has a broken gradient."""
    deep, data = pytest.importorskip("baselines.deep"), noise((1, 8, 8), n=16)
    torch.manual_seed(0)
    model = deep.new(train.plan(arch, data, seed=0, epochs=1))
    rate = 1e-3 if arch == "resnet18" else recipe(arch).learning_rate
    optimiser = torch.optim.AdamW(model.network.parameters(), rate)
    images, labels = torch.from_numpy(data.train.pixels), torch.from_numpy(data.train.labels)
    for _ in range(200):
        if deep.learn(model.network, optimiser, images, labels) == 16:
            return
    pytest.fail("not learnt by heart in 200 steps")


def test_lenet5_learns_the_digits(tmp_path, onlooker):
    data = dataset("digits", Path())
    run = train.plan("lenet5", data, seed=0, epochs=8)  # the recipe takes 28 and gets further
    result = train.train(run, data, tmp_path, onlooker)
    assert result.test_accuracy >= 0.97
    assert onlooker.steps == train.steps(run, data)

    deep = pytest.importorskip("baselines.deep")
    again = deep.load(tmp_path, run)
    assert train.accuracy(again, data.test) == pytest.approx(result.test_accuracy, abs=1e-6)
    (tmp_path / "model.pt").write_bytes(b"not a model")
    with pytest.raises(BaselineError, match="Train it again"):
        deep.load(tmp_path, run)
