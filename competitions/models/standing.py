"""Where each team stands on the public board: the one table that the board reads."""

from django.db import models
from django.db.models import F, Q

from competitions.models.competition import Competition
from competitions.models.submission import Submission
from competitions.models.team import Team


class Standing(models.Model):
    """A team's best public score, as displayed. Derived: leaderboard.rebuild makes it anew."""

    competition = models.ForeignKey(Competition, on_delete=models.CASCADE, related_name="standings")
    team = models.OneToOneField(Team, on_delete=models.CASCADE, related_name="standing")
    submission = models.ForeignKey(Submission, on_delete=models.PROTECT, related_name="+")
    score = models.FloatField(help_text="Rounded to the competition's decimals.")
    sort_key = models.FloatField(help_text="The score, negated where less is better.")
    low = models.FloatField(null=True, blank=True, help_text="95 % interval, where one is known.")
    high = models.FloatField(null=True, blank=True)
    reached_at = models.DateTimeField(help_text="When the best score's file was received.")
    entries = models.PositiveIntegerField(default=1)
    last_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(
                "competition", F("sort_key").desc(), "reached_at", "team", name="board_order"
            ),
        ]
        constraints = [
            models.CheckConstraint(
                # One end alone would make the comparison NULL, which a CHECK lets pass.
                condition=Q(low__isnull=True, high__isnull=True)
                | Q(low__isnull=False, high__isnull=False, low__lte=F("high")),
                name="interval_has_both_ends_in_order",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.team}: {self.score}"
