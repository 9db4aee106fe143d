"""The training loop of every network: batches by index out of images that lie on the device.

Small sets stay there as one uint8 tensor, large ones are fed to it: no worker processes. Read
`fit` first.
"""

import math
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import Optimizer

from baselines.data.dataset import Labelled
from baselines.errors import BaselineError, CallError
from baselines.training import augmenting
from baselines.training.answering import answers
from baselines.training.device import Device
from baselines.training.feeding import Feed
from baselines.training.optimisers import optimiser
from baselines.training.options import Options
from baselines.training.schedules import Schedule, schedule
from baselines.watching import Watch

AfterEpoch = Callable[["Trainer"], None]
AUXILIARY = 0.3  # the weight of each auxiliary loss in GoogLeNet's paper
PATIENT_PART = 10  # early stopping holds a tenth of the training images back to listen to
PART = 2048  # images of that tenth at a time
Mixed = tuple[Tensor, float]  # with whom each image was blended, and its own share


@dataclass
class Progress:
    """What a run has to remember to go on after it was interrupted."""

    epoch: int = 0
    step: int = 0
    seconds: float = 0.0  # spent until the last epoch was over
    best_loss: float = math.inf
    waited: int = 0  # epochs since the best validation loss
    best: dict[str, Tensor] = field(default_factory=dict)


