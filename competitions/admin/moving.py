"""Cloning, exporting and importing a challenge, for its owners and whoever runs the site."""

import tempfile
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.widgets import UnfoldAdminTextInputWidget, UnfoldBooleanWidget

from competitions import access
from competitions.models import Competition
from competitions.portable import exporting, importing
from competitions.portable.cloning import clone
from competitions.refusals import Refused

NO_LABELS = (
    "The solution leaves with whoever has the permission “Can see single test labels”. Whoever "
    "runs the site gives it, under People, on the person's page."
)
SPOOL = 8 << 20  # bytes of an export that are kept in memory


class CloneForm(forms.Form):
    title = forms.CharField(max_length=120, widget=UnfoldAdminTextInputWidget())
    slug = forms.SlugField(
        label="Name in the address", max_length=60, widget=UnfoldAdminTextInputWidget()
    )


def _box(label: str, help_text: str, *, initial: bool = False) -> forms.BooleanField:
    return forms.BooleanField(
        label=label,
        required=False,
        initial=initial,
        help_text=help_text,
        widget=UnfoldBooleanWidget(),
    )


class ExportForm(forms.Form):
    with_solution = _box("With the solution", "Labels, seed and private scores. Keep it safe.")
    with_data = _box("With the images", "Else they are named, with their hashes.", initial=True)
    with_emails = _box("With e-mail addresses", "Passwords and PINs never leave this machine.")


class ImportForm(forms.Form):
    file = forms.FileField(label="Exported challenge")
    slug = forms.SlugField(
        label="Another name in the address",
        required=False,
        max_length=60,
        widget=UnfoldAdminTextInputWidget(),
    )
    match_people = _box("The same username is the same person", "Else everybody comes anew.")


def page(model_admin: Any, request: HttpRequest, pk: int) -> HttpResponse:
    """``act`` says which of the two forms was sent."""
    competition = get_object_or_404(Competition, pk=pk)
    if not access.may_own(request.user, competition):
        raise PermissionDenied("Only an owner clones or exports a challenge.")
    sees_labels = access.may_view_labels(request.user, competition)
    act = request.POST.get("act", "")
    cloning = CloneForm(request.POST if act == "clone" else None)
    export = ExportForm(request.POST if act == "export" else None)
    try:
        if act == "clone" and cloning.is_valid():
            return _clone(request, competition, **cloning.cleaned_data)
        if act == "export" and export.is_valid():
            if export.cleaned_data["with_solution"] and not sees_labels:
                raise PermissionDenied(NO_LABELS)
            return _export(request, competition, **export.cleaned_data)
    except Refused as error:
        messages.error(request, str(error))
    context = {
        **model_admin.admin_site.each_context(request),
        "title": f"Clone or export {competition.title}",
        "opts": model_admin.opts,
        "original": competition,
        "cloning": cloning,
        "export": export,
        "sees_labels": sees_labels,
        "no_labels": NO_LABELS,
    }
    return TemplateResponse(request, "admin/competitions/competition/moving.html", context)


def load(model_admin: Any, request: HttpRequest) -> HttpResponse:
    """For whoever runs the site: a file brings people and scores with it."""
    if not getattr(request.user, "is_superuser", False):
        raise PermissionDenied("Only whoever runs the site imports a challenge.")
    form = ImportForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        wanted = form.cleaned_data
        try:
            made = importing.load(
                wanted["file"],
                slug=wanted["slug"] or None,
                match_people=wanted["match_people"],
                by=request.user,
            )
        except Refused as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, f"{made.title} is here, with its board.")
            return _to(made)
    context = {
        **model_admin.admin_site.each_context(request),
        "title": "Import a challenge",
        "opts": model_admin.opts,
        "form": form,
    }
    return TemplateResponse(request, "admin/competitions/competition/import.html", context)


def _clone(
    request: HttpRequest, competition: Competition, *, title: str, slug: str
) -> HttpResponse:
    made = clone(competition, slug, title, request.user)
    messages.success(request, f"{made.title} is a draft with the same images, and nobody in it.")
    return _to(made)


def _export(request: HttpRequest, competition: Competition, **options: bool) -> HttpResponse:
    file = tempfile.SpooledTemporaryFile(SPOOL)  # noqa: SIM115 - the response closes it
    try:
        exporting.export(competition, file, by=request.user, **options)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return FileResponse(  # type: ignore[return-value]  # what Django calls a response
        file, as_attachment=True, filename=f"{competition.slug}.holdout.zip"
    )


def _to(competition: Competition) -> HttpResponse:
    page = reverse("admin:competitions_competition_change", args=[competition.pk])
    return HttpResponseRedirect(page)
