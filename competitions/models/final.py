"""The final board on the private rows. No row exists before the reveal."""

from django.db import models
from django.db.models import F, Q

from competitions.models.competition import Competition
from competitions.models.submission import Submission
from competitions.models.team import Team


class FinalStanding(models.Model):
    """A team's place in the end: the better of its picks on the private rows."""

    competition = models.ForeignKey(
        Competition, on_delete=models.CASCADE, related_name="final_standings"
    )
    team = models.OneToOneField(Team, on_delete=models.CASCADE, related_name="final_standing")
    submission = models.ForeignKey(Submission, on_delete=models.PROTECT, related_name="+")
    rank = models.PositiveIntegerField(null=True, help_text="None: a baseline.")
    score = models.FloatField(help_text="Rounded to the competition's decimals.")
    sort_key = models.FloatField(help_text="The score, negated where less is better.")
    low = models.FloatField(null=True)
    high = models.FloatField(null=True)
    reached_at = models.DateTimeField()
    public_rank = models.PositiveIntegerField(null=True)
    public_score = models.FloatField(null=True)
    # Mogstad and others 2023; a worker fills them in after the reveal.
    rank_low = models.PositiveIntegerField(null=True)
    rank_high = models.PositiveIntegerField(null=True)
    tied = models.BooleanField(null=True, help_text="Cannot be told apart from the winner.")

    class Meta:
        ordering = [F("sort_key").desc(), "reached_at", "team"]
        constraints = [
            models.CheckConstraint(
                condition=Q(low__isnull=True, high__isnull=True)
                | Q(low__isnull=False, high__isnull=False, low__lte=F("high")),
                name="final_interval_has_both_ends_in_order",
            ),
        ]

    def __str__(self) -> str:
        # Never the value: before it is published it must not slip into a log line.
        return f"final standing of {self.team}"


class Alarm(models.Model):
    """A team whose public score is too good for its private one. For the host's eyes alone.

    The flag itself tells of the private rows: no participant may learn of it.
    """

    team = models.OneToOneField(Team, on_delete=models.CASCADE, related_name="alarm")
    submission = models.ForeignKey(Submission, on_delete=models.CASCADE, related_name="+")
    z = models.FloatField(help_text="The gap of public and private score, in standard errors.")
    raised_at = models.DateTimeField()
    seen_at = models.DateTimeField(null=True, help_text="When a host had looked at it.")

    def __str__(self) -> str:
        return f"alarm of {self.team}"
