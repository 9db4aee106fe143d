"""When a competition is open. The database's clock decides, never a web server's."""

from datetime import datetime
from enum import StrEnum

from django.db import transaction

from competitions.models import Competition, Preparation, State
from competitions.refusals import NotOpen, NotReady


class Phase(StrEnum):
    """What the state and the dates together mean now."""

    DRAFT = "draft"
    UPCOMING = "upcoming"
    OPEN = "open"
    CLOSED = "closed"


def phase(competition: Competition) -> Phase:
    """The phase at the moment the competition was read (its ``clock``)."""
    if competition.state == State.DRAFT:
        return Phase.DRAFT
    if competition.state == State.CLOSED:
        return Phase.CLOSED
    now = clock(competition)
    if competition.opens_at is not None and now < competition.opens_at:
        return Phase.UPCOMING
    if competition.closes_at is not None and now >= competition.closes_at:
        return Phase.CLOSED
    return Phase.OPEN


def read(pk: int) -> Competition:
    """The competition as it is now, with a fresh clock."""
    return Competition.objects.get(pk=pk)


def database_time(competition_pk: int) -> datetime:
    """The database's time, asked for now."""
    return clock(read(competition_pk))


def clock(competition: Competition) -> datetime:
    """The database's time at the moment the competition was read (see CompetitionManager)."""
    moment: datetime = competition.clock  # type: ignore[attr-defined]  # the manager's annotation
    return moment


def require_open(pk: int) -> Competition:
    """The competition, read now; raises NotOpen outside its open phase.

    Called inside the transaction that takes the submission, so that both see the same moment.
    """
    competition = read(pk)
    match phase(competition):
        case Phase.OPEN:
            return competition
        case Phase.UPCOMING:
            raise NotOpen(f"Submissions open at {_utc(competition.opens_at)}. Nothing was sent.")
        case Phase.CLOSED:
            raise NotOpen("This challenge is closed and takes no more submissions.")
        case _:
            raise NotOpen("This challenge is a draft and takes no submissions yet.")


def open_now(competition: Competition) -> None:
    """Draft or closed to open. Raises NotReady where the files are not prepared."""
    with transaction.atomic():
        fresh = Competition.objects.select_for_update().get(pk=competition.pk)
        if fresh.preparation != Preparation.READY or fresh.solution_id is None:
            raise NotReady("Upload train archive, test archive and solution first, then open it.")
        if fresh.closes_at is not None and fresh.closes_at <= clock(fresh):
            raise NotReady("Its closing date has passed. Set a later one (or none), then open it.")
        fresh.state = State.OPEN
        fresh.opens_at = fresh.opens_at or clock(fresh)
        fresh.save(update_fields=["state", "opens_at"])


def close_now(competition: Competition) -> None:
    """Open to closed, at once, and that moment is its closing date from now on.

    Files already received are still scored.
    """
    with transaction.atomic():
        fresh = Competition.objects.select_for_update().get(pk=competition.pk)
        if fresh.state != State.OPEN:
            raise NotOpen("Only an open competition can be closed.")
        if phase(fresh) is Phase.OPEN:  # one that never opened keeps the dates it was to have
            fresh.closes_at = clock(fresh)
        fresh.state = State.CLOSED
        fresh.save(update_fields=["state", "closes_at"])


def _utc(moment: datetime | None) -> str:
    return f"{moment:%d %B %Y, %H:%M} UTC" if moment else "a date not set yet"
