"""A correction of labels or metric: everything is scored again beside the old scores."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from competitions.models.competition import Competition
from competitions.models.custom_metric import CustomMetric
from competitions.models.data import SolutionVersion
from competitions.models.submission import Submission


class Stage(models.TextChoices):
    """``reading -> scoring -> ready -> applied``, or ``refused`` (the file) or ``dropped``."""

    READING = "reading", "Reading the new solution"
    SCORING = "scoring", "Scoring again"
    READY = "ready", "Ready to apply"
    APPLIED = "applied", "Applied"
    DROPPED = "dropped", "Dropped"
    REFUSED = "refused", "Refused"


UNDER_WAY = (Stage.READING, Stage.SCORING, Stage.READY)


class Rescoring(models.Model):
    """From the present solution and metric to others, and back: an undo is one the other way."""

    competition = models.ForeignKey(
        Competition, on_delete=models.CASCADE, related_name="rescorings"
    )
    stage = models.CharField(max_length=10, choices=Stage.choices, default=Stage.READING)
    note = models.CharField(max_length=500, help_text="What everybody reads once it is applied.")
    problem = models.TextField(blank=True, help_text="Why it was refused.")

    inbox = models.CharField(max_length=200, blank=True, help_text="The uploaded solution, if any.")
    before = models.ForeignKey(SolutionVersion, on_delete=models.PROTECT, related_name="+")
    after = models.ForeignKey(
        SolutionVersion, on_delete=models.PROTECT, null=True, related_name="+"
    )
    # How it is scored before and after; the competition's own columns move at the switch.
    old_metric = models.JSONField(help_text="metric, metric_parameters, layout, decimals")
    new_metric = models.JSONField()
    old_custom_metric = models.ForeignKey(
        CustomMetric, on_delete=models.PROTECT, null=True, related_name="+"
    )
    new_custom_metric = models.ForeignKey(
        CustomMetric, on_delete=models.PROTECT, null=True, related_name="+"
    )
    undoes = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, related_name="undone_by"
    )

    begun_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    begun_at = models.DateTimeField(auto_now_add=True)
    rung_at = models.DateTimeField(null=True)
    applied_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(stage__in=Stage.values), name="rescoring_stage_is_known"
            ),
            models.UniqueConstraint(
                fields=["competition"],
                condition=Q(stage__in=UNDER_WAY),
                name="one_rescoring_under_way_per_competition",
            ),
            models.CheckConstraint(
                condition=Q(stage=Stage.APPLIED, applied_at__isnull=False)
                | (~Q(stage=Stage.APPLIED) & Q(applied_at__isnull=True)),
                name="rescoring_has_a_moment_exactly_when_applied",
            ),
            models.CheckConstraint(
                condition=~Q(stage__in=[Stage.SCORING, Stage.READY, Stage.APPLIED])
                | Q(after__isnull=False),
                name="rescoring_scores_with_a_solution",
            ),
        ]

    def __str__(self) -> str:
        return f"rescoring {self.pk}"


class Unscorable(models.Model):
    """A scored submission that cannot be scored under a rescoring's solution and metric."""

    rescoring = models.ForeignKey(Rescoring, on_delete=models.CASCADE, related_name="unscorable")
    submission = models.ForeignKey(Submission, on_delete=models.CASCADE, related_name="+")
    sentence = models.TextField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["rescoring", "submission"], name="unscorable_once_per_rescoring"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.submission_id}: {self.sentence}"
