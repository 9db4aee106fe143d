"""A challenge as a folder: its settings, its pages, and what its files are made from.

`competition.toml` names the settings. The files come from one of three places: a table `[build]` in
it names a published data set, or a file or folder beside it; `prepare.py` has a function
`source(downloads)`, which returns the path of labelled images; or it has a function
`prepare(public, private)`, which writes the three files of a challenge itself.

A table `[model]`, as `python -m scoring run --spec` reads it, lets the challenge take models too;
with `takes = "models"` above it takes no files of predictions, and keeps its test images to itself.
"""

import runpy
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from django.conf import settings as site
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError
from django.db import transaction

from competitions import files, model_rules, preparing, solutions
from competitions.models import (
    Competition,
    CustomMetric,
    FindingKind,
    ModelRules,
    Remedy,
    Takes,
)
from competitions.models.custom_metric import DIRECTIONS
from competitions.models.metrics import CUSTOM
from competitions.preparing.leaks import settling
from competitions.preparing.sources import packed, published
from scoring import SpecError
from scoring.custom import MetricError

BUNDLES = Path(__file__).resolve().parents[1] / "bundles"
SETTINGS_FILE, SCRIPT = "competition.toml", "prepare.py"
PAGES = {"overview": "overview.md", "data_page": "data.md", "rules": "rules.md"}
METRIC_FILE, METRIC_DIRECTION = "metric_file", "metric_direction"
BUILD, MODEL, TAKES = "build", "model", "takes"
BUILD_KEYS = {"source", "test_fraction", "remedies"}
SETTINGS = {
    "title", "summary", "metric", "metric_parameters", METRIC_FILE, METRIC_DIRECTION, "layout",
    "decimals", "public_fraction", "daily_limit", "lifetime_limit", "max_team_size", "opens_at",
    "closes_at", "feedback", "ladder_step", "freeze_minutes", "late_submissions", "prizes", BUILD,
    MODEL, TAKES,
}  # fmt: skip


def find(bundle: str) -> Path:
    """The folder of a shipped bundle's name, or of a path."""
    for folder in (BUNDLES / bundle, Path(bundle).resolve()):
        if (folder / SETTINGS_FILE).is_file():
            return folder
    shipped = ", ".join(sorted(path.name for path in BUNDLES.iterdir() if path.is_dir()))
    raise CommandError(f"{bundle} is no folder with a competition.toml. Shipped: {shipped}.")


def settings_of(folder: Path) -> dict[str, Any]:
    """Raises CommandError for what cannot be read, or a name that means nothing."""
    path = folder / SETTINGS_FILE
    try:
        settings = tomllib.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CommandError(f"{path}: {error}") from None
    unknown = sorted(set(settings) - SETTINGS)
    unknown += sorted(f"build.{name}" for name in set(settings.get(BUILD, {})) - BUILD_KEYS)
    if unknown:
        raise CommandError(f"competition.toml does not know {', '.join(unknown)}.")
    return settings


def create(folder: Path, slug: str) -> Competition:
    """A draft with the bundle's settings and pages; raises CommandError or ValidationError."""
    settings = settings_of(folder)
    settings.pop(BUILD, None)
    rules = _model_rules(settings)
    own = _own_metric(folder, settings)
    pages = {field: _page(folder / name) for field, name in PAGES.items()}
    competition = Competition(slug=slug, **settings, **pages, custom_metric=own)
    competition.full_clean(exclude=["custom_metric"])  # it has no row yet
    if wrong := solutions.complaint(competition):
        raise CommandError(f"competition.toml, {wrong[0]}: {wrong[1]}")
    with transaction.atomic():
        if own is None:
            competition.save()
        else:
            solutions.keep(competition, own)
        if rules is not None:
            rules.competition = competition
            rules.save()
    return competition


def _model_rules(settings: dict[str, Any]) -> ModelRules | None:
    """Takes the table [model] out of the settings, and whether files are taken beside models."""
    table, takes = settings.pop(MODEL, None), settings.pop(TAKES, None)
    if table is None:
        if takes not in (None, Takes.FILES):
            raise CommandError(f'competition.toml: {TAKES} = "{takes}" needs a table [{MODEL}].')
        return None
    try:
        rules = model_rules.from_table(table, takes or Takes.BOTH)
        rules.full_clean(exclude=["competition"])
    except (SpecError, ValidationError) as error:
        raise CommandError(f"competition.toml, [{MODEL}]: {error}") from None
    return rules


