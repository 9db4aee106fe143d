"""Which options change anything: a learner reads some of them, an optimiser not all of these."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from baselines.errors import CallError
from baselines.training.options import Options

EVERY = frozenset(each.name for each in fields(Options))
LEARNERS: Mapping[str, frozenset[str]] = {
    "baselines.softmax": frozenset({"epochs", "images_seen", "batch_size", "rate"}),
    "baselines.classical.learners": frozenset(),
    "baselines.transfer.learner": frozenset({"model", "bf16"}),
    "baselines.deep": EVERY,
}
WITHOUT_MOMENTUM = {"sgd", "adam", "adamw"}
WITHOUT_DECAY = {"muon"}  # it holds the norm of its weights, which decay would shrink


def read(learner: str, options: Options) -> frozenset[str]:
    """The options that count for a learner (a module), the values of the others being these."""
    names = LEARNERS[learner]
    if options.optimiser in WITHOUT_MOMENTUM:
        names -= {"momentum"}
    if options.optimiser in WITHOUT_DECAY:
        names -= {"weight_decay"}
    if options.early_stopping:
        names -= {"ema"}  # it keeps the weights of its best epoch, not their average
    return names


def refuse_idle(arch: str, learner: str, given: Mapping[str, Any], options: Options) -> None:
    """Raises CallError for the first option of ``given`` that would change nothing."""
    wanted = {name for name, value in given.items() if value is not None and value != {}}
    idle = sorted(wanted - read(learner, options))
    if not idle:
        return
    names = sorted(given["model"]) if idle[0] == "model" else [idle[0]]
    flag = f"--{names[0].replace('_', '-')}"
    if idle[0] not in LEARNERS[learner]:
        raise CallError(f"{flag} changes nothing about {arch}. Leave it out.")
    other = "--early-stopping" if idle[0] == "ema" else f"--optimiser {options.optimiser}"
    raise CallError(f"{flag} changes nothing together with {other}. Leave one of them out.")
