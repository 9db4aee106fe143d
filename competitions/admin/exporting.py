"""The rows of a list as a table for spreadsheets: those that the list shows, as it shows them."""

from collections.abc import Iterator
from typing import Any

from django.contrib.admin.utils import label_for_field, lookup_field
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from unfold.decorators import action

from competitions import spreadsheets

BATCH = 500


class Exporting:
    """For a ModelAdmin: a button above its list. No cell that it writes is a formula."""

    actions_list = ("export_csv",)

    @action(description="Download as CSV", icon="download", url_path="csv")  # type: ignore[untyped-decorator]
    def export_csv(self, request: HttpRequest) -> HttpResponse:
        admin: Any = self
        rows: QuerySet[Any] = admin.get_changelist_instance(request).get_queryset(request)
        shown = [name for name in admin.get_list_display(request) if name != "action_checkbox"]
        header = [str(label_for_field(name, admin.model, admin)) for name in shown]
        lines = spreadsheets.lines(header, _cells(admin, rows, shown))
        name = f"{admin.opts.verbose_name_plural}.csv".replace(" ", "-")
        return StreamingHttpResponse(  # type: ignore[return-value]  # what Django calls a response
            lines,
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )


def _cells(admin: Any, rows: QuerySet[Any], shown: list[str]) -> Iterator[list[object]]:
    for row in rows.iterator(chunk_size=BATCH):
        yield [_cell(lookup_field(name, row, admin)) for name in shown]


def _cell(found: tuple[Any, Any, Any]) -> object:
    """Labels of unfold's are pairs of a key and words; numbers stay numbers."""
    value = found[2]
    if isinstance(value, tuple):
        value = value[-1]
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "" if value is None else str(value)
    return value
