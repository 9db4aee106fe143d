"""What the public board may show of each team: the only writer of ``Standing``.

A standing follows from the team's scored files alone, in the order in which they were received,
so that it is the same whichever file a worker ends first, and the same when all are made anew.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from math import sqrt
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import QuerySet

from competitions.models import Competition, Feedback, PublicScore, Standing, Submission, Team
from scoring import displayed, wilson
from scoring.ladder import LadderState, fixed_step, ladder_step

BATCH = 500
# Of tens of thousands of files at once, what a standing follows from and no more.
FOLDED = (
    "solution",
    "value",
    "shown",
    "submission__team",
    "submission__received_at",
    "submission__is_late",
    "submission__pick",
)
# The standard error is taken at this share of right answers, as the steps of the Ladder are.
USUAL_SHARE = 0.9


@dataclass(frozen=True)
class Rules:
    """How a competition shows a public score."""

    decimals: int
    direction: Any
    step: float | None  # of the Ladder
    hides_scores: bool
    frozen_from: datetime | None
    interval_rows: int | None  # the public rows where a score is a share of them
    bounds: tuple[float, float]

    @classmethod
    def of(cls, competition: Competition) -> "Rules":
        facts = competition.metric_facts
        rows = competition.solution.public_rows if competition.solution else 1
        is_ladder = competition.feedback == Feedback.LADDER
        return cls(
            decimals=competition.decimals,
            direction=facts.direction,
            step=step(competition) if is_ladder else None,
            hides_scores=competition.hides_scores,
            frozen_from=competition.freezes_at,
            interval_rows=rows if facts.has_interval else None,
            bounds=facts.bounds,
        )

    @property
    def sign(self) -> int:
        return 1 if self.direction == "maximize" else -1

    @property
    def in_the_end(self) -> "Rules":
        """When nothing of the public board is held back any more."""
        return replace(self, hides_scores=False, frozen_from=None)

    def rounded(self, value: float) -> float:
        """As displayed; a step of the Ladder must not lead past what the metric can be."""
        least, most = self.bounds
        return float(displayed(min(max(value, least), most), self.decimals))

    def interval(self, value: float | None) -> tuple[float | None, float | None]:
        """Of the displayed value: drawn finely, it tells nothing that the score does not."""
        if value is None or self.interval_rows is None:
            return None, None
        return wilson(value, self.interval_rows)


class Shown(NamedTuple):
    """What a scored file shows its team: None while scores are hidden."""

    score: PublicScore
    value: float | None

    @property
    def sent(self) -> Submission:
        return self.score.submission


NO_STEP = (
    "Choose the Ladder's step: only for a share of right answers does the number of rows tell one. "
    "About one standard error of a score is right."
)


def lacks_a_step(competition: Competition) -> bool:
    is_ladder = competition.feedback == Feedback.LADDER and competition.ladder_step is None
    return is_ladder and not competition.metric_facts.has_interval


def step(competition: Competition) -> float:
    """The improvement that the Ladder shows: the organiser's, else about one standard error."""
    if competition.ladder_step is not None:
        return competition.ladder_step
    rows = competition.solution.public_rows if competition.solution else 1
    return ladder_step(rows, sqrt(USUAL_SHARE * (1 - USUAL_SHARE) / rows))


def record(team: Team, competition: Competition) -> Standing | None:
    """A file of the team's was scored: its standing anew, None where the board does not move.

    Runs inside the transaction that ends the submission, which has moved the board's version on
    first: that row's lock puts concurrent finishes of one competition in a line.
    """
    before = Standing.objects.filter(team=team).first()
    scores = _scores(competition).filter(submission__team=team)
    after = _standing(team, list(scores), competition, Rules.of(competition))
    if after is None:
        if before is not None:
            before.delete()
        return None
    if before is not None:
        if _same(before, after):
            return None
        _keep_what_is_known(before, after)
    after.save()
    return after


def rebuild(competition: Competition) -> None:
    """Every standing anew, after a change of what counts or of how it is shown."""
    with transaction.atomic():
        Competition.objects.move_board_on(competition.pk)
        found = Competition.objects.select_related("solution", "custom_metric")
        fresh = found.get(pk=competition.pk)
        rules = Rules.of(fresh)
        Standing.objects.filter(competition=fresh).delete()
        shown = [(team, _fold(scores, rules)) for team, scores in _by_team(fresh)]
        _store(one for _, its in shown for one in its)
        lines = (_line(team, its, fresh, rules) for team, its in shown)
        Standing.objects.bulk_create(filter(None, lines), batch_size=BATCH)


