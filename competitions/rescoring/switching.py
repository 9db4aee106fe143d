"""The switch from one solution and metric to the other: one transaction, and the way back."""

from typing import Any, NamedTuple

from django.db import transaction

from competitions import audit, files, standings
from competitions.deadlines import clock
from competitions.models import (
    Announcement,
    BoardStatistics,
    Competition,
    DataFile,
    Kind,
    Rescoring,
    Stage,
    State,
)
from competitions.refusals import NotReady
from competitions.rescoring.beginning import OUT_OF_TIME, insert, told
from competitions.rescoring.running import missing
from competitions.rescoring.settings import NAMES, Settings

NOT_READY = {
    Stage.READING: "The new solution is still being read.",
    Stage.SCORING: "Not every file is scored again yet.",
    Stage.APPLIED: "It is applied already.",
    Stage.DROPPED: "It was dropped.",
    Stage.REFUSED: "It was refused.",
}
CHANGED = (
    "The challenge is scored otherwise now than when this rescoring began. Drop it, then begin "
    "another one."
)


class Undoing(NamedTuple):
    """The rescoring the other way, and what was announced if it is applied already."""

    rescoring: Rescoring
    announcement: Announcement | None


def apply(rescoring: Rescoring, by: Any = None) -> Announcement:
    """Solution, metric and board change at once, with the note to everybody. Raises NotReady."""
    with transaction.atomic():
        competition = Competition.objects.locked(rescoring.competition_id)
        fresh = Rescoring.objects.select_related("before", "after").get(pk=rescoring.pk)
        _require_applicable(fresh, competition)
        _switch(fresh, competition)
        standings.rebuild(competition)
        # What was found out about the other scores says nothing of these.
        BoardStatistics.objects.filter(competition=competition).delete()
        changed = Rescoring.objects.filter(pk=fresh.pk, stage=Stage.READY)
        changed.update(stage=Stage.APPLIED, applied_at=clock(competition))
        audit.record(
            competition,
            by,
            Kind.RESCORING_APPLIED,
            fresh,
            reason=fresh.note,
            old=fresh.old_metric,
            new=fresh.new_metric,
            solution=[str(fresh.before), str(fresh.after)],
        )
        return Announcement.objects.create(competition=competition, text=fresh.note)


def undo(rescoring: Rescoring, by: Any, note: str) -> Undoing:
    """Begins the way back: the old scores are all there, but for files that came since.

    Where there are none of these it is applied at once. Raises NotReady unless the rescoring is
    the last one that was applied, Refused without a note.
    """
    text = told(note)
    with transaction.atomic():
        competition = Competition.objects.locked(rescoring.competition_id)
        last = last_applied(competition)
        if last is None or last.pk != rescoring.pk:
            raise NotReady("Only the last rescoring that was applied can be undone.")
        back = insert(
            competition,
            by,
            note=text,
            stage=Stage.SCORING,
            after=last.before,
            new_metric=last.old_metric,
            new_custom_metric=last.old_custom_metric,
            undoes=last,
        )
        if missing(back).exists():
            return Undoing(back, None)
        Rescoring.objects.filter(pk=back.pk).update(stage=Stage.READY)
        announcement = apply(back, by)
        back.refresh_from_db()
        return Undoing(back, announcement)


def last_applied(competition: Competition) -> Rescoring | None:
    """The one whose scores the board shows now, if any was ever applied."""
    applied = Rescoring.objects.filter(competition=competition, stage=Stage.APPLIED)
    return applied.order_by("-applied_at", "-pk").first()


def _require_applicable(rescoring: Rescoring, competition: Competition) -> None:
    if sentence := NOT_READY.get(Stage(rescoring.stage)):
        raise NotReady(sentence)
    if sentence := OUT_OF_TIME.get(State(competition.state)):
        raise NotReady(sentence)
    is_as_it_was = competition.solution_id == rescoring.before_id
    if not is_as_it_was or Settings.of(competition) != Settings.before(rescoring):
        raise NotReady(CHANGED)
    if count := missing(rescoring).count():
        raise NotReady(
            f"{count} files came in meanwhile and are being scored again. Try again in a moment, "
            "or pause the challenge first."
        )


def _switch(rescoring: Rescoring, competition: Competition) -> None:
    """The columns, and the sample submission, whose form another metric may change."""
    Settings.after(rescoring).put(competition)
    competition.solution = rescoring.after
    competition.save(update_fields=["solution", "custom_metric", *NAMES])
    samples = DataFile.objects.filter(competition=competition, name=files.SAMPLE)
    present, wanted = samples.values("path", "size", "sha256").first(), rescoring.new_metric
    if present and "sample" in wanted:
        samples.update(**wanted["sample"])
        rescoring.old_metric["sample"] = present  # for the way back
        rescoring.save(update_fields=["old_metric"])
