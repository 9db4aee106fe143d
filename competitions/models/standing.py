"""Where each team stands on the public board: the one table that the board reads."""

from django.db import models
from django.db.models import F, Q

from competitions.models.competition import Competition
from competitions.models.submission import Submission
from competitions.models.team import Team

# The order of every board; of equal scores the file that came first stands first.
BEST_FIRST = (F("sort_key").desc(), "reached_at", "team_id")


class Standing(models.Model):
    """A team's best public score, as everybody may see it. Derived: standings.rebuild makes it."""

    competition = models.ForeignKey(Competition, on_delete=models.CASCADE, related_name="standings")
    team = models.OneToOneField(Team, on_delete=models.CASCADE, related_name="standing")
    submission = models.ForeignKey(Submission, on_delete=models.PROTECT, related_name="+")
    # Stands here too, so that ranks are counted on one table's index.
    is_baseline = models.BooleanField(default=False)
    score = models.FloatField(null=True, help_text="As displayed. None while scores are hidden.")
    sort_key = models.FloatField(null=True, help_text="The score, negated where less is better.")
    low = models.FloatField(null=True, blank=True, help_text="95 % interval, where one is known.")
    high = models.FloatField(null=True, blank=True)
    reached_at = models.DateTimeField(help_text="When the best score's file was received.")
    entries = models.PositiveIntegerField(default=1)
    last_at = models.DateTimeField()
    curve = models.JSONField(
        default=list,
        help_text="Each improvement: seconds since 1970 when its file came, displayed score.",
    )
    # What a worker finds out a moment later (see insight/); None until then.
    tied = models.BooleanField(null=True, help_text="Cannot be told apart from the leader.")
    expected = models.FloatField(null=True, help_text="The score to expect on the private rows.")
    rank_before = models.PositiveIntegerField(null=True, help_text="The rank an hour ago.")

    class Meta:
        indexes = [
            models.Index(
                "competition", F("sort_key").desc(), "reached_at", "team", name="board_order"
            ),
            models.Index(
                fields=["competition", "sort_key"],
                name="board_ranks",
                condition=Q(is_baseline=False),
            ),
        ]
        constraints = [
            models.CheckConstraint(
                # One end alone would make the comparison NULL, which a CHECK lets pass.
                condition=Q(low__isnull=True, high__isnull=True)
                | Q(low__isnull=False, high__isnull=False, low__lte=F("high")),
                name="interval_has_both_ends_in_order",
            ),
            models.CheckConstraint(
                condition=Q(score__isnull=True, sort_key__isnull=True)
                | Q(score__isnull=False, sort_key__isnull=False),
                name="standing_is_sorted_exactly_when_it_has_a_score",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.team}: {self.score}"


class BoardStatistics(models.Model):
    """What is known of a whole board, and of which version of it. Public; written by a worker."""

    competition = models.OneToOneField(
        Competition, on_delete=models.CASCADE, related_name="statistics"
    )
    version = models.PositiveBigIntegerField(help_text="The board's, when it was computed.")
    computed_at = models.DateTimeField()
    leader = models.ForeignKey(
        Submission,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        help_text="With whose score the others were compared.",
    )
    noise = models.FloatField(
        null=True, help_text="A difference to the leader under this may be chance."
    )

    def __str__(self) -> str:
        return f"statistics of version {self.version}"
