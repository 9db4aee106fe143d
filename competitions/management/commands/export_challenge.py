"""A challenge into one file, for another installation or for the shelf."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from competitions.models import Competition
from competitions.portable import exporting
from competitions.refusals import Refused


class Command(BaseCommand):
    help = "Write a challenge with its board and files into one zip."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("--out", type=Path, help="the file; else SLUG.holdout.zip here")
        parser.add_argument(
            "--with-solution", action="store_true", help="labels, seed and private scores too"
        )
        parser.add_argument(
            "--without-data", action="store_true", help="name the images' archives, with hashes"
        )
        parser.add_argument("--with-emails", action="store_true", help="people's addresses too")

    def handle(self, *args: Any, **options: Any) -> None:
        competition = Competition.objects.filter(slug=options["slug"]).first()
        if competition is None:
            raise CommandError(f"There is no challenge {options['slug']}.")
        out = options["out"] or Path(f"{competition.slug}.holdout.zip")
        draft = out.with_name(f"{out.name}.part")
        try:
            with draft.open("wb") as file:
                counts = exporting.export(
                    competition,
                    file,
                    with_solution=options["with_solution"],
                    with_data=not options["without_data"],
                    with_emails=options["with_emails"],
                )
        except Refused as error:
            draft.unlink()
            raise CommandError(str(error)) from None
        draft.replace(out)
        self.stdout.write(f"{out}: {counts['team']} teams, {counts['submission']} submissions.")
