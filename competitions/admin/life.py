"""The acts of a challenge's life, as buttons of its page: each asks first, then calls its verb."""

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from unfold.enums import ActionVariant

from competitions import deadlines, lifecycle
from competitions.access import EDITORS, JUDGES
from competitions.admin import launch, rescoring, reveal
from competitions.admin.acting import action
from competitions.admin.by_role import role_of
from competitions.admin.dialogs import AnnouncementForm, ConfirmationForm, ExtensionForm
from competitions.deadlines import Phase
from competitions.live import events
from competitions.models import Competition, Role, State
from competitions.refusals import Refused

OPENING = {
    "title": "Open this challenge again?",
    "description": "From now on everyone can take part again, until its closing date.",
    "form_class": ConfirmationForm,
    "form_submit_text": "Open it",
}
CLOSING = {
    "title": "Close this challenge?",
    "description": "It ends now: no more submissions are taken and the final picks are settled. "
    "What has been received is still scored. The board stays visible.",
    "form_class": ConfirmationForm,
    "form_submit_text": "Close it",
}
PAUSING = {
    "title": "Pause this challenge?",
    "description": "No files are taken until you resume it. What has been received is scored, and "
    "the clock runs on: extend the end if the pause is to cost nobody time.",
    "form_class": ConfirmationForm,
    "form_submit_text": "Pause it",
}
RESUMING = {
    "title": "Resume this challenge?",
    "description": "Files are taken again from now on.",
    "form_class": ConfirmationForm,
    "form_submit_text": "Resume it",
}
EXTENDING = {
    "title": "Extend this challenge?",
    "description": "Every open page counts down to the new end at once. A board that had frozen "
    "moves again until it freezes before the new end. It cannot be taken back by itself: close the "
    "challenge then, set the end that was meant, and open it again.",
    "form_class": ExtensionForm,
    "form_submit_text": "Extend it",
}
ANNOUNCING = {
    "title": "Announce something?",
    "description": "",
    "form_class": AnnouncementForm,
    "form_submit_text": "Announce it",
}


