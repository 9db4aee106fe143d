"""The end: a person reveals the private board, and publishes it when the ceremony is over."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Literal

from django.db import transaction
from django.db.models import F, QuerySet

from competitions import allowances, audit, checks, standings
from competitions.checks import Check
from competitions.deadlines import Phase, clock, phase
from competitions.models import (
    Alarm,
    BoardStatistics,
    Competition,
    FinalStanding,
    Kind,
    PrivateScore,
    Rescoring,
    Standing,
    State,
    Status,
    Submission,
    Team,
)
from competitions.models.metrics import CUSTOM
from competitions.models.rescoring import UNDER_WAY
from competitions.models.submission import FINAL
from competitions.refusals import NotReady
from competitions.standings import Rules, Shown
from scoring import rank, wilson

PATIENCE = timedelta(seconds=90)  # the workers' round comes every minute


def checklist(competition: Competition) -> list[Check]:
    """What must be settled before the private board is revealed, and whether it is.

    A late file is never ranked, so nothing waits for one.
    """
    on_time = Submission.objects.filter(team__competition=competition, is_late=False)
    return [
        _is_over(competition),
        _allowances(competition),
        _is_done(
            "scored",
            on_time.exclude(status__in=FINAL).count(),
            "Every file is scored.",
            "Files without a score yet: {}.",
            is_awaited=True,
        ),
        _is_done(
            "failed",
            on_time.filter(status=Status.FAILED).count(),
            "No file was lost by a fault of ours.",
            "Files that failed by our fault, and can be scored again: {}.",
            may_be_overridden=True,
        ),
        _is_done(
            "rescoring",
            Rescoring.objects.filter(competition=competition, stage__in=UNDER_WAY).count(),
            "No rescoring is under way.",
            "A rescoring is under way: apply it or drop it.",
        ),
        _seal(competition),
        _alarms(competition),
        _picks(competition),
    ]


def _alarms(competition: Competition) -> Check:
    if competition.metric == CUSTOM:
        words = "No alarms are looked for: a metric of your own says nothing of single rows."
        return Check("alarms", True, words)
    is_looked_for = BoardStatistics.objects.filter(competition=competition).exists()
    if not is_looked_for and Standing.objects.filter(competition=competition).exists():
        words = "Nobody has looked for alarms yet; a worker does it within a minute."
        return _by_a_worker("alarms", words, competition)
    unseen = Alarm.objects.filter(team__competition=competition, seen_at=None).count()
    done, missing = "Every alarm was looked at.", "Alarms that nobody looked at: {}."
    return _is_done("alarms", unseen, done, missing, may_be_overridden=True)


def reveal(
    competition: Competition, by: Any = None, *, for_ceremony: bool = True, despite: str = ""
) -> None:
    """Closed to revealed: every team's place on the private rows comes into being.

    With ``for_ceremony`` only organisers see it until ``publish``. ``despite`` is the reason for
    going on where a check that may be overridden is not done. Raises NotReady.
    """
    with transaction.atomic():
        fresh = Competition.objects.locked(competition.pk)
        checks.overridden(checklist(fresh), despite, "It cannot be revealed yet.")
        FinalStanding.objects.bulk_create(_final_standings(fresh), batch_size=standings.BATCH)
        fresh.state, fresh.paused_at, fresh.revealed_at = State.REVEALED, None, clock(fresh)
        fresh.save(update_fields=["state", "paused_at", "revealed_at"])
        audit.record(fresh, by, Kind.REVEALED, reason=despite)
        if not for_ceremony:
            publish(fresh, by)


def publish(competition: Competition, by: Any = None) -> bool:
    """Everybody sees the final board from now on; False where they did already."""
    with transaction.atomic():
        fresh = Competition.objects.locked(competition.pk)
        if fresh.state != State.REVEALED:
            raise NotReady("Reveal the private board first.")
        if fresh.published_at is not None:
            return False
        fresh.published_at = clock(fresh)
        fresh.save(update_fields=["published_at"])
        standings.rebuild(fresh)  # what was frozen or hidden is shown
        audit.record(fresh, by, Kind.PUBLISHED)
        return True


def anew(competition: Competition, team: Team) -> None:
    """The team's line of the final board once more, after a change of whether and with what it
    counts; the others close up or make room. In the change's transaction."""
    rules = Rules.of(competition).in_the_end
    lines = FinalStanding.objects.filter(competition=competition)
    before = lines.filter(team=team).first()
    if before is not None:
        before.delete()
        _move_below(before, -1, rules)
    private = _private(competition, team)
    for found, shown in standings.in_the_end(competition, team):
        after = _final(found, shown, private, competition, rules)
        if after is not None:
            _put_in(after, rules)
    # A worker compares them anew: these said how the teams stood to each other.
    lines.update(rank_low=None, rank_high=None, tied=None)


def _put_in(line: FinalStanding, rules: Rules) -> None:
    if not line.team.is_baseline:
        better, above = _others(line, rules, "better")
        line.rank, line.public_rank = better.count() + 1, above.count() + 1
        _move_below(line, 1, rules)
    line.save()


def _move_below(line: FinalStanding, places: int, rules: Rules) -> None:
    """The ranks of the teams behind a team that comes or goes; a baseline takes none."""
    if line.rank is None:
        return
    worse, below = _others(line, rules, "worse")
    worse.update(rank=F("rank") + places)
    below.update(public_rank=F("public_rank") + places)


