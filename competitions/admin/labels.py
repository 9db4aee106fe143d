"""Single test labels, for whoever was given the permission by name; each look is written down."""

from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse

from competitions import access, labels
from competitions.models import Competition

PAGE = 100


@dataclass(frozen=True)
class Place:
    """Which rows are asked for."""

    search: str
    page: int


def page(model_admin: Any, request: HttpRequest, pk: int) -> HttpResponse:
    """A page of the solution, found by the beginning of the id."""
    competition = get_object_or_404(Competition.objects.select_related("solution"), pk=pk)
    if not access.may_view_labels(request.user, competition):
        raise PermissionDenied(
            "Single test labels are for whoever has the permission “Can see single test labels”. "
            "Whoever runs the site gives it, under People, on the person's page."
        )
    place = _place(request)
    rows = labels.look(competition, place.search, place.page * PAGE, PAGE + 1, request.user)
    context = {
        **model_admin.admin_site.each_context(request),
        "title": f"Labels of {competition.title}",
        "opts": model_admin.opts,
        "original": competition,
        "rows": list(islice(rows, PAGE)),
        "search": place.search,
        "before": place.page,
        "after": place.page + 2 if len(rows) > PAGE else None,
    }
    return TemplateResponse(
        request, "admin/competitions/competition/labels.html", context,
        headers={"Cache-Control": "no-store"},
    )  # fmt: skip


def _place(request: HttpRequest) -> Place:
    number = request.GET.get("page", "1")
    page = int(number) if number.isdigit() and len(number) < 6 else 1
    return Place(request.GET.get("search", "").strip()[:100], max(1, page) - 1)
