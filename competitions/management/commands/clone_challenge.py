"""A new draft with the images and settings of a challenge that is there."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from competitions.models import Competition
from competitions.portable.cloning import clone
from competitions.refusals import Refused


class Command(BaseCommand):
    help = "Make a new draft of a challenge: same images, same split, nobody in it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("--as", dest="name", required=True, help="the new one's slug")
        parser.add_argument("--title", help="else the old one's")

    def handle(self, *args: Any, **options: Any) -> None:
        source = Competition.objects.filter(slug=options["slug"]).first()
        if source is None:
            raise CommandError(f"There is no challenge {options['slug']}.")
        try:
            made = clone(source, options["name"], options["title"] or source.title)
        except Refused as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"{made.title} is a draft at /competitions/{made.slug}/.")
