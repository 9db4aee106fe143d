"""Typed readers of the environment: a word that is not understood is refused, never guessed at."""

import contextlib
import difflib
import os
import re
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

# Every setting Holdout reads, with one sentence on what it does. The documentation is held against
# this table by a test, and a HOLDOUT_ variable that is not in it stops the start.
SETTINGS: dict[str, str] = {}

# Free for tests and benchmarks, which pass things to the processes they start.
TEST_PREFIX = "HOLDOUT_TEST_"
_YES, _NO = {"1", "true", "yes", "on"}, {"0", "false", "no", "off"}
_KNOWN_SECRETS = re.compile(
    r"change.?me|insecure|example|password|not.?a.?secret|secret.?key", re.I
)


class Refused(SystemExit):
    """The environment holds something we will not start with; ends the process saying what."""

    def __init__(self, sentence: str) -> None:
        super().__init__(f"Holdout does not start: {sentence}")


def text(name: str, default: str, about: str) -> str:
    """The value as it stands; an empty value counts as unset."""
    SETTINGS[name] = about
    return os.environ.get(name, "").strip() or default


def flag(name: str, default: bool, about: str) -> bool:
    word = text(name, "yes" if default else "no", about).lower()
    if word not in _YES | _NO:
        raise Refused(f"{name}={word!r} is neither yes nor no. Write {name}=1 or {name}=0.")
    return word in _YES


def number(name: str, default: int, about: str, *, low: int, high: int) -> int:
    word = text(name, str(default), about)
    if not re.fullmatch(r"\d+", word) or not low <= int(word) <= high:
        raise Refused(f"{name}={word!r} must be a whole number from {low} to {high}.")
    return int(word)


def choice(name: str, default: str, about: str, *, among: tuple[str, ...]) -> str:
    word = text(name, default, about).lower()
    if word not in among:
        raise Refused(f"{name}={word!r} is not known. Choose one of: {', '.join(among)}.")
    return word


def words(name: str, default: str, about: str) -> list[str]:
    """A list separated by commas."""
    return [word.strip() for word in text(name, default, about).split(",") if word.strip()]


def path(name: str, default: Path, about: str) -> Path:
    return Path(text(name, str(default), about)).expanduser().absolute()


def refuse_unknown(environ: Mapping[str, str]) -> None:
    """Stops the start for a misspelt HOLDOUT_ variable, which would otherwise do nothing."""
    for name in sorted(environ):
        if not name.startswith("HOLDOUT_") or name.startswith(TEST_PREFIX) or name in SETTINGS:
            continue
        near = difflib.get_close_matches(name, SETTINGS, n=1)
        hint = f" Did you mean {near[0]}?" if near else " Remove it."
        raise Refused(f"{name} is not one of its settings.{hint}")


def safe_secret(secret: str) -> str:
    """The production secret, if a stranger could not guess it."""
    if len(secret) < 32 or len(set(secret)) < 10 or _KNOWN_SECRETS.search(secret):
        raise Refused(
            "SECRET_KEY is missing, too short or a known example. Make one with: "
            'python -c "import secrets; print(secrets.token_urlsafe(48))"'
        )
    return secret


def long_secret() -> str:
    return secrets.token_urlsafe(48)


def speakable_secret() -> str:
    """A password a person can read out and type: 79 bits, no letter that looks like a digit."""
    letters = [secrets.choice("abcdefghjkmnpqrstuvwxyz23456789") for _ in range(16)]
    return "-".join("".join(letters[start : start + 4]) for start in range(0, 16, 4))


def kept_secret(file: Path, make: Callable[[], str] = long_secret) -> str:
    """A secret of this installation: made once, readable by its owner alone, then read back."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not file.exists():
        # Written aside and linked into place: of two processes starting at once one wins, and
        # neither ever reads half a secret.
        draft = file.with_name(f".{file.name}.{os.getpid()}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT, 0o600), "w") as stream:
            stream.write(make() + "\n")
        with contextlib.suppress(FileExistsError):
            os.link(draft, file)
        draft.unlink()
    if not (value := file.read_text().strip()):
        raise Refused(f"{file} is empty. Delete it, and a new one is made.")
    return value


def database(url: str) -> dict[str, Any]:
    """Django's entry for ``postgres://USER:PASSWORD@HOST:PORT/NAME?sslmode=require``."""
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"} or not parts.path.strip("/"):
        raise Refused(
            "DATABASE_URL must look like postgres://USER:PASSWORD@HOST:PORT/NAME. "
            "Leave it out to use SQLite."
        )
    options = dict(parse_qsl(parts.query))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.strip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": options.pop("host", None) or unquote(parts.hostname or ""),
        "PORT": str(parts.port or options.pop("port", "")),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {"connect_timeout": 5, **options},
    }


def sqlite(file: Path) -> dict[str, Any]:
    """Django's entry for our own file: several writers wait for each other instead of failing."""
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(file),
        "CONN_MAX_AGE": 60,
        "OPTIONS": {
            "timeout": 20,
            # Taking the write lock at BEGIN: a transaction that read first and then wants to
            # write would fail at once under another writer, whatever the timeout.
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
        },
    }
