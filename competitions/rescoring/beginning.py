"""A rescoring begun, by a person, and dropped again. Nothing is read here: the labels are for the
workers alone."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from django.db import IntegrityError, transaction

from competitions import audit, files, solutions
from competitions.models import Competition, Kind, Rescoring, Stage, State
from competitions.models.rescoring import UNDER_WAY
from competitions.refusals import NotReady, Refused
from competitions.rescoring.settings import Settings, complaint

NOTE_LENGTH: int = Rescoring._meta.get_field("note").max_length or 0
RUNNING = "A rescoring is under way already. Apply it or drop it, then begin another one."
OUT_OF_TIME = {
    State.DRAFT: "A draft has no scores yet: change its files and its metric directly.",
    State.REVEALED: "The private board was revealed. What was wrong can be announced, but no score "
    "changes any more.",
}


def begin(
    competition: Competition,
    by: Any,
    note: str,
    wanted: Settings | None = None,
    solution: Iterable[bytes] | None = None,
) -> Rescoring:
    """Keeps what shall be otherwise; a worker goes on from here (see tasks.rescore).

    ``note`` is what everybody reads once it is applied, ``wanted`` the scoring in full (None: as
    it is), ``solution`` the bytes of a new solution. Raises Refused with a sentence.
    """
    text = told(note)
    possible(competition)  # an early no, before the bytes are stored
    inbox = "" if solution is None else files.store("solutions", iter(solution)).path
    with transaction.atomic():
        fresh = Competition.objects.locked(competition.pk)
        settings = _settled(fresh, wanted)
        if settings == Settings.of(fresh) and not inbox:
            raise Refused("Nothing would change: add a new solution, or change the metric.")
        return insert(
            fresh,
            by,
            note=text,
            inbox=inbox,
            new_metric=settings.kept(),
            new_custom_metric=settings.custom_metric,
        )


def possible(competition: Competition) -> None:
    """Raises NotReady where no rescoring can begin now."""
    if sentence := OUT_OF_TIME.get(State(competition.state)):
        raise NotReady(sentence)
    if Rescoring.objects.filter(competition=competition, stage__in=UNDER_WAY).exists():
        raise NotReady(RUNNING)


def _settled(competition: Competition, wanted: Settings | None) -> Settings:
    """What is wanted, once it fits together and the metric's own row is there. Raises Refused."""
    if wanted is None:
        return Settings.of(competition)
    if wrong := complaint(competition, wanted):
        raise Refused(wrong[1])
    if wanted.custom_metric is None:
        return wanted
    return replace(wanted, custom_metric=solutions.version_of(competition, wanted.custom_metric))


def insert(competition: Competition, by: Any, **columns: Any) -> Rescoring:
    """A rescoring of the locked competition away from what it has now. Raises NotReady."""
    possible(competition)
    present, solution = Settings.of(competition), competition.solution
    if solution is None:
        raise NotReady(OUT_OF_TIME[State.DRAFT])
    try:
        with transaction.atomic():
            made = Rescoring.objects.create(
                competition=competition,
                before=solution,
                old_metric=present.kept(),
                old_custom_metric=present.custom_metric,
                begun_by_id=None if by is None else by.pk,
                **columns,
            )
    except IntegrityError:
        raise NotReady(RUNNING) from None
    audit.record(
        competition,
        by,
        Kind.RESCORING_BEGUN,
        made,
        reason=made.note,
        old=made.old_metric,
        new=made.new_metric,
        with_a_new_solution=bool(made.inbox),
    )
    return made


def drop(rescoring: Rescoring, by: Any = None) -> None:
    """Gives it up: nothing has changed for anybody. Raises NotReady where it is over already."""
    with transaction.atomic():
        competition = Competition.objects.locked(rescoring.competition_id)
        under_way = Rescoring.objects.filter(pk=rescoring.pk, stage__in=UNDER_WAY)
        if not under_way.update(stage=Stage.DROPPED):
            raise NotReady("This rescoring is over already.")
        audit.record(competition, by, Kind.RESCORING_DROPPED, rescoring)


def told(note: str) -> str:
    """The note as everybody will read it. Raises Refused for none, or one too long."""
    text = " ".join(note.split())
    if not text:
        raise Refused("Write what was wrong and what changes: everybody reads it.")
    if len(text) > NOTE_LENGTH:
        raise Refused(f"The note may have {NOTE_LENGTH} characters, and this one has {len(text)}.")
    return text
