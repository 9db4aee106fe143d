"""Images and labels in memory: one array of bytes, no loader, no worker processes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from baselines.errors import BaselineError

Pixels = NDArray[np.uint8]  # (N, C, H, W), as torch and the platform's model contract have it
Labels = NDArray[np.int64]  # positions in Dataset.classes


@dataclass(frozen=True)
class Labelled:
    pixels: Pixels
    labels: Labels

    def __len__(self) -> int:
        return len(self.labels)

    def some(self, most: int) -> "Labelled":
        """So many of them, the same on every call; drawn, as folders have them class by class."""
        if len(self) <= most:
            return self
        at = np.sort(np.random.default_rng(0).permutation(len(self))[:most])
        return Labelled(self.pixels[at], self.labels[at])


@dataclass(frozen=True)
class Dataset:
    name: str
    classes: tuple[str, ...]
    train: Labelled
    test: Labelled
    held_out: str  # what `test` is: "test set", or "validation fifth" where test labels are secret


def hold_out(name: str, classes: Sequence[str], images: Labelled, *, part: int = 5) -> Dataset:
    """Set one image in `part` aside, as ``split`` does; the same ones on every call.

    The split does not depend on the training seed, so two runs are compared on equal terms.
    """
    kept, held = split(name, images.labels, part)
    train, test = (Labelled(images.pixels[at], images.labels[at]) for at in (kept, held))
    return Dataset(name, tuple(classes), train, test, part_held_out(part))


def split(name: str, labels: Labels, part: int = 5) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Where the images to train with lie, and where those held out: every ``part``-th.

    They are counted through one class after the other, each in a random order: of every class about
    the same share is held out, and of a small one perhaps none. The only image of a class is not
    counted: a model has to see it, or it cannot know the class.
    """
    order = np.random.default_rng(0).permutation(len(labels))
    by_class = order[np.argsort(labels[order], kind="stable")]
    counted = by_class[np.bincount(labels)[labels[by_class]] > 1]
    held = np.sort(counted[part - 1 :: part])
    if len(held) == 0:
        raise BaselineError(
            f"{name} has {len(counted)} labelled images in classes of two or more; at least {part} "
            "are needed to hold one out."
        )
    return np.setdiff1d(np.arange(len(labels)), held), held


def part_held_out(part: int = 5) -> str:
    return f"validation { {5: 'fifth', 10: 'tenth'}.get(part, f'1/{part}') }"


def channel_statistics(pixels: Pixels) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of each channel, with pixels counted from 0 to 1."""
    levels = np.arange(256) / 255
    means, deviations = [], []
    for channel in range(pixels.shape[1]):
        share = _levels(pixels[:, channel]) / pixels[:, channel].size
        mean = float(share @ levels)
        means.append(mean)
        deviations.append(max(float(share @ (levels - mean) ** 2) ** 0.5, 1e-3))
    return tuple(means), tuple(deviations)


def _levels(pixels: NDArray[np.uint8]) -> NDArray[np.int64]:
    """How often each of the 256 levels occurs; a thousand images at a time, as they may be many."""
    parts = (pixels[at : at + 1000] for at in range(0, len(pixels), 1000))
    return sum(
        (np.bincount(part.ravel(), minlength=256) for part in parts), np.zeros(256, np.int64)
    )
