"""The audit log: everybody who organises reads it, and nobody writes in it by hand."""

from django.contrib import admin
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.decorators import display

from competitions import access
from competitions.admin import columns, details
from competitions.admin.by_role import ByRole
from competitions.admin.exporting import Exporting
from competitions.models import Act, Kind, Organiser

LOOKED_AT = (Kind.DISQUALIFIED, Kind.EXCLUDED, Kind.REVEALED, Kind.RESCORING_APPLIED)
# Every kind: unfold shows the bare code of one that it has no colour for.
LABELS = dict.fromkeys(Kind, "default") | dict.fromkeys(LOOKED_AT, "warning")
SHOWN = 100  # characters of a reason in the list


class ReadOnlyAdmin(ModelAdmin):  # type: ignore[misc]  # unfold has no types
    """Rows that only the site's own verbs write."""

    actions = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(Act)
class ActAdmin(Exporting, ByRole, ReadOnlyAdmin):
    to_competition = "competition"
    list_display = ("what", "when", "competition", "subject", "who", "why")
    list_filter = ("kind", ("competition", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("competition", "actor")
    search_fields = ("subject", "reason", "actor__username")
    search_help_text = "Whom or what it concerned, the reason, or who did it"
    date_hierarchy = "at"
    fields = ("act", "when", "who", "competition", "subject", "reason", "changes")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Act]:
        """An alarm tells of private scores, and so does what came of it: for editors alone."""
        rows: QuerySet[Act] = super().get_queryset(request)
        if request.user.is_superuser:
            return rows
        edited = Organiser.objects.filter(
            competition=OuterRef("competition"), user=request.user.pk, role__in=access.EDITORS
        )
        return rows.filter(~Q(kind=Kind.ALARM_SEEN) | Exists(edited))

    @display(description="Act", ordering="kind", label=LABELS)  # type: ignore[untyped-decorator]
    def what(self, obj: Act) -> tuple[str, str]:
        return obj.kind, obj.get_kind_display()

    @display(description="Act")  # type: ignore[untyped-decorator]
    def act(self, obj: Act) -> str:
        return obj.get_kind_display()

    @display(description="When", ordering="at")  # type: ignore[untyped-decorator]
    def when(self, obj: Act) -> str:
        return columns.utc(obj.at)

    @display(description="By", ordering="actor__username")  # type: ignore[untyped-decorator]
    def who(self, obj: Act) -> str:
        return "The site's operator" if obj.actor is None else obj.actor.get_username()

    @display(description="Reason")  # type: ignore[untyped-decorator]
    def why(self, obj: Act) -> str:
        reason = obj.reason or columns.NONE
        return reason if len(reason) <= SHOWN else f"{reason[:SHOWN].rstrip()}…"

    @display(description="Details")  # type: ignore[untyped-decorator]
    def changes(self, obj: Act) -> SafeString | str:
        return columns.items(details.lines(obj.details)) if obj.details else columns.NONE
