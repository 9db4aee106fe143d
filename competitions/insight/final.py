"""The statistics of the final board, from the private rows: there are none before the reveal."""

from collections.abc import Sequence
from typing import NamedTuple

from django.db import transaction
from django.db.models import Exists, OuterRef

from competitions.insight import columns
from competitions.insight.board import MOST
from competitions.insight.field import Entrant, Field, around
from competitions.models import Competition, FinalStanding, State
from competitions.models.metrics import CUSTOM
from competitions.models.standing import BEST_FIRST
from competitions.standings import BATCH, Rules
from scoring.evidence import Evidence

FOUND = ("tied", "rank_low", "rank_high", "low", "high")


class Outcome(NamedTuple):
    """A run that is not complete ran out of time, and has written nothing."""

    is_changed: bool
    is_complete: bool = True


class Place(NamedTuple):
    """Between which ranks a team may be, whether it is tied with the winner, half its interval."""

    ranks: tuple[int, int]
    tied: bool
    half: float | None


def complete(competition_pk: int, seconds: float = columns.SECONDS) -> Outcome:
    """Fills in what the rows tell of the best places, once all files are read."""
    found = Competition.objects.select_related("solution", "custom_metric")
    competition = found.filter(pk=competition_pk, state=State.REVEALED).first()
    if competition is None or competition.metric == CUSTOM:
        return Outcome(is_changed=False)
    ordered = FinalStanding.objects.filter(competition=competition).order_by(*BEST_FIRST)
    best = list(ordered.select_related("team", "submission")[:MOST])
    paths = [one.submission.path for one in best]
    known = columns.read(competition, paths, "private", seconds)
    if any(path not in known for path in paths):
        return Outcome(is_changed=False, is_complete=False)
    evidence = {path: its.evidence for path, its in known.items() if its is not None}
    if not evidence and any(columns.is_waiting(competition, path, "private") for path in paths):
        return Outcome(is_changed=False)  # the storage is away: the sweep rings again
    teams = FinalStanding.objects.filter(competition=competition, rank__isnull=False).count()
    places = _places(best, evidence, Rules.of(competition), teams)
    return Outcome(_write(competition, best, places))


def lacking() -> list[int]:
    """The revealed challenges whose final board has no statistics yet."""
    lines = FinalStanding.objects.filter(competition=OuterRef("pk"))
    revealed = Competition.objects.filter(state=State.REVEALED).exclude(metric=CUSTOM)
    waiting = revealed.filter(Exists(lines), ~Exists(lines.filter(tied__isnull=False)))
    return list(waiting.values_list("pk", flat=True))


def _places(
    best: Sequence[FinalStanding], evidence: dict[str, Evidence], rules: Rules, teams: int
) -> dict[int, Place]:
    """By standing. Where no file tells anything, nothing tells the teams apart."""
    compared = [one for one in best if one.submission.path in evidence]
    if not any(one.rank for one in compared):
        return {one.pk: Place((1, max(teams, 1)), True, None) for one in best}
    entrants = [
        Entrant(one.pk, one.score, one.rank is None, evidence[one.submission.path])
        for one in compared
    ]
    everybody = Field.of(entrants, rules)
    unread = sum(one.rank is not None for one in best) - len(everybody.teams)
    ranks = everybody.rank_sets(teams - len(everybody.teams) - unread, unread)
    rows = zip(compared, ranks, everybody.tied(), everybody.halves(), strict=True)
    return {one.pk: Place(its, tied, half) for one, its, tied, half in rows}


def _write(
    competition: Competition, best: Sequence[FinalStanding], places: dict[int, Place]
) -> bool:
    """Whether a line changed; one that was made anew meanwhile is left to the sweep."""
    rules, bounds = Rules.of(competition), competition.metric_facts.bounds
    seen = {one.pk: (one.submission_id, one.score) for one in best}
    with transaction.atomic():
        Competition.objects.locked(competition.pk)
        lines = [
            one
            for one in FinalStanding.objects.filter(pk__in=places).select_related("team")
            if (one.submission_id, one.score) == seen[one.pk]
        ]
        changed = []
        for one in lines:
            place, before = places[one.pk], [getattr(one, name) for name in FOUND]
            one.tied = place.tied
            if one.rank is not None:
                one.rank_low, one.rank_high = place.ranks
            if rules.interval_rows is None and place.half is not None:
                one.low, one.high = around(one.score, place.half, rules, bounds)
            if before != [getattr(one, name) for name in FOUND]:
                changed.append(one)
        FinalStanding.objects.bulk_update(changed, FOUND, batch_size=BATCH)
    return bool(changed)
