"""The roster of a class, for its organisers: code, list, import, and slips to print."""

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import AbstractUser
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from competitions import access, admission, entrance
from competitions import roster as verbs
from competitions.models import Competition, RosterEntry
from competitions.refusals import Refused
from competitions.teams import alphabetical
from competitions.views import challenge as challenges
from competitions.views.challenge import Challenge
from competitions.views.projector import code, is_this_machine, outside

LONGEST_PK = 19  # digits of a database key
MOST_BYTES = 2 << 20  # what a form field may bring back after the preview


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def page(request: HttpRequest, slug: str) -> HttpResponse:
    """Each button is a POST with its ``act``; an import is shown before it is done."""
    challenge = _organised(request, slug)
    shown: dict[str, Any] = {}
    if request.method == "POST":
        try:
            shown = _act(request, challenge.competition)
        except Refused as error:
            messages.error(request, str(error))
        if not shown:
            return redirect("competitions:roster", slug=slug)
    return render(request, "competitions/roster.html", _context(request, challenge) | shown)


@login_required
@require_GET
def table(request: HttpRequest, slug: str) -> HttpResponse:
    challenge = _organised(request, slug)
    name = f"{challenge.competition.slug}-roster.csv"
    return HttpResponse(
        verbs.table(challenge.competition),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@login_required
@never_cache
@require_POST
def slips(request: HttpRequest, slug: str) -> HttpResponse:
    """To be printed at once: the PINs are made now, and shown this one time."""
    challenge = _organised(request, slug)
    made = verbs.slips(challenge.competition, request.user)
    address = _address(request, challenge.competition)
    context = {
        "competition": challenge.competition,
        "slips": made,
        "address": address,
        "short": address.partition("//")[2].partition("/")[0],
        "qr": code(address),
        "is_this_machine": is_this_machine(request),
    }
    return render(request, "competitions/slips.html", context)


def _act(request: HttpRequest, competition: Competition) -> dict[str, Any]:
    """What is to be shown on the page; empty where it is to be loaded anew."""
    by = cast(AbstractUser, request.user)
    match request.POST.get("act"):
        case "code":
            admission.new_code(competition, by)
            messages.success(request, "A new code; the old one leads nowhere any more.")
        case "no code":
            admission.no_code(competition, by)
            messages.success(request, "Nobody joins by a code any more.")
        case "preview":
            return _previewed(request, competition)
        case "import":
            done = verbs.load(competition, request.POST.get("table", "").encode(), by)
            messages.success(request, f"{len(done.added)} added, {len(done.changed)} changed.")
        case "pin":
            entry = _entry(request, competition)
            return {"told": entry, "pin": entrance.new_pin(entry, by)}
        case "free":
            verbs.detach(_entry(request, competition), by)
            messages.success(request, "The line is free: whoever it belongs to can join with it.")
        case "remove":
            verbs.remove(_entry(request, competition), by)
        case _:
            raise Refused("There is no such button here.")
    return {}


def _previewed(request: HttpRequest, competition: Competition) -> dict[str, Any]:
    file = request.FILES.get("file")
    data = file.read(MOST_BYTES + 1) if file else request.POST.get("table", "").encode()
    if len(data) > MOST_BYTES:
        raise Refused(f"A roster has at most {MOST_BYTES >> 20} MiB.")
    found = verbs.preview(competition, data)
    return {"preview": found, "table": data.decode("utf-8", "replace").lstrip("\ufeff")}


def _context(request: HttpRequest, challenge: Challenge) -> dict[str, Any]:
    competition = challenge.competition
    found = competition.roster.select_related("user")
    entries = sorted(found, key=lambda entry: alphabetical(entry.name))
    address = _address(request, competition) if competition.class_code else ""
    return {
        "challenge": challenge,
        "tab": "roster",
        "entries": entries,
        "joined": sum(entry.user_id is not None for entry in entries),
        "address": address,
        "qr": code(address) if address else None,
        "is_this_machine": is_this_machine(request),
    }


def _address(request: HttpRequest, competition: Competition) -> str:
    """As phones in the room reach it."""
    path = reverse("competitions:enter", args=[competition.class_code])
    return f"{request.scheme}://{outside(request)}{path}"


def _entry(request: HttpRequest, competition: Competition) -> RosterEntry:
    pk = request.POST.get("entry", "")
    return get_object_or_404(
        RosterEntry.objects.select_related("user"),
        competition=competition,
        pk=int(pk) if pk.isdecimal() and len(pk) < LONGEST_PK else 0,
    )


def _organised(request: HttpRequest, slug: str) -> Challenge:
    challenge = challenges.find(request, slug)
    if not access.may_edit(request.user, challenge.competition):
        raise PermissionDenied("The roster is for this challenge's organisers.")
    return challenge
