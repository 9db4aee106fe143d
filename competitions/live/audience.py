"""Who listens: looked up once per connection, in a thread, with Django's own sessions."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.auth.models import AnonymousUser
from django.db import close_old_connections, connection
from django.http import HttpRequest

from competitions import access, teams
from competitions.refusals import NotFound


@dataclass(frozen=True)
class Listener:
    """The teams whose own events this connection may hear, as the stream writes them."""

    teams: frozenset[str]
    person: str = ""  # empty for a visitor who is not signed in


def find_listener(slug: str, cookies: Mapping[str, str]) -> Listener | None:
    """The listener, or None where this person may not know of the competition."""
    close_old_connections()
    try:
        user = _person(cookies)
        competition = access.competition(user, slug)
        team = teams.of(competition, user)
    except NotFound:
        return None
    finally:
        connection.close()
    person = str(user.pk) if user.is_authenticated else ""
    return Listener(frozenset({str(team.pk)} if team else ()), person)


def _person(cookies: Mapping[str, str]) -> access.Person:
    session = cookies.get(settings.SESSION_COOKIE_NAME)
    if session is None:
        return AnonymousUser()
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(session)
    return get_user(request)
