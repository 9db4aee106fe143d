"""Transfer learning in four steps, to be read from top to bottom.

    1. load       a network with weights that were trained on a million photos of ImageNet
    2. replace    its last layer, which knows ImageNet's classes, by a new one for yours
    3. freeze     the layers that already see well
    4. train      the new layer; then unfreeze some and go on with smaller rates

Why it works: the first layers of such a network see edges and colours, the next ones textures and
parts, and those are the same in photos of anything (Yosinski et al.: How transferable are features
in deep neural networks?, NIPS 2014).
"""

import pickle
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import chain as joined
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import AdamW
from torch.optim.lr_scheduler import LambdaLR

from baselines.catalogue import named
from baselines.data.dataset import Labelled
from baselines.errors import BaselineError, CallError
from baselines.training.augmenting import flip
from baselines.training.device import Device
from baselines.training.schedules import one_cycle
from baselines.transfer import chain
from baselines.transfer.frozen import features
from baselines.transfer.options import TransferOptions
from baselines.transfer.views import View
from baselines.vision import models
from baselines.watching import Watch

HEAD_BATCH, TUNE_BATCH = 16, 32
LABEL_SMOOTHING = 0.1
WEIGHT_DECAY = 0.05
DEPTHS = 3  # groups of unfrozen blocks, each with a rate of its own
SLOWER = 2.6  # from a group to the one before it (Howard, Ruder: ULMFiT, 2018)


# ---------------------------------------------------------------- 1. load pre-trained weights


def pretrained(base: str, weights: str | None) -> nn.Module:
    """A torchvision network with ImageNet's weights, downloaded by name or read from a file."""
    network = untrained(base)
    known = models.get_model_weights(base).__members__
    if weights is None or weights in known:
        return _downloaded(base, weights or "DEFAULT")
    path = Path(weights)
    if not path.is_file():
        names = ", ".join(known)
        raise CallError(f"There is no file {path}. --weights is a file, or one of {names}.")
    state = _read(path)
    head = chain.head_name(network)
    # the file's own last layer is not needed: it may have any number of classes
    body = {name: value for name, value in state.items() if name.rpartition(".")[0] != head}
    _must_fit(network, head, body, path)
    network.load_state_dict(body, strict=False)
    return network


def untrained(base: str) -> nn.Module:
    if base not in models.list_models(module=models) or not base.startswith(chain.FAMILIES):
        families = ", ".join(chain.FAMILIES)
        raise CallError(
            f"{base} is no architecture that can be transferred here. Choose one of torchvision's "
            f"from the families {families}; for instance mobilenet_v2 or resnet18."
        )
    network: nn.Module = models.get_model(base, weights=None)
    return network


