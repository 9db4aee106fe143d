"""A run for TensorBoard: scalars, graph, images, hyperparameters, and what the last layer sees.

tensorboard --logdir runs
"""

import warnings
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.tensorboard.writer import SummaryWriter

from baselines.data.dataset import Dataset, Labelled
from baselines.runs import Run
from baselines.train import Result
from baselines.watching import Watch

SHOWN = 64  # images
EMBEDDED = 500  # images in the projector: more of them no browser turns smoothly


class Recorder:
    """Writes down what a watch hears, and passes it on."""

    def __init__(self, folder: Path, watch: Watch) -> None:
        self.writer = SummaryWriter(str(folder), max_queue=1000)
        self._watch, self._epoch = watch, 0

    def step(self) -> None:
        self._watch.step()

    def epoch(self, accuracy: float, **measured: float) -> None:
        self._watch.epoch(accuracy, **measured)
        # a run that goes on says which epoch it is; its events go on there, too
        self._epoch = int(measured.pop("epoch", self._epoch + 1))
        for name, value in {"accuracy": accuracy, **measured}.items():
            self.writer.add_scalar(f"train/{name}", value, self._epoch)

    def begin(self, run: Run, data: Dataset) -> None:
        images = torch.from_numpy(data.train.some(SHOWN).pixels)
        self.writer.add_images("training images", images)
        self.writer.add_text("run", f"{run.arch} on {run.data}, seed {run.seed}")

    def end(self, run: Run, data: Dataset, network: nn.Module | None, result: Result) -> None:
        """The graph and the embeddings are there for networks alone."""
        if network is not None:
            self._look_into(network.cpu().float().eval(), data.test, run.classes)
        self.writer.add_scalar("test/accuracy", result.test_accuracy, self._epoch)
        self.writer.add_hparams(
            _flat(run),
            {"hparam/test_accuracy": result.test_accuracy, "hparam/seconds": result.train_seconds},
            run_name=".",
        )
        self.close()

    def close(self) -> None:
        self.writer.close()

    def _look_into(self, network: nn.Module, held: Labelled, classes: tuple[str, ...]) -> None:
        held = held.some(EMBEDDED)
        images = torch.from_numpy(held.pixels).float() / 255
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # TensorBoard draws by torch.jit, which torch regrets
            self.writer.add_graph(network, images[:1])
        labels = [classes[code] for code in held.labels.tolist()]
        self.writer.add_embedding(before_last(network, images), labels, images, tag="held out")


@torch.inference_mode()
def before_last(network: nn.Module, images: Tensor) -> Tensor:
    """What goes into the last layer with weights, a row per image."""
    last = [each for each in network.modules() if isinstance(each, nn.Linear | nn.Conv2d)][-1]
    seen: list[Tensor] = []
    hook = last.register_forward_hook(lambda _module, given, _answer: seen.append(given[0]))
    try:
        for batch in images.split(100):  # type: ignore[no-untyped-call]
            network(batch)
    finally:
        hook.remove()
    return torch.cat([each.flatten(1) for each in seen])


def _flat(run: Run) -> Mapping[str, Any]:
    """Settings as TensorBoard takes them: numbers, words, yes or no."""
    told = {"arch": run.arch, "data": run.data, "seed": run.seed, **asdict(run.training)}
    kept = {k: v for k, v in told.items() if isinstance(v, int | float | str | bool)}
    return {**kept, "augment": " ".join(run.training.augment), **run.training.model}
