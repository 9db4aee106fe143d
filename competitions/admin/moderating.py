"""What the dialogs about a team or a file ask, and what open boards are told afterwards."""

from collections.abc import Callable, Sequence
from typing import Any

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminTextareaWidget

from competitions import tasks
from competitions.live import events
from competitions.models import Competition, Standing, State, Team
from competitions.moderation import REASON_LENGTH
from competitions.refusals import Refused

RENAMED = "_teams_renamed"  # the request's list of them


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
    had_line = Standing.objects.filter(team=team).exists()
    try:
        has_changed = verb()
    except Refused as error:
        messages.error(request, str(error))
    else:
        messages.success(request, done if has_changed else "It was so already.")
        if has_changed:
            _tell(team, had_line)
    # The dialog is sent by htmx, which follows this header where it would swallow a redirect.
    return HttpResponse(headers={"HX-Redirect": back})


def renamed(request: HttpRequest, team: Team) -> None:
    """Tells open boards of a team's new name or group, once for all that the request changes."""
    if hasattr(request, RENAMED):
        getattr(request, RENAMED).append(team)
        return
    teams = [team]
    setattr(request, RENAMED, teams)
    transaction.on_commit(lambda: _publish_names(teams))


def _tell(team: Team, had_line: bool) -> None:
    """After the commit: the team's new line, or a whole new board where it has none any more."""

    def publish() -> None:
        standing = Standing.objects.filter(team=team).first()
        if standing is not None:
            events.publish_board(standing)
        has_left = had_line and standing is None
        if has_left or team.competition.state == State.REVEALED:
            events.publish_reset(team.competition)

    transaction.on_commit(publish)
    tasks.enqueue_insight(team.competition_id)


def _publish_names(teams: Sequence[Team]) -> None:
    """One row where one changed, else a whole new board; nothing of teams that stand on none."""
    lines = Standing.objects.filter(team__in=teams).select_related("competition")
    by_board: dict[Competition, list[Standing]] = {}
    for line in lines:
        by_board.setdefault(line.competition, []).append(line)
    for competition, its in by_board.items():
        if len(its) == 1 and competition.state != State.REVEALED:
            events.publish_board(its[0])
        else:
            events.publish_reset(competition)
