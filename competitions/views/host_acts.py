"""What a host does from the screen. Each act asks first, on a page that a script makes a dialog."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from competitions import access, lifecycle
from competitions.access import Person
from competitions.deadlines import Phase, frozen_since
from competitions.live import events
from competitions.models import Competition, State
from competitions.refusals import Refused
from competitions.views import challenge as challenges
from competitions.views.challenge import Challenge
from competitions.views.host_forms import AnnouncementForm, ConfirmationForm, ExtensionForm

RUNNING = (Phase.OPEN, Phase.PAUSED)


@dataclass(frozen=True)
class Act:
    """A button of the screen. ``verb`` takes the challenge, the filled-in form and the person."""

    name: str
    label: str
    title: str
    words: str
    submit: str
    done: str
    verb: Callable[[Competition, Any, Any], object]
    is_offered: Callable[[Challenge], bool]
    form: type[forms.Form] = ConfirmationForm
    is_primary: bool = False
    is_dangerous: bool = False
    is_for_editors: bool = False
    makes_board_anew: bool = False


def _extend(competition: Competition, form: Any, by: Any) -> None:
    lifecycle.extend(competition, form.end, by)


def _announce(competition: Competition, form: Any, by: Any) -> None:
    said = lifecycle.announce(competition, form.cleaned_data["text"], by)
    transaction.on_commit(lambda: events.publish_announcement(said))


def _has_end(challenge: Challenge) -> bool:
    return challenge.phase in RUNNING and challenge.competition.closes_at is not None


ACTS = (
    Act(
        name="announce",
        label="Announce",
        title="Announce something",
        words="",
        submit="Announce it",
        done="Everybody has heard it.",
        verb=_announce,
        is_offered=lambda challenge: challenge.phase is not Phase.DRAFT,
        form=AnnouncementForm,
        is_primary=True,
    ),
    Act(
        name="extend",
        label="Extend",
        title="Extend the challenge for everybody?",
        words="Every open page counts down to the new end at once. A board that its dates had "
        "frozen moves again until it freezes before the new end.",
        submit="Extend it",
        done="The challenge ends later, for everybody.",
        verb=_extend,
        is_offered=_has_end,
        form=ExtensionForm,
        makes_board_anew=True,
    ),
    Act(
        name="freeze",
        label="Freeze board",
        title="Freeze the board now?",
        words="It stands still until the final board is published. Files are taken and scored as "
        "before, and each team sees its own scores. “Thaw board” takes it back.",
        submit="Freeze it",
        done="The board stands still.",
        verb=lambda competition, _form, by: lifecycle.freeze(competition, by),
        is_offered=lambda challenge: (
            _has_end(challenge) and frozen_since(challenge.competition) is None
        ),
    ),
    Act(
        name="thaw",
        label="Thaw board",
        title="Let the board move again?",
        words="Everybody sees at once what was scored meanwhile.",
        submit="Thaw it",
        done="The board moves again.",
        verb=lambda competition, _form, by: lifecycle.thaw(competition, by),
        is_offered=lambda challenge: (
            challenge.phase in RUNNING and challenge.competition.froze_at is not None
        ),
        makes_board_anew=True,
    ),
    Act(
        name="pause",
        label="Pause",
        title="Pause the challenge?",
        words="No files are taken until you resume it. What was received is scored, and the clock "
        "runs on: extend the end if the pause is to cost nobody time.",
        submit="Pause it",
        done="The challenge is paused.",
        verb=lambda competition, _form, by: lifecycle.pause(competition, by),
        is_offered=lambda challenge: challenge.phase is Phase.OPEN,
    ),
    Act(
        name="resume",
        label="Resume",
        title="Resume the challenge?",
        words="Files are taken again from now on.",
        submit="Resume it",
        done="The challenge goes on.",
        verb=lambda competition, _form, by: lifecycle.resume(competition, by),
        is_offered=lambda challenge: challenge.phase is Phase.PAUSED,
    ),
    Act(
        name="close",
        label="Close",
        title="Close the challenge for everybody?",
        words="It ends now, also for teams that were given more time: no more files are taken and "
        "the final picks are settled. What was received is still scored.",
        submit="Close it",
        done="The challenge is closed.",
        verb=lambda competition, _form, by: lifecycle.close_now(competition, by),
        is_offered=lambda challenge: challenge.competition.state == State.OPEN,
        is_dangerous=True,
        is_for_editors=True,
    ),
)


def offered(challenge: Challenge, person: Person) -> list[Act]:
    """What may be done now, by this person."""
    may_edit = access.may_edit(person, challenge.competition)
    return [
        act for act in ACTS if act.is_offered(challenge) and (may_edit or not act.is_for_editors)
    ]


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def act(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """Asks; a POST does it and leads back to the screen."""
    challenge = acting(request, slug)
    wanted = next((one for one in ACTS if one.name == name), None)
    if wanted is None:
        raise Http404("There is no such button on the host's screen.")
    if wanted not in offered(challenge, request.user):
        messages.error(request, f"“{wanted.label}” is not possible now: look how things stand.")
        return redirect("competitions:host", slug)
    form = _form(wanted, challenge.competition, request)
    if request.method == "POST" and form.is_valid():
        _do(request, wanted, challenge.competition, form)
        return redirect("competitions:host", slug)
    context = {"challenge": challenge, "tab": "host", "act": wanted, "form": form}
    status = 400 if form.errors else 200
    return render(request, "competitions/host_act.html", context, status=status)


def acting(request: HttpRequest, slug: str) -> Challenge:
    """The challenge, for whoever may act on it."""
    challenge = challenges.find(request, slug)
    if not access.may_judge(request.user, challenge.competition):
        raise PermissionDenied("Only owners, editors and judges of this challenge act on it.")
    return challenge


def _form(act: Act, competition: Competition, request: HttpRequest) -> Any:
    data = request.POST if request.method == "POST" else None
    return ExtensionForm(competition, data) if act.form is ExtensionForm else act.form(data)


def _do(request: HttpRequest, act: Act, competition: Competition, form: Any) -> None:
    try:
        act.verb(competition, form, request.user)
    except Refused as error:
        messages.error(request, str(error))
        return
    messages.success(request, act.done)
    if act.form is not AnnouncementForm:
        transaction.on_commit(lambda: _tell(competition, is_anew=act.makes_board_anew))


def _tell(competition: Competition, *, is_anew: bool) -> None:
    events.publish_clock(competition)
    if is_anew:
        events.publish_reset(competition)
