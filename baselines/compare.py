"""Several architectures on one data set, as a table and a picture: ILSVRC's story, small."""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from baselines import catalogue, train
from baselines.data.dataset import Dataset
from baselines.errors import CallError
from baselines.train import Result
from baselines.watching import Watch

# Who won or changed the ImageNet challenge with it, for the order and the caption.
YEARS = {
    "softmax": 1958, "perceptron": 1958, "knn": 1967, "mlp": 1986, "lenet5": 1998,
    "hog-svm": 2005, "hog-logistic": 2005, "patches-logistic": 2005, "alexnet": 2012,
    "vgg11": 2014, "vgg16": 2014, "vgg19": 2014, "googlenet": 2014, "resnet18": 2015,
    "resnet34": 2015, "resnet50": 2015, "resnet152": 2015, "resnet20": 2015, "resnet56": 2015,
    "resnet9": 2018, "transfer": 2014,
}  # fmt: skip


def compare(
    archs: Sequence[str],
    data: Dataset,
    out: Path,
    watch: Callable[[str, int], Watch],
    *,
    seed: int = 0,
    options: Mapping[str, Any] | None = None,
    source: Mapping[str, Any] | None = None,
) -> list[Result]:
    """Each trained in a folder of its own below ``out``, the oldest invention first.

    None gets settings that were tuned for this set: that would be no comparison of architectures.
    Raises CallError for an unknown architecture, and for none at all.
    """
    if not archs:
        raise CallError("Name the architectures with commas between them: --archs softmax,lenet5.")
    for arch in archs:
        catalogue.architecture(arch)
    results = []
    for arch in sorted(dict.fromkeys(archs), key=lambda arch: YEARS[arch]):
        run = train.plan(arch, data, seed=seed, options=options, source=source, tuned=False)
        results.append(train.train(run, data, out / arch, watch(arch, train.steps(run, data))))
    return results


def plot(results: Sequence[Result], out: Path) -> Path:
    """Accuracy against parameters, the area of a point its training time."""
    out.parent.mkdir(parents=True, exist_ok=True)
    drawn(results).savefig(out, dpi=150)
    return out


def drawn(results: Sequence[Result]) -> Any:
    """That picture as matplotlib's Figure."""
    figure = catalogue.named("matplotlib.figure").Figure(figsize=(8, 5), layout="constrained")
    axes = figure.subplots()
    longest = max(result.train_seconds for result in results)
    sizes = [max(result.parameters, 1) for result in results]
    middle = math.sqrt(min(sizes) * max(sizes))  # of an axis in powers of ten
    for result, size in zip(results, sizes, strict=True):
        area = 30 + 600 * result.train_seconds / max(longest, 1e-9)  # square points
        point = (size, 100 * result.test_accuracy)
        axes.scatter(*point, s=area, alpha=0.6)
        _label(axes, f"{result.arch} ({YEARS[result.arch]})", point, area, left=size > middle)
    axes.set(
        xscale="log",
        xlabel="parameters",
        ylabel=f"% right of the {results[0].held_out}",
        title=f"{results[0].data}: a point's area is the time to train it",
    )
    axes.margins(0.15)
    axes.grid(alpha=0.3)
    return figure


def _label(axes: Any, text: str, point: tuple[float, float], area: float, *, left: bool) -> None:
    """Beside the bubble, on its side towards the middle: on the other the frame may be near."""
    away = math.sqrt(area / math.pi) + 4  # points
    axes.annotate(
        text, point, xytext=(-away if left else away, 0), textcoords="offset points",
        ha="right" if left else "left", va="center",
    )  # fmt: skip
