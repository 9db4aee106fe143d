"""Everyone competes through a team, be it a team of one: limits and scores hang on it."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Lower

from competitions.models.competition import Competition


class Team(models.Model):
    competition = models.ForeignKey(Competition, on_delete=models.CASCADE, related_name="teams")
    name = models.CharField(max_length=60)
    is_baseline = models.BooleanField(default=False, help_text="A line to beat, without a rank.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                "competition",
                Lower("name"),
                name="team_name_once_per_competition",
                violation_error_message="Another team of this competition has that name.",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Member(models.Model):
    """A person in a team. The competition stands here too, so that the database can count."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="members")
    competition = models.ForeignKey(Competition, on_delete=models.CASCADE, related_name="members")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships"
    )
    joined_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["competition", "user"], name="one_team_per_person_and_competition"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.team}"
