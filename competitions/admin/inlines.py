"""Rows of another table below a form: shown, never edited there."""

from django.http import HttpRequest
from unfold.admin import TabularInline


class ReadOnlyInline(TabularInline):  # type: ignore[misc]  # unfold has no types
    extra = 0
    can_delete = False
    hide_title = True

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False
