"""How a gradient becomes a step."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam, AdamW, Optimizer, RMSprop

from baselines.errors import CallError
from baselines.training.options import Options

Groups = list[dict[str, Any]]


def optimiser(network: nn.Module, options: Options) -> list[Optimizer]:
    """One optimiser for all weights, or one for the matrices and one for the rest (muon)."""
    if options.optimiser not in OPTIMISERS:
        known = ", ".join(OPTIMISERS)
        raise CallError(f"There is no optimiser {options.optimiser}. Choose one of {known}.")
    return OPTIMISERS[options.optimiser](network, options)


def decayed(network: nn.Module, weight_decay: float) -> Groups:
    """Weights shrink, biases and the scales of normalisation (one axis) do not."""
    weights = [each for each in network.parameters() if each.requires_grad]
    return [
        {"params": [each for each in weights if each.ndim > 1], "weight_decay": weight_decay},
        {"params": [each for each in weights if each.ndim <= 1], "weight_decay": 0.0},
    ]


def _sgd(network: nn.Module, options: Options) -> list[Optimizer]:
    groups = decayed(network, options.weight_decay)
    return [SGD(groups, options.rate, fused=True)]


def _momentum(network: nn.Module, options: Options) -> list[Optimizer]:
    groups = decayed(network, options.weight_decay)
    return [_sgd_with_momentum(groups, options.rate, options.momentum)]


def _rmsprop(network: nn.Module, options: Options) -> list[Optimizer]:
    groups = decayed(network, options.weight_decay)
    return [RMSprop(groups, options.rate, alpha=0.9, momentum=options.momentum)]


def _adam(network: nn.Module, options: Options) -> list[Optimizer]:
    return [Adam(decayed(network, options.weight_decay), options.rate, fused=True)]


def _adamw(network: nn.Module, options: Options) -> list[Optimizer]:
    return [AdamW(decayed(network, options.weight_decay), options.rate, fused=True)]


def _muon(network: nn.Module, options: Options) -> list[Optimizer]:
    """Muon with its own momentum for the filters of the convolutions, SGD for everything else."""
    filters = [each for each in network.parameters() if each.ndim == 4 and each.requires_grad]
    if not filters:
        raise CallError("muon is for networks with convolutions. Take adamw for this one.")
    known = {id(each) for each in filters}
    others = [each for each in network.parameters() if each.requires_grad and id(each) not in known]
    rest = _sgd_with_momentum(others, options.rate / 4, options.momentum)
    return [Muon(filters, options.rate), rest]


def _sgd_with_momentum(params: Groups | list[nn.Parameter], rate: float, momentum: float) -> SGD:
    """Nesterov's; torch refuses that of none."""
    return SGD(params, rate, momentum, nesterov=momentum > 0, fused=True)


class Muon(Optimizer):
    """Momentum, with the step of each layer's matrix made orthogonal.

    Keller Jordan et al.: Muon, 2024 (https://kellerjordan.github.io/posts/muon/). A filter of
    (outputs, inputs, height, width) is a matrix of outputs by the rest. Its norm is held at the
    root of its outputs, so that the rate means the same in every layer.
    """

    def __init__(self, params: Iterable[Tensor], lr: float, momentum: float = 0.6) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        del closure
        for group in self.param_groups:
            for weights in group["params"]:
                if weights.grad is not None:
                    self._move(weights, group["lr"], group["momentum"])

    def _move(self, weights: Tensor, rate: float, momentum: float) -> None:
        state = self.state[weights]
        if "velocity" not in state:
            state["velocity"] = torch.zeros_like(weights)
        velocity: Tensor = state["velocity"]
        velocity.mul_(momentum).add_(weights.grad)  # type: ignore[arg-type]
        ahead = weights.grad.add(velocity, alpha=momentum)  # type: ignore[union-attr]
        weights.mul_(len(weights) ** 0.5 / weights.norm())
        weights.add_(orthogonal(ahead.reshape(len(ahead), -1)).view_as(weights), alpha=-rate)


def orthogonal(matrix: Tensor, rounds: int = 3) -> Tensor:
    """Near the closest matrix whose rows (or columns) are orthonormal, by Newton-Schulz steps.

    The quintic's coefficients are those of the post above. Three rounds bring the singular values
    of a random matrix to between 0.6 and 1.2; where some are far smaller than others, these stay
    small, which the step has not been seen to suffer from.
    """
    a, b, c = 3.4445, -4.7750, 2.0315
    tall = matrix.shape[0] > matrix.shape[1]
    x = (matrix.T if tall else matrix).bfloat16()
    x = x / (x.norm() + 1e-7)
    for _ in range(rounds):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    found: Tensor = (x.T if tall else x).to(matrix.dtype)
    return found


OPTIMISERS: Mapping[str, Callable[[nn.Module, Options], list[Optimizer]]] = {
    "sgd": _sgd,
    "momentum": _momentum,
    "rmsprop": _rmsprop,
    "adam": _adam,
    "adamw": _adamw,
    "muon": _muon,
}
