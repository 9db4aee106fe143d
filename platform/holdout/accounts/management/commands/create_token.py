"""Prints a new API token for a user, alone on the last line."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from holdout.accounts import tokens
from holdout.accounts.models import User


class Command(BaseCommand):
    help = "Print a new API token for USERNAME, alone on the last line."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--create", action="store_true", help="make the user if there is none")
        parser.add_argument("--name", default="command line", help="what the token is for")

    def handle(self, *args: Any, **options: Any) -> None:
        user = self._user(options["username"], create=options["create"])
        self.stdout.write(tokens.create(user, options["name"]))

    def _user(self, username: str, *, create: bool) -> User:
        user = User.objects.filter(username=username).first()
        if user is not None:
            return user
        if not create:
            raise CommandError(f"There is no user {username!r}. Add --create to make it.")
        return User.objects.create_user(username)
