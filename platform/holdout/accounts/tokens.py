"""Making, reading and revoking API tokens."""

import hashlib
import secrets
from datetime import timedelta

from django.utils import timezone

from holdout.accounts.models import Token, User

PREFIX = "holdout_"
# last_used_at is for people who tidy up; a write on every request would serve nobody.
TOUCH_EVERY = timedelta(minutes=5)


class InvalidToken(Exception):
    """The Authorization header is there but opens no account; the text says what to do."""


def create(user: User, name: str = "") -> str:
    """A new token for the user, in the only moment it can be read."""
    token = PREFIX + secrets.token_urlsafe(32)
    name = "".join(c for c in name if c.isprintable())[:60]
    Token.objects.create(user=user, name=name, digest=_digest(token))
    return token


def revoke(user: User, pk: int) -> bool:
    """Ends one of the user's own tokens; False where there is none of that number."""
    deleted, _ = Token.objects.filter(user=user, pk=pk).delete()
    return bool(deleted)


def user_of_header(header: str) -> User | None:
    """The account behind ``Authorization: Bearer …``; None where the header is of another kind.

    Raises InvalidToken for a bearer token that is unknown, revoked or of an inactive account.
    """
    scheme, _, value = header.partition(" ")
    if scheme.lower() != "bearer":
        return None
    token = Token.objects.select_related("user").filter(digest=_digest(value.strip())).first()
    if token is None or not token.user.is_active:
        raise InvalidToken("This token is not known here. Make a new one on your tokens page.")
    _touch(token)
    return token.user


def _touch(token: Token) -> None:
    now = timezone.now()
    if token.last_used_at is None or now - token.last_used_at > TOUCH_EVERY:
        Token.objects.filter(pk=token.pk).update(last_used_at=now)


def _digest(token: str) -> str:
    # The token has 256 random bits, so a plain fast hash is as good as a slow one.
    return hashlib.sha256(token.encode()).hexdigest()
