"""Creates a challenge from a folder: its settings, its pages and a script that makes the files."""

import runpy
import tempfile
import tomllib
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from competitions import files, lifecycle, preparing, solutions
from competitions.models import Competition, CustomMetric, Preparation, State
from competitions.models.custom_metric import DIRECTIONS
from competitions.models.metrics import CUSTOM
from competitions.refusals import Refused
from scoring.custom import MetricError

BUNDLES = Path(__file__).resolve().parents[2] / "bundles"
PAGES = {"overview": "overview.md", "data_page": "data.md", "rules": "rules.md"}
METRIC_FILE, METRIC_DIRECTION = "metric_file", "metric_direction"
SETTINGS = {
    "title", "summary", "metric", "metric_parameters", METRIC_FILE, METRIC_DIRECTION, "layout",
    "decimals", "public_fraction", "daily_limit", "lifetime_limit", "max_team_size", "opens_at",
    "closes_at", "feedback", "ladder_step", "freeze_minutes", "late_submissions", "prizes",
}  # fmt: skip


class Command(BaseCommand):
    help = "Create a challenge from a bundle, by name or path; does nothing where it is ready."
    requires_system_checks = []  # they import every door, and `make run` waits for us

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("bundle", help="a shipped bundle's name, or a folder")
        parser.add_argument("--slug", help="the name in the address; else the folder's name")
        parser.add_argument("--open", action="store_true", help="open it at once, if a draft")

    def handle(self, *args: Any, **options: Any) -> None:
        folder = _folder(options["bundle"])
        slug = options["slug"] or folder.name
        try:
            competition = self._ready(folder, slug)
            if options["open"] and competition.state == State.DRAFT:
                lifecycle.open_now(competition)
                self.stdout.write(f"{slug} is open.")
        except Refused as error:
            raise CommandError(str(error)) from None
        except ValidationError as error:
            raise CommandError(f"{folder / 'competition.toml'}: {error.message_dict}") from None

    def _ready(self, folder: Path, slug: str) -> Competition:
        competition = Competition.objects.filter(slug=slug).first() or _create(folder, slug)
        if competition.preparation == Preparation.READY:
            self.stdout.write(f"{slug} is there already.")
            return competition
        _prepare(folder, competition)
        competition = Competition.objects.get(pk=competition.pk)
        if competition.preparation != Preparation.READY:
            raise CommandError(competition.preparation_note)
        self.stdout.write(f"{slug}: {competition.preparation_note}")
        return competition


def _folder(bundle: str) -> Path:
    for folder in (BUNDLES / bundle, Path(bundle).resolve()):
        if (folder / "competition.toml").is_file():
            return folder
    shipped = ", ".join(sorted(path.name for path in BUNDLES.iterdir() if path.is_dir()))
    raise CommandError(f"{bundle} is no folder with a competition.toml. Shipped: {shipped}.")


def _create(folder: Path, slug: str) -> Competition:
    settings = tomllib.loads((folder / "competition.toml").read_text(encoding="utf-8"))
    if unknown := sorted(set(settings) - SETTINGS):
        raise CommandError(f"competition.toml does not know {', '.join(unknown)}.")
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
    return competition


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


def _prepare(folder: Path, competition: Competition) -> None:
    """Runs the bundle's script and hands its files to the same verb as an upload."""
    with tempfile.TemporaryDirectory() as temporary:
        public, private = Path(temporary, "public"), Path(temporary, "private")
        public.mkdir()
        private.mkdir()
        runpy.run_path(str(folder / "prepare.py"))["prepare"](public, private)
        inbox = preparing.receive(
            competition.pk,
            train=_chunks(public / "train.zip"),
            test=_chunks(public / "test.zip"),
            solution=_chunks(private / "solution.csv"),
        )
    preparing.prepare(competition.pk, inbox)


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(files.CHUNK):
            yield chunk
