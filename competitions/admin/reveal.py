"""The reveal: a page with what must be settled before, the button, and what comes after."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldBooleanWidget

from competitions import reveal as verbs
from competitions import tasks
from competitions.checks import Check
from competitions.live import events
from competitions.models import Competition, State
from competitions.models.submission import FINAL, Status
from competitions.refusals import Refused


@dataclass(frozen=True)
class Line:
    """A check with where its matter is looked at."""

    check: Check
    address: str
    words: str


class RevealForm(forms.Form):
    for_ceremony = forms.BooleanField(
        label="Keep the final board for the ceremony",
        required=False,
        initial=True,
        widget=UnfoldBooleanWidget(),
        help_text="Only organisers see it until you publish it. Else everybody sees it at once.",
    )
    despite = forms.CharField(
        label="Why reveal it although a check is missing",
        required=False,
        max_length=500,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text="Only where the checklist says that it may be overridden. Kept in the audit log.",
    )


def page(model_admin: Any, request: HttpRequest, pk: str) -> HttpResponse:
    """Whoever may open it was asked by the action that leads here."""
    competition = Competition.objects.select_related("solution").get(pk=pk)
    form = RevealForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        return _reveal(request, competition, **form.cleaned_data)
    is_revealed = competition.state == State.REVEALED
    checks = [] if is_revealed else verbs.checklist(competition)
    missing = [check for check in checks if not check.is_done]
    context = {
        **model_admin.admin_site.each_context(request),
        "title": f"Reveal {competition.title}",
        "opts": model_admin.opts,
        "original": competition,
        "form": form,
        "is_revealed": is_revealed,
        "lines": [_line(check, competition) for check in checks],
        "is_ready": not missing,
        "may_be_overridden": all(
            check.may_be_overridden and not check.is_awaited for check in missing
        ),
        "board": reverse("competitions:leaderboard", args=[competition.slug]),
        "ceremony": reverse("competitions:ceremony", args=[competition.slug]),
    }
    return TemplateResponse(request, "admin/competitions/competition/reveal.html", context)


def _reveal(
    request: HttpRequest, competition: Competition, *, for_ceremony: bool, despite: str
) -> HttpResponse:
    try:
        verbs.reveal(competition, request.user, for_ceremony=for_ceremony, despite=despite)
    except Refused as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "The private board is revealed.")
        transaction.on_commit(lambda: _tell(competition, is_published=not for_ceremony))
        tasks.enqueue_final_insight(competition.pk)
    return HttpResponseRedirect(request.path)


def _tell(competition: Competition, *, is_published: bool) -> None:
    events.publish_clock(competition)
    if is_published:
        events.publish_reset(competition)


def _line(check: Check, competition: Competition) -> Line:
    if check.is_done and check.name != "picks":
        return Line(check, "", "")
    address, words = _where(check.name, competition)
    return Line(check, address, words)


def _where(name: str, competition: Competition) -> tuple[str, str]:
    """The page on which the check's matter can be settled; empty where waiting settles it."""
    match name:
        case "over":
            return reverse("admin:competitions_competition_change", args=[competition.pk]), "Dates"
        case "scored":
            waiting = ",".join(status for status in Status.values if status not in FINAL)
            return _list("submission", competition, status__in=waiting), "The files that wait"
        case "failed":
            return _list("submission", competition, status__exact=Status.FAILED), "These files"
        case "rescoring":
            address = reverse("admin:competitions_competition_rescore", args=[competition.pk])
            return address, "The rescoring"
        case "alarms":
            return _list("alarm", competition), "The alarms"
        case "picks":
            return _list("submission", competition, pick__isnull="False"), "The picks"
        case _:
            return "", ""


def _list(model: str, competition: Competition, **filters: str) -> str:
    given = {"team__competition__id__exact": str(competition.pk), **filters}
    query = "&".join(f"{name}={value}" for name, value in given.items())
    return f"{reverse(f'admin:competitions_{model}_changelist')}?{query}"
