"""What was sent in: to read and to search. Never changed, but a file may be left out of account."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.safestring import SafeString
from unfold.decorators import display
from unfold.enums import ActionVariant

from competitions import model_runs, moderation, submissions, tasks
from competitions.access import JUDGES
from competitions.admin import columns, moderating
from competitions.admin.acting import action
from competitions.admin.audit import ReadOnlyAdmin
from competitions.admin.by_role import ByRole, role_of
from competitions.admin.exporting import Exporting
from competitions.admin.moderating import ReasonForm, dialog
from competitions.admin.taking_models import ModelRunInline
from competitions.leaderboard import with_public_score
from competitions.model_runs import screening
from competitions.models import ModelStage, Status, Submission
from competitions.models.model_run import OVER
from scoring import displayed

STATUSES = {
    Status.RECEIVED: "info",
    Status.QUEUED: "info",
    Status.RUNNING: "primary",
    Status.SCORED: "success",
    Status.INVALID: "warning",
    Status.FAILED: "danger",
    Status.CRASHED: "warning",
    Status.TIMED_OUT: "warning",
    Status.OUT_OF_MEMORY: "warning",
    Status.CANCELLED: "warning",
}
NOT_OVER = [stage for stage in ModelStage if stage not in OVER]
SHOWN = 100  # characters of an error in the list
PICK, LATE, EXCLUDED = "pick", "late", "excluded"
EXCLUDING = dialog(
    "Exclude this file?",
    "It counts nowhere any more, and is no pick. The file and its score are kept: it can be "
    "included again.",
    "Exclude it",
    ReasonForm,
)
INCLUDING = dialog(
    "Include this file again?",
    "It counts as if it had never been left out, as a pick too unless the team has taken another.",
    "Include it",
)
SCREENING = dialog(
    "Screen this model?",
    "It is run three or four times more, each time behind every team's: in another order, and over "
    "images that were changed as no eye sees. What is found stands below. A screen for a person "
    "who decides, no proof.",
    "Screen it",
)
UNSCREENING = dialog(
    "Cancel the screening?",
    "It is stopped within seconds. What was found so far stays below, and so does who cancelled.",
    "Cancel it",
)
CANCELLING = dialog(
    "Cancel this model?",
    "It is not run, or stopped within seconds. Its team gets the attempt back unless its run over "
    "the test images had begun.",
    "Cancel it",
    ReasonForm,
)
AGAIN = dialog(
    "Score this file again?",
    "It failed by a fault of ours. It keeps the moment at which it came and its team's attempts.",
    "Score it",
)


class CountsFilter(admin.SimpleListFilter):
    title, parameter_name = "what counts", "counts"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(PICK, "Final picks"), (LATE, "Late"), (EXCLUDED, "Excluded")]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Submission]
    ) -> QuerySet[Submission]:
        match self.value():
            case "pick":
                return queryset.filter(pick__isnull=False)
            case "late":
                return queryset.filter(is_late=True)
            case "excluded":
                return queryset.exclude(exclusion="")
        return queryset


@admin.register(Submission)
class SubmissionAdmin(Exporting, ByRole, ReadOnlyAdmin):
    to_competition = "team__competition"
    acted_on_by = frozenset(JUDGES)
    list_display = (
        "file_name",
        "status_label",
        "score",
        "team",
        "competition",
        "counts",
        "what_was_wrong",
        "received",
    )
    list_filter = ("status", "team__competition", CountsFilter)
    list_per_page = 50
    search_fields = ("file_name", "team__name", "user__username", "message", "error")
    search_help_text = "File, team, user name, message or error"
    date_hierarchy = "received_at"
    inlines = (ModelRunInline,)
    actions_detail = (
        "cancel_model",
        "screen_model",
        "cancel_screening",
        "score_again",
        "include_file",
        "exclude_file",
    )
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("state", "score"),
                    "counting",
                    "what_was_wrong_in_full",
                    "problem_list",
                )
            },
        ),
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

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        return self.inlines if obj is not None and obj.is_model else ()

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

    @display(description="Ranking")  # type: ignore[untyped-decorator]
    def counts(self, obj: Submission) -> str:
        """Where it is not simply one file among the team's."""
        if obj.exclusion:
            return "Excluded"
        if obj.is_late:
            return "Late"
        return f"Pick {obj.pick}" if obj.pick else ""

    @display(description="Does it count?")  # type: ignore[untyped-decorator]
    def counting(self, obj: Submission) -> str:
        if obj.exclusion:
            return f"No, it was excluded: {obj.exclusion}"
        if obj.is_late:
            return "No, it came after the end."
        if obj.pick:
            return f"Yes, and it is the team's pick {obj.pick} for the final ranking."
        return "Yes." if obj.status == Status.SCORED else columns.NONE

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

    # --- what happens ----------------------------------------------------------------------------
    @action(
        description="Exclude",
        permissions=["exclude"],
        dialog=EXCLUDING,
        icon="block",
        variant=ActionVariant.DANGER,
    )
    def exclude_file(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        def verb(submission: Submission, by: Any, reason: str) -> bool:
            return moderation.exclude(submission, reason, by)

        return _act(request, form, object_id, verb, "The file counts no more; its team reads why.")

    @action(description="Include", permissions=["include"], dialog=INCLUDING, icon="undo")
    def include_file(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        return _act(request, form, object_id, moderation.include, "The file counts again.")

    @action(description="Score again", permissions=["again"], dialog=AGAIN, icon="replay")
    def score_again(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        def verb(submission: Submission, by: Any, reason: str) -> bool:
            is_waiting = submissions.score_again(submission, by, reason)
            if is_waiting:
                tasks.enqueue(submission)
            return is_waiting

        return _act(request, form, object_id, verb, "The file is scored again.")

    @action(description="Screen", permissions=["screen"], dialog=SCREENING, icon="frame_inspect")
    def screen_model(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        def verb(submission: Submission, by: Any, _reason: str) -> bool:
            screening.ask(submission.model_run, by)
            tasks.enqueue_screening()
            return True

        return _act(request, form, object_id, verb, "It is screened; look here in a moment.")

    @action(
        description="Cancel screening",
        permissions=["unscreen"],
        dialog=UNSCREENING,
        icon="cancel",
    )
    def cancel_screening(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        def verb(submission: Submission, by: Any, reason: str) -> bool:
            screening.cancel(submission.model_run, by, reason)
            return True

        return _act(request, form, object_id, verb, "The screening is cancelled.")

    @action(description="Cancel", permissions=["cancel"], dialog=CANCELLING, icon="cancel")
    def cancel_model(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        def verb(submission: Submission, by: Any, reason: str) -> bool:
            model_runs.cancel_as_judge(submission, by, reason)
            tasks.tell(submission)
            return True

        return _act(request, form, object_id, verb, "It is cancelled.")

    def has_cancel_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return _may(request, object_id, model_run__stage__in=NOT_OVER)

    def has_screen_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return _may(request, object_id, model_run__stage=ModelStage.DONE)

    def has_unscreen_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        is_asked = {"model_run__screening__isnull": False, "model_run__screening__done_at": None}
        return _may(request, object_id, **is_asked)

    def has_again_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return _may(request, object_id, status=Status.FAILED)

    def has_exclude_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return _may(request, object_id, exclusion="")

    def has_include_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return _may(request, object_id, exclusion__gt="")


def _may(request: Any, object_id: Any, **so_far: Any) -> bool:
    is_number = str(object_id).isdigit()  # an address may hold anything
    rows = Submission.objects.select_related("team__competition")
    found = rows.filter(pk=object_id, **so_far).first() if is_number else None
    return found is not None and role_of(request, found.team.competition) in JUDGES


def _act(request: HttpRequest, form: Any, pk: str, verb: Any, done: str) -> HttpResponse:
    submission = Submission.objects.select_related("team__competition").get(pk=pk)
    back = reverse("admin:competitions_submission_change", args=[pk])
    reason = form.cleaned_data["reason"]
    by = request.user
    return moderating.act(
        request, submission.team, lambda: verb(submission, by, reason), done, back
    )


def _sentence(problem: dict[str, Any]) -> str:
    line = problem.get("line")
    return f"Line {line}: {problem['message']}" if line else str(problem["message"])
