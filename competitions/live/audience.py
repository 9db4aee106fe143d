"""Who listens: looked up once per connection, in a thread, with Django's own sessions.

After a restart everybody comes back within seconds. So there are a few threads for this, each
with one connection to the database for as long as somebody waits; and visitors who are not signed
in, all alike, are not asked for one by one.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import NamedTuple

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.auth.models import AnonymousUser
from django.db import close_old_connections, connection
from django.http import HttpRequest

from competitions import access, teams
from competitions.live.events import TO_HOSTS
from competitions.models import Competition
from competitions.refusals import NotFound

THREADS = 4
PUBLIC_FOR = 2.0  # seconds for which a challenge that visitors may see is taken to stay so


@dataclass(frozen=True)
class Listener:
    """Whose own events this connection may hear, as the stream writes it: teams, or the hosts."""

    teams: frozenset[str] = frozenset()
    person: str = ""  # empty for a visitor who is not signed in


VISITOR = Listener()


class Question(NamedTuple):
    slug: str
    session: str  # the cookie's key
    answer: "Future[Listener | None]"


class Public(NamedTuple):
    """A challenge that visitors may see, and until when we take that for granted."""

    competition: Competition
    until: float  # on the monotonic clock


class Desk:
    """Answers questions in a few threads; which one takes which is left to chance."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="audience")
        self._waiting: deque[Question] = deque()
        self._public: dict[str, Public] = {}

    async def find_listener(self, slug: str, cookies: Mapping[str, str]) -> Listener | None:
        """The listener, or None where this person may not know of the competition."""
        session = cookies.get(settings.SESSION_COOKIE_NAME, "")
        if not session and self._known(slug):
            return VISITOR
        question = Question(slug, session, Future())
        self._waiting.append(question)
        self._threads.submit(self._work_off)
        return await asyncio.wrap_future(question.answer)

    def forget(self) -> None:
        """Takes nothing for granted any more."""
        self._public.clear()

    def _work_off(self) -> None:
        """Every question comes with a call of this; many calls find that others were faster."""
        try:
            while question := self._next():
                _settle(question.answer, partial(self._look_up, question))
        finally:
            connection.close()

    def _next(self) -> Question | None:
        try:
            return self._waiting.popleft()
        except IndexError:
            return None

    def _look_up(self, question: Question) -> Listener | None:
        close_old_connections()
        user = _person(question.session)
        try:
            competition = self._competition(question.slug, user)
        except NotFound:
            return None
        if not user.is_authenticated:
            return VISITOR
        team = teams.of(competition, user)
        heard = {str(team.pk)} if team else set()
        if access.may_judge(user, competition):
            heard.add(TO_HOSTS)
        return Listener(frozenset(heard), str(user.pk))

    def _competition(self, slug: str, user: access.Person) -> Competition:
        """Raises NotFound. What visitors may see, everybody may."""
        if (known := self._known(slug)) is not None:
            return known
        found = access.visible(AnonymousUser()).filter(slug=slug).first()
        if found is None:
            return access.competition(user, slug)
        self._public[slug] = Public(found, time.monotonic() + PUBLIC_FOR)
        return found

    def _known(self, slug: str) -> Competition | None:
        known = self._public.get(slug)
        return known.competition if known and known.until > time.monotonic() else None


desk = Desk()


def _settle(answer: "Future[Listener | None]", find: Callable[[], Listener | None]) -> None:
    if not answer.set_running_or_notify_cancel():
        return  # whoever asked has gone
    try:
        answer.set_result(find())
    except Exception as error:
        answer.set_exception(error)


def _person(session: str) -> access.Person:
    if not session:
        return AnonymousUser()
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(session)
    return get_user(request)
