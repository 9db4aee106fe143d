"""Softmax regression in numpy: one layer, no hidden units, the course's first classifier.

A score per class, `x @ weights + bias`; the softmax turns scores into probabilities; the gradient
of the cross-entropy with respect to the scores is simply "predicted minus true".
"""

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from baselines.data.dataset import Dataset, Pixels
from baselines.errors import BaselineError
from baselines.runs import Run
from baselines.watching import Watch

WEIGHT_DECAY = 1e-4

Floats = NDArray[np.float32]


def softmax(scores: Floats) -> Floats:
    """A probability per class: all positive, each row sums to one."""
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))  # the shift avoids overflow
    result: Floats = powers / powers.sum(axis=1, keepdims=True)
    return result


@dataclass(frozen=True)
class Softmax:
    weights: Floats  # (features, classes)
    bias: Floats
    mean: Floats  # one per channel
    deviation: Floats
    device: str = "cpu"

    @property
    def parameters(self) -> int:
        return self.weights.size + self.bias.size

    def features(self, pixels: Pixels) -> Floats:
        """Standardised pixels, one row an image."""
        scaled = pixels.astype(np.float32) / 255
        centred = (scaled - self.mean[:, None, None]) / self.deviation[:, None, None]
        return centred.reshape(len(pixels), -1).astype(np.float32, copy=False)

    def probabilities(self, pixels: Pixels) -> Floats:
        chunks = np.array_split(pixels, len(pixels) // 4096 + 1)
        return np.concatenate([self._shares(self.features(chunk)) for chunk in chunks])

    def _shares(self, features: Floats) -> Floats:
        return softmax(features @ self.weights + self.bias)

    def learn(self, features: Floats, labels: NDArray[np.int64], rate: float) -> int:
        """One step of gradient descent, in place; returns how many were right before it."""
        error = self._shares(features)
        right = int((error.argmax(axis=1) == labels).sum())
        error[np.arange(len(labels)), labels] -= 1
        self.weights[...] -= rate * (features.T @ error / len(labels) + WEIGHT_DECAY * self.weights)
        self.bias[...] -= rate * error.mean(axis=0)
        return right

    def save(self, folder: Path) -> None:
        np.savez(folder / "model.npz", weights=self.weights, bias=self.bias)


def fit(data: Dataset, run: Run, watch: Watch, _folder: Path | None = None) -> Softmax:
    """Minibatch gradient descent from zero, with a learning rate that falls like a cosine.

    Raises BaselineError where the weights are no longer finite numbers.
    """
    shuffler, model, how = np.random.default_rng(run.seed), new(run), run.training
    pixels, labels = data.train.pixels, data.train.labels
    highest = how.rate / len(model.weights)  # more pixels, steeper slopes: smaller steps
    epochs = how.total_epochs(len(labels))
    for epoch in range(epochs):
        rate = highest * (1 + np.cos(np.pi * epoch / epochs)) / 2
        right = 0
        order = shuffler.permutation(len(labels))
        with np.errstate(over="ignore", invalid="ignore"):  # what comes of it is said below
            for batch in np.array_split(order, how.batches(len(labels))):
                right += model.learn(model.features(pixels[batch]), labels[batch], rate)
                watch.step()
        if not np.isfinite(model.weights).all():
            raise BaselineError(
                f"The training diverged: after epoch {epoch + 1} the weights are no longer finite "
                f"numbers. Choose a rate far below {how.rate:g}."
            )
        watch.epoch(right / len(labels))
    return model


def new(run: Run) -> Softmax:
    """The untrained model: it finds every class equally likely."""
    features = run.channels * run.height * run.width
    weights = np.zeros((features, len(run.classes)), np.float32)
    mean, deviation = np.array(run.mean, np.float32), np.array(run.deviation, np.float32)
    return Softmax(weights, np.zeros(len(run.classes), np.float32), mean, deviation)


def load(folder: Path, run: Run) -> Softmax:
    model, path = new(run), folder / "model.npz"
    try:
        with np.load(path, allow_pickle=False) as arrays:
            model.weights[...], model.bias[...] = arrays["weights"], arrays["bias"]
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise BaselineError(f"{path} is not this run's model. Train it again.") from error
    return model
