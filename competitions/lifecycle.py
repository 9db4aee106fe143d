"""The life of a challenge: draft, open (and paused), closed. The reveal is in reveal.py.

Every transition is guarded, by the database's clock, in the transaction that makes it.
"""

from datetime import datetime, timedelta
from math import ceil
from typing import Any

from django.db import transaction

from competitions import audit, launch, standings
from competitions.deadlines import LONGEST_EXTENSION, TOO_FAR, Phase, clock, frozen_since, phase
from competitions.models import Act, Announcement, Competition, Kind, Preparation, State
from competitions.models.competition import LONGEST_FREEZE
from competitions.refusals import NotOpen, NotReady, Refused


def open_now(competition: Competition, by: Any = None, *, despite: str = "") -> None:
    """Draft or closed to open. Raises NotOpen, or NotReady where something is still missing.

    A draft is opened by its checklist; ``despite`` is the reason for going on where a check that
    may be overridden is not done.
    """
    with transaction.atomic():
        fresh = Competition.objects.locked(competition.pk)
        _require_openable(fresh)
        is_first = fresh.state == State.DRAFT
        overridden = launch.require(fresh, despite) if is_first else []
        fresh.state = State.OPEN
        fresh.opens_at = fresh.opens_at or clock(fresh)
        was_frozen, fresh.froze_at = fresh.froze_at is not None, None
        fresh.save(update_fields=["state", "opens_at", "froze_at"])
        if was_frozen:
            standings.rebuild(fresh)
        told: dict[str, Any] = {"overridden": overridden} if overridden else {}
        reason = despite.strip() if overridden else ""
        audit.record(fresh, by, Kind.OPENED, reason=reason, **told)


def _require_openable(competition: Competition) -> None:
    """What no reason overrides."""
    if competition.state == State.OPEN:
        raise NotOpen("It is open already, from its opening date on.")
    if competition.state == State.REVEALED:
        raise NotReady("It was revealed: everybody knows the end. It cannot be opened again.")
    if competition.preparation != Preparation.READY or competition.solution_id is None:
        raise NotReady(launch.NO_FILES)
    if competition.closes_at is not None and competition.closes_at <= clock(competition):
        raise NotReady(launch.OVER)
    if standings.lacks_a_step(competition):
        raise NotReady(standings.NO_STEP)


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


def freeze(competition: Competition, by: Any = None) -> None:
    """The board stands still from now on until the final one is published, or until ``thaw``.

    Files are taken and scored as before. Raises Refused where it has no end, from which a freeze
    is told, or where the end is further away than a freeze may last.
    """
    with transaction.atomic():
        fresh = Competition.objects.locked(competition.pk)
        if phase(fresh) not in (Phase.OPEN, Phase.PAUSED):
            raise NotOpen("Only the board of a challenge that runs can be frozen.")
        if fresh.closes_at is None:
            raise Refused("It has no end, and a freeze lasts until then. Set a closing date first.")
        if frozen_since(fresh) is not None:
            raise Refused("The board stands still already.")
        left = ceil((fresh.closes_at - clock(fresh)) / timedelta(minutes=1))
        if left > LONGEST_FREEZE:
            days = LONGEST_FREEZE // (24 * 60)
            raise Refused(f"The end is more than {days} days away, the longest that a freeze is.")
        _set_freeze(fresh, fresh.freeze_minutes or left, clock(fresh), by)


def thaw(competition: Competition, by: Any = None) -> None:
    """Takes a freeze by hand back: the board moves again, up to the freeze of its dates if any."""
    with transaction.atomic():
        fresh = Competition.objects.locked(competition.pk)
        if phase(fresh) not in (Phase.OPEN, Phase.PAUSED) or fresh.froze_at is None:
            raise NotOpen("The board was not frozen by hand, so that no hand lets it move again.")
        _set_freeze(fresh, _minutes_before(fresh), None, by)
        standings.rebuild(fresh)


def _set_freeze(fresh: Competition, minutes: int | None, at: datetime | None, by: Any) -> None:
    changed: dict[str, Any] = {
        "freeze_minutes": {"old": fresh.freeze_minutes, "new": minutes},
        "froze_at": {"old": _told(fresh.froze_at), "new": _told(at)},
    }
    fresh.freeze_minutes, fresh.froze_at = minutes, at
    fresh.save(update_fields=["freeze_minutes", "froze_at"])
    audit.record(fresh, by, Kind.SETTINGS_CHANGED, **changed)


def _minutes_before(frozen: Competition) -> int | None:
    """What the dates said before a hand froze the board."""
    acts = Act.objects.filter(competition=frozen, kind=Kind.SETTINGS_CHANGED)
    last = acts.filter(details__froze_at__new=_told(frozen.froze_at)).first()
    before: int | None = last.details["freeze_minutes"]["old"] if last else frozen.freeze_minutes
    return before


def _told(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def announce(competition: Competition, text: str, by: Any = None) -> Announcement:
    """A sentence to everybody who takes part, at once on every open screen."""
    words = " ".join(text.split())[:500]
    if not words:
        raise Refused("Write what you want to announce.")
    with transaction.atomic():
        audit.record(competition, by, Kind.ANNOUNCED, words)
        return Announcement.objects.create(competition=competition, text=words)
