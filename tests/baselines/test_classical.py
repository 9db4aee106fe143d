"""Features that people thought of, and what learns on them."""

import sys

import numpy as np
import pytest
from typer.testing import CliRunner

from baselines import catalogue, train
from baselines.__main__ import app
from baselines.classical import features, learners
from baselines.classical.features import BINS, cell_histograms, gradients, hog, patches
from baselines.data import published
from baselines.data.dataset import Dataset, Labelled
from baselines.errors import BaselineError, CallError

ARCHES = (*learners.LINEAR, "knn")


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    return catalogue.dataset("digits", tmp_path_factory.mktemp("none"))


def edge(direction: str) -> np.ndarray:
    """28x28, one half black and one half white."""
    image = np.zeros((1, 1, 28, 28), np.uint8)
    if direction == "upright":
        image[..., 14:] = 255
    elif direction == "level":
        image[..., 14:, :] = 255
    else:
        rows, columns = np.mgrid[:28, :28]
        image[0, 0] = np.where(rows + columns < 27, 0, 255)
    return image


@pytest.mark.parametrize(
    ("direction", "shares"),
    [  # an angle on the border of two bins belongs to both
        ("upright", {0: 0.5, 8: 0.5}),  # light changes at 0 degrees
        (
            "slanting",
            {1: 0.25, 2: 0.75},
        ),  # at 45 degrees, between 30 and 50, the middles of two bins
        ("level", {4: 0.99}),  # at 90 degrees
    ],
)
def test_an_edge_falls_into_the_bin_of_its_direction(direction, shares):
    strength, angle = gradients(edge(direction))
    cells = cell_histograms(strength, angle, 4)
    assert cells.shape == (1, 7, 7, BINS)
    total = cells.sum(axis=(0, 1, 2))
    for direction_bin, share in shares.items():
        found = total[direction_bin] / total.sum()
        assert found == pytest.approx(share, abs=0.02), total


def test_the_edge_is_where_it_is():
    strength, angle = gradients(edge("upright"))
    cells = cell_histograms(strength, angle, 4).sum(axis=-1)[0]
    assert (cells[:, 3] > 0).all()  # pixels 13 and 14 lie in the cells 12..15
    assert cells[:, [0, 1, 2, 4, 5, 6]].sum() == 0


def test_hog_does_not_see_whether_the_edge_gets_lighter_or_darker():
    image = edge("slanting")
    np.testing.assert_allclose(hog(image), hog(255 - image), atol=1e-6)


def test_hog_has_a_vector_of_length_one_per_block():
    image = np.random.default_rng(0).integers(0, 256, (3, 3, 32, 32), np.uint8)
    vectors = hog(image)
    assert vectors.shape == (3, 7 * 7 * 4 * BINS)
    assert vectors.dtype == np.float32
    lengths = np.linalg.norm(vectors.reshape(3, 49, 36), axis=-1)
    np.testing.assert_allclose(lengths, 1, atol=0.01)


