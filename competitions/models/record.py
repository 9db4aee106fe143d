"""What was done by whom, and what was announced: rows that are only ever added."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from competitions.models.competition import Competition


class Kind(models.TextChoices):
    """The acts that are written down."""

    OPENED = "opened", "Opened"
    CLOSED = "closed", "Closed"
    PAUSED = "paused", "Paused"
    RESUMED = "resumed", "Resumed"
    EXTENDED = "extended", "Extended"
    ANNOUNCED = "announced", "Announced"
    REVEALED = "revealed", "Revealed"
    PUBLISHED = "published", "Published the final board"
    HID = "hid", "Hid a team"
    SHOWED = "showed", "Showed a team again"
    DISQUALIFIED = "disqualified", "Disqualified a team"
    REINSTATED = "reinstated", "Reinstated a team"
    MARKED_BASELINE = "marked_baseline", "Marked a team as a baseline"
    UNMARKED_BASELINE = "unmarked_baseline", "Took a baseline mark away"
    RENAMED = "renamed", "Renamed a team"
    EXCLUDED = "excluded", "Excluded a submission"
    INCLUDED = "included", "Included a submission again"
    SCORED_AGAIN = "scored_again", "Had a file scored again"
    ALARM_SEEN = "alarm_seen", "Looked at an alarm"
    RESCORING_BEGUN = "rescoring_begun", "Began to rescore"
    RESCORING_APPLIED = "rescoring_applied", "Applied a rescoring"
    RESCORING_DROPPED = "rescoring_dropped", "Dropped a rescoring"
    SETTINGS_CHANGED = "settings_changed", "Changed settings"
    FINDING_SETTLED = "finding_settled", "Settled a finding of the leak report"
    LABELS_VIEWED = "labels_viewed", "Looked at test labels"
    ALLOWED_MORE = "allowed_more", "Gave a team more time or attempts"
    ORGANISER_ADDED = "organiser_added", "Added an organiser"
    ORGANISER_CHANGED = "organiser_changed", "Changed an organiser's role"
    ORGANISER_REMOVED = "organiser_removed", "Removed an organiser"
    ROSTER_CHANGED = "roster_changed", "Changed the roster"
    CODE_CHANGED = "code_changed", "Changed the class code"
    PIN_RESET = "pin_reset", "Gave somebody a new PIN"
    CLONED = "cloned", "Cloned from another challenge"
    EXPORTED = "exported", "Exported"
    IMPORTED = "imported", "Imported"
    GRADES_EXPORTED = "grades_exported", "Exported grades"
    MODEL_SCREENED = "model_screened", "Had a model screened"
    MODEL_CANCELLED = "model_cancelled", "Cancelled a model"
    BASELINE_QUEUED = "baseline_queued", "Had a baseline trained"


class Act(models.Model):
    """One line of the audit log, written in the transaction of what it tells."""

    competition = models.ForeignKey(Competition, on_delete=models.CASCADE, related_name="acts")
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    kind = models.CharField(max_length=20, choices=Kind.choices)
    subject = models.CharField(max_length=200, blank=True, help_text="Whom or what it concerned.")
    reason = models.TextField(blank=True)
    details = models.JSONField(default=dict)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = "audit log entry"
        verbose_name_plural = "audit log entries"
        ordering = ["-at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=Kind.values), name="act_is_of_a_known_kind"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.subject}".strip()


class Announcement(models.Model):
    """A sentence of the organiser's to everybody who takes part."""

    competition = models.ForeignKey(
        Competition, on_delete=models.CASCADE, related_name="announcements"
    )
    text = models.CharField(max_length=500)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-at", "-pk"]
        constraints = [
            models.CheckConstraint(condition=~Q(text=""), name="announcement_says_something"),
        ]

    def __str__(self) -> str:
        return self.text
