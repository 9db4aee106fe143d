"""A model is taken back while it waits or while it runs: by its team, or by who judges."""

from typing import Any

from django.contrib.auth.models import AbstractUser
from django.db import transaction

from competitions import audit, submissions
from competitions.models import Kind, Member, ModelRun, ModelStage, Status, Submission
from competitions.models.model_run import OVER
from competitions.refusals import NotAMember, NotReady, Refused

BEFORE = "Cancelled by {} before its run began. The attempt is given back."
DURING = "Cancelled by {} while it ran. The attempt stays spent."


def cancel(submission: Submission, by: AbstractUser) -> Submission:
    """Waiting or running to cancelled. The attempt is given back where the run had not begun.

    Whoever runs it notices within seconds. Raises NotAMember, Refused for a file of predictions,
    NotReady where it is over.
    """
    if not Member.objects.filter(team=submission.team_id, user=by.pk).exists():
        raise NotAMember("Only the members of its team may cancel a model.")
    return _cancel(submission, by.get_username())


def cancel_as_judge(submission: Submission, by: Any, reason: str = "") -> bool:
    """The same by a host, written into the audit log: what nobody runs would block the reveal.

    Raises Refused for a file of predictions, NotReady where it is over.
    """
    with transaction.atomic():
        _cancel(submission, "the organiser")
        audit.record(
            submission.team.competition,
            by,
            Kind.MODEL_CANCELLED,
            submission.file_name,
            reason=reason,
        )
    return True


def _cancel(submission: Submission, by: str) -> Submission:
    with transaction.atomic():
        run = ModelRun.objects.select_for_update().filter(submission=submission.pk).first()
        if run is None:
            raise Refused("Only models can be cancelled; a file is scored within a second.")
        if run.stage in OVER:
            raise NotReady("It is over: there is nothing left to cancel.")
        gives_back = run.began_at is None
        sentence = (BEFORE if gives_back else DURING).format(by)
        ModelRun.objects.filter(pk=run.pk).update(stage=ModelStage.ENDED, lease_until=None)
        submissions.end_run(submission.pk, Status.CANCELLED, sentence, gives_back=gives_back)
    submission.refresh_from_db()
    return submission
