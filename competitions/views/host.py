"""The host's screen: one row for each person, who needs whom, and how the workers are."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from competitions import access, allowances, host, queues
from competitions.host import Person, Screen, Sort
from competitions.lights import Light
from competitions.queues import Queue
from competitions.views import challenge as challenges
from competitions.views import host_acts
from competitions.views.challenge import Challenge

SORTS = {Sort.URGENCY: "Most urgent", Sort.NAME: "By name", Sort.SCORE: "By score"}

LONGEST_PK = 19  # digits of a database key


@dataclass(frozen=True)
class Health:
    """What the line about the workers says, and whether it is well."""

    is_well: bool
    words: str


@login_required
@never_cache
@require_safe
def screen(request: HttpRequest, slug: str) -> HttpResponse:
    """For the challenge's organisers; with buttons for whoever may judge."""
    challenge = _organised(request, slug)
    context = _context(request, challenge)
    return render(request, "competitions/host.html", context)


@login_required
@never_cache
@require_safe
def rows(request: HttpRequest, slug: str) -> HttpResponse:
    """What of the screen has changed: the rows of the asked ``teams``, all where none is named;
    the order of all rows, the tally, the workers."""
    context = _context(request, _organised(request, slug))
    asked = request.GET.get("teams", "").split(",")
    wanted = {int(pk) for pk in asked if pk.isdecimal() and len(pk) < LONGEST_PK}
    everybody: Sequence[Person] = context["screen"].people
    context["order"] = " ".join(person.key for person in everybody)
    context["people"] = [
        one for one in everybody if not wanted or (one.team and one.team.pk in wanted)
    ]
    return render(request, "competitions/_host_fragment.html", context)


def health(screen: Screen, found: Sequence[Queue] | None) -> Health:
    """``found``: None where Valkey does not answer."""
    if found is None:
        return Health(False, "The queue does not answer: files are taken, and scored once it does")
    silent = [queue.words for queue in found if not queue.is_well]
    if silent:
        return Health(False, f"No worker answers for {', '.join(silent)}")
    if screen.oldest is None:
        return Health(True, "Nothing waits, every worker is well")
    wait = int(screen.oldest.total_seconds())
    return Health(True, f"{screen.waiting} waiting, the first for {wait} s, every worker is well")


def _organised(request: HttpRequest, slug: str) -> Challenge:
    challenge = challenges.find(request, slug)
    if not challenge.is_organised:
        raise PermissionDenied("The host's screen is for the organisers of this challenge.")
    return challenge


def _context(request: HttpRequest, challenge: Challenge) -> dict[str, Any]:
    competition = challenge.competition
    asked = request.GET.get("sort", "")
    sort = Sort(asked) if asked in set(Sort) else Sort.URGENCY
    read = host.read(competition, sort)
    may_act = access.may_judge(request.user, competition)
    return {
        "challenge": challenge,
        "tab": "host",
        "screen": read,
        "people": read.people,
        "sort": sort.value,
        "sorts": [(key.value, words) for key, words in SORTS.items()],
        "health": health(read, queues.read()),
        "may_act": may_act,
        "may_edit": access.may_edit(request.user, competition),
        "acts": host_acts.offered(challenge, request.user) if may_act else [],
        "later": allowances.running(competition),
        "lights": [(light.value, read.tally[light]) for light in Light],
    }