def test_of_a_colour_image_the_strongest_channel_counts():
    image = np.concatenate([edge("upright") // 4, edge("upright"), edge("upright") // 2], axis=1)
    np.testing.assert_array_equal(hog(image), hog(edge("upright")))


def test_patches_are_means_and_deviations():
    image = np.zeros((1, 1, 28, 28), np.uint8)
    image[0, 0, :4, :4] = 255  # the first patch is white
    image[0, 0, :4, 4:8:2] = 255  # the second one striped
    found = patches(image).reshape(49, 2)
    np.testing.assert_allclose(found[0], [1, 0], atol=1e-6)
    np.testing.assert_allclose(found[1], [0.5, 0.5], atol=1e-6)
    assert not found[2:].any()


def test_batches_make_no_difference(monkeypatch):
    image = np.random.default_rng(0).integers(0, 256, (9, 1, 17, 23), np.uint8)
    whole = hog(image)
    monkeypatch.setattr(features, "AT_ONCE", 2)
    np.testing.assert_allclose(hog(image), whole, atol=1e-6)


def fitted(arch, data, onlooker):
    run = train.plan(arch, data, seed=0)
    return run, learners.fit(data, run, onlooker)


@pytest.mark.parametrize(
    ("arch", "least"),
    [("hog-svm", 0.95), ("hog-logistic", 0.95), ("patches-logistic", 0.9), ("knn", 0.97)],
)
def test_learns_digits_and_comes_back_as_it_was(arch, least, digits, tmp_path, onlooker):
    run, model = fitted(arch, digits, onlooker)
    found = model.probabilities(digits.test.pixels)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)
    assert np.mean(found.argmax(axis=1) == digits.test.labels) > least
    model.save(tmp_path)
    again = learners.load(tmp_path, run)
    np.testing.assert_array_equal(again.probabilities(digits.test.pixels), found)
    assert again.parameters == model.parameters > 0


@pytest.mark.parametrize("arch", ARCHES)
def test_a_damaged_or_a_foreign_model_is_refused(arch, digits, tmp_path, onlooker):
    run, _model = fitted("patches-logistic", digits, onlooker)
    run = train.plan(arch, digits, seed=0)
    path = tmp_path / "model.npz"
    for damage in (b"PK broken", b""):
        path.write_bytes(damage)
        with pytest.raises(BaselineError, match="Train it again"):
            learners.load(tmp_path, run)
    np.savez(path, weights=np.zeros((3, 10), np.float32), pixels=np.array([{}], object))
    with pytest.raises(BaselineError, match="Train it again"):
        learners.load(tmp_path, run)


def test_after_ctrl_c_nobody_is_promised_to_go_on_from_nothing(tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(learners, "_fit_linear", interrupted)
    words = ["train", "--arch", "hog-svm", "--data", "digits", "--out", str(tmp_path), "--no-log"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 130
    assert "Nothing was kept to go on from" in done.stderr
    assert "resume" not in done.stderr


def test_an_unknown_approach_is_named(digits, onlooker):
    run = train.plan("knn", digits, seed=0)
    with pytest.raises(CallError, match=r"no approach sift\. Choose one of hog-svm"):
        learners.fit(digits, type(run)(**{**vars(run), "arch": "sift"}), onlooker)


def noise(count: int, classes: int, seed: int = 0) -> Labelled:
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (count, 1, 12, 12), np.uint8)
    return Labelled(pixels, rng.integers(0, classes, count))


def test_neighbours_are_those_of_scikit_learn(monkeypatch):
    neighbors = pytest.importorskip("sklearn.neighbors")
    known, asked = noise(700, 4), noise(90, 4, seed=1)
    monkeypatch.setattr(learners, "AT_ONCE", 64)  # many blocks, the last one not full
    found = learners.Neighbours(known, 4).probabilities(asked.pixels)
    theirs = neighbors.KNeighborsClassifier(5, algorithm="brute")
    theirs.fit(known.pixels.reshape(700, -1).astype(float), known.labels)
    expected = theirs.predict_proba(asked.pixels.reshape(90, -1).astype(float))
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_fewer_images_than_neighbours():
    known = noise(3, 2)
    found = learners.Neighbours(known, 2).probabilities(known.pixels)
    assert found[0, 1] == pytest.approx(known.labels.mean())


@pytest.mark.parametrize("arch", learners.LINEAR)
def test_two_classes_and_one_without_an_image(arch, onlooker):
    """scikit-learn keeps one column of weights for two classes and none for an absent one."""
    images = np.concatenate([edge("level")] * 6 + [edge("slanting")] * 6)
    labels = np.array([0] * 6 + [2] * 6)
    data = Dataset("edges", ("level", "absent", "slanting"), *[Labelled(images, labels)] * 2, "")
    _run, model = fitted(arch, data, onlooker)
    found = model.probabilities(images)
    assert (found.argmax(axis=1) == labels).all()
    assert found[:, 1].max() < 1e-6


def test_needs_no_torch():
    """The whole package is numpy and scikit-learn."""
    modules = (features, learners)
    assert not [module for module in modules if "torch" in vars(module)]
    assert sys.modules["baselines.classical.learners"] is learners


@pytest.mark.published_data
def test_hog_on_mnist(shared, onlooker):
    """1 000 images of 60 000 are enough for 90 %."""
    data = published.mnist(shared)
    data = Dataset(data.name, data.classes, *(
        Labelled(part.pixels[:1000], part.labels[:1000]) for part in (data.train, data.test)
    ), data.held_out)  # fmt: skip
    _run, model = fitted("hog-svm", data, onlooker)
    assert train.accuracy(model, data.test) > 0.90
