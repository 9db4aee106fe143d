"""Everyone competes through a team, be it a team of one: limits and scores hang on it."""

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q

from competitions.models.competition import Competition

MOST_EXTRA_ATTEMPTS = 1000


class Team(models.Model):
    competition = models.ForeignKey(Competition, on_delete=models.CASCADE, related_name="teams")
    name = models.CharField(max_length=60)
    # Folded in Python: SQLite knows the capitals of ASCII alone, PostgreSQL those of its locale.
    name_key = models.CharField(max_length=180, editable=False)
    group = models.CharField(
        max_length=40, blank=True, help_text="A class or a course; the board can be filtered by it."
    )
    is_baseline = models.BooleanField(default=False, help_text="A line to beat, without a rank.")
    is_hidden = models.BooleanField(default=False, help_text="Takes part, and stands on no board.")
    disqualification = models.CharField(
        max_length=300, blank=True, help_text="The reason, which the team reads. Empty: none."
    )
    invitation = models.CharField(
        max_length=24,
        null=True,
        blank=True,
        unique=True,
        editable=False,
        help_text="Whoever has it may join the team.",
    )
    # What a host gave this team alone; why stands in the audit log.
    extra_attempts = models.PositiveSmallIntegerField(
        default=0, help_text="Attempts beyond everybody's, a day and in all."
    )
    closes_at = models.DateTimeField(
        null=True, blank=True, help_text="UTC. A later end for this team alone."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["competition", "name_key"], name="team_name_once_per_competition"
            ),
            models.CheckConstraint(
                condition=Q(extra_attempts__lte=MOST_EXTRA_ATTEMPTS),
                name="team_has_a_bounded_number_of_extra_attempts",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, update_fields: Iterable[str] | None = None, **options: Any) -> None:
        self.name_key = self.name.casefold()
        if update_fields is not None:
            update_fields = {*update_fields, "name_key"}
        super().save(*args, update_fields=update_fields, **options)

    def clean(self) -> None:
        """A form leaves the key out, and with it the constraint's own check."""
        others = Team.objects.filter(competition=self.competition_id).exclude(pk=self.pk)
        if others.filter(name_key=self.name.casefold()).exists():
            raise ValidationError({"name": "Another team of this competition has that name."})

    @property
    def is_on_boards(self) -> bool:
        return not self.is_hidden and not self.disqualification


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
