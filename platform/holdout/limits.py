"""How large a request may be: by its address, and by who sends it."""

import io
import re

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.contrib.sessions.backends.db import SessionStore
from django.core.handlers.wsgi import WSGIRequest
from django.db import close_old_connections

from holdout.accounts import tokens
from holdout.bodies import MIB, SMALL, Scope
from holdout.bridge import environ

SUBMISSION = 66 * MIB  # the largest file, and the form around it
_SUBMITS = re.compile(r"/api/competitions/[-\w]+/submissions/|/competitions/[-\w]+/submit/")
_ORGANISES = re.compile(r"/admin/competitions/competition/.*")


def of(scope: Scope) -> int:
    """In bytes, for a request above SMALL; asks the database who sends it."""
    if scope["method"] != "POST":
        return SMALL
    if _SUBMITS.fullmatch(scope["path"]) and _sender(scope).is_authenticated:
        return SUBMISSION
    if _ORGANISES.fullmatch(scope["path"]) and getattr(_sender(scope), "is_staff", False):
        return max(SMALL, settings.MAX_BODY)
    return SMALL


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
