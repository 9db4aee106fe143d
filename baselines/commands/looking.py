"""shapes, compare, find-rate, explain, filters: what a network is made of and what it sees."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from baselines import catalogue, compare, runs, train
from baselines.commands import learning
from baselines.commands.learning import Arch, Data, Largest, Root
from baselines.commands.settings import Activation, Optimiser, Seed
from baselines.commands.telling import Bars, Json, in_words, notes, tell
from baselines.data import challenge
from baselines.data.dataset import Pixels
from baselines.errors import CallError
from baselines.models.task import IMAGENET, Task

SHOWN_AS = {
    "digits": (1, 8, 8),
    "mnist": (1, 28, 28),
    "fashion-mnist": (1, 28, 28),
    "cifar10": (3, 32, 32),
}


def shapes_command(
    arch: Arch,
    data: Annotated[
        str | None, typer.Option(help=f"Images as in {' | '.join(SHOWN_AS)}; else ImageNet's.")
    ] = None,
    activation: Activation = None,
    as_json: Json = False,
) -> None:
    """The table of a network: each layer's output, memory and parameters."""
    with in_words(as_json):
        shapes = catalogue.named("baselines.shapes")
        found = shapes.table(arch, _task(data), {"activation": activation} if activation else {})
        shown = Table(
            "layer", "", "output", "memory", "parameters", title=f"{arch} for {found.input}"
        )
        for layer in found.layers:
            size = "x".join(map(str, layer.output))
            shown.add_row(layer.name, layer.kind, size, _kib(layer.memory), f"{layer.parameters:,}")
        shown.add_section()
        shown.add_row("all", "", "", _kib(found.memory), f"{found.parameters:,}")
        notes.print(shown)
        tell(found.as_json(), as_json)


def compare_command(
    archs: Annotated[str, typer.Option(help="Names with commas between them.")],
    data: Data,
    out: Annotated[Path, typer.Option(help="The folder for the runs and the picture.")] = Path(
        "runs/compare"
    ),
    root: Root = Path("data"),
    seed: Seed = 0,
    epochs: Annotated[int | None, typer.Option(min=1)] = None,
    largest: Largest = None,
    as_json: Json = False,
) -> None:
    """Train several architectures with their own settings, none tuned for the set: accuracy,
    parameters, seconds, and a picture of them."""
    with in_words(as_json):
        images = catalogue.dataset(data, root, largest)
        names = [name.strip() for name in archs.split(",") if name.strip()]
        source = {"data": data, "root": str(root), "largest": largest}
        with Bars(out) as bars:
            results = compare.compare(
                names, images, out, bars.begin, seed=seed, options={"epochs": epochs}, source=source
            )
        shown = Table(
            "architecture", f"% right of the {images.held_out}", "parameters", "seconds",
            title="Settings of the architecture's own, none tuned for this set",
        )  # fmt: skip
        for one in results:
            accuracy = f"{100 * one.test_accuracy:.2f}"
            shown.add_row(one.arch, accuracy, f"{one.parameters:,}", f"{one.train_seconds:.1f}")
        notes.print(shown)
        picture = compare.plot(results, out / "compare.png")
        notes.print(f"{picture}", markup=False)
        tell({"results": [asdict(one) for one in results], "picture": str(picture)}, as_json)


def sweep_command(
    arch: Arch,
    data: Data,
    trials: Annotated[int, typer.Option(min=1)] = 20,
    root: Root = Path("data"),
    out: Annotated[Path, typer.Option(help="The folder for the trials.")] = Path("runs/sweep"),
    epochs: Annotated[int | None, typer.Option(min=1, help="Of each trial.")] = None,
    seed: Seed = 0,
    largest: Largest = None,
    as_json: Json = False,
) -> None:
    """Look for good settings by trial; `tensorboard --logdir` shows them all side by side."""
    with in_words(as_json):
        module = catalogue.named("baselines.sweep")
        images = catalogue.dataset(data, root, largest)
        source = {"data": data, "root": str(root), "largest": largest}
        with Bars(out) as bars:
            best = module.sweep(
                arch, images, out, bars.begin, trials=trials, seed=seed,
                options={"epochs": epochs}, source=source,
            )  # fmt: skip
        chosen = ", ".join(f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}"
                           for name, value in best.settings.items())  # fmt: skip
        notes.print(f"{best.accuracy:.2%} of the validation fifth with {chosen}.", markup=False)
        tell(asdict(best), as_json)


def find_rate_command(
    arch: Arch,
    data: Data,
    root: Root = Path("data"),
    out: Annotated[Path, typer.Option(help="The picture to write.")] = Path("rates.png"),
    optimiser: Optimiser = None,
    batch_size: Annotated[int | None, typer.Option(min=1)] = None,
    seed: Seed = 0,
    largest: Largest = None,
    as_json: Json = False,
) -> None:
    """Look for a good learning rate in a hundred steps, with a picture of the losses."""
    with in_words(as_json):
        deep = catalogue.named("baselines.deep")
        rates = catalogue.named("baselines.training.rates")
        images = catalogue.dataset(data, root, largest)
        run = train.plan(
            arch, images, seed=seed, options={"optimiser": optimiser, "batch_size": batch_size},
            source={"data": data, "root": str(root), "largest": largest},
        )  # fmt: skip
        found = deep.search_rate(images, run)
        rates.plot(found, out)
        notes.print(f"The loss falls most steeply at a rate of {found.best:.1e}; see {out}.")
        tell({"rate": found.best, "rates": found.rates, "losses": found.losses}, as_json)


def explain_command(
    run: Annotated[Path, typer.Argument(help="A run folder made by train.")],
    out: Annotated[Path, typer.Option(help="The folder for the page and its pictures.")] = Path(
        "explained"
    ),
    images: Annotated[
        int, typer.Option(min=1, help="At most so many held-out images, drawn.")
    ] = 2000,
    as_json: Json = False,
) -> None:
    """A page of what a run has learnt: filters, feature maps, saliency, mistakes, calibration."""
    with in_words(as_json):
        found = runs.finished(run)
        pages, network = catalogue.named("baselines.explain"), catalogue.trained_network(run, found)
        held = learning.source(found).test.some(images)
        page = pages.explain(
            network, held.pixels, held.labels, found.classes, out,
            title=f"{found.arch} on {found.data}", flips=found.training.flips,
        )  # fmt: skip
        notes.print(f"Open {page} in a browser.", markup=False)
        tell({"page": str(page)}, as_json)


def filters_command(
    image: Annotated[Path | None, typer.Option(help="A photo; else one of scikit-learn's.")] = None,
    out: Annotated[Path, typer.Option(help="The picture to write.")] = Path("filters.png"),
    as_json: Json = False,
) -> None:
    """The course's filters by hand (identity, edge, sharpen, blur) and pooling, on a picture."""
    with in_words(as_json):
        demo = catalogue.named("baselines.hand_filters")
        picture = demo.show(_picture(image) if image else None, out)
        notes.print(f"{picture}", markup=False)
        tell({"picture": str(picture)}, as_json)


def _picture(image: Path) -> Pixels:
    pictures = {image.name: image.read_bytes()}
    found: Pixels = challenge.stack(pictures, *challenge.looks(pictures))[0]
    return found


def _task(data: str | None) -> Task:
    if data is None:
        return IMAGENET
    if data not in SHOWN_AS:
        raise CallError(f"{data} is none of {', '.join(SHOWN_AS)}.")
    return Task(*SHOWN_AS[data], classes=10)


def _kib(size: int) -> str:
    return f"{size / 1024:,.1f} KiB"
