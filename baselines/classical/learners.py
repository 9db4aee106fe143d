"""Engineered features and a trainable classifier: hog-svm, hog-logistic, patches-logistic, knn.

Four recipes that were the state of the art before networks learned their features themselves. All
are trained within minutes on a laptop and saved as plain numbers.
"""

import warnings
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from baselines.classical.features import Describe, Floats, hog, patches
from baselines.data.dataset import Dataset, Labelled, Pixels
from baselines.errors import BaselineError, CallError
from baselines.runs import Run
from baselines.softmax import softmax
from baselines.watching import Watch

NEIGHBOURS = 5
AT_ONCE = 1024  # images described, or looked up, at a time
NEVER = -1e4  # the score of a class that no training image had


@dataclass(frozen=True)
class Approach:
    describe: Describe
    classifier: Callable[..., Any]  # scikit-learn's
    weight_decay: float  # against the mean loss of an image, as in softmax.py
    settings: Mapping[str, Any]

    def untrained(self, images: int, seed: int) -> Any:
        # scikit-learn weighs the sum of all losses instead: its C shrinks as the set grows
        strength = 1 / (self.weight_decay * images)
        return self.classifier(C=strength, random_state=seed, max_iter=200, **self.settings)


LOGISTIC = {"tol": 1e-3}
SVM = {"tol": 1e-2, "dual": True}  # the primal solver takes ten times as long here

LINEAR: Mapping[str, Approach] = {
    "hog-svm": Approach(hog, LinearSVC, 2e-2, SVM),
    "hog-logistic": Approach(hog, LogisticRegression, 2e-3, LOGISTIC),
    "patches-logistic": Approach(patches, LogisticRegression, 2e-5, LOGISTIC),
}


@dataclass(frozen=True)
class Linear:
    """A score per class: standardised features @ weights + bias. The softmax makes them shares."""

    describe: Describe
    weights: Floats  # (features, classes)
    bias: Floats
    mean: Floats  # one per feature
    deviation: Floats
    device: str = "cpu"

    @property
    def parameters(self) -> int:
        return self.weights.size + self.bias.size

    def probabilities(self, pixels: Pixels) -> Floats:
        return _in_blocks(self._probabilities, pixels)

    def _probabilities(self, pixels: Pixels) -> Floats:
        standard: Floats = (self.describe(pixels) - self.mean) / self.deviation
        return softmax(standard @ self.weights + self.bias)

    def save(self, folder: Path) -> None:
        np.savez(
            folder / "model.npz",
            weights=self.weights, bias=self.bias, mean=self.mean, deviation=self.deviation,
        )  # fmt: skip


@dataclass(frozen=True)
class Neighbours:
    """Nothing is learned, everything is remembered: the five most similar images vote."""

    images: Labelled
    classes: int
    device: str = "cpu"

    @property
    def parameters(self) -> int:
        return self.images.pixels.size

    def probabilities(self, pixels: Pixels) -> Floats:
        known = _rows(self.images.pixels)
        lengths = np.einsum("ij,ij->i", known, known)
        return _in_blocks(lambda block: self._votes(_rows(block), known, lengths), pixels)

    def _votes(self, asked: Floats, known: Floats, lengths: Floats) -> Floats:
        """By |a - b|^2 = |a|^2 - 2ab + |b|^2, where |a|^2 is the same for all neighbours of a."""
        best = np.empty((len(asked), 0), np.float32)
        labels = np.empty((len(asked), 0), np.int64)
        for start in range(0, len(known), AT_ONCE):
            part = slice(start, start + AT_ONCE)
            distances = lengths[part] - 2 * asked @ known[part].T
            near = _smallest(distances, NEIGHBOURS)
            best = np.concatenate([best, np.take_along_axis(distances, near, axis=1)], axis=1)
            labels = np.concatenate([labels, self.images.labels[part][near]], axis=1)
            nearest = _smallest(best, NEIGHBOURS)
            best = np.take_along_axis(best, nearest, axis=1)
            labels = np.take_along_axis(labels, nearest, axis=1)
        votes = labels[:, :, None] == np.arange(self.classes)
        result: Floats = votes.mean(axis=1, dtype=np.float32)
        return result

    def save(self, folder: Path) -> None:
        np.savez(folder / "model.npz", pixels=self.images.pixels, labels=self.images.labels)


