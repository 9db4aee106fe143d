"""Which classes does the network mix up, and what do its worst mistakes look like?"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from baselines.data.dataset import Labels, Pixels
from baselines.explain.answers import Answers
from baselines.explain.figures import Picture, picture

READABLE = 30  # classes; a larger matrix is a grey square
PAIRS = 12
EXAMPLES = 4


@dataclass(frozen=True)
class Pair:
    """Images of the class `truth` for which the network said `said`."""

    truth: int
    said: int
    count: int
    share: float  # of the images of the class
    examples: tuple[Picture, ...]  # the worst first


@dataclass(frozen=True)
class Confusion:
    matrix: list[list[int]] | None  # row: true class, column: said class
    largest: float  # share of a class in one wrong column
    pairs: tuple[Pair, ...]
    all: int  # pairs that were confused at all


@dataclass(frozen=True)
class Mistake:
    truth: int
    said: int
    confidence: float
    in_truth: float  # the probability it gave to the true class
    image: Picture


@dataclass(frozen=True)
class Gallery:
    shown: tuple[Mistake, ...]
    all: int


def confusion(pixels: Pixels, given: Answers, classes: int) -> Confusion:
    counts = matrix(given.labels, given.said, classes)
    of_class = counts.sum(axis=1)
    confused = counts.copy()
    np.fill_diagonal(confused, 0)
    order = np.argsort(-confused, axis=None, kind="stable")[:PAIRS]
    pairs = tuple(
        Pair(
            truth,
            said,
            int(confused[truth, said]),
            float(confused[truth, said] / of_class[truth]),
            _worst(pixels, given, truth, said),
        )
        for truth, said in (divmod(int(at), classes) for at in order)
        if confused[truth, said]
    )
    readable = counts.tolist() if classes <= READABLE else None
    largest = float((confused / np.maximum(of_class, 1)[:, None]).max())
    return Confusion(readable, largest, pairs, int(np.count_nonzero(confused)))


def matrix(labels: Labels, said: Labels, classes: int) -> NDArray[np.int64]:
    counts = np.bincount(labels * classes + said, minlength=classes**2)
    return counts.reshape(classes, classes)


def gallery(pixels: Pixels, given: Answers, most: int) -> Gallery:
    """The mistakes with the highest loss: those that cost most in training, too."""
    wrong = given.mistakes()
    shown = tuple(
        Mistake(
            int(given.labels[at]),
            int(given.said[at]),
            float(given.confidence[at]),
            float(np.exp(-given.loss[at])),
            picture(f"mistake-{number:02}", pixels[at]),
        )
        for number, at in enumerate(wrong[: max(most, 0)], start=1)
    )
    return Gallery(shown, len(wrong))


def _worst(pixels: Pixels, given: Answers, truth: int, said: int) -> tuple[Picture, ...]:
    wrong = given.mistakes()
    alike = wrong[(given.labels[wrong] == truth) & (given.said[wrong] == said)]
    name = f"pair-{truth}-{said}"
    return tuple(
        picture(f"{name}-{number}", pixels[at])
        for number, at in enumerate(alike[:EXAMPLES], start=1)
    )
