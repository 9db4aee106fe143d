"""In by class code: a name and a PIN, and nobody needs an e-mail address or a password.

The account that comes of it hangs on a line of the challenge's roster, by which the same name and
PIN lead to it again from another machine. Two classes may each have an Anna.
"""

import re
import secrets
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import AbstractUser
from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from django.utils.text import slugify

from competitions import admission, audit, deadlines, teams
from competitions.deadlines import Phase
from competitions.models import Admission, Competition, Kind, RosterEntry
from competitions.refusals import NotAMember, NotFound, NotOpen, Refused

PIN = re.compile(r"[0-9]{4,12}")
NAME_LENGTH = 60


class WrongPin(Refused):
    """The name is somebody's, and this is not the PIN."""

    code = "wrong_pin"
    http_status = 403


def challenge_of(code: str) -> Competition:
    """The challenge with that class code, however it was typed. Raises NotFound."""
    wanted = admission.typed(code)
    found = Competition.objects.filter(class_code=wanted).first() if wanted else None
    if found is None:
        raise NotFound("No challenge has this code. Read it again from the screen.")
    return found


def enter(competition: Competition, name: str, pin: str) -> AbstractUser:
    """The account of that name and PIN in this challenge, made at the first time, and its team.

    Raises NotOpen, NotAMember, WrongPin, or Refused for what is no name or no PIN.
    """
    entry = expected(competition, name, pin)
    wanted, number = teams.clean_name(name), pin.strip()
    if entry is not None and entry.user is not None:
        return _known(competition, entry, number)
    if entry is not None and entry.slip_pin and not admission.is_slip_pin(entry, number):
        raise WrongPin(f"{wanted} has a PIN on a printed slip. Type that one.")
    return _new(competition, entry, entry.name if entry else wanted, number)


def expected(competition: Competition, name: str, pin: str) -> RosterEntry | None:
    """The line of that name, if there is one; no PIN is tried here.

    Raises NotOpen, NotAMember, or Refused for what is no name or no PIN.
    """
    wanted = teams.clean_name(name)
    if not PIN.fullmatch(pin.strip()):
        raise Refused("A PIN has 4 to 12 digits, and nothing but digits. Six are a good number.")
    entry = _entry(competition, wanted)
    if entry is not None and entry.user is not None:
        return entry  # after the end, too: it is their only way in
    _require_open(competition)
    if entry is None and competition.admission in (Admission.ROSTER, Admission.DOMAIN):
        raise NotAMember(
            f"{wanted} is not on this challenge's list. Type the name as the organiser wrote it, "
            "or ask to be added."
        )
    return entry


def enter_as(competition: Competition, user: AbstractUser) -> None:
    """Whoever is signed in joins with the code as who they are. Raises as ``enter``."""
    _require_open(competition)
    with transaction.atomic():
        locked = Competition.objects.locked(competition.pk)
        if locked.admission == Admission.CODE:
            _prove_code(locked, user)
        teams.join(locked, user)


def new_pin(entry: RosterEntry, by: Any = None) -> str:
    """A PIN for whoever has forgotten it, or has none yet; told this one time."""
    pin = admission.random_pin()
    password = make_password(pin)  # takes half a second: before anything is held
    with transaction.atomic():
        competition = Competition.objects.locked(entry.competition_id)
        fresh = RosterEntry.objects.select_related("user").get(pk=entry.pk)
        if fresh.user is None:
            mark = admission.slip_mark(fresh, pin)
            RosterEntry.objects.filter(pk=fresh.pk).update(slip_pin=mark)
        else:
            if not is_pin_account(fresh.user):
                raise Refused(f"{fresh.name} signs in with a password of their own.")
            if not _is_home(fresh):
                raise Refused(
                    f"{fresh.name} came with the account of another challenge. Its organisers can "
                    "give a new PIN."
                )
            fresh.user.password = password
            fresh.user.save(update_fields=["password"])
        audit.record(competition, by, Kind.PIN_RESET, fresh.name)
    return pin


def is_pin_account(user: Any) -> bool:
    """Whether a PIN may lead to it: made here, and no organiser's."""
    return bool(user.has_pin) and not user.is_staff and not user.is_superuser


