"""Deletes stored files that no row names any more; the sweep does the same once a day."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from competitions import tidying


class Command(BaseCommand):
    help = "Delete the stored files that no row of the database names any more."

    def add_arguments(self, parser: ArgumentParser) -> None:
        hours = tidying.OLD // timedelta(hours=1)
        parser.add_argument(
            "--older-than",
            type=float,
            default=hours,
            metavar="HOURS",
            help=f"leave alone what was stored since; default {hours}",
        )
        parser.add_argument("--dry-run", action="store_true", help="only say what would be deleted")

    def handle(self, *args: Any, **options: Any) -> None:
        age, is_trial = timedelta(hours=options["older_than"]), options["dry_run"]
        try:
            found = tidying.tidy(age, is_trial=is_trial)
        except ValueError as error:
            raise CommandError(str(error)) from None
        if is_trial:
            for each in found:
                self.stdout.write(f"{each.place}/{each.path}")
        size = sum(each.size for each in found) / (1 << 20)
        verb = "would be deleted" if is_trial else "deleted"
        self.stdout.write(f"{len(found)} files, {size:,.1f} MiB, {verb}.")
