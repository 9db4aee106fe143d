"""The learning rate over a run, as a share of its highest value."""

import math
from collections.abc import Callable, Mapping

from baselines.errors import CallError

Schedule = Callable[[float], float]  # how much of the run is over, 0 to 1 -> share of the rate

WARM_UP = 0.2
LOWEST = 0.01


def constant(_done: float) -> float:
    return 1.0


def step(done: float) -> float:
    """A tenth after half of the run, a hundredth after three quarters (ResNet's on CIFAR)."""
    return 1.0 if done < 0.5 else 0.1 if done < 0.75 else 0.01


def cosine(done: float) -> float:
    """Loshchilov, Hutter: SGDR, 2017."""
    return (1 + math.cos(math.pi * done)) / 2


def one_cycle(done: float) -> float:
    """Up for a fifth of the run, then down to almost nothing (Smith, Topin 2018)."""
    if done < WARM_UP:
        return LOWEST + (1 - LOWEST) * done / WARM_UP
    rest = (done - WARM_UP) / (1 - WARM_UP)
    return LOWEST + (1 - LOWEST) * (1 + math.cos(math.pi * rest)) / 2


def triangle(done: float) -> float:
    """Up and down in straight lines."""
    return done / WARM_UP if done < WARM_UP else (1 - done) / (1 - WARM_UP)


def high_then_decay(done: float) -> float:
    """As high as it bears for half of the run, then down in a straight line."""
    return 1.0 if done < 0.5 else 2 * (1 - done)


def linear(done: float) -> float:
    return 1 - done


SCHEDULES: Mapping[str, Schedule] = {
    "constant": constant,
    "step": step,
    "cosine": cosine,
    "one-cycle": one_cycle,
    "triangle": triangle,
    "high-then-decay": high_then_decay,
    "linear": linear,
}


def schedule(name: str) -> Schedule:
    if name not in SCHEDULES:
        raise CallError(f"There is no schedule {name}. Choose one of {', '.join(SCHEDULES)}.")
    return SCHEDULES[name]
