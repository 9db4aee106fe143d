"""May the network's confidence be believed: of answers given with 80 %, are 80 % right?

The bins, the expected calibration error and temperature scaling are those of Guo, Pleiss, Sun and
Weinberger, "On Calibration of Modern Neural Networks", ICML 2017.
"""

from dataclasses import dataclass

import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Tensor

import scoring
from baselines.data.dataset import Labels
from baselines.explain.answers import Answers
from baselines.explain.figures import Picture, drawing

BINS = 15
FEWEST = 50  # images: half of fewer is too little to fit on and to measure on
HOTTEST = 20.0  # temperatures are sought up to here, and down to its inverse
REPEATS = 200

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Bin:
    low: float
    high: float
    count: int
    confidence: float  # the mean of its answers'
    accuracy: float


@dataclass(frozen=True)
class Mended:
    """Fitted on one half of the images, measured on the other."""

    temperature: float | None  # none where the loss falls or rises without end
    images: int  # measured
    before: float
    after: float


@dataclass(frozen=True)
class Calibration:
    bins: tuple[Bin, ...]  # those that hold an answer
    error: float
    by_chance: float
    confidence: float  # the mean
    light: Picture
    dark: Picture
    mended: Mended | None


def calibration(given: Answers, seed: int) -> Calibration:
    found = bins(given.confidence, given.right)
    return Calibration(
        found,
        expected_error(found),
        by_chance(given.confidence, seed),
        float(given.confidence.mean()),
        drawing("reliability", diagram(found, ink="#1c2126", paper="#ffffff")),
        drawing("reliability-dark", diagram(found, ink="#dfe4ea", paper="#1b1f24")),
        mend(given, seed),
    )


def bins(confidence: Floats, right: Bools) -> tuple[Bin, ...]:
    """Bins of equal width, each with its upper end; empty ones are left out."""
    edges = np.linspace(0, 1, BINS + 1)
    place = np.searchsorted(edges[1:-1], confidence, side="left")
    inside = [(at, place == at) for at in np.unique(place)]
    return tuple(
        Bin(
            float(edges[at]),
            float(edges[at + 1]),
            int(here.sum()),
            float(confidence[here].mean()),
            float(right[here].mean()),
        )
        for at, here in inside
    )


def expected_error(found: tuple[Bin, ...]) -> float:
    """The gap between confidence and accuracy, averaged over the answers (ECE)."""
    total = sum(each.count for each in found)
    return sum(each.count / total * abs(each.accuracy - each.confidence) for each in found)


def by_chance(confidence: Floats, seed: int) -> float:
    """The error a perfectly calibrated network would show: so many images never fit exactly."""
    rng = np.random.default_rng(seed)
    drawn = (rng.random(len(confidence)) < confidence for _ in range(REPEATS))
    return float(np.mean([expected_error(bins(confidence, right)) for right in drawn]))


def mend(given: Answers, seed: int) -> Mended | None:
    """Divide the scores by one number; the answers stay the same, the confidence changes."""
    count = len(given.labels)
    if count < FEWEST:
        return None
    order = np.random.default_rng(seed).permutation(count)
    fitted, measured = order[: count // 2], order[count // 2 :]
    found = temperature(given.logits[fitted], given.labels[fitted])
    logits = torch.tensor(given.logits[measured])
    right = given.right[measured]
    before = expected_error(bins(given.confidence[measured], right))
    after = expected_error(bins(confidences(logits / (found or 1.0)), right))
    return Mended(found, len(measured), before, after)


def temperature(scores: NDArray[np.float32], labels: Labels) -> float | None:
    """The one with the lowest log loss, or none between 1/20 and 20.

    The loss is convex in 1/temperature, so its slope changes its sign once, and halving finds it.
    """
    logits, of_truth = torch.tensor(scores), torch.tensor(labels)[:, None]
    mean_of_truth = logits.gather(1, of_truth).double().mean()
    low, high = 1 / HOTTEST, HOTTEST
    for _ in range(30):
        inverse = (low * high) ** 0.5
        expected = ((logits * inverse).softmax(dim=1) * logits).sum(dim=1).double().mean()
        if expected > mean_of_truth:
            high = inverse
        else:
            low = inverse
    found = float(2 / (low + high))
    at_an_end = min(found, 1 / found) < 1.001 / HOTTEST
    return None if at_an_end else found


def confidences(logits: Tensor) -> Floats:
    found: Floats = logits.softmax(dim=1).amax(dim=1).double().numpy()
    return found


def diagram(found: tuple[Bin, ...], *, ink: str, paper: str) -> Figure:
    """Accuracy over confidence, with 95 % intervals, and below it how many answers there are."""
    figure = Figure(figsize=(4.6, 4.6), facecolor=paper, layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    middles = [(each.low + each.high) / 2 for each in found]
    accuracies = np.array([each.accuracy for each in found])
    ends = np.array([scoring.wilson(each.accuracy, each.count) for each in found]).T
    width = 0.92 / BINS
    upper.bar(middles, accuracies, width, color="#4c8fd6")
    upper.errorbar(
        middles, accuracies, abs(ends - accuracies), fmt="none", ecolor=ink, elinewidth=1, capsize=2
    )
    upper.plot([0, 1], [0, 1], color=ink, linestyle="--", linewidth=1)
    upper.set(ylabel="share that is right", xlim=(0, 1), ylim=(0, 1))
    lower.bar(middles, [each.count for each in found], width, color="#8a94a0")
    lower.set(xlabel="confidence", ylabel="answers")
    for axes in (upper, lower):
        axes.set_facecolor(paper)
        axes.tick_params(colors=ink)
        axes.xaxis.label.set_color(ink)
        axes.yaxis.label.set_color(ink)
        axes.spines[:].set_color(ink)
        axes.spines[["top", "right"]].set_visible(False)
    return figure
