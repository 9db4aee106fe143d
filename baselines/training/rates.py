"""The learning-rate finder (Smith: Cyclical learning rates for training neural networks, 2017).

The rate grows from batch to batch until the loss explodes; a good highest rate lies well below,
where the loss falls the most steeply.
"""

import math
from dataclasses import dataclass
from pathlib import Path

import torch

from baselines.catalogue import named
from baselines.errors import BaselineError
from baselines.training.loop import Trainer

LOWEST, HIGHEST = 1e-6, 10.0
STEPS = 120
SMOOTH = 0.9
EXPLODED = 3.0  # times the best loss


@dataclass(frozen=True)
class Search:
    rates: list[float]
    losses: list[float]  # smoothed
    best: float


def search(trainer: Trainer, steps: int = STEPS) -> Search:
    """Spoils the network's weights: train another one with what is found.

    Raises BaselineError where the loss explodes before there is anything to compare.
    """
    rates: list[float] = []
    losses: list[float] = []
    mean, lowest = 0.0, math.inf
    count = len(trainer.kept)
    size = min(trainer.options.batch_size, count)
    for step in range(steps):
        rate = LOWEST * (HIGHEST / LOWEST) ** (step / (steps - 1))
        loss = trainer.try_rate(trainer.kept[torch.randint(0, count, (size,))], rate)
        mean = SMOOTH * mean + (1 - SMOOTH) * loss
        smooth = mean / (1 - SMOOTH ** (step + 1))
        if not math.isfinite(smooth) or smooth > EXPLODED * lowest:
            break
        lowest = min(lowest, smooth)
        rates.append(rate)
        losses.append(smooth)
    if len(rates) < 2:
        raise BaselineError("The loss explodes at the lowest rate. Try another --optimiser.")
    return Search(rates, losses, _steepest(rates, losses))


def _steepest(rates: list[float], losses: list[float]) -> float:
    """Where the loss falls most over a decade's tenth, before its minimum."""
    end = max(2, losses.index(min(losses)) + 1)
    slopes = [losses[n + 1] - losses[n] for n in range(end - 1)]
    return rates[slopes.index(min(slopes))]


def plot(found: Search, out: Path) -> Path:
    figure = named("matplotlib.figure").Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    axes.plot(found.rates, found.losses)
    axes.axvline(found.best, linestyle="--", label=f"steepest at {found.best:.1e}")
    axes.set(xscale="log", xlabel="learning rate", ylabel="loss, smoothed")
    axes.legend()
    axes.grid(alpha=0.3)
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, dpi=150, format="png")
    return out
