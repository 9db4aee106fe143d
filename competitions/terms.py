"""What an organiser changes on a challenge's form, before it opens and while it runs.

People plan with the dates and play by the scoring, so what may still change hangs on the phase and
on whether anybody has a score. That is decided here, on the row as it is when it is written.
"""

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any

from django.db import transaction

from competitions import audit, standings
from competitions.deadlines import LONGEST_EXTENSION, TOO_FAR, Phase, clock, frozen_since, phase
from competitions.models import Competition, Feedback, Kind, PublicScore, State
from competitions.refusals import Refused

FEEDBACK = ("feedback", "ladder_step")
SCORING = ("decimals", *FEEDBACK)
DATES = ("opens_at", "closes_at", "freeze_minutes")
LONGEST_VALUE = 300  # characters of a page that the audit log keeps, before and after

SETTLED = (
    "It stays as it is since the first score: another choice would judge by other rules the files "
    "that are there already."
)
EARLIER = (
    "People plan with its end, so it only moves back. To take a later end back, “Close” the "
    "challenge, set the end that was meant here, and “Open” it again."
)


def complaints(
    present: Competition, wanted: Competition, changed: Collection[str]
) -> Iterator[tuple[str, str]]:
    """What speaks against the change: the field, and a sentence for whoever filled it in.

    ``present`` is the row as it is, read with its clock; ``changed`` names the columns in which
    ``wanted`` differs.
    """
    if any(name in changed for name in SCORING) and has_scores(present):
        yield from ((name, SETTLED) for name in SCORING if name in changed)
    if any(name in changed for name in FEEDBACK):
        yield from _about_the_ladder(wanted)
    if present.state == State.REVEALED:
        words = "The challenge was revealed; its dates are history."
        yield from ((name, words) for name in DATES if name in changed)
        return
    if "opens_at" in changed:
        yield from _about_the_opening(present)
    if "closes_at" in changed:
        yield from _about_the_end(present, wanted)
    if any(name in changed for name in DATES):
        yield from _about_the_freeze(present, wanted)


def change(wanted: Competition, changed: Collection[str], by: Any = None) -> bool:
    """Writes the ``changed`` columns of ``wanted``; True where the whole board was made anew.

    Raises Refused, with nothing written, where something speaks against it.
    """
    with transaction.atomic():
        present = Competition.objects.locked(wanted.pk)
        if wrong := [sentence for _, sentence in complaints(present, wanted, changed)]:
            raise Refused(" ".join(dict.fromkeys(wrong)))
        columns = set(changed)
        if "closes_at" in columns and phase(present) is Phase.CLOSED:
            # A later date alone opens nothing again and thaws no board: a person does.
            wanted.state = State.CLOSED
            wanted.froze_at = present.froze_at or frozen_since(present)
            columns |= {"state", "froze_at"}
        wanted.save(update_fields=columns)
        if changed:
            differences = _differences(present, wanted, changed)
            audit.record(wanted, by, Kind.SETTINGS_CHANGED, **differences)
        is_anew = _moves_the_board(wanted, changed) and has_scores(present)
        if is_anew:
            standings.rebuild(wanted)
        return is_anew


def has_scores(competition: Competition) -> bool:
    return PublicScore.objects.filter(submission__team__competition=competition.pk).exists()


def _about_the_ladder(wanted: Competition) -> Iterator[tuple[str, str]]:
    if wanted.ladder_step is not None and wanted.feedback != Feedback.LADDER:
        yield "ladder_step", "Only the Ladder has a step: choose it too, or leave this empty."
    if standings.lacks_a_step(wanted):
        yield "ladder_step", standings.NO_STEP


def _about_the_opening(present: Competition) -> Iterator[tuple[str, str]]:
    if present.state == State.DRAFT:
        return
    if present.opens_at is None or present.opens_at <= clock(present):
        yield "opens_at", "It has opened; that moment stays. “Pause” stops it for a while."


def _about_the_end(present: Competition, wanted: Competition) -> Iterator[tuple[str, str]]:
    now, end = phase(present), wanted.closes_at
    if now.is_running and end is None:
        yield "closes_at", "People plan with its end. “Extend” moves it, “Close” ends it now."
    elif now.is_running and present.closes_at and end and end < present.closes_at:
        yield "closes_at", EARLIER
    elif now.is_running and end and end - _latest(present) > LONGEST_EXTENSION:
        yield "closes_at", TOO_FAR
    elif end is not None and now is not Phase.DRAFT and end <= clock(present):
        yield "closes_at", f"It must lie ahead: now it is {_utc(clock(present))}."


def _latest(present: Competition) -> datetime:
    """From when a new end is counted: the end that there is, or now."""
    return max(clock(present), present.closes_at or clock(present))


def _about_the_freeze(present: Competition, wanted: Competition) -> Iterator[tuple[str, str]]:
    if wanted.freeze_minutes is None:
        return
    freezes_at = wanted.freezes_at
    if freezes_at is None:
        yield "freeze_minutes", "Set a closing date too: the freeze is counted back from it."
    elif wanted.opens_at is not None and freezes_at <= wanted.opens_at:
        yield "freeze_minutes", "The board would stand still from the start. Take fewer minutes."
    elif phase(present) is not Phase.DRAFT and freezes_at < _shown_until(present):
        yield "freeze_minutes", "The board would lose what everybody has seen. Take fewer minutes."


def _shown_until(present: Competition) -> datetime:
    """Up to when the files are on the board that everybody sees."""
    return min(clock(present), present.freezes_at or clock(present))


def _moves_the_board(wanted: Competition, changed: Collection[str]) -> bool:
    if "closes_at" in changed and wanted.freeze_minutes is not None:
        return True
    return any(name in changed for name in (*FEEDBACK, "freeze_minutes"))


def _differences(
    present: Competition, wanted: Competition, changed: Collection[str]
) -> dict[str, Any]:
    """Old and new value of each column, as JSON."""
    return {
        name: {"old": _told(getattr(present, name)), "new": _told(getattr(wanted, name))}
        for name in sorted(changed)
    }


def _told(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, str):
        return value if len(value) <= LONGEST_VALUE else f"{value[:LONGEST_VALUE]}…"
    if value is None or isinstance(value, bool | int | float | dict):
        return value
    return str(value)  # the organiser's own metric: its file's name, never its source


def _utc(moment: datetime) -> str:
    return f"{moment:%d %b %Y, %H:%M} UTC"
