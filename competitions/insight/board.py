"""The statistics of the public board: who is tied with the leader, and where they were an hour ago.

``refresh`` reads without a lock, works, and then writes under the competition's lock whatever has
not changed meanwhile. A board that moved on is found by ``stale``, and done once more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from math import sqrt
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from competitions import deadlines
from competitions.insight import alarms, columns, moves
from competitions.insight.columns import Known
from competitions.insight.field import Entrant, Field, around, coarse
from competitions.models import BoardStatistics, Competition, Feedback, Standing, State
from competitions.models.standing import BEST_FIRST
from competitions.standings import BATCH, USUAL_SHARE, Rules

MOST = 200  # teams: comparing more takes seconds and tells little
MOVES_AGE = timedelta(minutes=5)  # the moves of the last hour go on without any new score
QUIET_AFTER = timedelta(days=1)  # after the end nothing moves any more


class Told(NamedTuple):
    """What open boards hear: the teams whose lines changed, and with whom they were compared."""

    competition_id: int
    version: int
    leader: tuple[int, float] | None  # team and displayed score
    noise: float | None
    teams: frozenset[int]


class Outcome(NamedTuple):
    """``told``: None where nothing changed. A run that is not complete ran out of time."""

    told: Told | None = None
    is_complete: bool = True


class Facts(NamedTuple):
    """Of one line. No interval: the one that it has says it all."""

    tied: bool
    expected: float | None  # for a baseline
    interval: tuple[float, float] | None


@dataclass(frozen=True)
class Judgement:
    """What the files tell of a board; ``facts`` by standing."""

    facts: Mapping[int, Facts] = field(default_factory=dict)
    leader: Standing | None = None
    noise: float | None = None
    is_complete: bool = True


def refresh(competition_pk: int, seconds: float = columns.SECONDS) -> Outcome:
    """The statistics of the board as it is now; ``seconds`` go into reading files."""
    found = Competition.objects.select_related("solution", "custom_metric")
    competition = found.exclude(state=State.DRAFT).filter(pk=competition_pk).first()
    if competition is None or competition.solution_id is None:
        return Outcome()
    rules = Rules.of(competition)
    best = _best(competition)
    moved = _write_moves(competition, rules)
    judgement = _judge(competition, rules, best, seconds)
    return Outcome(_write(competition, best, judgement, moved), judgement.is_complete)


def stale() -> list[int]:
    """The boards whose statistics are older than they are, or than the moves of the last hour."""
    boards = Competition.objects.exclude(state=State.DRAFT).filter(board_version__gt=0)
    lagging = Q(statistics=None) | Q(statistics__version__lt=F("board_version"))
    running = Q(closes_at=None) | Q(closes_at__gt=Now() - QUIET_AFTER)
    old = boards.filter(running, statistics__computed_at__lt=Now() - MOVES_AGE)
    still_moving = [
        pk for pk, at in old.values_list("pk", "statistics__computed_at") if _moves(pk, at)
    ]
    return list({*boards.filter(lagging).values_list("pk", flat=True), *still_moving})


def _moves(competition_pk: int, computed_at: Any) -> bool:
    """Whether anybody had improved within the hour before: his arrow fades as time goes on."""
    lines = Standing.objects.filter(competition=competition_pk)
    return lines.filter(reached_at__gt=computed_at - moves.SPAN).exclude(sort_key=None).exists()


def _best(competition: Competition) -> list[Standing]:
    ranked = Standing.objects.filter(competition=competition).exclude(sort_key=None)
    ordered = ranked.order_by(*BEST_FIRST)
    return list(ordered.select_related("submission").defer("curve")[:MOST])


# --- what the files tell -------------------------------------------------------------------------


def _judge(
    competition: Competition, rules: Rules, best: Sequence[Standing], seconds: float
) -> Judgement:
    """Of hidden scores, and under the Ladder, only the host's alarm reads files:

    whether two files differ would be an answer that the Ladder does not give.
    """
    leader = next((one for one in best if not one.is_baseline), None)
    compared = list(best) if competition.feedback != Feedback.LADDER else []
    suspects = alarms.suspects(competition, _teams(competition, rules, best), rules.direction)[
        :MOST
    ]
    paths = [one.submission.path for one in compared] + [one.path for one in suspects]
    known = columns.read(competition, paths, "public", seconds)
    alarms.look(competition, suspects, known)
    is_complete = all(path in known for path in paths)
    if rules.hides_scores:
        return Judgement(is_complete=is_complete)
    compared = [one for one in compared if known.get(one.submission.path)]
    if leader is None or leader not in compared:
        return Judgement({}, leader, _unpaired(leader, rules), is_complete)
    return _compare(competition, rules, compared, leader, known, is_complete)


def _teams(competition: Competition, rules: Rules, best: Sequence[Standing]) -> list[int]:
    """Those who compete: the best, or all of a board whose scores are hidden, and so without an
    order."""
    if not rules.hides_scores:
        return [one.team_id for one in best if not one.is_baseline]
    lines = Standing.objects.filter(competition=competition, is_baseline=False)
    return list(lines.values_list("team_id", flat=True))


def _compare(
    competition: Competition,
    rules: Rules,
    compared: Sequence[Standing],
    leader: Standing,
    known: Mapping[str, Known | None],
    is_complete: bool,
) -> Judgement:
    everybody = Field.of([_entrant(one, known) for one in compared], rules)
    halves = everybody.halves()
    bounds = competition.metric_facts.bounds
    rows = zip(compared, everybody.tied(), everybody.expected(), halves, strict=True)
    facts = {
        one.pk: Facts(tied, expected, _interval(one, half, rules, bounds))
        for one, tied, expected, half in rows
    }
    noise = everybody.noise()
    if noise is None:
        noise = _unpaired(leader, rules, halves[compared.index(leader)])
    return Judgement(facts, leader, noise, is_complete)


def _entrant(one: Standing, known: Mapping[str, Known | None]) -> Entrant:
    found = known[one.submission.path]
    assert found is not None and one.score is not None  # noqa: S101  (asked before)
    return Entrant(one.pk, one.score, one.is_baseline, found.evidence)


def _interval(
    one: Standing, half: float, rules: Rules, bounds: tuple[float, float]
) -> tuple[float, float] | None:
    """Only where the score alone does not give one already."""
    if rules.interval_rows is not None or one.score is None:
        return None
    return around(one.score, half, rules, bounds)


def _unpaired(leader: Standing | None, rules: Rules, half: float | None = None) -> float | None:
    """The bound for two scores of which nothing is known but the number of rows."""
    if rules.interval_rows is not None:
        low, high = rules.interval(leader.score if leader else USUAL_SHARE)
        half = None if low is None or high is None else (high - low) / 2
    return None if half is None else coarse(sqrt(2) * half, rules.decimals + 1)


# --- what is written -----------------------------------------------------------------------------


def _write_moves(competition: Competition, rules: Rules) -> set[int]:
    """In short transactions: ranks shift by the thousand, and a score must not wait for that."""
    rows = Standing.objects.filter(competition=competition).values_list(
        "pk", "team_id", "is_baseline", "curve", "rank_before"
    )
    paths = [moves.Path(*row) for row in rows]
    then = deadlines.clock(competition) - moves.SPAN
    changed = moves.changed(paths, then, rules.direction)
    lines = [Standing(pk=pk, rank_before=place) for pk, place in changed.items()]
    for start in range(0, len(lines), BATCH):
        with transaction.atomic():
            Competition.objects.locked(competition.pk)
            Standing.objects.bulk_update(lines[start : start + BATCH], ["rank_before"])
    return {path.team_id for path in paths if path.key in changed}


def _write(
    competition: Competition, best: Sequence[Standing], judgement: Judgement, moved: set[int]
) -> Told | None:
    """One transaction. The statistics then say of which version they are: of the one they make."""
    with transaction.atomic():
        fresh = Competition.objects.locked(competition.pk)
        if _terms(fresh) != _terms(competition):
            return None  # another solution or other rules: whoever changed them made the board anew
        changed = moved | _write_facts(best, judgement) | _forget(competition, best, judgement)
        is_news = _write_statistics(competition, judgement, bool(changed))
        if not is_news:
            return None
    leader = judgement.leader
    return Told(
        competition_id=competition.pk,
        version=fresh.board_version + 1,
        leader=None if leader is None or leader.score is None else (leader.team_id, leader.score),
        noise=judgement.noise,
        teams=frozenset(changed),
    )


def _terms(competition: Competition) -> tuple[Any, ...]:
    shown = (competition.decimals, competition.feedback, competition.published_at is None)
    metric = (competition.metric, competition.metric_parameters, competition.custom_metric_id)
    return competition.solution_id, competition.layout, metric, shown


def _write_facts(best: Sequence[Standing], judgement: Judgement) -> set[int]:
    """A line that stands by another file meanwhile is left alone: nothing is known of that one."""
    seen = {one.pk: (one.submission_id, one.score) for one in best}
    changed = []
    for one in Standing.objects.filter(pk__in=judgement.facts).defer("curve"):
        tied, expected, interval = judgement.facts[one.pk]
        after = (tied, expected, *(interval or (one.low, one.high)))
        is_same = (one.submission_id, one.score) == seen[one.pk]
        if is_same and after != (one.tied, one.expected, one.low, one.high):
            one.tied, one.expected, one.low, one.high = after
            changed.append(one)
    Standing.objects.bulk_update(changed, ["tied", "expected", "low", "high"])
    return {one.team_id for one in changed}


def _forget(competition: Competition, best: Sequence[Standing], judgement: Judgement) -> set[int]:
    """Lines that are compared no more: further down by now, or the rules have changed."""
    kept = judgement.facts if judgement.is_complete else [one.pk for one in best]
    lines = Standing.objects.filter(competition=competition).exclude(pk__in=list(kept))
    told = lines.exclude(tied=None, expected=None)
    teams = set(told.values_list("team_id", flat=True))
    if teams:
        told.update(tied=None, expected=None)
    return teams


def _write_statistics(seen: Competition, judgement: Judgement, is_changed: bool) -> bool:
    """Whether there was something to tell; then the board has a new version."""
    leader = judgement.leader.submission_id if judgement.leader else None
    before = BoardStatistics.objects.filter(competition=seen).first()
    known = (before.leader_id, before.noise) if before else (None, None)
    is_news = is_changed or known != (leader, judgement.noise)
    version = seen.board_version
    if not judgement.is_complete:
        version = max(0, version - 1)  # older than any board: the sweep goes on with it
    elif is_news:
        version += 1  # the one that is made now, unless the board has moved on meanwhile
    if is_news:
        Competition.objects.move_board_on(seen.pk)
    fields = {
        "version": version,
        "computed_at": deadlines.clock(seen),
        "leader_id": leader,
        "noise": judgement.noise,
    }
    BoardStatistics.objects.update_or_create(competition=seen, defaults=fields)
    return is_news
