"""A challenge as a team has it at home: competition.toml, a sample submission, images."""

import tomllib
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

import scoring
from scoring.metrics import Layout
from scoring.sandbox.contract import Contract
from scoring.sandbox.settings import contract_from
from scoring.spec import Spec
from scoring.template import Template
from scoring.terminal import arguments

SAMPLE = "sample_submission.csv"
CUSTOM = "custom"  # a metric of the organiser's own, which nobody has at home
SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff"})
NUMPY = ".npy"
TEST, TRAIN = "test", "train"  # folders of a fetched challenge, or archives of these names


@dataclass(frozen=True)
class Challenge:
    """What a model is held to, and the form of the file made of its answers."""

    contract: Contract
    template: Template


def read(spec: Path, images: Path, sample: Path | None, classes: Path | None) -> Challenge:
    """Raises SpecError, SolutionError (the sample), OSError.

    Without a sample the ids are the images' names without ending, or their numbers in an array; of
    training images, which no sample knows, their paths, as in train.csv.
    """
    settings = _settings(spec)
    metric = _metric(settings)
    layout = _layout(settings, metric)
    table = dict(settings["model"])
    table.setdefault("several", _takes_several(metric, layout))
    listed = arguments.read_classes(classes) or table.get("classes")
    found = sample or (None if _are_training(images) else _beside(spec, images))
    if found is None:
        contract = contract_from(table, listed)
        return Challenge(contract, _made(_names(images), contract, metric, layout))
    template = Template.read(found.read_bytes(), layout=layout, spec=metric)
    shown = template.classes if template.layout == "probabilities" else None
    contract = contract_from(table, listed or shown)
    depth = _depth(metric, contract) if template.layout == "ranked" else 1
    return Challenge(contract, replace(template, classes=shown or contract.classes, depth=depth))


def pictures(images: Path) -> Path:
    """The images themselves, where the folder of a whole challenge is named.

    The test images; the training images where the challenge keeps those to itself.
    """
    names = [f"{part}{ending}" for part in (TEST, TRAIN) for ending in ("", ".zip")]
    inside = [images / name for name in names] if images.is_dir() else []
    return next((path for path in inside if path.exists()), images)


def _are_training(images: Path) -> bool:
    return pictures(images).stem == TRAIN


def _settings(path: Path) -> dict[str, Any]:
    try:
        settings = tomllib.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise scoring.SpecError(f"{path}: {error}") from None
    if not isinstance(settings.get("model"), dict):
        raise scoring.SpecError(
            f"{path} has no table [model]. Without one the challenge takes no models."
        )
    return settings


def _metric(settings: dict[str, Any]) -> Spec | None:
    """None where none is named or the organiser has one of his own."""
    metric = settings.get("metric", CUSTOM)
    if metric == CUSTOM:
        return None
    return Spec(metric, settings.get("metric_parameters", {}), layout=settings.get("layout"))


def _layout(settings: dict[str, Any], metric: Spec | None) -> Layout | None:
    layout: Layout | None = settings.get("layout")
    return layout if layout is not None or metric is None else metric.layout


def _takes_several(metric: Spec | None, layout: Layout | None) -> bool:
    """Whether an image may have more classes than one, as the site concludes it too."""
    if metric is None:
        return layout == "sets"
    form = metric.table_row.accept(layout or metric.table_row.layout)
    return form is not None and (form.layout == "sets" or form.truth == "matrix")


def _beside(spec: Path, images: Path) -> Path | None:
    folders = (images, images.parent, spec.parent)
    return next((place / SAMPLE for place in folders if (place / SAMPLE).is_file()), None)


def _made(
    ids: Sequence[str], contract: Contract, metric: Spec | None, layout: Layout | None
) -> Template:
    own = metric.table_row.accept(layout or metric.table_row.layout) if metric else None
    form = own.layout if own else (layout or "labels")
    columns = contract.classes if form == "probabilities" else ("label",)
    depth = _depth(metric, contract) if form == "ranked" else 1
    numbers = own.numbers if own else "any"
    return Template(("id", *columns), ids, contract.classes, form, numbers, depth)


def _depth(metric: Spec | None, contract: Contract) -> int:
    if metric is None:
        return len(contract.classes)
    values = metric.table_row.arguments(metric.parameters, contract.classes)
    return min(int(values.get("k", 1)), len(contract.classes))


def _names(images: Path) -> list[str]:
    source = pictures(images)
    if source.suffix == NUMPY:
        return [str(row) for row in range(len(np.load(source, mmap_mode="r", allow_pickle=False)))]
    if source.is_dir():
        names = [path.relative_to(source).as_posix() for path in source.rglob("*")]
    else:
        with zipfile.ZipFile(source) as archive:
            names = archive.namelist()
    paths = [PurePosixPath(name) for name in sorted(names)]
    found = [path for path in paths if path.suffix.lower() in SUFFIXES]
    if not found:
        raise scoring.SpecError(f"{source} holds no images.")
    if source.stem == TRAIN:  # one name may come in the folder of every class
        return [str(path) for path in found]
    return [path.stem for path in found]
