"""Writes a challenge's board, its day and its replay into one HTML file that needs no site."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from competitions import boardfile
from competitions.models import Competition


class Command(BaseCommand):
    help = "Write a challenge's board, its day and its replay into one self-contained HTML file."
    requires_system_checks = []  # they import every door, for a file of a few lines of HTML

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", help="the challenge's name in its address")
        parser.add_argument("--out", type=Path, help="the file; else SLUG-board.html, here")

    def handle(self, *args: Any, **options: Any) -> None:
        slug = options["slug"]
        out = options["out"] or Path(f"{slug}-board.html")
        competition = Competition.objects.filter(slug=slug).first()
        if competition is None:
            known = ", ".join(Competition.objects.values_list("slug", flat=True)) or "none yet"
            raise CommandError(f"There is no challenge {slug!r}. Challenges: {known}.")
        content = boardfile.render(competition).encode()
        try:
            out.write_bytes(content)
        except OSError as error:
            raise CommandError(f"{out} could not be written: {error.strerror}.") from None
        self.stdout.write(f"{out}: {len(content) / 1000:,.0f} kB. It opens without the site.")
