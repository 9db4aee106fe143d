"""How large a request may be: by its address, and by who sends it."""

import io
import re

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.contrib.sessions.backends.db import SessionStore
from django.core.handlers.wsgi import WSGIRequest
from django.db import close_old_connections

from competitions.models import ModelRules, Takes
from holdout.accounts import tokens
from holdout.bodies import MIB, SMALL, Scope
from holdout.bridge import environ

FORM = 2 * MIB  # around a file
SUBMISSION = 64 * MIB + FORM  # the largest file of predictions
_SUBMITS = re.compile(
    r"/api/competitions/(?P<by_api>[-\w]+)/submissions/|/competitions/(?P<by_form>[-\w]+)/submit/"
)
_ORGANISES = re.compile(r"/admin/competitions/competition/.*")


def of(scope: Scope) -> int:
    """In bytes, for a request above SMALL; asks the database who sends it."""
    if scope["method"] != "POST":
        return SMALL
    submits = _SUBMITS.fullmatch(scope["path"])
    if submits and _sender(scope).is_authenticated:
        return _submission(submits["by_api"] or submits["by_form"])
    if _ORGANISES.fullmatch(scope["path"]) and getattr(_sender(scope), "is_staff", False):
        return max(SMALL, settings.MAX_BODY)
    return SMALL


def _submission(slug: str) -> int:
    """A model may be as large as its challenge allows; the door says so in words beyond that."""
    taken = ModelRules.objects.exclude(takes=Takes.FILES).filter(competition__slug=slug)
    file_mib = taken.values_list("file_mib", flat=True).first() or 0
    return max(SUBMISSION, min(file_mib * MIB + FORM, settings.MAX_BODY))


def _sender(scope: Scope) -> AbstractBaseUser | AnonymousUser:
    close_old_connections()
    request = WSGIRequest(environ(scope, io.BytesIO()))
    try:
        user = tokens.user_of_header(request.headers.get("Authorization", ""))
    except tokens.InvalidToken:
        return AnonymousUser()
    if user is not None:
        return user
    request.session = SessionStore(request.COOKIES.get(settings.SESSION_COOKIE_NAME))
    return get_user(request)
