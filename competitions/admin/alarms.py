"""Alarms: teams whose public score is too good for their private one. For organisers alone."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from unfold.decorators import display
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminTextareaWidget

from competitions import moderation
from competitions.access import EDITORS
from competitions.admin import columns
from competitions.admin.acting import action
from competitions.admin.audit import ReadOnlyAdmin
from competitions.admin.by_role import ByRole
from competitions.models import Alarm

STATES = {"new": "danger", "seen": "info"}


class SeenForm(BaseDialogForm):  # type: ignore[misc]  # unfold has no types
    reason = forms.CharField(
        label="What came of it",
        required=False,
        max_length=500,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text="For the audit log, which organisers read. Tell the team nothing of the alarm.",
    )


SEEING = {
    "title": "Have you looked at it?",
    "description": "The alarm then no longer holds up the reveal. It stays in this list.",
    "form_class": SeenForm,
    "form_submit_text": "Mark as seen",
}


@admin.register(Alarm)
class AlarmAdmin(ByRole, ReadOnlyAdmin):
    """For owners and editors: the gap tells of private scores."""

    to_competition = "team__competition"
    seen_by = frozenset(EDITORS)
    list_display = ("team", "challenge", "gap", "raised", "state")
    list_filter = (("team__competition", admin.RelatedOnlyFieldListFilter),)
    list_select_related = ("team__competition",)
    search_fields = ("team__name",)
    list_before_template = "admin/competitions/alarm/explained.html"
    fields = ("team", "challenge", "file", "gap", "raised", "seen")
    actions_row = ("mark_seen",)
    actions_detail = ("mark_seen",)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """By challenge alone: the gap in the address would give up its further digits."""
        return lookup.startswith("team__competition__id") or lookup == "team__competition"

    @display(description="Challenge")  # type: ignore[untyped-decorator]
    def challenge(self, obj: Alarm) -> str:
        return obj.team.competition.title

    @display(description="Gap, in standard errors", ordering="z")  # type: ignore[untyped-decorator]
    def gap(self, obj: Alarm) -> str:
        return f"{obj.z:.1f}"

    @display(description="Raised", ordering="raised_at")  # type: ignore[untyped-decorator]
    def raised(self, obj: Alarm) -> str:
        return columns.utc(obj.raised_at)

    @display(description="State", ordering="seen_at", label=STATES)  # type: ignore[untyped-decorator]
    def state(self, obj: Alarm) -> tuple[str, str]:
        return ("new", "New") if obj.seen_at is None else ("seen", "Seen")

    @display(description="Seen")  # type: ignore[untyped-decorator]
    def seen(self, obj: Alarm) -> str:
        return columns.utc(obj.seen_at)

    @display(description="File")  # type: ignore[untyped-decorator]
    def file(self, obj: Alarm) -> str:
        return obj.submission.file_name

    @action(description="Mark as seen", permissions=["see"], dialog=SEEING, icon="visibility")
    def mark_seen(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        alarm = Alarm.objects.select_related("team__competition").get(pk=object_id)
        moderation.see(alarm, request.user, form.cleaned_data["reason"])
        messages.success(request, f"The alarm about {alarm.team} is marked as seen.")
        return HttpResponse(headers={"HX-Redirect": reverse("admin:competitions_alarm_changelist")})

    def has_see_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        is_number = str(object_id).isdigit()  # an address may hold anything
        found = self.get_queryset(request).filter(pk=object_id).first() if is_number else None
        return found is not None and self.may(request, found, EDITORS)