class Trainer:
    """A network while it learns."""

    def __init__(
        self, network: nn.Module, device: Device, images: Labelled, options: Options, seed: int
    ) -> None:
        prepare(options, seed)
        self.device, self.options = device, options
        self.network = device.placed(network)
        self.optimisers: list[Optimizer] = optimiser(self.network, options)
        self.highest = [[group["lr"] for group in each.param_groups] for each in self.optimisers]
        self.schedule: Schedule = schedule(options.schedule)
        self.augment = augmenting.chain(options.augment)
        self.average = _average(self.network, options.ema)
        self.learn = torch.compile(self._loss) if options.compile else self._loss
        self.progress = Progress()
        self.feed = Feed(images, device)
        self.kept, self.held = _parted(len(images), bool(options.early_stopping))
        self.epochs = options.total_epochs(len(self.kept))
        self.batches = options.batches(len(self.kept))

    def fit(
        self, watch: Watch, after_epoch: Callable[["Trainer"], None] | None = None
    ) -> nn.Module:
        """Train to the end, or until validation says stop; returns the network to keep.

        Raises BaselineError where the loss is no longer a finite number.
        """
        begun = time.perf_counter() - self.progress.seconds
        while self.progress.epoch < self.epochs:
            right, loss = self._epoch(watch)
            self._must_be_finite(loss)
            self.progress.epoch += 1
            rate = self.optimisers[0].param_groups[0]["lr"]
            watch.epoch(
                right / len(self.kept),
                loss=loss / self.batches,
                rate=rate,
                epoch=self.progress.epoch,
            )
            if self._is_enough():
                break
            self.progress.seconds = time.perf_counter() - begun
            if after_epoch:
                after_epoch(self)
        if self.progress.best:
            self.network.load_state_dict(self.progress.best)
        elif self.average is not None:
            self.network.load_state_dict(self.average)
        return self.network

    def _epoch(self, watch: Watch) -> tuple[float, float]:
        """How many answers were right, and the sum of the batches' losses."""
        self.network.train()
        sums = torch.zeros(2, device=self.device.name)
        order = self.kept[torch.randperm(len(self.kept))].to(self.device.name)
        for pixels, labels in self.feed.batches(order.tensor_split(self.batches)):
            sums += self.learn_from(pixels, labels)
            watch.step()
        right, loss = sums.tolist()
        return right, loss

    def learn_from(self, pixels: Tensor, labels: Tensor) -> Tensor:
        """One update of the weights; how many of the batch were right before it, and the loss."""
        self._set_rates(self.schedule(self.progress.step / (self.epochs * self.batches)))
        told = self._find_gradient(pixels, labels)
        for each in self.optimisers:
            each.step()
        if self.average is not None:
            _follow(self.average, self.network, self.options.ema, self.progress.step)
        self.progress.step += 1
        return told

    def _find_gradient(self, pixels: Tensor, labels: Tensor) -> Tensor:
        """Of the mean loss of a batch, part by part; how many were right, and the loss."""
        for each in self.optimisers:
            each.zero_grad(set_to_none=True)
        told = torch.zeros(2, device=self.device.name)
        for part, theirs in self._parts(pixels, labels):
            images = self.augment(self.device.floats(part), self.progress.epoch)
            loss, right = self.learn(images, theirs)
            loss = loss * (len(theirs) / len(labels))
            loss.backward()  # type: ignore[no-untyped-call]
            told += torch.stack([right.float(), loss.detach()])
        return told

    def _parts(self, pixels: Tensor, labels: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """The batch, or pieces of it of nearly the same size."""
        most = self.options.part or len(labels)
        parts = -(-len(labels) // most)
        return zip(pixels.tensor_split(parts), labels.tensor_split(parts), strict=True)

    def try_rate(self, batch: Tensor, rate: float) -> float:
        """One step at that rate, whatever the schedule says; the loss before it.

        It is the first optimiser's; the others keep their distance from it, as in training.
        """
        self.network.train()
        _right, loss = self._find_gradient(*self.feed.take(batch))
        first = self.highest[0][0]
        self._set_rates(rate / first if first else 0.0)
        for each in self.optimisers:
            each.step()
        return float(loss)

    def _loss(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """The loss of a batch with all its regularisers, and how many answers were right."""
        options = self.options
        mixed: Mixed | None = None
        if options.mixup:
            images, partner, share = augmenting.mixed(images, options.mixup)
            mixed = partner, share
        with self.device.autocast():
            answer = self.network(images)
        logits, *others = answer if isinstance(answer, tuple) else (answer,)
        right = (logits.argmax(dim=1) == labels).sum()
        loss = self._cross_entropy(logits, labels, mixed)
        for other in others:
            loss = loss + AUXILIARY * self._cross_entropy(other, labels, mixed)
        if options.l1:
            loss = loss + options.l1 * _absolute(self.network)
        return loss, right

    def _cross_entropy(self, logits: Tensor, labels: Tensor, mixed: Mixed | None) -> Tensor:
        """Of a blend it is the same blend: of the losses against the one label and the other."""
        smoothing = self.options.label_smoothing
        loss = functional.cross_entropy(logits.float(), labels, label_smoothing=smoothing)
        if mixed is None:
            return loss
        partner, share = mixed
        other = functional.cross_entropy(logits.float(), labels[partner], label_smoothing=smoothing)
        return share * loss + (1 - share) * other

    def _must_be_finite(self, loss: float) -> None:
        if not math.isfinite(loss):
            epoch, rate = self.progress.epoch + 1, self.options.rate
            raise BaselineError(
                f"The training diverged: in epoch {epoch} the loss was no longer a finite number. "
                f"A rate of {rate:g} is probably too high; `find-rate` looks for a good one."
            )

    def _set_rates(self, share: float) -> None:
        """Each a share of the highest of its group."""
        for each, highest in zip(self.optimisers, self.highest, strict=True):
            for group, rate in zip(each.param_groups, highest, strict=True):
                group["lr"] = rate * share

    def _is_enough(self) -> bool:
        """Whether the validation loss has not fallen for as many epochs as patience lasts."""
        if self.held is None:
            return False
        progress, loss = self.progress, self._held_loss(self.held)
        if loss < progress.best_loss:
            progress.best_loss, progress.waited = loss, 0
            progress.best = {k: v.detach().clone() for k, v in self.network.state_dict().items()}
        else:
            progress.waited += 1
        return progress.waited >= self.options.early_stopping

    def _held_loss(self, held: Tensor) -> float:
        """A part at a time, as the images may lie in a file that is larger than the memory."""
        loss = 0.0
        for part in held.split(PART):  # type: ignore[no-untyped-call]
            pixels, labels = self.feed.take(part)
            logits = answers(self.network, self.device, pixels)
            loss += float(functional.cross_entropy(logits, labels.cpu(), reduction="sum"))
        return loss / len(held)

    def state(self) -> dict[str, Any]:
        """Everything that `restore` needs to go on exactly here."""
        return {
            "network": self.network.state_dict(),
            "optimisers": [each.state_dict() for each in self.optimisers],
            "average": self.average or {},
            "progress": vars(self.progress),
            "random": torch.get_rng_state(),
            "random of GPUs": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        }

    def restore(self, state: dict[str, Any]) -> None:
        self.network.load_state_dict(state["network"])
        for each, saved in zip(self.optimisers, state["optimisers"], strict=True):
            each.load_state_dict(saved)
        for name, value in (self.average or {}).items():
            value.copy_(state["average"][name])  # to where it is: saved states lie on the CPU
        self.progress = Progress(**state["progress"])
        torch.set_rng_state(state["random"])
        for number, each in enumerate(state["random of GPUs"][: torch.cuda.device_count()]):
            torch.cuda.set_rng_state(each, number)


def prepare(options: Options, seed: int) -> None:
    """Seeds, and with ``deterministic`` only operations that give the same numbers each time."""
    torch.manual_seed(seed)
    if options.deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(options.deterministic)


def _parted(count: int, patient: bool) -> tuple[Tensor, Tensor | None]:
    """Where the images to learn from lie, and those that early stopping holds back."""
    if not patient:
        return torch.arange(count), None
    if count < PATIENT_PART:
        raise CallError(
            f"Early stopping holds back one training image in {PATIENT_PART}, and there are only "
            f"{count}. Leave --early-stopping out."
        )
    order = torch.randperm(count)
    return order[count // PATIENT_PART :], order[: count // PATIENT_PART]


def _absolute(network: nn.Module) -> Tensor:
    weights = [each for each in network.parameters() if each.ndim > 1 and each.requires_grad]
    return torch.stack([each.abs().sum() for each in weights]).sum()


def _average(network: nn.Module, decay: float) -> dict[str, Tensor] | None:
    if not decay:
        return None
    return {name: value.detach().clone() for name, value in network.state_dict().items()}


@torch.no_grad()
def _follow(average: dict[str, Tensor], network: nn.Module, decay: float, step: int) -> None:
    """The average moves towards the weights, faster in the first steps."""
    share = 1 - min(decay, (1 + step) / (10 + step))
    for name, value in network.state_dict().items():
        if value.is_floating_point():
            average[name].lerp_(value, share)
        else:
            average[name].copy_(value)
