"""The settings of a training run on the command line: each of them once, under its own name."""

import inspect
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Annotated, Any

import typer

from baselines.runs import LARGEST_SEED

Augment = Annotated[
    list[str] | None,
    typer.Option(help="flip | alternate | shift | cutout | affine; may be repeated."),
]
Activation = Annotated[
    str | None, typer.Option(help="relu | leaky-relu | elu | gelu | tanh | sigmoid | maxout")
]
Optimiser = Annotated[
    str | None, typer.Option(help="sgd | momentum | rmsprop | adam | adamw | muon")
]
Schedule = Annotated[
    str | None,
    typer.Option(help="constant | step | cosine | one-cycle | triangle | linear | high-then-decay"),
]

Seed = Annotated[int, typer.Option(min=0, max=LARGEST_SEED)]


def _count(least: int, **about: Any) -> Any:
    return Annotated[int | None, typer.Option(min=least, **about)]


def _share(**about: Any) -> Any:
    return Annotated[float | None, typer.Option(min=0, max=1, **about)]


def _amount(**about: Any) -> Any:
    return Annotated[float | None, typer.Option(min=0, **about)]


def _switch(about: str) -> Any:
    return Annotated[bool | None, typer.Option(help=about)]


# named as in baselines/training/options.py
TRAINING: Mapping[str, Any] = {
    "epochs": _count(1, help="Else the recipe's."),
    "batch_size": _count(1),
    "part": _count(0, help="Images of a batch that go through the network at once; 0: all."),
    "optimiser": Optimiser,
    "rate": Annotated[float | None, typer.Option(help="The highest learning rate.")],
    "momentum": _share(),
    "schedule": Schedule,
    "weight_decay": _amount(help="L2."),
    "l1": _amount(),
    "label_smoothing": _share(),
    "mixup": _amount(help="Alpha; 0.2 is usual."),
    "augment": Augment,
    "early_stopping": _count(0, help="Epochs to wait for a better validation loss."),
    "ema": _share(help="Averaged weights."),
    "flips": _switch("Answers over mirror images, too."),
    "bf16": _switch("Learn with 16-bit floats where they are faster."),
    "compile": _switch("torch.compile."),
    "deterministic": _switch("The same on every run."),
}
# keywords of an architecture
MODEL: Mapping[str, Any] = {
    "activation": Activation,
    "dropout": _share(),
    "width": _count(1, help="Of lenet5, resnet20."),
}


def with_settings(command: Callable[..., None]) -> Callable[..., None]:
    """The command with an option for each setting; its ``options`` are those that were given.

    They are as `Options.changed` takes them. typer reads a command's signature and annotations:
    these two are all that changes.
    """
    offered = {**TRAINING, **MODEL}

    @wraps(command)
    def called(**given: Any) -> None:
        told = {name: given.pop(name) for name in offered}
        command(**given, options=_as_options(told))

    signature = inspect.signature(command)
    kept = [each for each in signature.parameters.values() if each.name != "options"]
    more = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kind)
        for name, kind in offered.items()
    ]
    parameters = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in kept] + more
    called.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    called.__annotations__ = {each.name: each.annotation for each in parameters}
    return called


def _as_options(told: Mapping[str, Any]) -> dict[str, Any]:
    given = {name: value for name, value in told.items() if value is not None and value != []}
    model = {name: given.pop(name) for name in MODEL if name in given}
    return {**given, "model": model} if model else given
