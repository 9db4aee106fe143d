"""What a worker found out of the field's files beside the solution; derived, and made anew."""

from django.db import models
from django.db.models import Q

from competitions.models.competition import Competition


class Mistakes(models.Model):
    """What the class got wrong, of one version of the board.

    The report is a private file of sums over rows; single labels are in another one, so that no
    page opens them by the way. ``dominant`` comes from the files alone, without any label.
    """

    competition = models.OneToOneField(
        Competition, on_delete=models.CASCADE, related_name="mistakes"
    )
    version = models.PositiveBigIntegerField(help_text="The board's, when it was computed.")
    is_final = models.BooleanField(
        default=False, help_text="On all rows that count; before the reveal on the public ones."
    )
    computed_at = models.DateTimeField()
    path = models.CharField(max_length=200, blank=True, help_text="Empty: there is no report.")
    labels_path = models.CharField(max_length=200, blank=True)
    note = models.CharField(max_length=300, blank=True, help_text="Why there is no report.")
    # By team: {"submission": pk, "class": name, "share": 0.61} of its last valid file.
    dominant = models.JSONField(default=dict)

    class Meta:
        verbose_name_plural = "mistakes"
        constraints = [
            models.CheckConstraint(
                condition=Q(path="", labels_path="") | (~Q(path="") & ~Q(labels_path="")),
                name="mistakes_have_both_files_or_none",
            ),
        ]

    def __str__(self) -> str:
        return f"mistakes of version {self.version}"