def in_the_end(
    competition: Competition, only: Team | None = None
) -> Iterator[tuple[Team, list[Shown]]]:
    """Every team on the board with the files that count, when nothing is held back any more.

    With ``only``, none but that team.
    """
    rules = Rules.of(competition).in_the_end
    for team, scores in _by_team(competition, only):
        counted = [one for one in _fold(scores, rules) if _counts(one, rules)]
        if counted and team.is_on_boards:
            yield team, counted


def would_be(competition: Competition) -> Iterator[Standing]:
    """Every standing, unsaved, by the solution and metric of a competition that may be unsaved."""
    rules = Rules.of(competition)
    for team, scores in _by_team(competition):
        line = _line(team, _fold(scores, rules), competition, rules)
        if line is not None:
            yield line


def improvements(shown: Iterable[Shown], rules: Rules) -> list[Shown]:
    """The files that were the team's best when they came: equal ones later change nothing."""
    curve: list[Shown] = []
    for one in shown:
        if one.value is None:
            continue
        last = curve[-1].value if curve else None
        if last is None or rules.sign * one.value > rules.sign * last:
            curve.append(one)
    return curve


def _by_team(
    competition: Competition, only: Team | None = None
) -> Iterator[tuple[Team, list[PublicScore]]]:
    found, scores = Team.objects.filter(competition=competition.pk), _scores(competition)
    if only is not None:
        found, scores = found.filter(pk=only.pk), scores.filter(submission__team=only)
    teams = found.in_bulk()
    ordered = scores.order_by("submission__team", "submission__received_at", "submission")
    for pk, its in groupby(ordered.only(*FOLDED), lambda score: score.submission.team_id):
        yield teams[pk], list(its)


def _scores(competition: Competition) -> QuerySet[PublicScore]:
    """The scores that may count, each team's in the order of receipt."""
    scores = PublicScore.objects.filter(
        submission__team__competition=competition,
        solution=competition.solution_id,
        submission__exclusion="",
    )
    return scores.select_related("submission").order_by("submission__received_at", "submission")


def _standing(
    team: Team, scores: Sequence[PublicScore], competition: Competition, rules: Rules
) -> Standing | None:
    """The team's standing, unsaved, after what each of its files shows has been stored."""
    shown = _fold(scores, rules)
    _store(shown)
    return _line(team, shown, competition, rules)


def _line(
    team: Team, shown: Sequence[Shown], competition: Competition, rules: Rules
) -> Standing | None:
    counted = [one for one in shown if _counts(one, rules)]
    if not counted or not team.is_on_boards:
        return None
    curve = improvements(counted, rules)
    best = curve[-1] if curve else counted[0]
    low, high = rules.interval(best.value)
    return Standing(
        competition=competition,
        team=team,
        submission=best.sent,
        is_baseline=team.is_baseline,
        score=best.value,
        sort_key=None if best.value is None else rules.sign * best.value,
        low=low,
        high=high,
        reached_at=best.sent.received_at,
        entries=len(counted),
        last_at=counted[-1].sent.received_at,
        curve=[[one.sent.received_at.timestamp(), one.value] for one in curve],
    )


def _fold(scores: Iterable[PublicScore], rules: Rules) -> list[Shown]:
    """What each file shows, in the order of receipt: the Ladder hangs on what came before."""
    state = LadderState()
    shown = []
    for score in scores:
        value: float | None = score.value
        if rules.step is not None:
            moved = fixed_step(state, score.value, rules.step, rules.direction)
            value = moved.shown
            # A late file is told where it would stand, and is no step for those that count.
            state = state if score.submission.is_late else moved
        if rules.hides_scores or value is None:
            shown.append(Shown(score, None))
        else:
            shown.append(Shown(score, rules.rounded(value)))
    return shown


def _store(shown: Iterable[Shown]) -> None:
    changed = []
    for score, value in shown:
        if score.shown != value:
            score.shown = value
            changed.append(score)
    # All these rows are there: nothing is inserted. An UPDATE with a case for each row takes ten
    # times as long.
    PublicScore.objects.bulk_create(
        changed,
        batch_size=BATCH,
        update_conflicts=True,
        unique_fields=["pk"],
        update_fields=["shown"],
    )


def _counts(one: Shown, rules: Rules) -> bool:
    is_frozen = rules.frozen_from is not None and one.sent.received_at >= rules.frozen_from
    return not one.sent.is_late and not is_frozen


SEEN = ("submission_id", "is_baseline", "score", "entries", "last_at", "curve")


def _same(before: Standing, after: Standing) -> bool:
    return all(getattr(before, name) == getattr(after, name) for name in SEEN)


def _keep_what_is_known(before: Standing, after: Standing) -> None:
    """What a worker found out about the very submission by which the team still stands."""
    after.pk = before.pk
    after.rank_before = before.rank_before
    if (before.submission_id, before.score) == (after.submission_id, after.score):
        after.tied, after.expected = before.tied, before.expected
        after.low, after.high = before.low, before.high
