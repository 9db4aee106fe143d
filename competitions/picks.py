"""The final picks: which of its files a team wants judged on the private rows."""

from django.db import transaction
from django.db.models import QuerySet

from competitions import deadlines
from competitions.deadlines import Phase
from competitions.models import Competition, PublicScore, Submission, Team
from competitions.models.submission import PICKS
from competitions.refusals import NotOpen, Refused


def choose(submission: Submission) -> int:
    """Picks a scored file; returns the pick's number, the same on a second call.

    Raises NotOpen after the end, Refused for a file that does not count or a third pick.
    """
    with transaction.atomic():
        fresh = _changeable(submission)
        if fresh.pick is not None:
            return fresh.pick
        if not fresh.counts:
            raise Refused("Only a scored file that counts can be picked for the final ranking.")
        if not _is_scored_by_the_present_solution(fresh):
            raise Refused(
                "The scoring was corrected, and this file cannot be scored any more. Pick another "
                "one."
            )
        taken = set(chosen(fresh.team).values_list("pick", flat=True))
        free = next((number for number in PICKS if number not in taken), None)
        if free is None:
            raise Refused(
                f"Your team has chosen {len(PICKS)} files already. Take one of them back first."
            )
        Submission.objects.filter(pk=fresh.pk).update(pick=free)
        return free


def withdraw(submission: Submission) -> None:
    """Takes a pick back; nothing happens where there is none. Raises NotOpen after the end."""
    with transaction.atomic():
        fresh = _changeable(submission)
        Submission.objects.filter(pk=fresh.pk, pick__isnull=False).update(pick=None)


def chosen(team: Team) -> QuerySet[Submission]:
    """The team's picks, the first one first."""
    return Submission.objects.filter(team=team, pick__isnull=False).order_by("pick")


def by_default(competition: Competition, team: Team) -> Submission | None:
    """What counts while the team has picked nothing: its best public file, the earliest of equals.

    Told by what the team may know (``shown``), so there is none while scores are hidden.
    """
    shown = PublicScore.objects.filter(
        submission__team=team,
        submission__is_late=False,
        submission__exclusion="",
        solution=competition.solution_id,
        shown__isnull=False,
    )
    is_less_better = competition.metric_facts.direction == "minimize"
    best = shown.order_by(
        "shown" if is_less_better else "-shown", "submission__received_at", "submission"
    ).select_related("submission")
    first = best.first()
    return None if first is None else first.submission


def _changeable(submission: Submission) -> Submission:
    """The submission, while its challenge is held: the end comes before or after, not between."""
    competition = Competition.objects.locked(submission.team.competition_id)
    found = Submission.objects.select_related("team__competition").get(pk=submission.pk)
    if deadlines.phase_for(competition, found.team) not in (Phase.OPEN, Phase.PAUSED):
        raise NotOpen("The picks were settled when the challenge closed; they stay as they are.")
    return found


def _is_scored_by_the_present_solution(submission: Submission) -> bool:
    """Not so for a file that a rescoring could not read: the reveal would drop the pick."""
    solution = submission.team.competition.solution_id
    return PublicScore.objects.filter(submission=submission, solution=solution).exists()
