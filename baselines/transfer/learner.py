"""Transfer as a learner: from a run's settings to a trained network, and back from its folder."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from baselines import weights
from baselines.data.dataset import Dataset, Pixels
from baselines.runs import Run
from baselines.training.device import Device, device
from baselines.transfer import recipe
from baselines.transfer.frozen import AT_ONCE
from baselines.transfer.options import TransferOptions
from baselines.transfer.views import View
from baselines.watching import Watch


class Transferred:
    """A network with a new head, and how it wants to see its images."""

    def __init__(self, network: nn.Module, options: TransferOptions, on: Device) -> None:
        self.network, self.options, self._on = network, options, on
        self._view = View(options.side).to(on.name)

    @property
    def device(self) -> str:
        return self._on.name

    @property
    def parameters(self) -> int:
        return weights.count(self.network)

    @property
    def trainable(self) -> int:
        """How many of them were changed for the task."""
        changed = [each for each in self.network.parameters() if each.requires_grad]
        return sum(each.numel() for each in changed)

    @torch.inference_mode()
    def probabilities(self, pixels: Pixels) -> NDArray[np.float32]:
        self.network.eval()
        scores = []
        for batch in torch.from_numpy(pixels).split(AT_ONCE):  # type: ignore[no-untyped-call]
            with self._on.autocast():
                found = self.network(self._view(self._on.floats(batch)))
            scores.append(found.float().cpu())
        result: NDArray[np.float32] = torch.cat(scores).softmax(dim=1).numpy()
        return result

    def save(self, folder: Path) -> None:
        weights.save(self.network, folder)


def fit(data: Dataset, run: Run, watch: Watch, folder: Path | None = None) -> Transferred:
    """The four steps with the options of ``run``; ``folder`` has nothing to go on from."""
    del folder
    options, training = TransferOptions.of(run.training.model), run.training
    return transfer(data, options, run.seed, watch, device(bf16=training.bf16))


def transfer(
    data: Dataset, options: TransferOptions, seed: int, watch: Watch, on: Device | None = None
) -> Transferred:
    torch.manual_seed(seed)
    on = on or device()
    network = recipe.pretrained(options.base, options.weights)
    recipe.replace_head(network, len(data.classes))
    network = on.placed(network)
    recipe.train(network, data.train, options, on, watch)
    return Transferred(network.eval(), options, on)


def load(folder: Path, run: Run) -> Transferred:
    """The network of a run folder; needs neither the pre-trained weights nor the cache."""
    options, on = TransferOptions.of(run.training.model), device(bf16=run.training.bf16)
    network = recipe.untrained(options.base)
    recipe.replace_head(network, len(run.classes))
    weights.load(network, folder)
    return Transferred(on.placed(network).eval(), options, on)