class Life:
    """For the admin of challenges: what may be done hangs on the phase, and is asked per phase."""

    actions_detail = (
        "launch", "open_now", "announce", "extend", "resume", "pause", "close_now", "rescore",
        "reveal",
    )  # fmt: skip

    @action(
        description="Open",
        permissions=["launch"],
        icon="play_arrow",
        variant=ActionVariant.PRIMARY,
    )
    def launch(self, request: HttpRequest, object_id: str) -> HttpResponse:
        def told(competition: Competition) -> None:
            tell(competition, is_anew=False)

        return launch.page(self, request, object_id, told)

    @action(
        description="Open again",
        permissions=["open"],
        dialog=OPENING,
        icon="play_arrow",
        variant=ActionVariant.PRIMARY,
    )
    def open_now(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        return act(request, object_id, lifecycle.open_now, "The challenge is open.", may_thaw=True)

    @action(
        description="Close",
        permissions=["close"],
        dialog=CLOSING,
        icon="stop",
        variant=ActionVariant.DANGER,
    )
    def close_now(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        return act(request, object_id, lifecycle.close_now, "The challenge is closed.")

    @action(description="Pause", permissions=["pause"], dialog=PAUSING, icon="pause")
    def pause(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        return act(request, object_id, lifecycle.pause, "The challenge is paused.")

    @action(
        description="Resume",
        permissions=["resume"],
        dialog=RESUMING,
        icon="play_arrow",
        variant=ActionVariant.PRIMARY,
    )
    def resume(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        return act(request, object_id, lifecycle.resume, "The challenge goes on.")

    @action(description="Extend", permissions=["extend"], dialog=EXTENDING, icon="more_time")
    def extend(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        def verb(competition: Competition, by: Any) -> None:
            lifecycle.extend(competition, form.end, by)

        return act(request, object_id, verb, "The challenge ends later.", may_thaw=True)

    @action(description="Announce", permissions=["announce"], dialog=ANNOUNCING, icon="campaign")
    def announce(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        competition = Competition.objects.get(pk=object_id)
        said = lifecycle.announce(competition, form.cleaned_data["text"], request.user)
        transaction.on_commit(lambda: events.publish_announcement(said))
        messages.success(request, "Everybody has heard it.")
        return back_to(object_id)

    @action(
        description="Reveal",
        permissions=["reveal"],
        icon="emoji_events",
        variant=ActionVariant.PRIMARY,
    )
    def reveal(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return reveal.page(self, request, object_id)

    @action(description="Rescore", permissions=["rescore"], icon="published_with_changes")
    def rescore(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return rescoring.page(self, request, object_id)

    def has_launch_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self._is_in(request, object_id, Phase.DRAFT)

    def has_open_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        found = self._now(request, object_id)
        return found is not None and found.state == State.CLOSED

    def has_close_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self._is_in(request, object_id, Phase.UPCOMING, Phase.OPEN, Phase.PAUSED)

    def has_pause_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self._is_in(request, object_id, Phase.OPEN, roles=JUDGES)

    def has_resume_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self._is_in(request, object_id, Phase.PAUSED, roles=JUDGES)

    def has_extend_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        found = self._now(request, object_id)
        has_end = found is not None and found.closes_at is not None
        return has_end and self._is_in(request, object_id, Phase.OPEN, Phase.PAUSED)

    def has_announce_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        others = (phase for phase in Phase if phase is not Phase.DRAFT)
        return self._is_in(request, object_id, *others, roles=JUDGES)

    def has_rescore_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        others = (phase for phase in Phase if phase is not Phase.DRAFT)
        return self._is_in(request, object_id, *others)

    def has_reveal_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self._is_in(request, object_id, Phase.CLOSED, Phase.REVEALED)

    def _is_in(
        self,
        request: HttpRequest,
        object_id: Any,
        *phases: Phase,
        roles: AbstractSet[Role] = EDITORS,
    ) -> bool:
        found = self._now(request, object_id, roles)
        return found is not None and deadlines.phase(found) in phases

    def _now(
        self, request: Any, object_id: Any, roles: AbstractSet[Role] = EDITORS
    ) -> Competition | None:
        """The challenge, read once per request; None for whoever may not do this."""
        known = getattr(request, "challenge_of_the_page", None)
        if known is None or str(known.pk) != str(object_id):
            is_number = str(object_id).isdigit()  # an address may hold anything
            known = Competition.objects.filter(pk=object_id).first() if is_number else None
            request.challenge_of_the_page = known
        return known if known is not None and role_of(request, known) in roles else None


def act(
    request: HttpRequest,
    pk: str,
    verb: Callable[[Competition, Any], object],
    done: str,
    *,
    may_thaw: bool = False,
) -> HttpResponse:
    """Calls the verb, tells open pages, and shows the answer on the challenge's page."""
    competition = Competition.objects.get(pk=pk)
    try:
        verb(competition, request.user)
    except Refused as error:
        messages.error(request, str(error))
    else:
        messages.success(request, done)
        # A frozen board that moves again has been made anew.
        tell(competition, is_anew=may_thaw and competition.freeze_minutes is not None)
    return back_to(pk)


def tell(competition: Competition, *, is_anew: bool) -> None:
    """After the commit open pages hear of the dates and the state, and fetch a board made anew."""

    def publish() -> None:
        events.publish_clock(competition)
        if is_anew:
            events.publish_reset(competition)

    transaction.on_commit(publish)


def back_to(pk: Any) -> HttpResponse:
    """The dialog is sent by htmx, which follows this header where it would swallow a redirect."""
    page = reverse("admin:competitions_competition_change", args=[pk])
    return HttpResponse(headers={"HX-Redirect": page})
