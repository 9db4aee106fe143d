"""A new draft made of a challenge: its pages, settings and images, and nobody in it."""

from typing import Any

from django.db import transaction

from competitions import audit, drafts, preparing
from competitions.models import (
    ClassSample,
    Competition,
    CustomMetric,
    DataFile,
    Finding,
    Kind,
    ModelRules,
    Preparation,
    SolutionVersion,
)
from competitions.refusals import Refused

# Dates, people and what came of them stay where they are.
COPIED = (
    "summary", "overview", "data_page", "rules", "metric", "metric_parameters", "layout",
    "decimals", "public_fraction", "daily_limit", "lifetime_limit", "max_team_size", "feedback",
    "ladder_step", "freeze_minutes", "late_submissions", "prizes", "image_spec", "admission",
    "admitted_domains", "grading_formula", "preparation_note", "preparation_inbox",
)  # fmt: skip


def clone(competition: Competition, slug: str, title: str, by: Any = None) -> Competition:
    """The draft, of which ``by`` is the owner. The images, their names and the split are the same.

    Raises Refused for a name that is taken, or where there are no images yet.
    """
    with transaction.atomic():
        source = Competition.objects.locked(competition.pk)
        if source.preparation != Preparation.READY or source.solution_id is None:
            raise Refused("It has no images yet. Build it first, then clone it.")
        made = drafts.begin(title, slug, by)
        own = _metric(source, made)
        values = {name: getattr(source, name) for name in COPIED}
        if source.freeze_minutes and source.closes_at:
            values["freeze_minutes"] = None  # counted back from an end that the clone has not
        solution = _solution(source, made)
        # The leak report, too: what nobody has decided there is as undecided here.
        for model in (DataFile, ClassSample, Finding, ModelRules):
            _copy(model, source, made)
        Competition.objects.filter(pk=made.pk).update(
            **values,
            custom_metric=own,
            solution=solution,
            preparation=Preparation.READY,
        )
        preparing.renew_notebook(made)
        audit.record(source, by, Kind.CLONED, slug)
        audit.record(made, by, Kind.CLONED, source.slug)
    return Competition.objects.get(pk=made.pk)


def _metric(source: Competition, made: Competition) -> CustomMetric | None:
    if source.custom_metric is None:
        return None
    own = source.custom_metric.turned(source.custom_metric.direction)
    own.competition = made
    own.save()
    return own


def _solution(source: Competition, made: Competition) -> SolutionVersion:
    version = SolutionVersion.objects.get(competition=source, pk=source.solution_id or 0)
    version.pk, version.competition, version.version = None, made, 1
    version.verified_at, version.verification, version.seed = None, "", ""
    version._state.adding = True
    version.save()
    return version


def _copy(model: Any, source: Competition, made: Competition) -> None:
    rows = list(model.objects.filter(competition=source))
    for row in rows:
        row.pk, row.competition = None, made
        row._state.adding = True
    model.objects.bulk_create(rows)
