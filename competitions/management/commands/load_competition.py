"""Creates a challenge from a folder: its settings, its pages, and what makes its files."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from competitions import launch, lifecycle, tasks
from competitions.management import bundles
from competitions.models import Competition, Preparation, State
from competitions.refusals import Refused

UNTRAINED = "Opened by command before the baselines were trained."


class Command(BaseCommand):
    help = "Create a challenge from a bundle, by name or path; does nothing where it is ready."
    requires_system_checks = []  # they import every door, and `make run` waits for us

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("bundle", help="a shipped bundle's name, or a folder")
        parser.add_argument("--slug", help="the name in the address; else the folder's name")
        parser.add_argument("--open", action="store_true", help="open it at once, if a draft")

    def handle(self, *args: Any, **options: Any) -> None:
        folder = bundles.find(options["bundle"])
        slug = options["slug"] or folder.name
        try:
            competition = self._ready(folder, slug)
            if options["open"] and competition.state == State.DRAFT:
                open_without_baselines(competition)
                self.stdout.write(f"{slug} is open.")
        except Refused as error:
            raise CommandError(str(error)) from None
        except ValidationError as error:
            raise CommandError(f"{folder / 'competition.toml'}: {error.message_dict}") from None

    def _ready(self, folder: Path, slug: str) -> Competition:
        competition = Competition.objects.filter(slug=slug).first() or bundles.create(folder, slug)
        if competition.preparation == Preparation.READY:
            self.stdout.write(f"{slug} is there already.")
            return competition
        bundles.prepare(folder, competition)
        competition = Competition.objects.get(pk=competition.pk)
        if competition.preparation != Preparation.READY:
            raise CommandError(competition.preparation_note)
        self.stdout.write(f"{slug}: {competition.preparation_note}")
        tasks.train_usual_baselines(competition.pk)
        return competition


def open_without_baselines(competition: Competition) -> None:
    """Opens it; baselines take minutes and come onto the board by themselves.

    Raises NotReady where anything else is missing: a person decides that, on the page.
    """
    checks = launch.checklist(competition)
    others = [check for check in checks if not check.is_done and check.name != launch.BASELINE]
    lifecycle.open_now(competition, despite="" if others else UNTRAINED)
    tasks.post_baselines(competition.pk)
