"""A challenge out of a file that `export_challenge` wrote."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from competitions.portable import importing
from competitions.refusals import Refused


class Command(BaseCommand):
    help = "Read a challenge from a file: the board is what it was where it came from."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--slug", help="another name in the address")
        parser.add_argument("--data", type=Path, help="a folder with files that are only named")
        parser.add_argument(
            "--match-people", action="store_true", help="same username, same person"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        folder = options["data"]
        given = (
            {it.name: it.read_bytes() for it in folder.iterdir() if it.is_file()} if folder else {}
        )
        try:
            with options["file"].open("rb") as file:
                made = importing.load(
                    file,
                    slug=options["slug"],
                    data=given,
                    match_people=options["match_people"],
                )
        except (Refused, OSError) as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"{made.title} is at /competitions/{made.slug}/.")