def _downloaded(base: str, name: str) -> nn.Module:
    try:
        network: nn.Module = models.get_model(base, weights=name)
    except OSError as error:
        raise CallError(
            f"The weights {name} of {base} could not be downloaded ({error}). Where there is no "
            f"network, bring them in a file and give it as --weights FILE."
        ) from error
    except (RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise BaselineError(
            f"The downloaded weights of {base} are damaged ({error}). Remove them from "
            f"{torch.hub.get_dir()}/checkpoints and try again."
        ) from error
    return network


def _read(path: Path) -> dict[str, Tensor]:
    """Tensors by name. The file is read as numbers only, it cannot carry code."""
    try:
        if path.suffix == ".safetensors":
            found = named("safetensors.torch:load_file")(path)
        else:
            found = torch.load(path, "cpu", weights_only=True)
    except (BaselineError, MemoryError):
        raise
    except Exception as error:  # safetensors and torch each have many of their own
        raise BaselineError(f"{path} cannot be read as weights. Fetch it again.") from error
    found = found.get("state_dict", found) if isinstance(found, dict) else found
    if not isinstance(found, dict) or not all(isinstance(each, Tensor) for each in found.values()):
        raise BaselineError(f"{path} holds no weights by name. Save a state_dict() in it.")
    return {name.removeprefix("module."): value for name, value in found.items()}


def _must_fit(network: nn.Module, head: str, body: Mapping[str, Tensor], path: Path) -> None:
    ours = {
        name: tuple(value.shape)
        for name, value in network.state_dict().items()
        if name.rpartition(".")[0] != head
    }
    theirs = {name: tuple(value.shape) for name, value in body.items()}
    for name in [*ours, *theirs]:
        if ours.get(name) == theirs.get(name) or name.endswith("num_batches_tracked"):
            continue
        raise CallError(
            f"{path} does not fit this network: {name} is {theirs.get(name, 'missing')} in the "
            f"file and {ours.get(name, 'unknown')} in the network. Name the file's own --base."
        )


# ---------------------------------------------------------------- 2. replace the last layer


def replace_head(network: nn.Module, classes: int) -> str:
    """A new last layer with a score for each of the task's classes; returns its name."""
    name = chain.head_name(network)
    old = network.get_submodule(name)
    new: nn.Module
    if isinstance(old, nn.Conv2d):
        new = nn.Conv2d(old.in_channels, classes, old.kernel_size)  # type: ignore[arg-type]
    else:
        new = nn.Linear(old.in_features, classes)  # type: ignore[arg-type]
    network.set_submodule(name, new)
    return name


# ---------------------------------------------------------------- 3. freeze


def first_trainable(network: nn.Module, freeze: str) -> str:
    """The layer from which on a network learns."""
    if freeze == "all":
        return chain.head_name(network)
    if freeze == "none":
        return next(chain.blocks(network))
    until, _, layer = freeze.partition(" ")
    if until != "until":
        raise CallError(f"--freeze is all, none or 'until LAYER', not {freeze}.")
    chain.before(network, layer)  # raises CallError for a layer that is not there
    return layer


def freeze_before(network: nn.Module, layer: str) -> None:
    """No gradient reaches the blocks before a layer, everything from it on learns.

    Frozen batch normalisation also keeps its statistics: in training mode it would go on averaging
    the new images into them, whether or not its weights learn.
    """
    network.train().requires_grad_(True)
    for name in chain.before(network, layer):
        network.get_submodule(name).requires_grad_(False).eval()


# ---------------------------------------------------------------- 4. train, unfreeze, train on


def train(
    network: nn.Module, images: Labelled, options: TransferOptions, on: Device, watch: Watch
) -> None:
    """First the head alone: while its weights are random, it would tear at everything behind it.

    Then, unless all stays frozen, the layers in front of it too, the earlier the more slowly.
    """
    head, layer = chain.head_name(network), first_trainable(network, options.freeze)
    only = [{"params": list(network.get_submodule(head).parameters()), "lr": options.head_rate}]
    lesson = Lesson(head, only, options.head_epochs, HEAD_BATCH)
    learn(network, lesson, images, options, on, watch)
    if layer != head:
        lesson = Lesson(layer, rates(network, layer, options.rate), options.tune_epochs, TUNE_BATCH)
        learn(network, lesson, images, options, on, watch)


def steps(options: TransferOptions, images: int) -> int:
    """How often `Watch.step` will be called."""
    tuned = 0 if options.freeze == "all" else options.tune_epochs
    return options.head_epochs * -(-images // HEAD_BATCH) + tuned * -(-images // TUNE_BATCH)


@dataclass(frozen=True)
class Lesson:
    """What learns, how fast and for how long."""

    layer: str  # from here to the answer
    groups: list[dict[str, Any]]  # parameters and the highest rate of each group
    epochs: int
    batch_size: int


def rates(network: nn.Module, layer: str, rate: float) -> list[dict[str, Any]]:
    """Parameters by depth with a rate for each: the full one at the head, 2.6 times less per group.

    What the early layers know is general and should hardly move; what the last ones know is
    ImageNet's and may be learnt anew.
    """
    names = list(chain.blocks(network))[len(chain.before(network, layer)) :]
    each = [list(network.get_submodule(name).parameters()) for name in names]
    *body, head = [parameters for parameters in each if parameters]
    cuts = [len(body) * depth // DEPTHS for depth in range(DEPTHS + 1)]
    depths = [list(joined.from_iterable(body[start:end])) for start, end in pairwise(cuts)]
    nearest_first = [head, *(depth for depth in reversed(depths) if depth)]
    return [
        {"params": parameters, "lr": rate / SLOWER**steps}
        for steps, parameters in enumerate(nearest_first)
    ]


def learn(
    network: nn.Module,
    lesson: Lesson,
    images: Labelled,
    options: TransferOptions,
    on: Device,
    watch: Watch,
) -> None:
    batch_of = _inputs(network, lesson.layer, images, options, on)
    labels = torch.from_numpy(images.labels).to(on.name)
    freeze_before(network, lesson.layer)
    part = chain.rest(network, lesson.layer)
    optimiser = AdamW(lesson.groups, weight_decay=WEIGHT_DECAY)
    batches = -(-len(labels) // lesson.batch_size)
    rate = LambdaLR(optimiser, lambda step: one_cycle(step / (lesson.epochs * batches)))
    for _ in range(lesson.epochs):
        right = 0
        for batch in torch.randperm(len(labels)).tensor_split(batches):
            with on.autocast():
                scores = part(batch_of(batch)).float()
            truth = labels[batch.to(on.name)]
            loss = functional.cross_entropy(scores, truth, label_smoothing=LABEL_SMOOTHING)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            rate.step()
            right += int((scores.argmax(dim=1) == truth).sum())
            watch.step()
        watch.epoch(right / len(labels))


def _inputs(
    network: nn.Module, layer: str, images: Labelled, options: TransferOptions, on: Device
) -> Callable[[Tensor], Tensor]:
    """Batches by index: of what the frozen layers say, or of photos where none is frozen."""
    view = View(options.side).to(on.name)
    if not chain.before(network, layer):
        pixels = torch.from_numpy(images.pixels)
        return lambda batch: flip(view(on.floats(pixels[batch])), 0)
    said = features(network, layer, images.pixels, view, on, options.cache)

    def batch_of(batch: Tensor) -> Tensor:
        values = torch.from_numpy(said[batch.numpy()]).to(on.name).float()
        if values.ndim == 4 and on.channels_last:
            return values.contiguous(memory_format=torch.channels_last)
        return values

    return batch_of