def _others(
    line: FinalStanding, rules: Rules, side: Literal["better", "worse"]
) -> tuple[QuerySet[FinalStanding], QuerySet[FinalStanding]]:
    """The teams on that side of the line: in the end, and on the public board."""
    ranked = FinalStanding.objects.filter(competition=line.competition_id, rank__isnull=False)
    by_key = "gt" if side == "better" else "lt"
    by_score = by_key if rules.sign > 0 else {"gt": "lt", "lt": "gt"}[by_key]
    return (
        ranked.filter(**{f"sort_key__{by_key}": line.sort_key}),
        ranked.filter(**{f"public_score__{by_score}": line.public_score}),
    )


def _is_over(competition: Competition) -> Check:
    now = phase(competition)
    if now is Phase.REVEALED:
        return Check("over", False, "It was revealed already.")
    if now is Phase.CLOSED:
        return Check("over", True, "The challenge is over.")
    return Check("over", False, "The challenge is not over. Close it, or wait for its end.")


def _allowances(competition: Competition) -> Check:
    """No reason overrides it: a team would lose the time that it was promised."""
    late = allowances.running(competition)
    if not late:
        return Check("allowances", True, "No team has time left that it was given.")
    words = (
        f"Teams with an end of their own that may still send files: {len(late)}, the last until "
        f"{late[0].closes_at:%d %b, %H:%M} UTC. Wait, or close the challenge: that ends it for all."
    )
    return Check("allowances", False, words)


def _is_done(name: str, count: int, done: str, missing: str, **where_missing: bool) -> Check:
    if not count:
        return Check(name, True, done)
    return Check(name, False, missing.format(count), **where_missing)


def _by_a_worker(name: str, sentence: str, competition: Competition) -> Check:
    """Soon after the end it is only waited for; later the worker may be gone, and a person says."""
    end = competition.closes_at
    is_awaited = end is not None and timedelta(0) <= clock(competition) - end < PATIENCE
    return Check(name, False, sentence, may_be_overridden=True, is_awaited=is_awaited)


def _seal(competition: Competition) -> Check:
    solution = competition.solution
    if solution is None or solution.verified_at is None:
        words = "The seal is being compared with the labels; a worker does it within a minute."
        return _by_a_worker("seal", words, competition)
    if solution.verification:
        return Check("seal", False, solution.verification, may_be_overridden=True)
    return Check("seal", True, "Split and labels match the seal that was set before the start.")


def _picks(competition: Competition) -> Check:
    """Of the teams that will be ranked, also where the board was frozen before their first file."""
    ranked = Team.objects.filter(
        competition=competition,
        is_baseline=False,
        is_hidden=False,
        disqualification="",
        submissions__public_scores__solution=competition.solution_id,
        submissions__is_late=False,
        submissions__exclusion="",
    ).distinct()
    chose = ranked.filter(submissions__pick__isnull=False).count()
    others = ranked.count() - chose
    words = f"Teams that picked: {chose}. Of the others ({others}) the best public file counts."
    return Check("picks", True, words)


def _final_standings(competition: Competition) -> list[FinalStanding]:
    rules = Rules.of(competition).in_the_end
    private = _private(competition)
    found = [
        standing
        for team, shown in standings.in_the_end(competition)
        if (standing := _final(team, shown, private, competition, rules)) is not None
    ]
    _set_ranks(found, rules)
    return found


def _private(competition: Competition, team: Team | None = None) -> dict[int, float]:
    """The private scores by submission, of one team or of all."""
    scores = PrivateScore.objects.filter(
        solution=competition.solution_id, submission__team__competition=competition
    )
    if team is not None:
        scores = scores.filter(submission__team=team)
    return dict(scores.values_list("submission", "value"))


def _final(
    team: Team,
    shown: Sequence[Shown],
    private: Mapping[int, float],
    competition: Competition,
    rules: Rules,
) -> FinalStanding | None:
    """The better of the team's picks, by the displayed private score, then the earlier one."""
    curve = standings.improvements(shown, rules)
    judged = [one.sent for one in shown if one.sent.pick is not None] or [curve[-1].sent]
    scored = [(rules.rounded(private[sent.pk]), sent) for sent in judged if sent.pk in private]
    if not scored:
        return None
    score, best = min(scored, key=lambda it: (-rules.sign * it[0], it[1].received_at, it[1].pk))
    low, high = _private_interval(score, competition)
    return FinalStanding(
        competition=competition,
        team=team,
        submission=best,
        score=score,
        sort_key=rules.sign * score,
        low=low,
        high=high,
        reached_at=best.received_at,
        public_score=curve[-1].value,
    )


def _private_interval(
    score: float, competition: Competition
) -> tuple[float, float] | tuple[None, None]:
    if competition.solution is None or not competition.metric_facts.has_interval:
        return None, None
    return wilson(score, competition.solution.private_rows)


def _set_ranks(found: Sequence[FinalStanding], rules: Rules) -> None:
    """Of teams alone: a baseline is a line to beat, before and after."""
    teams = [one for one in found if not one.team.is_baseline]
    for one, place in zip(teams, rank([each.sort_key for each in teams]), strict=True):
        one.rank = place
    public = [each.public_score or 0.0 for each in teams]
    for one, place in zip(teams, rank(public, rules.direction), strict=True):
        one.public_rank = place
