"""The life of a challenge: draft, open (and paused), closed. The reveal is in reveal.py.

Every transition is guarded, by the database's clock, in the transaction that makes it.
"""

from datetime import datetime
from typing import Any

from django.db import transaction

from competitions import audit, standings
from competitions.deadlines import LONGEST_EXTENSION, TOO_FAR, Phase, clock, frozen_since, phase
from competitions.models import Announcement, Competition, Kind, Preparation, State
from competitions.refusals import NotOpen, NotReady, Refused


def open_now(competition: Competition, by: Any = None) -> None:
    """Draft or closed to open. Raises NotOpen, or NotReady where something is still missing."""
    with transaction.atomic():
        fresh = Competition.objects.locked(competition.pk)
        if fresh.state == State.OPEN:
            raise NotOpen("It is open already, from its opening date on.")
        if fresh.state == State.REVEALED:
            raise NotReady("It was revealed: everybody knows the end. It cannot be opened again.")
        if fresh.preparation != Preparation.READY or fresh.solution_id is None:
            raise NotReady("Upload train archive, test archive and solution first, then open it.")
        if fresh.closes_at is not None and fresh.closes_at <= clock(fresh):
            raise NotReady("Its closing date has passed. Set a later one (or none), then open it.")
        if standings.lacks_a_step(fresh):
            raise NotReady(standings.NO_STEP)
        fresh.state = State.OPEN
        fresh.opens_at = fresh.opens_at or clock(fresh)
        was_frozen, fresh.froze_at = fresh.froze_at is not None, None
        fresh.save(update_fields=["state", "opens_at", "froze_at"])
        if was_frozen:
            standings.rebuild(fresh)
        audit.record(fresh, by, Kind.OPENED)


def close_now(competition: Competition, by: Any = None) -> None:
    """Open to closed, at once, and that moment is its closing date from now on.

    Files already received are still scored.
    """
    with transaction.atomic():
        fresh = Competition.objects.locked(competition.pk)
        if fresh.state != State.OPEN:
            raise NotOpen("Only an open competition can be closed.")
        # The others keep the dates they were to have.
        if phase(fresh) in (Phase.OPEN, Phase.PAUSED):
            # Counted back from the earlier end, the freeze would take away what was shown.
            fresh.froze_at = frozen_since(fresh) or clock(fresh)
            fresh.closes_at = clock(fresh)
        fresh.state, fresh.paused_at = State.CLOSED, None
        fresh.save(update_fields=["state", "closes_at", "paused_at", "froze_at"])
        audit.record(fresh, by, Kind.CLOSED)


def pause(competition: Competition, by: Any = None) -> None:
    """No files are taken until it is resumed; what was received is scored, the clock runs on."""
    with transaction.atomic():
        fresh = Competition.objects.locked(competition.pk)
        if phase(fresh) is not Phase.OPEN:
            raise NotOpen("Only a challenge that runs can be paused.")
        fresh.paused_at = clock(fresh)
        fresh.save(update_fields=["paused_at"])
        audit.record(fresh, by, Kind.PAUSED)


def resume(competition: Competition, by: Any = None) -> None:
    with transaction.atomic():
        fresh = Competition.objects.locked(competition.pk)
        if phase(fresh) is not Phase.PAUSED:
            raise NotOpen("Only a paused challenge can be resumed.")
        fresh.paused_at = None
        fresh.save(update_fields=["paused_at"])
        audit.record(fresh, by, Kind.RESUMED)


def extend(competition: Competition, until: datetime, by: Any = None) -> None:
    """Moves the end of a running challenge to a later moment.

    A board that had frozen for the old end moves again until the new one's freeze. Raises Refused
    for an end that is not later, or later by more than ``LONGEST_EXTENSION``.
    """
    with transaction.atomic():
        fresh = Competition.objects.locked(competition.pk)
        if phase(fresh) not in (Phase.OPEN, Phase.PAUSED):
            raise NotOpen("Only a challenge that runs can be extended.")
        if fresh.closes_at is None:
            raise Refused("It has no end that could be moved. Set a closing date instead.")
        if until <= fresh.closes_at:
            raise Refused(
                "The new end must be later than the present one. To take an extension back, close "
                "the challenge, set the end that was meant on its form, and open it again."
            )
        if until - fresh.closes_at > LONGEST_EXTENSION:
            raise Refused(TOO_FAR)
        before, fresh.closes_at = fresh.closes_at, until
        fresh.save(update_fields=["closes_at"])
        if fresh.freeze_minutes is not None:
            standings.rebuild(fresh)
        moved = {"from": before.isoformat(), "to": until.isoformat()}
        audit.record(fresh, by, Kind.EXTENDED, **moved)


def announce(competition: Competition, text: str, by: Any = None) -> Announcement:
    """A sentence to everybody who takes part, at once on every open screen."""
    words = " ".join(text.split())[:500]
    if not words:
        raise Refused("Write what you want to announce.")
    with transaction.atomic():
        audit.record(competition, by, Kind.ANNOUNCED, words)
        return Announcement.objects.create(competition=competition, text=words)
