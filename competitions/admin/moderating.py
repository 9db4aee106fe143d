"""What the dialogs about a team or a file ask, and what open boards are told afterwards."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminTextareaWidget

from competitions import tasks
from competitions.live import events
from competitions.models import Standing, State, Team
from competitions.moderation import REASON_LENGTH
from competitions.refusals import Refused


class WhyForm(BaseDialogForm):  # type: ignore[misc]  # unfold has no types
    reason = forms.CharField(
        label="Why",
        required=False,
        max_length=REASON_LENGTH,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text="For the audit log, which organisers read.",
    )


class ReasonForm(BaseDialogForm):  # type: ignore[misc]
    reason = forms.CharField(
        label="The reason, which the team reads",
        max_length=REASON_LENGTH,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text=f"At most {REASON_LENGTH} characters. It stands in the audit log too.",
    )


def dialog(title: str, description: str, submit: str, form: type[Any] = WhyForm) -> dict[str, Any]:
    return {
        "title": title,
        "description": description,
        "form_class": form,
        "form_submit_text": submit,
    }


def act(
    request: HttpRequest, team: Team, verb: Callable[[], bool], done: str, back: str
) -> HttpResponse:
    """Calls the verb, tells open boards, and shows the answer on the page ``back``."""
    try:
        has_changed = verb()
    except Refused as error:
        messages.error(request, str(error))
    else:
        messages.success(request, done if has_changed else "It was so already.")
        if has_changed:
            tell(team)
    # The dialog is sent by htmx, which follows this header where it would swallow a redirect.
    return HttpResponse(headers={"HX-Redirect": back})


def tell(team: Team) -> None:
    """After the commit: the team's new line, or a whole new board where it has none any more."""

    def publish() -> None:
        standing = Standing.objects.filter(team=team).first()
        if standing is not None:
            events.publish_board(standing)
        if standing is None or team.competition.state == State.REVEALED:
            events.publish_reset(team.competition)

    transaction.on_commit(publish)
    tasks.enqueue_insight(team.competition_id)
