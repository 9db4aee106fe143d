"""What was announced, to read again. Announcing is a button of the challenge's page."""

from django.contrib import admin
from unfold.decorators import display

from competitions.admin import columns
from competitions.admin.audit import ReadOnlyAdmin
from competitions.admin.by_role import ByRole
from competitions.models import Announcement


@admin.register(Announcement)
class AnnouncementAdmin(ByRole, ReadOnlyAdmin):
    to_competition = "competition"
    list_display = ("text", "competition", "when")
    list_filter = (("competition", admin.RelatedOnlyFieldListFilter),)
    list_select_related = ("competition",)
    search_fields = ("text",)
    fields = ("text", "competition", "when")

    @display(description="When", ordering="at")  # type: ignore[untyped-decorator]
    def when(self, obj: Announcement) -> str:
        return columns.utc(obj.at)