def _own_metric(folder: Path, settings: dict[str, Any]) -> CustomMetric | None:
    """Takes what the metric needs out of the settings."""
    name, direction = settings.pop(METRIC_FILE, None), settings.pop(METRIC_DIRECTION, None)
    if settings.get("metric") != CUSTOM:
        if name or direction:
            raise CommandError(f'competition.toml: write metric = "{CUSTOM}" too.')
        return None
    if not name or direction not in DIRECTIONS:
        raise CommandError(
            f'competition.toml: metric = "{CUSTOM}" needs {METRIC_FILE} = "metric.py" and '
            f'{METRIC_DIRECTION} = "maximize" or "minimize".'
        )
    path = folder / name
    try:
        return CustomMetric.read(path.read_bytes(), path.name, direction)
    except (OSError, MetricError) as error:
        raise CommandError(f"{path}: {error}") from None


def _page(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def prepare(folder: Path, competition: Competition) -> None:
    """Hands the bundle's images, or its three files, to the same verbs as an upload.

    Raises Refused, or CommandError where the bundle does not say what to take.
    """
    build: dict[str, Any] = settings_of(folder).get(BUILD, {})
    remedies = _remedies(build)
    write = _script(folder, build).get("prepare")
    if write is not None:
        inbox = _receive_three(competition, write)
    else:
        path, name = _source(folder, build)
        share = build.get("test_fraction")
        inbox = preparing.receive_source(
            competition.pk, packed(path), name, test_fraction=share, remedies=remedies
        )
    preparing.prepare(competition.pk, inbox)
    if write is not None:
        _settle(competition, remedies)


def _script(folder: Path, build: dict[str, Any]) -> dict[str, Any]:
    """What the script defines; raises CommandError where it and the settings name two sources."""
    path = folder / SCRIPT
    found = runpy.run_path(str(path)) if path.is_file() else {}
    named = sorted({"prepare", "source"} & set(found))
    if "source" in build:
        named.append("[build]")
    if len(named) > 1:
        raise CommandError(f"{' and '.join(named)} both say where the files come from. Keep one.")
    return found


def _source(folder: Path, build: dict[str, Any]) -> tuple[Path, str]:
    """What the script names, or what lies beside the settings, else a published data set; and what
    to call it."""
    find_images = _script(folder, build).get("source")
    if find_images is not None:
        path = Path(find_images(site.DATASETS))
        return path, path.name
    name = str(build.get("source", ""))
    if not name:
        raise CommandError(
            f"{folder} does not say what the files are made from. Add a table [build] with a "
            f"source (a file, a folder or a published set) to {SETTINGS_FILE}, or a {SCRIPT} with "
            "one of the functions source, prepare."
        )
    beside = folder / name
    return (beside if beside.exists() else published(name, site.DATASETS)), name


def _remedies(build: dict[str, Any]) -> dict[str, str]:
    remedies: dict[str, str] = build.get("remedies", {})
    for kind, remedy in remedies.items():
        if kind not in FindingKind.values or not remedy or remedy not in Remedy.values:
            kinds, known = ", ".join(FindingKind.values), ", ".join(filter(None, Remedy.values))
            raise CommandError(
                f"{SETTINGS_FILE}: {kind} = {remedy!r} is no decision. Write one of {kinds}, and "
                f"for it one of {known}."
            )
    return remedies


def _settle(competition: Competition, remedies: dict[str, str]) -> None:
    """Of three files the report only tells: what is decided changes nothing about them."""
    for finding in competition.findings.filter(remedy=Remedy.OPEN, kind__in=remedies):
        settling.settle(finding, remedies[finding.kind])


def _receive_three(
    competition: Competition, write: Callable[[Path, Path], object]
) -> preparing.Inbox:
    with tempfile.TemporaryDirectory() as temporary:
        public, private = Path(temporary, "public"), Path(temporary, "private")
        public.mkdir()
        private.mkdir()
        write(public, private)
        return preparing.receive(
            competition.pk,
            train=_chunks(public / "train.zip"),
            test=_chunks(public / "test.zip"),
            solution=_chunks(private / "solution.csv"),
        )


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(files.CHUNK):
            yield chunk
