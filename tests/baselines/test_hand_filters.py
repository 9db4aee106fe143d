"""What the hand-set kernels and pooling do, on images small enough to calculate by hand."""

import numpy as np
import pytest
from typer.testing import CliRunner

from baselines.__main__ import app
from baselines.errors import BaselineError

torch = pytest.importorskip("torch")
hand_filters = pytest.importorskip("baselines.hand_filters", exc_type=ModuleNotFoundError)
shapes = pytest.importorskip("baselines.shapes")
pytestmark = pytest.mark.torch

RAMP = torch.arange(25.0).reshape(1, 5, 5)


def after(name, image=RAMP):
    return hand_filters.filtered(image, hand_filters.KERNELS[name])


def test_the_identity_changes_nothing():
    assert torch.equal(after("identity"), RAMP)


def test_a_dot_shows_each_kernel_turned_around_and_these_are_symmetric():
    dot = torch.zeros(1, 5, 5)
    dot[0, 2, 2] = 1
    for name, kernel in hand_filters.KERNELS.items():
        assert after(name, dot)[0, 1:4, 1:4].tolist() == torch.tensor(kernel).tolist()


def test_flat_areas_have_no_edges_and_keep_their_brightness_otherwise():
    flat = torch.full((3, 6, 6), 0.4)
    inside = (slice(None), slice(1, -1), slice(1, -1))  # at the rim the zeros of the padding count
    assert after("edge", flat)[inside].abs().max() < 1e-6
    for name in ("sharpen", "box blur"):
        assert torch.allclose(after(name, flat)[inside], flat[inside])
    assert after("box blur", flat)[0, 0, 0] == pytest.approx(0.4 * 4 / 9)


def test_channels_are_filtered_one_by_one():
    image = torch.stack([RAMP[0], torch.zeros(5, 5)])
    assert torch.allclose(after("box blur", image)[0], after("box blur")[0])
    assert after("box blur", image)[1].abs().max() == 0


def test_pooling_takes_the_maximum_or_the_mean_of_each_window():
    image = torch.tensor([[[1.0, 3, 0, 0], [5, 7, 0, 8]]])
    assert hand_filters.pooled(image, "max", 2).tolist() == [[[7, 8]]]
    assert hand_filters.pooled(image, "mean", 2).tolist() == [[[4, 2]]]


@pytest.mark.parametrize(
    ("n", "f", "padding", "stride"), [(32, 5, 0, 1), (28, 2, 0, 2), (7, 3, 1, 2), (224, 7, 3, 2)]
)
def test_the_formula_is_what_torch_does(n, f, padding, stride):
    image, weights = torch.zeros(1, 1, n, n), torch.zeros(1, 1, f, f)
    found = torch.nn.functional.conv2d(image, weights, padding=padding, stride=stride)
    assert found.shape[-1] == shapes.output_side(n, f, stride=stride, padding=padding)


@pytest.mark.parametrize("shape", [None, (1, 8, 8), (3, 20, 41)])
def test_draws_any_image_or_a_photograph(tmp_path, shape):
    image = None if shape is None else np.zeros(shape, np.uint8)
    path = hand_filters.show(image, tmp_path / "new" / "filters.png")
    assert path.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    "image",
    [np.zeros((8, 8), np.uint8), np.zeros((4, 8, 8), np.uint8), np.zeros((1, 8, 8), np.float32)],
)
def test_what_is_no_image_is_refused_in_words(tmp_path, image):
    with pytest.raises(BaselineError, match=r"must be bytes .*\(1 or 3, H, W\)"):
        hand_filters.show(image, tmp_path / "filters.png")
    assert not list(tmp_path.iterdir())


def test_a_missing_image_is_named(tmp_path):
    answer = CliRunner().invoke(app, ["filters", "--image", str(tmp_path / "missing.png")])
    assert answer.exit_code == 2
    assert f"{tmp_path}/missing.png: No such file or directory." in answer.output


def test_a_table_is_refused_in_words_for_what_a_network_does_not_take():
    answer = CliRunner().invoke(app, ["shapes", "--arch", "perceptron", "--activation", "relu"])
    assert answer.exit_code == 2
    assert "perceptron does not take that" in answer.output
    assert "activation" in answer.output
