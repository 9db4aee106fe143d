"""A network's weights: how many there are, into a run folder, and back."""

import pickle
from pathlib import Path

import torch
from torch import nn

from baselines.errors import BaselineError

NAME = "model.pt"


def count(network: nn.Module) -> int:
    return sum(weights.numel() for weights in network.parameters())


def save(network: nn.Module, folder: Path) -> None:
    state = {name: values.cpu() for name, values in network.state_dict().items()}
    torch.save(state, folder / NAME)


def load(network: nn.Module, folder: Path) -> None:
    """Into an untrained network; the file is read as numbers only, it cannot carry code.

    Raises BaselineError where they are not this network's.
    """
    path = folder / NAME
    try:
        network.load_state_dict(torch.load(path, "cpu", weights_only=True))
    except (OSError, EOFError, RuntimeError, pickle.UnpicklingError) as error:
        raise BaselineError(f"{path} is not this run's model. Train it again.") from error
