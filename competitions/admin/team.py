"""Teams: they come into being when people join, so nothing is added here."""

from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.decorators import display

from competitions import teams
from competitions.admin import columns
from competitions.admin.forms import TeamForm
from competitions.admin.inlines import ReadOnlyInline
from competitions.live import events
from competitions.models import Member, Standing, Team
from competitions.refusals import Refused


class MemberInline(ReadOnlyInline):
    model = Member
    fields = readonly_fields = ("user", "joined")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Member]:
        queryset: QuerySet[Member] = super().get_queryset(request)
        return queryset.select_related("user", "team")

    @display(description="Joined")  # type: ignore[untyped-decorator]
    def joined(self, obj: Member) -> str:
        return columns.utc(obj.joined_at)


@admin.register(Team)
class TeamAdmin(ModelAdmin):  # type: ignore[misc]
    form = TeamForm
    list_display = ("name", "competition", "kind", "member_count", "founded")
    list_filter = ("competition", "is_baseline")
    list_select_related = ("competition",)
    search_fields = ("name", "members__user__username")
    fields = ("name", "competition", "is_baseline", "founded")
    readonly_fields = ("competition", "founded")
    inlines = [MemberInline]
    actions = None

    def get_queryset(self, request: HttpRequest) -> QuerySet[Team]:
        queryset: QuerySet[Team] = super().get_queryset(request)
        return queryset.annotate(people=Count("members", distinct=True))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Team, form: Any, change: bool) -> None:
        """Through the verb, which cleans the name and moves the board's version on."""
        if not form.has_changed():
            return
        Team.objects.filter(pk=obj.pk).update(is_baseline=obj.is_baseline)
        try:
            teams.rename(obj, obj.name)
        except Refused as error:  # somebody took the name since the form was checked
            messages.error(request, str(error))
        _show_on_boards(obj)

    @display(description="Kind", ordering="is_baseline")  # type: ignore[untyped-decorator]
    def kind(self, obj: Team) -> str:
        return "Baseline" if obj.is_baseline else "Team"

    @display(description="Members", ordering="people")  # type: ignore[untyped-decorator]
    def member_count(self, obj: Any) -> int:
        return int(obj.people)

    @display(description="Founded", ordering="created_at")  # type: ignore[untyped-decorator]
    def founded(self, obj: Team) -> str:
        return columns.utc(obj.created_at)


def _show_on_boards(team: Team) -> None:
    """The team's line reads differently now, and open boards are told."""
    standing = Standing.objects.filter(team=team).first()
    if standing is not None:
        transaction.on_commit(lambda: events.publish_board(standing))
