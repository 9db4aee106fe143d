"""Who prepares an upload, until when, and how often it is tried.

The message is only a bell and may ring twice, late or never: the broker gives it to a second
worker after ten minutes, and again when a worker dies. Only a conditional UPDATE lets one begin,
and every ending is fenced by the number of the attempt.
"""

import hashlib
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from competitions.models import Competition, Preparation, State, Submission

# What was received: "train", "test" and "solution", each with its key in the storage; or "source"
# with its key, its "name", the wished "test_fraction" and the "remedies" (see sourced.py).
Inbox = dict[str, str]
LEASE = timedelta(minutes=10)  # renewed image by image, so that a death is noticed within it
MAX_ATTEMPTS = 3
RING_AGAIN_AFTER = timedelta(minutes=2)
GIVE_UP_AFTER = timedelta(days=1)  # in a queue that nobody reads, or reads too slowly

HOPELESS = (
    f"Reading these files failed {MAX_ATTEMPTS} times without an answer, or nobody read them for a "
    "day. Upload them again; if that fails too, try a smaller archive and tell who runs the site."
)
NOT_BEGUN: dict[str, Any] = {
    "preparation_step": "",
    "preparation_done": 0,
    "preparation_total": 0,
}
ENDED: dict[str, Any] = {"preparation_since": None, "preparation_until": None, **NOT_BEGUN}


def preparable(pk: int) -> QuerySet[Competition]:
    """The competition if new files may replace its present ones."""
    return _drafts().filter(pk=pk)


def receive(pk: int, inbox: Inbox) -> bool:
    """Whatever it was to preparing; False where it takes no files any more."""
    changed = preparable(pk).update(
        preparation=Preparation.PREPARING,
        preparation_note=receipt(inbox),
        preparation_inbox=inbox,
        preparation_since=Now(),
        preparation_rung_at=Now(),
        preparation_attempts=0,
        preparation_until=None,
        **NOT_BEGUN,
    )
    return bool(changed)


def kept(pk: int) -> Inbox:
    """The last upload, empty if there is none or somebody is at it."""
    idle = preparable(pk).exclude(preparation=Preparation.PREPARING).first()
    return dict(idle.preparation_inbox) if idle else {}


def claim(pk: int, inbox: Inbox) -> Competition | None:
    """The competition, leased to the caller, unless somebody is at it or it waits no more."""
    free = Q(preparation_until=None) | Q(preparation_until__lt=Now())
    taken = (
        awaited(pk, inbox)
        .filter(free, preparation_attempts__lt=MAX_ATTEMPTS)
        .update(preparation_attempts=F("preparation_attempts") + 1, preparation_until=Now() + LEASE)
    )
    return awaited(pk, inbox).first() if taken else None


def renew(claimed: Competition, **columns: Any) -> bool:
    """Keeps the lease, and writes down how far it is; False where another attempt counts now."""
    return bool(held(claimed).update(preparation_until=Now() + LEASE, **columns))


def held(claimed: Competition) -> QuerySet[Competition]:
    """The competition while this attempt is the newest one: the fence of a worker's ending."""
    inbox, attempts = claimed.preparation_inbox, claimed.preparation_attempts
    return awaited(claimed.pk, inbox).filter(preparation_attempts=attempts)


def awaited(pk: int, inbox: Inbox) -> QuerySet[Competition]:
    """The competition if it still waits for this very upload."""
    return preparable(pk).filter(preparation=Preparation.PREPARING, preparation_note=receipt(inbox))


def forgotten() -> list[tuple[int, Inbox]]:
    """What must be rung again, marked as rung: its message or its worker was lost."""
    return [
        (found.pk, found.preparation_inbox)
        for found in _waiting()
        if _needs_a_bell(found, found.clock) and _mark_rung(found)
    ]


def give_up() -> list[int]:
    """Preparing to refused, for what was tried too often or waited too long."""
    return [found.pk for found in _waiting() if _is_hopeless(found, found.clock) and _end(found)]


def receipt(inbox: Inbox) -> str:
    """What the organiser reads meanwhile; its number tells one upload from the next."""
    number = hashlib.sha256("\n".join(sorted(inbox.values())).encode()).hexdigest()[:8]
    return f"Reading the files of upload {number}."


def _drafts() -> QuerySet[Competition]:
    submitted = Submission.objects.filter(team__competition=OuterRef("pk"))
    return Competition.objects.filter(~Exists(submitted), state=State.DRAFT)


def _waiting() -> Any:
    """All that is being prepared, each with the database's time as ``clock``."""
    return Competition.objects.filter(preparation=Preparation.PREPARING)


def _is_hopeless(found: Competition, now: datetime) -> bool:
    if found.preparation_until is not None:
        return found.preparation_until < now and found.preparation_attempts >= MAX_ATTEMPTS
    return found.preparation_since is not None and found.preparation_since + GIVE_UP_AFTER < now


def _needs_a_bell(found: Competition, now: datetime) -> bool:
    if found.preparation_until is not None and found.preparation_until >= now:
        return False
    rung = found.preparation_rung_at
    return (rung is None or rung + RING_AGAIN_AFTER < now) and not _is_hopeless(found, now)


def _mark_rung(found: Competition) -> bool:
    return bool(_unchanged(found).update(preparation_rung_at=Now()))


def _end(found: Competition) -> bool:
    changed = _unchanged(found).update(
        preparation=Preparation.REFUSED, preparation_note=HOPELESS, **ENDED
    )
    return bool(changed)


def _unchanged(found: Competition) -> QuerySet[Competition]:
    """The row as it was looked at: a claim, a renewal or a new upload in between wins."""
    return Competition.objects.filter(
        pk=found.pk,
        preparation=Preparation.PREPARING,
        preparation_note=found.preparation_note,
        preparation_attempts=found.preparation_attempts,
        preparation_until=found.preparation_until,
    )
