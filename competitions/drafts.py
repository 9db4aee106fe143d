"""A new challenge: a draft and its owner, before there is a single file."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from competitions.models import Competition, Organiser, Preparation, Role, State
from competitions.refusals import Refused


def begin(title: str, slug: str, by: Any = None, **settings: Any) -> Competition:
    """A draft of which ``by`` is the owner. Raises Refused, naming the field."""
    if Competition.objects.filter(slug=slug).exists():
        raise Refused(f"There is a challenge at /competitions/{slug}/ already. Take another name.")
    competition = Competition(title=title.strip() or slug, slug=slug, **settings)
    _check(competition)
    with transaction.atomic():
        competition.save()
        if by is not None:
            Organiser.objects.create(competition=competition, user_id=by.pk, role=Role.OWNER)
    return Competition.objects.get(pk=competition.pk)


def empty(slug: str, by: Any) -> Competition | None:
    """A draft of that name that the person began and that has no images yet, to go on with."""
    drafts = Competition.objects.filter(slug=slug, state=State.DRAFT, preparation=Preparation.EMPTY)
    return drafts.filter(organisers__user=by.pk, organisers__role=Role.OWNER).first()


def change(competition: Competition, title: str, **settings: Any) -> Competition:
    """The empty draft as the form that is sent again wants it. Raises Refused, naming the field.

    Another metric takes its own parameters and layout: those of the last one need not fit it.
    """
    if settings.get("metric", competition.metric) != competition.metric:
        settings = {"metric_parameters": {}, "layout": "", **settings}
    wanted = {"title": title.strip() or competition.slug, **settings}
    for name, value in wanted.items():
        setattr(competition, name, value)
    _check(competition)
    competition.save(update_fields=list(wanted))
    return competition


def _check(competition: Competition) -> None:
    try:
        competition.full_clean(exclude=["custom_metric"])
    except ValidationError as error:
        raise Refused(_sentence(error)) from None


def _sentence(error: ValidationError) -> str:
    return " ".join(
        f"{field.replace('_', ' ').capitalize()}: {' '.join(words)}"
        for field, words in error.message_dict.items()
    )