def key_of(competition: Competition, name: str) -> str:
    """The same for every spelling that leads to one line of the roster. Raises Refused."""
    return f"{competition.pk}:{teams.clean_name(name).casefold()}"


def _prove_code(locked: Competition, user: AbstractUser) -> None:
    """A line of the roster that has the account: whoever came by the code needs no other proof."""
    entry = admission.entry_of(locked, user)
    if entry is None:
        name = _free_name(locked, user.get_full_name() or user.get_username())
        RosterEntry.objects.create(competition=locked, name=name, user_id=user.pk)
    elif entry.user_id is None:
        RosterEntry.objects.filter(pk=entry.pk).update(user=user.pk)


def _require_open(competition: Competition) -> None:
    now = deadlines.phase(deadlines.read(competition.pk))
    if now is Phase.DRAFT:
        raise NotOpen("This challenge is not open yet. Try again when the organiser says so.")
    if now.is_over and not competition.late_submissions:
        raise NotOpen("This challenge is over; nobody can join it any more.")


def _entry(competition: Competition, name: str) -> RosterEntry | None:
    lines = RosterEntry.objects.select_related("user").filter(competition=competition)
    return lines.filter(name_key=name.casefold()).first()


def _known(competition: Competition, entry: RosterEntry, pin: str) -> AbstractUser:
    user = entry.user
    if user is None or not is_pin_account(user) or not user.is_active:
        raise WrongPin(f"{entry.name} signs in with a password: use “Sign in” above.")
    if not _is_home(entry):
        raise Refused(
            f"{entry.name} has an account from another challenge: sign in there with name and PIN, "
            "then open this page again."
        )
    if not user.check_password(pin):
        raise WrongPin(
            f"{entry.name} is taken, and that is not the PIN. If it is you, ask the organiser for "
            "a new one; if not, add a letter to your name."
        )
    teams.join(competition, user)
    return user


def _is_home(entry: RosterEntry) -> bool:
    """Whether the account was made here. Only here does the PIN lead to it, and can it be renewed:
    else every organiser whose challenge somebody joins could become that person everywhere."""
    first = RosterEntry.objects.filter(user=entry.user_id).order_by("joined_at", "pk").first()
    return first is not None and first.pk == entry.pk


def _new(competition: Competition, entry: RosterEntry | None, name: str, pin: str) -> AbstractUser:
    password = make_password(pin)  # takes half a second: before anything is held
    try:
        with transaction.atomic():
            Competition.objects.locked(competition.pk)
            user = get_user_model().objects.create(
                username=_free_username(name), first_name=name, password=password, has_pin=True
            )
            taken = _link(competition, entry, name, user)
            teams.join(competition, user)
    except IntegrityError:
        taken = False
    if not taken:
        # Somebody of that name was quicker by a moment: perhaps the same person, clicking twice.
        known = _entry(competition, name)
        if known is None:
            raise Refused("Many are joining at once. Please try again.") from None
        return _known(competition, known, pin)
    return user


class _Taken(IntegrityError):
    """The line has an account since."""


def _link(competition: Competition, entry: RosterEntry | None, name: str, user: Any) -> bool:
    """The line of the roster gets its account. Raises IntegrityError where it has one."""
    if entry is None:
        RosterEntry.objects.create(competition=competition, name=name, user=user, joined_at=Now())
        return True
    changed = RosterEntry.objects.filter(pk=entry.pk, user=None).update(
        user=user, slip_pin="", joined_at=Now()
    )
    if not changed:
        raise _Taken
    if entry.email:
        user.email = entry.email
        user.save(update_fields=["email"])
    return True


def _free_name(competition: Competition, name: str) -> str:
    wanted = teams.clean_name(name)
    taken = set(
        RosterEntry.objects.filter(competition=competition).values_list("name_key", flat=True)
    )
    names = [wanted, *(f"{wanted[: NAME_LENGTH - 5]} {n}" for n in range(2, len(taken) + 3))]
    return next(each for each in names if each.casefold() not in taken)


def _free_username(name: str) -> str:
    """From the name, with a few signs behind it that nobody else has."""
    return f"{slugify(name)[:40] or 'player'}-{secrets.token_hex(4)}"
