"""What a team must be told beside the public score of a file, in words."""

from competitions import standings
from competitions.models import (
    Competition,
    Feedback,
    PublicScore,
    Stage,
    Status,
    Submission,
    Unscorable,
)
from scoring import displayed


def remarks(submission: Submission, competition: Competition) -> list[str]:
    """Why a scored file's number is missing, has not moved, or is on no board; often nothing.

    Everything follows from what the team may know: when the file came, and what scores show.
    """
    if submission.status != Status.SCORED:
        return []
    said = []
    if submission.exclusion:
        said.append(f"The organiser took it out of the ranking: {submission.exclusion}")
    if submission.is_late:
        said.append("It came after the end: it is scored and not ranked.")
    if correction := _cannot_be_scored(submission, competition):
        return [*said, correction]
    if competition.hides_scores:
        return [*said, "The file is valid. Scores are shown at the end."]
    if competition.feedback == Feedback.LADDER and not submission.exclusion:
        said += _on_the_ladder(submission, competition)
    frozen_from = competition.freezes_at
    if frozen_from is not None and not submission.is_late and submission.received_at >= frozen_from:
        said.append(
            f"The board stands still since {frozen_from:%H:%M} UTC and does not show it yet."
        )
    return said


def _cannot_be_scored(submission: Submission, competition: Competition) -> str:
    """Why it has no score since the labels or the metric were corrected; empty where it has one."""
    found = Unscorable.objects.filter(
        submission=submission,
        rescoring__stage=Stage.APPLIED,
        rescoring__after=competition.solution_id,
    )
    if (last := found.order_by("-rescoring").first()) is None:
        return ""
    return f"It does not fit the corrected scoring and has no score any more. {last.sentence}"


def feedback(competition: Competition) -> str:
    """What scores show here, for whoever takes part; empty where they are simply shown."""
    if competition.hides_scores:
        return "No score is shown before the end: the board says who has sent a valid file."
    if competition.feedback == Feedback.LADDER and competition.published_at is None:
        return (
            "Scores climb a ladder: only an improvement of more than "
            f"{standings.step(competition):g} over your best is shown, so that the board cannot "
            "be climbed by guessing."
        )
    return ""


def _on_the_ladder(submission: Submission, competition: Competition) -> list[str]:
    """Whether the file moved what its team is shown: equal to the file before means it did not."""
    scores = PublicScore.objects.filter(
        submission__team=submission.team_id, submission__exclusion="",
        solution=competition.solution_id,
    ).order_by("submission__received_at", "submission")  # fmt: skip
    shown = dict(scores.values_list("submission", "shown"))
    before = None
    for pk, value in shown.items():
        if pk == submission.pk:
            break
        before = value
    now = shown.get(submission.pk)
    if now is None or now != before:
        return []
    best, step = displayed(now, competition.decimals), standings.step(competition)
    return [f"No real improvement over your best {best}; gains of {step:g} or less are not shown."]
