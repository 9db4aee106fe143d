"""A submission and its scores. Only competitions/submissions.py writes the status."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from competitions.models.data import SolutionVersion
from competitions.models.team import Team


class Status(models.TextChoices):
    """``received -> queued -> running -> scored | invalid | failed``, and of models also
    ``-> crashed | timed_out | out_of_memory | cancelled``."""

    RECEIVED = "received", "Received"
    QUEUED = "queued", "Queued"
    RUNNING = "running", "Running"
    SCORED = "scored", "Scored"
    INVALID = "invalid", "Your file"
    FAILED = "failed", "Our fault"
    CRASHED = "crashed", "Crashed"
    TIMED_OUT = "timed_out", "Timed out"
    OUT_OF_MEMORY = "out_of_memory", "Out of memory"
    CANCELLED = "cancelled", "Cancelled"


class Sent(models.TextChoices):
    """What a team sends: a file of predictions, or a model that makes them here."""

    FILE = "file", "A file of predictions"
    MODEL = "model", "A model"


WAITING = (Status.RECEIVED, Status.QUEUED)
GIVEN_BACK = (Status.INVALID, Status.FAILED)
# The team's model had its run: the attempt stays spent, or a crash would be a free look.
MODEL_FAULTS = (Status.CRASHED, Status.TIMED_OUT, Status.OUT_OF_MEMORY)
# Given back where it was cancelled before its run began.
WENT_WRONG = (*GIVEN_BACK, *MODEL_FAULTS, Status.CANCELLED)
FINAL = (Status.SCORED, *WENT_WRONG)
PICKS = (1, 2)


def _exactly_when(left: Q, right: Q) -> Q:
    return (left & right) | (~left & ~right)


class Submission(models.Model):
    """One uploaded file. The row is the truth; the queue's message is only a bell."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="submissions")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="submissions"
    )

    kind = models.CharField(max_length=10, choices=Sent.choices, default=Sent.FILE)
    file_name = models.CharField(max_length=200)
    # Of a model: what it answered here, told to nobody and in no export; the model's own file is
    # its run's.
    path = models.CharField(
        max_length=200, blank=True, help_text="The predictions; empty before a model has run."
    )
    size = models.PositiveBigIntegerField()
    sha256 = models.CharField("SHA-256", max_length=64)
    message = models.CharField(max_length=200, blank=True)

    status = models.CharField(max_length=16, choices=Status.choices, default=Status.RECEIVED)
    day = models.DateField(help_text="The day (UTC) whose limit this submission counts against.")
    slot = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="Which of the day's attempts it holds; none if returned."
    )
    lifetime_slot = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="Which of the attempts in all; a late one holds none."
    )
    is_late = models.BooleanField(default=False, help_text="Came after the end: never ranked.")
    pick = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="The team's first or second choice for the final ranking."
    )
    exclusion = models.CharField(
        max_length=300, blank=True, help_text="Why it does not count. Empty: it does."
    )
    received_at = models.DateTimeField()
    rung_at = models.DateTimeField(null=True, blank=True, help_text="Last message to the queue.")
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    attempt = models.PositiveSmallIntegerField(
        default=0, help_text="How often a worker began. The newest alone may finish."
    )
    lease_until = models.DateTimeField(null=True, blank=True)

    error = models.TextField(blank=True, help_text="What the team is told.")
    problems = models.JSONField(default=list, blank=True)
    more_problems = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["-received_at", "-pk"]
        indexes = [
            models.Index(fields=["team", "-received_at"], name="submission_by_team"),
            # The sweep looks at what is unfinished: a handful of rows among millions.
            models.Index(
                fields=["status", "received_at"],
                name="submission_unfinished",
                condition=~Q(status__in=FINAL),
            ),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(status__in=Status.values), name="status_is_known"),
            models.CheckConstraint(
                condition=Q(kind__in=Sent.values), name="what_was_sent_is_known"
            ),
            models.CheckConstraint(
                condition=Q(kind=Sent.MODEL) | ~Q(status__in=[*MODEL_FAULTS, Status.CANCELLED]),
                name="only_a_model_crashes_or_is_cancelled",
            ),
            models.CheckConstraint(
                condition=Q(kind=Sent.MODEL) | ~Q(path=""),
                name="only_a_model_has_no_predictions_yet",
            ),
            # While a model runs its lease is the run's (see model_run.py).
            models.CheckConstraint(
                condition=_exactly_when(Q(status=Status.RUNNING), Q(lease_until__isnull=False))
                | Q(kind=Sent.MODEL, status=Status.RUNNING, path=""),
                name="leased_exactly_while_running",
            ),
            models.CheckConstraint(
                condition=_exactly_when(Q(status__in=FINAL), Q(finished_at__isnull=False)),
                name="finished_exactly_when_it_says_so",
            ),
            models.CheckConstraint(
                condition=_exactly_when(Q(status__in=WENT_WRONG), ~Q(error="")),
                name="explains_itself_exactly_when_it_went_wrong",
            ),
            models.CheckConstraint(
                condition=_exactly_when(Q(status__in=GIVEN_BACK), Q(slot__isnull=True))
                | Q(status=Status.CANCELLED),
                name="slot_is_given_back_exactly_when_it_went_wrong",
            ),
            # A model may be refused before anything is scored.
            models.CheckConstraint(
                condition=~Q(status__in=[Status.RUNNING, Status.SCORED, Status.INVALID])
                | Q(kind=Sent.MODEL, status__in=[Status.RUNNING, Status.INVALID])
                | Q(attempt__gte=1),
                name="attempts_are_counted_from_the_first_claim",
            ),
            models.UniqueConstraint(fields=["team", "day", "slot"], name="one_submission_per_slot"),
            models.CheckConstraint(
                condition=Q(slot__isnull=True) | Q(slot__gte=1), name="slots_count_from_one"
            ),
            models.UniqueConstraint(
                fields=["team", "lifetime_slot"], name="one_submission_per_lifetime_slot"
            ),
            models.CheckConstraint(
                condition=_exactly_when(
                    Q(status__in=GIVEN_BACK)
                    | Q(is_late=True)
                    | Q(status=Status.CANCELLED, slot__isnull=True),
                    Q(lifetime_slot__isnull=True),
                ),
                name="lifetime_slot_is_held_exactly_by_what_counts",
            ),
            models.UniqueConstraint(fields=["team", "pick"], name="one_submission_per_pick"),
            models.CheckConstraint(
                condition=Q(pick__isnull=True)
                | Q(pick__in=PICKS, status=Status.SCORED, is_late=False, exclusion=""),
                name="picked_is_only_what_counts",
            ),
            models.CheckConstraint(
                condition=Q(finished_at__isnull=True) | Q(finished_at__gte=F("received_at")),
                name="finished_after_it_was_received",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.file_name} of {self.team}"

    @property
    def counts(self) -> bool:
        """Whether the final ranking may look at it."""
        return self.status == Status.SCORED and not self.is_late and not self.exclusion

    @property
    def is_final(self) -> bool:
        return self.status in FINAL

    @property
    def is_ended_model(self) -> bool:
        """Whether it ended as only models do."""
        return self.status in (*MODEL_FAULTS, Status.CANCELLED)

    @property
    def is_model(self) -> bool:
        return self.kind == Sent.MODEL


class Score(models.Model):
    """One value of one submission under one version of the solution, unrounded."""

    submission = models.ForeignKey(Submission, on_delete=models.CASCADE)
    solution = models.ForeignKey(SolutionVersion, on_delete=models.PROTECT, related_name="+")
    value = models.FloatField()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        # Never the value: a private score must not slip into a log line or an admin page.
        return f"{self._meta.verbose_name} of submission {self.submission_id}"


class PublicScore(Score):
    """On the public rows. What leaves the server is ``shown``, never the float."""

    submission = models.ForeignKey(
        Submission, on_delete=models.CASCADE, related_name="public_scores"
    )
    shown = models.FloatField(
        null=True,
        help_text="What the team is told: rounded, or the Ladder's. None while scores are hidden.",
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["submission", "solution"], name="one_public_score_per_solution_version"
            ),
        ]


class PrivateScore(Score):
    """On the private rows, in a table of its own that no serializer, page or admin reads."""

    submission = models.ForeignKey(
        Submission, on_delete=models.CASCADE, related_name="private_scores"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["submission", "solution"], name="one_private_score_per_solution_version"
            ),
        ]
