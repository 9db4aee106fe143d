"""What was sent in: to read and to search, never to change."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.decorators import display

from competitions.admin import columns
from competitions.leaderboard import with_public_score
from competitions.models import Status, Submission
from scoring import displayed

STATUSES = {
    Status.RECEIVED: "info",
    Status.QUEUED: "info",
    Status.RUNNING: "primary",
    Status.SCORED: "success",
    Status.INVALID: "warning",
    Status.FAILED: "danger",
}
SHOWN = 100  # characters of an error in the list


@admin.register(Submission)
class SubmissionAdmin(ModelAdmin):  # type: ignore[misc]  # unfold has no types
    list_display = (
        "file_name",
        "status_label",
        "score",
        "team",
        "competition",
        "what_was_wrong",
        "received",
    )
    list_filter = ("status", "team__competition")
    list_per_page = 50
    search_fields = ("file_name", "team__name", "user__username", "message", "error")
    search_help_text = "File, team, user name, message or error"
    date_hierarchy = "received_at"
    actions = None
    fieldsets = (
        (None, {"fields": (("state", "score"), "what_was_wrong_in_full", "problem_list")}),
        (
            "The file",
            {"fields": (("file_name", "file_size"), "fingerprint", "message")},
        ),
        ("Who and when", {"fields": (("team", "competition"), ("user", "attempt_of_day"))}),
        ("Its way", {"fields": (("received", "started", "finished"), "attempt", "public_id")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Submission]:
        queryset: QuerySet[Submission] = super().get_queryset(request)
        return with_public_score(queryset.select_related("team__competition", "user"))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    @display(description="Status", ordering="status", label=STATUSES)  # type: ignore[untyped-decorator]
    def status_label(self, obj: Submission) -> tuple[str, str]:
        return obj.status, obj.get_status_display()

    @display(description="Status")  # type: ignore[untyped-decorator]
    def state(self, obj: Submission) -> str:
        return obj.get_status_display()

    @display(description="Public score", ordering="public_value")  # type: ignore[untyped-decorator]
    def score(self, obj: Any) -> str:
        """Rounded, as on the board."""
        decimals = obj.team.competition.decimals
        value = obj.public_value
        return columns.NONE if value is None else displayed(value, decimals)

    @display(description="Challenge", ordering="team__competition")  # type: ignore[untyped-decorator]
    def competition(self, obj: Submission) -> str:
        return obj.team.competition.title

    @display(description="What was wrong")  # type: ignore[untyped-decorator]
    def what_was_wrong(self, obj: Submission) -> str:
        return obj.error if len(obj.error) <= SHOWN else f"{obj.error[:SHOWN].rstrip()}…"

    @display(description="What was wrong")  # type: ignore[untyped-decorator]
    def what_was_wrong_in_full(self, obj: Submission) -> str:
        return obj.error or "Nothing."

    @display(description="Line by line")  # type: ignore[untyped-decorator]
    def problem_list(self, obj: Submission) -> SafeString | str:
        sentences = [_sentence(problem) for problem in obj.problems]
        if obj.more_problems:
            sentences.append(f"And {obj.more_problems} more like these.")
        return columns.items(sentences) if sentences else columns.NONE

    @display(description="Size")  # type: ignore[untyped-decorator]
    def file_size(self, obj: Submission) -> str:
        return columns.size(obj.size)

    @display(description="SHA-256")  # type: ignore[untyped-decorator]
    def fingerprint(self, obj: Submission) -> SafeString:
        return columns.breakable(obj.sha256)

    @display(description="Attempt of the day (UTC)")  # type: ignore[untyped-decorator]
    def attempt_of_day(self, obj: Submission) -> str:
        return f"{obj.day}: {f'number {obj.slot}' if obj.slot else 'given back'}"

    @display(description="Received", ordering="received_at")  # type: ignore[untyped-decorator]
    def received(self, obj: Submission) -> str:
        return columns.utc(obj.received_at)

    @display(description="Started")  # type: ignore[untyped-decorator]
    def started(self, obj: Submission) -> str:
        return columns.utc(obj.started_at)

    @display(description="Finished")  # type: ignore[untyped-decorator]
    def finished(self, obj: Submission) -> str:
        return columns.utc(obj.finished_at)


def _sentence(problem: dict[str, Any]) -> str:
    line = problem.get("line")
    return f"Line {line}: {problem['message']}" if line else str(problem["message"])
