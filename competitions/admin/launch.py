"""The opening: a page with what must be settled before, the baselines, and the button."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.widgets import UnfoldAdminTextareaWidget

from competitions import baseline_runs, lifecycle, tasks
from competitions import launch as verbs
from competitions.checks import Check
from competitions.models import BaselineRun, Competition, Run
from competitions.refusals import Refused

TRAIN = "train"  # the name of the buttons that have a baseline trained
LIGHTS = {
    Run.WAITING: "default",
    Run.TRAINING: "info",
    Run.READY: "success",
    Run.POSTED: "success",
    Run.FAILED: "danger",
}


@dataclass(frozen=True)
class Line:
    """A check with where its matter is looked at."""

    check: Check
    address: str
    words: str


@dataclass(frozen=True)
class Trained:
    """A baseline with its light and what can be said of it."""

    run: BaselineRun
    light: str
    words: str
    may_be_trained: bool


class LaunchForm(forms.Form):
    despite = forms.CharField(
        label="Why open it although a check is missing",
        required=False,
        max_length=500,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text="Kept in the audit log, with the checks that were missing.",
    )


def page(
    model_admin: Any,
    request: HttpRequest,
    pk: str,
    tell: Callable[[Competition], None],
) -> HttpResponse:
    """Whoever may open it was asked by the action that leads here; ``tell`` tells open pages."""
    competition = Competition.objects.select_related("solution").get(pk=pk)
    form = LaunchForm(request.POST or None)
    if TRAIN in request.POST:
        return _train(request, competition, request.POST[TRAIN])
    if request.method == "POST" and form.is_valid():
        return _open(request, competition, form.cleaned_data["despite"], tell)
    checks = verbs.checklist(competition)
    missing = [check for check in checks if not check.is_done]
    runs = [_trained(run) for run in BaselineRun.objects.filter(competition=competition)]
    context = {
        **model_admin.admin_site.each_context(request),
        "title": f"Open {competition.title}",
        "opts": model_admin.opts,
        "original": competition,
        "form": form,
        "lines": [_line(check, competition) for check in checks],
        "is_ready": not missing,
        "may_be_overridden": all(check.may_be_overridden for check in missing),
        "runs": runs,
        "others": _others(runs) if baseline_runs.are_trained_here() else [],
        "is_awaited": any(check.is_awaited for check in missing) or _is_under_way(runs),
    }
    return TemplateResponse(request, "admin/competitions/competition/launch.html", context)


def _open(
    request: HttpRequest,
    competition: Competition,
    despite: str,
    tell: Callable[[Competition], None],
) -> HttpResponse:
    try:
        lifecycle.open_now(competition, request.user, despite=despite)
    except Refused as error:
        messages.error(request, str(error))
        return HttpResponseRedirect(request.path)
    messages.success(request, "The challenge is open.")
    tell(competition)
    tasks.post_baselines(competition.pk)
    address = reverse("admin:competitions_competition_change", args=[competition.pk])
    return HttpResponseRedirect(address)


def _train(request: HttpRequest, competition: Competition, arch: str) -> HttpResponse:
    try:
        runs = baseline_runs.queue(competition, [arch], request.user)
    except Refused as error:
        messages.error(request, str(error))
    else:
        tasks.enqueue_baselines(runs)
        messages.success(request, "It is trained as soon as a worker is free.")
    return HttpResponseRedirect(request.path)


def _trained(run: BaselineRun) -> Trained:
    told = {
        Run.WAITING: "Waits for the worker.",
        Run.TRAINING: "Is being trained.",
        Run.FAILED: run.note,
    }
    words = told.get(Run(run.status), f"{run.public_score or 0:.4g} on the public rows.")
    return Trained(run, LIGHTS[Run(run.status)], words, run.status == Run.FAILED)


def _is_under_way(runs: list[Trained]) -> bool:
    return any(each.run.status in verbs.UNDER_WAY for each in runs)


def _others(runs: list[Trained]) -> list[tuple[str, str]]:
    """Name and title of those that nobody has asked for yet."""
    asked = {each.run.arch for each in runs}
    known = baseline_runs.BASELINES.items()
    return [(arch, baseline.title) for arch, baseline in known if arch not in asked]


def _line(check: Check, competition: Competition) -> Line:
    if check.is_done:
        return Line(check, "", "")
    address, words = _where(check.name, competition)
    return Line(check, address, words)


def _where(name: str, competition: Competition) -> tuple[str, str]:
    """The page on which the check's matter can be settled; empty where waiting settles it."""
    change = reverse("admin:competitions_competition_change", args=[competition.pk])
    match name:
        case "files":
            return reverse("admin:competitions_competition_build", args=[competition.pk]), "Files"
        case "leaks":
            build = reverse("admin:competitions_competition_build", args=[competition.pk])
            return build, "The leak report"
        case "images":
            return change, "Models and files"
        case "trial":
            return change, "Metric and files"
        case "right" | "random" | "defined" | "ladder":
            return change, "Metric and board"
        case "dates":
            return change, "Dates"
        case _:
            return "", ""
