"""train and resume."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from baselines import bench, catalogue, recipes, runs, train
from baselines.commands.telling import INTERRUPTED, Bar, Bars, Json, in_words, notes, tell
from baselines.data.dataset import Dataset
from baselines.errors import CallError
from baselines.runs import Run

Arch = Annotated[str, typer.Option(help=" | ".join(catalogue.ARCHITECTURES))]
Data = Annotated[str, typer.Option(help=f"{' | '.join(catalogue.SETS)}, or a fetched folder.")]
Root = Annotated[Path, typer.Option(help="Where mnist, cifar10, … lie.")]
Largest = Annotated[
    int | None, typer.Option(min=8, help="Shrink a challenge's larger images to this side.")
]


def train_command(
    out: Annotated[Path, typer.Option(help="The run folder to write.")],
    arch: Arch = "",
    data: Data = "",
    recipe: Annotated[
        str, typer.Option(help=f"Both, and tuned settings: {' | '.join(recipes.names())}.")
    ] = "",
    root: Root = Path("data"),
    seed: Annotated[int, typer.Option(min=0)] = 0,
    largest: Largest = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Else the recipe's.")] = None,
    batch_size: Annotated[int | None, typer.Option(min=1)] = None,
    optimiser: Annotated[
        str | None, typer.Option(help="sgd | momentum | rmsprop | adam | adamw | muon")
    ] = None,
    rate: Annotated[float | None, typer.Option(help="The highest learning rate.")] = None,
    momentum: Annotated[float | None, typer.Option(min=0, max=1)] = None,
    schedule: Annotated[
        str | None,
        typer.Option(
            help="constant | step | cosine | one-cycle | triangle | linear | high-then-decay"
        ),
    ] = None,
    weight_decay: Annotated[float | None, typer.Option(min=0, help="L2.")] = None,
    l1: Annotated[float | None, typer.Option(min=0)] = None,
    label_smoothing: Annotated[float | None, typer.Option(min=0, max=1)] = None,
    mixup: Annotated[float | None, typer.Option(min=0, help="Alpha; 0.2 is usual.")] = None,
    augment: Annotated[
        list[str] | None, typer.Option(help="flip | shift | cutout | affine; may be repeated.")
    ] = None,
    early_stopping: Annotated[
        int | None, typer.Option(min=0, help="Epochs to wait for a better validation loss.")
    ] = None,
    ema: Annotated[float | None, typer.Option(min=0, max=1, help="Averaged weights.")] = None,
    flips: Annotated[bool | None, typer.Option(help="Answers over mirror images, too.")] = None,
    bf16: Annotated[bool | None, typer.Option(help="16-bit floats where they are faster.")] = None,
    compile: Annotated[bool | None, typer.Option(help="torch.compile.")] = None,  # noqa: A002
    deterministic: Annotated[bool | None, typer.Option(help="The same on every run.")] = None,
    activation: Annotated[
        str | None, typer.Option(help="relu | leaky-relu | elu | gelu | tanh | sigmoid | maxout")
    ] = None,
    dropout: Annotated[float | None, typer.Option(min=0, max=1)] = None,
    width: Annotated[int | None, typer.Option(min=1, help="Of lenet5, resnet20.")] = None,
    log: Annotated[bool, typer.Option(help="Write events for TensorBoard.")] = True,
    as_json: Json = False,
) -> None:
    """Train a model and measure it on images it never saw."""
    model = {"activation": activation, "dropout": dropout, "width": width}
    options = {
        "epochs": epochs, "batch_size": batch_size, "optimiser": optimiser, "rate": rate,
        "momentum": momentum,
        "schedule": schedule, "weight_decay": weight_decay, "l1": l1,
        "label_smoothing": label_smoothing, "mixup": mixup, "augment": augment,
        "early_stopping": early_stopping, "ema": ema, "flips": flips, "bf16": bf16,
        "compile": compile, "deterministic": deterministic,
        "model": {name: value for name, value in model.items() if value is not None},
    }  # fmt: skip
    with in_words(as_json):
        if recipe:
            tuned = recipes.read(recipe)
            arch, data = arch or tuned.arch, data or tuned.data
            options = {**tuned.options, **{k: v for k, v in options.items() if v or v == 0}}
        if not arch or not data:
            raise CallError("Say what to train on what: --arch and --data, or --recipe.")
        catalogue.architecture(arch)
        images = catalogue.dataset(data, root, largest)
        source = {"data": data, "root": str(root), "largest": largest}
        run = train.plan(arch, images, seed=seed, options=options, source=source)
        _train(run, images, out, as_json, log=log)


def transfer_command(
    data: Annotated[str, typer.Option(help="Photos in train/ and val/ or test/, a folder or zip.")],
    out: Annotated[Path, typer.Option(help="The run folder to write.")],
    base: Annotated[str, typer.Option(help="torchvision's name for it.")] = "mobilenet_v2",
    weights: Annotated[
        str | None, typer.Option(help="A file; else torchvision's own, from the network.")
    ] = None,
    freeze: Annotated[str, typer.Option(help="all | 'until LAYER' | none")] = "all",
    side: Annotated[
        int, typer.Option(min=32, help="Of the images as the network sees them.")
    ] = 224,
    head_epochs: Annotated[int | None, typer.Option(min=1)] = None,
    tune_epochs: Annotated[int | None, typer.Option(min=1, help="After unfreezing.")] = None,
    cache: Annotated[Path, typer.Option(help="Where frozen features are kept.")] = Path(
        "runs/features"
    ),
    seed: Annotated[int, typer.Option(min=0)] = 0,
    as_json: Json = False,
) -> None:
    """Put a new last layer on a network that has seen a million photos."""
    with in_words(as_json):
        photos = catalogue.named("baselines.transfer.photos")
        recipe = catalogue.named("baselines.transfer.recipe")
        chosen = {
            "base": base, "weights": weights, "freeze": freeze, "side": side, "cache": str(cache),
            "head_epochs": head_epochs, "tune_epochs": tune_epochs,
        }  # fmt: skip
        settings = {name: value for name, value in chosen.items() if value is not None}
        images = photos.read(Path(data), side)
        source = {"data": data, "root": "", "largest": None, "side": side}
        run = train.plan("transfer", images, seed=seed, options={"model": settings}, source=source)
        steps = recipe.steps(recipe.TransferOptions.of(settings), len(images.train))
        _train(run, images, out, as_json, log=True, total=steps)


def resume_command(
    run: Annotated[Path, typer.Argument(help="A run folder that Ctrl-C or a crash left behind.")],
    as_json: Json = False,
) -> None:
    """Go on with an interrupted run where its last checkpoint stands."""
    with in_words(as_json):
        found = runs.read(run)
        if found.metrics:
            notes.print(f"{run} is trained already: {found.metrics['test_accuracy']:.2%}.")
            tell(dict(found.metrics), as_json)
            return
        _train(replace(found, classes=tuple(found.classes)), source(found), run, as_json, log=True)


def _recorded(run: Run, images: Dataset, out: Path, bar: Bar) -> train.Result | None:
    """Trained with an event file beside it; None where TensorBoard is not installed."""
    try:
        recording = catalogue.named("baselines.recording")
    except CallError:
        notes.print("Without events for TensorBoard: `make lab` adds it.")
        return None
    recorder = recording.Recorder(out / "events", bar)
    recorder.begin(run, images)
    result, model = train.trained(run, images, out, recorder)
    recorder.end(run, images, getattr(model, "network", None), result)
    return result


def source(run: Run) -> Dataset:
    """The images that a run was trained and measured on. Raises CallError where they are gone."""
    told = run.source
    if "side" in told:
        photos = catalogue.named("baselines.transfer.photos")
        found: Dataset = photos.read(Path(told["data"]), told["side"])
        return found
    if not told:
        raise CallError("This run does not say where its images came from. Train it again.")
    return catalogue.dataset(told["data"], Path(told["root"]), told["largest"])


def bench_command(
    only: Annotated[list[str] | None, typer.Option(help="A recipe; may be repeated.")] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Of each recipe.")] = 1,
    root: Root = Path("data"),
    out: Annotated[Path, typer.Option(help="The folder for the runs.")] = Path("runs/bench"),
    as_json: Json = False,
) -> None:
    """Measure the recipes here, and hold the figures against what they promise."""
    with in_words(as_json):
        shown = Table("recipe", "promises", "% right, mean ± sd", "seconds", "n", "kept")
        found = []
        with Bars() as bars:
            for one in bench.bench(only or recipes.names(), root, out, seeds, bars.begin):
                found.append(one.as_json())
                promise = f"{100 * one.recipe.accuracy:g} % in {one.recipe.seconds:g} s"
                spread = "" if one.deviation is None else f" ± {100 * one.deviation:.2f}"
                right = f"{100 * one.accuracy:.2f}{spread}"
                kept = "yes" if one.keeps else "no"
                shown.add_row(
                    one.recipe.name, promise, right, f"{one.seconds:.1f}", f"{seeds}", kept
                )
        notes.print(shown)
        machine = bench.machine()
        notes.print(machine)
        tell({"machine": machine, "recipes": found}, as_json)


def _train(
    run: Run, images: Dataset, out: Path, as_json: bool, *, log: bool, total: int | None = None
) -> None:
    try:
        with Bar(run.arch, total or train.steps(run, images)) as bar:
            result = _recorded(run, images, out, bar) if log else None
            result = result or train.train(run, images, out, bar)
    except KeyboardInterrupt:
        notes.print(f"Stopped. `python -m baselines resume {out}` goes on.", markup=False)
        raise typer.Exit(INTERRUPTED) from None
    notes.print(
        f"{run.arch} on {result.data}: {result.test_accuracy:.2%} of the {result.held_out} "
        f"({result.held_out_images} images), {result.parameters:,} parameters, "
        f"{result.train_seconds:.1f} s on {result.device}. Saved in {out}."
    )
    found: dict[str, Any] = asdict(result)
    tell(found, as_json)