def fit(data: Dataset, run: Run, watch: Watch, folder: Path | None = None) -> Linear | Neighbours:
    """Trained in one go: nothing in ``folder`` to go on from."""
    del folder
    if run.arch == "knn":
        model: Linear | Neighbours = Neighbours(data.train, len(data.classes))
    else:
        model = _fit_linear(_approach(run.arch), data, run.seed)
    watch.step()
    return model


def steps(_run: Run, _images: int) -> int:
    """How often `Watch.step` will be called."""
    return 1


def _fit_linear(approach: Approach, data: Dataset, seed: int) -> Linear:
    features = approach.describe(data.train.pixels)
    mean = features.mean(axis=0)
    # one factor for all: a feature that hardly ever moves must not be blown up into a loud one
    deviation = np.full_like(mean, max(float(features.std(axis=0).mean()), 1e-6))
    features -= mean
    features /= deviation
    classifier = approach.untrained(len(features), seed)
    with warnings.catch_warnings():
        # after that many steps the accuracy has long stopped moving
        warnings.simplefilter("ignore", ConvergenceWarning)
        classifier.fit(features, data.train.labels)
    weights, bias = _columns(classifier, len(data.classes))
    return Linear(approach.describe, weights, bias, mean, deviation)


def _columns(classifier: Any, classes: int) -> tuple[Floats, Floats]:
    """A column of weights per class; scikit-learn has a single one for two classes."""
    coefficients, intercepts = classifier.coef_, classifier.intercept_
    if len(classifier.classes_) == 2:
        coefficients = np.concatenate([np.zeros_like(coefficients), coefficients])
        intercepts = np.concatenate([np.zeros_like(intercepts), intercepts])
    weights = np.zeros((coefficients.shape[1], classes), np.float32)
    bias = np.full(classes, NEVER, np.float32)
    weights[:, classifier.classes_], bias[classifier.classes_] = coefficients.T, intercepts
    return weights, bias


def load(folder: Path, run: Run) -> Linear | Neighbours:
    """The model of a run folder; the file is read as numbers only, it cannot carry code."""
    path = folder / "model.npz"
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return _restored(run, dict(arrays))
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise BaselineError(f"{path} is not this run's model. Train it again.") from error


def _restored(run: Run, arrays: Mapping[str, NDArray[Any]]) -> Linear | Neighbours:
    """Raises ValueError where the numbers are not those of such a run."""
    classes, shape = len(run.classes), (run.channels, run.height, run.width)
    if run.arch == "knn":
        pixels, labels = arrays["pixels"], arrays["labels"]
        _must(pixels.dtype == np.uint8 and pixels.shape[1:] == shape)
        _must(labels.shape == (len(pixels),) and labels.dtype == np.int64)
        _must(len(labels) > 0 and labels.min() >= 0 and labels.max() < classes)
        return Neighbours(Labelled(pixels, labels), classes)
    describe = _approach(run.arch).describe
    size = describe(np.zeros((1, *shape), np.uint8)).shape[1]
    expected = {
        "weights": (size, classes),
        "bias": (classes,),
        "mean": (size,),
        "deviation": (size,),
    }
    for name, each in expected.items():
        _must(arrays[name].shape == each and arrays[name].dtype == np.float32)
    weights, bias, mean, deviation = (arrays[name] for name in expected)
    return Linear(describe, weights, bias, mean, deviation)


def _must(holds: bool) -> None:
    if not holds:
        raise ValueError


def _approach(arch: str) -> Approach:
    if arch not in LINEAR:
        raise CallError(f"There is no approach {arch}. Choose one of {', '.join(LINEAR)}, knn.")
    return LINEAR[arch]


def _in_blocks(answer: Callable[[Pixels], Floats], pixels: Pixels) -> Floats:
    blocks = np.array_split(pixels, len(pixels) // AT_ONCE + 1)
    return np.concatenate([answer(block) for block in blocks])


def _smallest(values: Floats, count: int) -> NDArray[np.int64]:
    """Where the smallest values of each row are, in any order."""
    count = min(count, values.shape[1])
    return np.argpartition(values, count - 1, axis=1)[:, :count]


def _rows(pixels: Pixels) -> Floats:
    return pixels.reshape(len(pixels), -1).astype(np.float32)
