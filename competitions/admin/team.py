"""Teams: they come into being when people join, so nothing is added here."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.enums import ActionVariant

from competitions import moderation, teams
from competitions.access import JUDGES
from competitions.admin import columns, moderating
from competitions.admin.acting import action
from competitions.admin.by_role import ByRole
from competitions.admin.exporting import Exporting
from competitions.admin.inlines import ReadOnlyInline
from competitions.admin.moderating import ReasonForm, dialog
from competitions.models import Member, Team
from competitions.refusals import Refused

TEAM, BASELINE, HIDDEN, DISQUALIFIED = "team", "baseline", "hidden", "disqualified"
KINDS = {TEAM: "info", BASELINE: "primary", HIDDEN: "warning", DISQUALIFIED: "danger"}
OF_KIND = {
    TEAM: Q(is_baseline=False, is_hidden=False, disqualification=""),
    BASELINE: Q(is_baseline=True),
    HIDDEN: Q(is_hidden=True),
    DISQUALIFIED: ~Q(disqualification=""),
}
HIDING = dialog(
    "Hide this team?",
    "It goes on taking part and sees its own scores, and stands on no board, now or in the end.",
    "Hide it",
)
SHOWING = dialog("Show this team again?", "It stands on the board as if it had never left.", "Show")
DISQUALIFYING = dialog(
    "Disqualify this team?",
    "It leaves every board and can send nothing more. Its files and scores are kept: it can be "
    "reinstated.",
    "Disqualify it",
    ReasonForm,
)
REINSTATING = dialog(
    "Reinstate this team?", "It stands on the board again and can send files.", "Reinstate it"
)
MARKING = dialog(
    "Make this team a baseline?",
    "Its score stays on the board as a line to beat, without a rank.",
    "Make it a baseline",
)
UNMARKING = dialog("Make this a team like others?", "It is ranked again.", "Rank it")


class TeamForm(forms.ModelForm):  # type: ignore[type-arg]  # generic for mypy alone
    class Meta:
        model = Team
        fields = ("name", "group")
        help_texts = {
            "group": "A class or a course; the board can be filtered by it. Capitals make no other "
            "group: where a team is in it already, its spelling is kept."
        }

    def clean_name(self) -> str:
        """As people's own renaming cleans it, and the model's clean compares it with others."""
        try:
            return teams.clean_name(self.cleaned_data["name"])
        except Refused as error:
            raise forms.ValidationError(str(error)) from None


class MemberInline(ReadOnlyInline):
    model = Member
    fields = readonly_fields = ("user", "joined")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Member]:
        queryset: QuerySet[Member] = super().get_queryset(request)
        return queryset.select_related("user", "team")

    @display(description="Joined")  # type: ignore[untyped-decorator]
    def joined(self, obj: Member) -> str:
        return columns.utc(obj.joined_at)


class KindFilter(admin.SimpleListFilter):
    title, parameter_name = "kind", "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(kind, kind.capitalize()) for kind in OF_KIND]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Team]) -> QuerySet[Team]:
        wanted = OF_KIND.get(self.value() or "")
        return queryset if wanted is None else queryset.filter(wanted)


@admin.register(Team)
class TeamAdmin(Exporting, ByRole, ModelAdmin):  # type: ignore[misc]  # unfold has no types
    to_competition = "competition"
    changed_by = acted_on_by = frozenset(JUDGES)
    form = TeamForm
    list_display = ("name", "competition", "kind", "group", "member_count", "founded")
    list_editable = ("group",)
    list_filter = (("competition", admin.RelatedOnlyFieldListFilter), KindFilter)
    list_select_related = ("competition",)
    search_fields = ("name", "group", "members__user__username")
    fields = ("name", "group", "competition", "state", "reason", "founded")
    readonly_fields = ("competition", "state", "reason", "founded")
    inlines = [MemberInline]
    actions = None
    actions_detail = (
        "show", "hide", "reinstate", "disqualify", "unmark_baseline", "mark_baseline",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Team]:
        queryset: QuerySet[Team] = super().get_queryset(request)
        return queryset.annotate(people=Count("members", distinct=True))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Team, form: Any, change: bool) -> None:
        """Through the verbs, which write down what they do and move the board's version on."""
        self.require_change(request, obj)
        try:
            if "name" in form.changed_data:
                moderation.rename(obj, obj.name, request.user)
            if "group" in form.changed_data:
                moderation.set_group(obj, obj.group, request.user)
        except Refused as error:  # somebody took the name since the form was checked
            messages.error(request, str(error))
        if form.has_changed():
            moderating.renamed(request, obj)

    # --- columns ---------------------------------------------------------------------------------
    @display(description="Kind", ordering="is_baseline", label=KINDS)  # type: ignore[untyped-decorator]
    def kind(self, obj: Team) -> tuple[str, str]:
        kind = TEAM
        if obj.is_baseline:
            kind = BASELINE
        if obj.is_hidden:
            kind = HIDDEN
        if obj.disqualification:
            kind = DISQUALIFIED
        return kind, kind.capitalize()

    @display(description="Kind")  # type: ignore[untyped-decorator]
    def state(self, obj: Team) -> str:
        """All that it is: a hidden baseline is both."""
        held = (
            (obj.is_baseline, "A baseline: a line to beat, without a rank."),
            (obj.is_hidden, "Hidden: on no board."),
            (bool(obj.disqualification), "Disqualified."),
        )
        return " ".join(words for is_so, words in held if is_so) or "A team like others."

    @display(description="Reason")  # type: ignore[untyped-decorator]
    def reason(self, obj: Team) -> str:
        return obj.disqualification or columns.NONE

    @display(description="Members", ordering="people")  # type: ignore[untyped-decorator]
    def member_count(self, obj: Any) -> int:
        return int(obj.people)

    @display(description="Founded", ordering="created_at")  # type: ignore[untyped-decorator]
    def founded(self, obj: Team) -> str:
        return columns.utc(obj.created_at)

    # --- what happens ----------------------------------------------------------------------------
    @action(description="Hide", permissions=["hide"], dialog=HIDING, icon="visibility_off")
    def hide(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        return _act(request, form, object_id, moderation.hide, "Nobody sees the team on a board.")

    @action(description="Show", permissions=["show"], dialog=SHOWING, icon="visibility")
    def show(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        return _act(request, form, object_id, moderation.show, "The team is on the board again.")

    @action(
        description="Disqualify",
        permissions=["disqualify"],
        dialog=DISQUALIFYING,
        icon="block",
        variant=ActionVariant.DANGER,
    )
    def disqualify(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        done = "The team is disqualified, and reads why."

        def verb(team: Team, by: Any, reason: str) -> bool:
            return moderation.disqualify(team, reason, by)

        return _act(request, form, object_id, verb, done)

    @action(
        description="Reinstate",
        permissions=["reinstate"],
        dialog=REINSTATING,
        icon="undo",
        variant=ActionVariant.PRIMARY,
    )
    def reinstate(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        return _act(request, form, object_id, moderation.reinstate, "The team takes part again.")

    @action(description="Make a baseline", permissions=["mark"], dialog=MARKING, icon="flag")
    def mark_baseline(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        done = "The team is a line to beat now."
        return _act(request, form, object_id, moderation.mark_baseline, done)

    @action(description="Rank it", permissions=["unmark"], dialog=UNMARKING, icon="leaderboard")
    def unmark_baseline(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        return _act(request, form, object_id, moderation.unmark_baseline, "The team is ranked.")

    def has_hide_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self._may(request, object_id, ~OF_KIND[HIDDEN])

    def has_show_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self._may(request, object_id, OF_KIND[HIDDEN])

    def has_disqualify_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self._may(request, object_id, ~OF_KIND[DISQUALIFIED])

    def has_reinstate_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self._may(request, object_id, OF_KIND[DISQUALIFIED])

    def has_mark_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self._may(request, object_id, ~OF_KIND[BASELINE])

    def has_unmark_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self._may(request, object_id, OF_KIND[BASELINE])

    def _may(self, request: Any, object_id: Any, so_far: Q) -> bool:
        is_number = str(object_id).isdigit()  # an address may hold anything
        rows = Team.objects.select_related("competition").filter(so_far)
        found = rows.filter(pk=object_id).first() if is_number else None
        return found is not None and self.has_change_permission(request, found)


def _act(request: HttpRequest, form: Any, pk: str, verb: Any, done: str) -> HttpResponse:
    team = Team.objects.select_related("competition").get(pk=pk)
    reason = form.cleaned_data["reason"]
    back = reverse("admin:competitions_team_change", args=[pk])
    return moderating.act(request, team, lambda: verb(team, request.user, reason), done, back)
