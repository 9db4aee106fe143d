"""Who runs a challenge in which role, and who is expected to take part."""

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from competitions.models.competition import Competition


class Role(models.TextChoices):
    """What an organiser may do in one challenge; none of them competes in it."""

    OWNER = "owner", "Owner: everything, the other organisers too"
    EDITOR = "editor", "Editor: everything but the organisers"
    JUDGE = "judge", "Judge: files and teams; never a private score before its publication"
    VIEWER = "viewer", "Viewer: looks on, changes nothing"


class Organiser(models.Model):
    competition = models.ForeignKey(
        Competition, on_delete=models.CASCADE, related_name="organisers"
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="organises"
    )
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.VIEWER)
    added_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["added_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["competition", "user"], name="one_role_per_person_and_competition"
            ),
            models.CheckConstraint(
                condition=Q(role__in=Role.values), name="organiser_role_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user}, {self.get_role_display()}"


class RosterEntry(models.Model):
    """Somebody who is expected, and, once joined, the account that came of it."""

    competition = models.ForeignKey(Competition, on_delete=models.CASCADE, related_name="roster")
    name = models.CharField(max_length=60)
    # Folded in Python, as a team's name is.
    name_key = models.CharField(max_length=180, editable=False)
    email = models.EmailField(blank=True)
    group = models.CharField(max_length=40, blank=True)
    # A mark of the PIN on a printed slip, until the person has joined with it.
    slip_pin = models.CharField(max_length=128, blank=True, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="roster_entries",
    )
    joined_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name_plural = "roster entries"
        ordering = ["name_key", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["competition", "name_key"], name="roster_name_once_per_competition"
            ),
            models.UniqueConstraint(
                fields=["competition", "user"],
                condition=Q(user__isnull=False),
                name="one_roster_entry_per_person_and_competition",
            ),
            models.CheckConstraint(
                condition=~Q(name="") & ~Q(name_key=""), name="roster_entry_has_a_name"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, update_fields: Iterable[str] | None = None, **options: Any) -> None:
        self.name_key = self.name.casefold()
        if update_fields is not None:
            update_fields = {*update_fields, "name_key"}
        super().save(*args, update_fields=update_fields, **options)
