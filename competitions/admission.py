"""Who may join: anyone, or whoever has the code, the e-mail domain, or a line of the roster."""

import secrets
from typing import Any

from django.contrib.auth.models import AbstractUser
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.crypto import constant_time_compare, salted_hmac

from competitions import audit
from competitions.models import Admission, Competition, Kind, RosterEntry
from competitions.refusals import NotAMember, Refused

# Without what is read for something else: 0 and O, 1, I and L, and what sounds alike on a phone.
SIGNS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
CODE_LENGTH = 6
SLIP_DIGITS = 6
TRIES = 20


def require(competition: Competition, user: AbstractUser) -> RosterEntry | None:
    """The person's line of the roster, if there is one. Raises NotAMember."""
    entry = entry_of(competition, user)
    match competition.admission:
        case Admission.CODE if entry is None or entry.user_id is None:
            raise NotAMember(
                "This challenge is joined with the class code: type it at /join/, or scan the code "
                "that the organiser shows."
            )
        case Admission.DOMAIN if not _has_domain(competition, user):
            raise NotAMember(
                "This challenge is for people with an e-mail address of "
                f"{' or '.join(competition.admitted_domains.split())}. Write yours into your "
                "account, then join."
            )
        case Admission.ROSTER if entry is None:
            raise NotAMember(
                "You are not on this challenge's roster. Ask the organiser to add your name as it "
                f"stands in your account: {user.get_full_name() or user.get_username()}."
            )
    return entry


def entry_of(competition: Competition, user: AbstractUser) -> RosterEntry | None:
    """The person's own line; else one without an account that has their e-mail or name."""
    lines = RosterEntry.objects.filter(competition=competition)
    own = lines.filter(user=user.pk).first()
    if own is not None:
        return own
    name = (user.get_full_name() or user.get_username()).casefold()
    same = Q(name_key=name)
    if user.email:
        same |= Q(email__iexact=user.email)
    # Nobody has checked the name or the address: whoever was given a slip joins with it.
    return lines.filter(same, user=None, slip_pin="").first()


def new_code(competition: Competition, by: Any = None) -> str:
    """A class code that no other challenge has; the old one is no longer one."""
    for _ in range(TRIES):
        code = "".join(secrets.choice(SIGNS) for _ in range(CODE_LENGTH))
        try:
            with transaction.atomic():
                locked = Competition.objects.locked(competition.pk)
                Competition.objects.filter(pk=locked.pk).update(class_code=code)
                audit.record(locked, by, Kind.CODE_CHANGED)
        except IntegrityError:
            continue  # another challenge has it
        competition.class_code = code
        return code
    raise Refused("No free code was found. Try again.")


def no_code(competition: Competition, by: Any = None) -> bool:
    """From now on nobody joins by a code; False where nobody could."""
    with transaction.atomic():
        locked = Competition.objects.locked(competition.pk)
        if locked.class_code is None:
            return False
        Competition.objects.filter(pk=locked.pk).update(class_code=None)
        audit.record(locked, by, Kind.CODE_CHANGED, details="none")
    competition.class_code = None
    return True


def random_pin() -> str:
    """For a slip, or for whoever has forgotten the own one."""
    return f"{secrets.randbelow(10**SLIP_DIGITS):0{SLIP_DIGITS}d}"


def slip_mark(entry: RosterEntry, pin: str) -> str:
    """What is kept of the PIN on a slip: worthless without this installation's secret key.

    A password's hash would take half a minute for a class, and six digits are found in it anyway.
    """
    return salted_hmac("holdout.slip", f"{entry.pk}:{pin}", algorithm="sha256").hexdigest()


def is_slip_pin(entry: RosterEntry, pin: str) -> bool:
    return constant_time_compare(entry.slip_pin, slip_mark(entry, pin))


def typed(code: str) -> str:
    """A code as it was meant: in capitals, without spaces and hyphens."""
    return "".join(sign for sign in code.upper() if sign.isalnum())


def _has_domain(competition: Competition, user: AbstractUser) -> bool:
    domain = user.email.rpartition("@")[2].casefold()
    return bool(domain) and domain in competition.admitted_domains.casefold().split()
