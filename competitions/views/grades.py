"""Grades: the table, a formula to try and to keep, and the download."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from competitions import access
from competitions.grading import grades
from competitions.grading.formula import LONGEST, VARIABLES
from competitions.refusals import Refused
from competitions.views import challenge as challenges
from competitions.views.challenge import Challenge


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def page(request: HttpRequest, slug: str) -> HttpResponse:
    """``formula`` in the address tries one over all rows; a POST keeps it."""
    challenge = _organised(request, slug)
    competition = challenge.competition
    text, refusal = request.GET.get("formula", competition.grading_formula), ""
    if request.method == "POST":
        text = request.POST.get("formula", "")
        try:
            grades.save(competition, text, request.user)
        except Refused as error:
            refusal = str(error)
        else:
            messages.success(request, "The formula is kept.")
            return redirect("competitions:grades", slug=slug)
    try:
        found = grades.of(competition, text)
    except Refused as error:
        refusal, found = str(error), grades.of(competition, "")
    context = {
        "challenge": challenge,
        "tab": "grades",
        "people": found.people,
        "is_final": found.is_final,
        "formula": text,
        "is_kept": text == competition.grading_formula,
        "refusal": refusal,
        "longest": LONGEST,
        "variables": VARIABLES,
    }
    return render(request, "competitions/grades.html", context)


@login_required
@never_cache
@require_POST
def table(request: HttpRequest, slug: str) -> HttpResponse:
    """A POST, since that somebody took the grades is written down."""
    competition = _organised(request, slug).competition
    return HttpResponse(
        grades.table(competition, request.user),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{competition.slug}-grades.csv"'},
    )


def _organised(request: HttpRequest, slug: str) -> Challenge:
    challenge = challenges.find(request, slug)
    if not access.may_edit(request.user, challenge.competition):
        raise PermissionDenied("Grades are for this challenge's owners and editors.")
    return challenge
