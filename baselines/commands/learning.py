"""train and resume."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from baselines import bench, catalogue, recipes, runs, train
from baselines.commands.settings import Seed, with_settings
from baselines.commands.telling import INTERRUPTED, Bar, Bars, Json, in_words, notes, tell
from baselines.data.dataset import Dataset, hold_out
from baselines.errors import CallError
from baselines.runs import Run

Arch = Annotated[str, typer.Option(help=" | ".join(catalogue.ARCHITECTURES))]
Data = Annotated[str, typer.Option(help=f"{' | '.join(catalogue.SETS)}, or a fetched folder.")]
Root = Annotated[Path, typer.Option(help="Where mnist, cifar10, … lie.")]
Largest = Annotated[
    int | None, typer.Option(min=8, help="Shrink a challenge's larger images to this side.")
]


@with_settings
def train_command(
    out: Annotated[Path, typer.Option(help="The run folder to write.")],
    options: Mapping[str, Any],
    arch: Arch = "",
    data: Data = "",
    recipe: Annotated[
        str, typer.Option(help=f"Both, and tuned settings: {' | '.join(recipes.names())}.")
    ] = "",
    root: Root = Path("data"),
    seed: Seed = 0,
    largest: Largest = None,
    log: Annotated[bool, typer.Option(help="Write events for TensorBoard.")] = True,
    as_json: Json = False,
) -> None:
    """Train a model and measure it on images it never saw."""
    with in_words(as_json):
        tuned = _recipe(recipe, arch) if recipe else None
        arch, data = arch or (tuned.arch if tuned else ""), data or (tuned.data if tuned else "")
        if not arch or not data:
            raise CallError("Say what to train on what: --arch and --data, or --recipe.")
        catalogue.architecture(arch)
        images = catalogue.dataset(data, root, largest)
        run = train.plan(
            arch, images, seed=seed, options={**(tuned.options if tuned else {}), **options},
            source={"data": data, "root": str(root), "largest": largest}, tuned=tuned is None,
        )  # fmt: skip
        train.refuse_idle(run, options)
        _train(run, images, out, as_json, log=log)


def _recipe(name: str, arch: str) -> recipes.Recipe:
    """Raises CallError where it was tuned for another architecture than the one asked for."""
    recipe = recipes.read(name)
    if arch not in ("", recipe.arch):
        raise CallError(
            f"The recipe {name} was tuned for {recipe.arch} and says nothing about {arch}. "
            "Leave out one of --recipe and --arch."
        )
    return recipe


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
    seed: Seed = 0,
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
        recipe.TransferOptions.of(settings).refuse_idle(settings)
        images = photos.read(Path(data), side)
        source = {"data": data, "root": "", "largest": None, "side": side}
        run = train.plan("transfer", images, seed=seed, options={"model": settings}, source=source)
        _train(run, images, out, as_json, log=True)


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
        anew = not found.seconds and not runs.can_go_on(run)
        if anew:
            notes.print("There is no checkpoint to go on from: it begins anew.")
        found = replace(found, classes=tuple(found.classes))
        log = runs.is_recorded(run)
        _train(found, source(found), run, as_json, log=log, resume=not anew)


def _recorded(
    run: Run, images: Dataset, out: Path, bar: Bar, *, resume: bool
) -> train.Result | None:
    """Trained with an event file beside it; None where TensorBoard is not installed."""
    try:
        recording = catalogue.named("baselines.recording")
    except CallError:
        notes.print("Without events for TensorBoard: `make lab` adds it.")
        return None
    recorder = recording.Recorder(out / runs.EVENTS, bar)
    try:
        recorder.begin(run, images)
        result, model = train.trained(run, images, out, recorder, resume=resume)
        recorder.end(run, images, getattr(model, "network", None), result)
    finally:
        recorder.close()  # Ctrl-C or not: what was written waits in memory until then
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
    images = catalogue.dataset(told["data"], Path(told["root"]), told["largest"])
    if "within" in told:  # a trial of `sweep`
        return hold_out(images.name, images.classes, images.train)
    return images


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
        machine = bench.machine()
        try:
            with Bars(out) as bars:
                for one in bench.bench(only or recipes.names(), root, out, seeds, bars.begin):
                    found.append(one.as_json())
                    shown.add_row(*_measured(one))
        finally:  # of what was measured before Ctrl-C, too
            if found:
                notes.print(shown)
                notes.print(machine)
        tell({"machine": machine, "recipes": found}, as_json)


def _measured(one: bench.Measured) -> tuple[str, ...]:
    promise = f"{100 * one.recipe.accuracy:g} % in {one.recipe.seconds:g} s"
    spread = "" if one.deviation is None else f" ± {100 * one.deviation:.2f}"
    right = f"{100 * one.accuracy:.2f}{spread}"
    kept = "yes" if one.keeps else "no"
    return one.recipe.name, promise, right, f"{one.seconds:.1f}", f"{len(one.results)}", kept


def _train(
    run: Run,
    images: Dataset,
    out: Path,
    as_json: bool,
    *,
    log: bool,
    resume: bool = False,
) -> None:
    if not resume:
        runs.clear_events(out)
    try:
        with Bar(run.arch, train.steps(run, images)) as bar:
            result = _recorded(run, images, out, bar, resume=resume) if log else None
            result = result or train.trained(run, images, out, bar, resume=resume)[0]
    except KeyboardInterrupt:
        notes.print(f"Stopped. {_what_is_left(out)}", markup=False)
        raise typer.Exit(INTERRUPTED) from None
    notes.print(
        f"{run.arch} on {result.data}: {result.test_accuracy:.2%} of the {result.held_out} "
        f"({result.held_out_images} images), {result.parameters:,} parameters, "
        f"{result.train_seconds:.1f} s on {result.device}. Saved in {out}."
    )
    found: dict[str, Any] = asdict(result)
    tell(found, as_json)


def _what_is_left(out: Path) -> str:
    """Of a run that Ctrl-C ended."""
    if runs.can_go_on(out):
        return f"`python -m baselines resume {out}` goes on."
    if (out / "run.json").is_file() and runs.read(out).seconds:
        return f"It is trained; `python -m baselines resume {out}` measures it."
    return "Nothing was kept to go on from: train it again."
