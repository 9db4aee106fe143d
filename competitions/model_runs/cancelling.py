"""A team takes its model back, while it waits or while it runs."""

from django.contrib.auth.models import AbstractUser
from django.db import transaction

from competitions import submissions
from competitions.models import Member, ModelRun, ModelStage, Status, Submission
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
    with transaction.atomic():
        run = ModelRun.objects.select_for_update().filter(submission=submission.pk).first()
        if run is None:
            raise Refused("Only models can be cancelled; a file is scored within a second.")
        if run.stage in OVER:
            raise NotReady("It is over: there is nothing left to cancel.")
        gives_back = run.began_at is None
        sentence = (BEFORE if gives_back else DURING).format(by.get_username())
        ModelRun.objects.filter(pk=run.pk).update(stage=ModelStage.ENDED, lease_until=None)
        submissions.end_run(submission.pk, Status.CANCELLED, sentence, gives_back=gives_back)
    submission.refresh_from_db()
    return submission
