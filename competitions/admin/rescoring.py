"""The rescoring page of a challenge: begin, watch, look at who would move, apply, undo."""

from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

from django import forms
from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from unfold.widgets import (
    UnfoldAdminFileFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
)

from competitions import rescoring as verbs
from competitions import tasks
from competitions.admin import own_metric
from competitions.admin.parameters import ParametersField
from competitions.live import events
from competitions.models import Announcement, Competition, Rescoring, Stage, State
from competitions.models.competition import layout_choices, metric_choices
from competitions.models.metrics import titled
from competitions.models.rescoring import UNDER_WAY
from competitions.refusals import Refused
from competitions.rescoring import Settings

SHOWN = 100  # lines of the preview
SHOWN_FILES = 10
METRIC = ("metric", *own_metric.FIELDS, "layout", "metric_parameters", "decimals")
LABELS = {
    Stage.READING: "warning",
    Stage.SCORING: "warning",
    Stage.READY: "primary",
    Stage.APPLIED: "success",
    Stage.DROPPED: "info",
    Stage.REFUSED: "danger",
}


class NoteForm(forms.Form):
    note = forms.CharField(
        label="What everybody will read",
        max_length=500,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="What was wrong and what changes, in at most 500 characters. It is announced at "
        "the moment of the switch, and not before.",
    )


class RescoringForm(NoteForm):
    """``wanted`` after a valid answer: how the challenge shall be scored, None for as it is."""

    solution_file = forms.FileField(
        label="New solution",
        required=False,
        widget=UnfoldAdminFileFieldWidget(attrs={"accept": ".csv,text/csv"}),
        help_text="A CSV: id and label of every test image. A worker reads it; nobody can read it "
        "here afterwards. The public and private rows stay as they are: leave the column Usage "
        "out, or write Ignored for a row that shall not count any more, and nothing for the "
        "others.",
    )
    metric = forms.ChoiceField(
        label="Metric", choices=metric_choices, widget=UnfoldAdminSelectWidget()
    )
    metric_file = own_metric.file_field()
    metric_direction = own_metric.direction_field()
    layout = forms.ChoiceField(
        label="Layout",
        required=False,
        choices=lambda: [("", "The metric's own"), *layout_choices()],
        widget=UnfoldAdminSelectWidget(),
        help_text="The form of a file. One that was sent in another form gets no score any more.",
    )
    metric_parameters = ParametersField(
        label="Parameters", help_text="One NAME=VALUE per line, such as k=5."
    )
    decimals = forms.IntegerField(
        label="Decimals", min_value=1, max_value=6, widget=UnfoldAdminIntegerFieldWidget()
    )

    def __init__(self, competition: Competition, *args: Any, **kwargs: Any) -> None:
        self.competition = competition
        self.present = Settings.of(competition)
        self.wanted: Settings | None = None
        own = competition.custom_metric
        super().__init__(*args, **kwargs)
        self.initial = {**self.present.kept(), own_metric.DIRECTION: own.direction if own else ""}

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors and any(name in self.changed_data for name in METRIC):
            self._clean_metric(cleaned)
        return cleaned

    @property
    def is_about_the_metric(self) -> bool:
        """Whether its part of the form must be open: something was written or is wrong there."""
        return self.is_bound and any(
            name in self.changed_data or name in self.errors for name in METRIC
        )

    def _clean_metric(self, cleaned: dict[str, Any]) -> None:
        wish = own_metric.Wish(
            cleaned["metric"], cleaned.get(own_metric.FILE), cleaned[own_metric.DIRECTION]
        )
        parameters = cleaned["metric_parameters"]
        if "metric_parameters" not in self.changed_data:
            parameters = self.present.metric_parameters  # as they are, and not as a form wrote them
        try:
            own = wish.metric_of(self.competition)
        except own_metric.Wrong as error:
            self.add_error(error.field, str(error))
            return
        self.wanted = Settings(
            cleaned["metric"], parameters, cleaned["layout"], cleaned["decimals"], own
        )
        if wrong := verbs.complaint(self.competition, self.wanted):
            self.add_error(*wrong)


def page(model_admin: Any, request: HttpRequest, pk: str) -> HttpResponse:
    """Whoever may open it was asked by the action that leads here."""
    competition = Competition.objects.select_related("solution", "custom_metric").get(pk=pk)
    form, undo_form = RescoringForm(competition), NoteForm(prefix="undo")
    if request.method == "POST":
        act = request.POST.get("act")
        if act == "begin":
            form = RescoringForm(competition, request.POST, request.FILES)
        if act == "undo":
            undo_form = NoteForm(request.POST, prefix="undo")
        if _answer(request, competition, act, form, undo_form):
            return HttpResponseRedirect(request.path)
    history = _history(competition)
    under_way = next((it for it in history if it.stage in UNDER_WAY), None)
    context = {
        **model_admin.admin_site.each_context(request),
        "title": f"Rescore {competition.title}",
        "opts": model_admin.opts,
        "original": competition,
        "form": form,
        "undo_form": undo_form,
        "refusal": _refusal(competition) if under_way is None else "",
        "under_way": under_way and _under_way(under_way),
        "history": [_told(it) for it in history if it.stage not in UNDER_WAY],
        "last": _undoable(competition, under_way),
    }
    return TemplateResponse(request, "admin/competitions/competition/rescoring.html", context)


def _answer(
    request: HttpRequest,
    competition: Competition,
    act: str | None,
    form: RescoringForm,
    undo_form: NoteForm,
) -> bool:
    """Whether the page is to be opened anew: not where a form shows what is wrong in it."""
    if act == "begin":
        return form.is_valid() and _try(request, lambda: _begin(request, competition, form))
    given = request.POST.get("rescoring", "")
    it = Rescoring.objects.filter(
        competition=competition, pk=int(given) if given.isdecimal() else 0
    ).first()
    if it is None:
        return True
    if act == "undo":
        return undo_form.is_valid() and _try(request, lambda: _undo(request, it, undo_form))
    if act == "apply":
        return _try(request, lambda: _apply(request, it)) or True
    if act == "drop":
        return _try(request, lambda: _drop(request, it)) or True
    return True


def _try(request: HttpRequest, verb: Callable[[], str]) -> bool:
    """Calls it and shows what it says, or why it was refused."""
    try:
        messages.success(request, verb())
    except Refused as error:
        messages.error(request, str(error))
        return False
    return True


def _begin(request: HttpRequest, competition: Competition, form: RescoringForm) -> str:
    given: UploadedFile[Any] | None = form.cleaned_data["solution_file"]
    chunks = given.chunks() if given else None
    begun = verbs.begin(competition, request.user, form.cleaned_data["note"], form.wanted, chunks)
    tasks.enqueue_rescoring(begun.pk)
    return "Begun. Nothing that anybody is shown changes before you apply it."


def _apply(request: HttpRequest, it: Rescoring) -> str:
    _tell(it.competition, verbs.apply(it, request.user))
    return "Applied: the board is the new one, and everybody is told why."


def _undo(request: HttpRequest, it: Rescoring, form: NoteForm) -> str:
    back, announced = verbs.undo(it, request.user, form.cleaned_data["note"])
    if announced is None:
        tasks.enqueue_rescoring(back.pk)
        return "Files have come in since: they are scored the old way first, then apply it."
    _tell(it.competition, announced)
    return "Undone: the board is the old one again."


def _drop(request: HttpRequest, it: Rescoring) -> str:
    verbs.drop(it, request.user)
    return "Dropped: everything stays as it was."


def _tell(competition: Competition, announced: Announcement) -> None:
    def publish() -> None:
        events.publish_reset(competition)
        events.publish_announcement(announced)

    transaction.on_commit(publish)
    tasks.enqueue_insight(competition.pk)


def _refusal(competition: Competition) -> str:
    """Why none can begin now; empty where one can."""
    try:
        verbs.possible(competition)
    except Refused as error:
        return str(error)
    return ""


def _history(competition: Competition) -> Sequence[Rescoring]:
    related = (
        "before", "after", "begun_by", "undoes", "old_custom_metric", "new_custom_metric",
    )  # fmt: skip
    found = Rescoring.objects.filter(competition=competition).select_related(*related)
    return list(found.order_by("-pk"))


def _undoable(competition: Competition, under_way: Rescoring | None) -> Rescoring | None:
    if under_way is not None or competition.state == State.REVEALED:
        return None
    return verbs.last_applied(competition)


def _told(it: Rescoring) -> dict[str, Any]:
    """What changes, in words; numbers of rows and never which."""
    changes = it.new_metric.get("changes", {})
    counted = [
        f"{changes['labels']} labels differ" if changes.get("labels") else "",
        f"{changes['ignored']} rows count no more" if changes.get("ignored") else "",
    ]
    old, new = Settings.before(it), Settings.after(it)
    parts = [_title(old, new) if old != new else "", *counted]
    if it.undoes is not None:
        parts.append(f"takes back number {it.undoes.pk}")
    return {
        "it": it,
        "label": LABELS[Stage(it.stage)],
        "changes": "; ".join(filter(None, parts)) or "a new solution",
    }


def _title(old: Settings, new: Settings) -> str:
    before, after = _metric(old), _metric(new)
    if before != after:
        return f"{before} becomes {after}"
    return "the form of files or the decimals change"


def _metric(settings: Settings) -> str:
    if settings.custom_metric is not None:
        own = settings.custom_metric
        return f"{own.file_name} ({own.version[:8]})"
    return titled(settings.metric, settings.metric_parameters)


def _under_way(it: Rescoring) -> dict[str, Any]:
    context = {**_told(it), "progress": verbs.progress(it), "is_ready": it.stage == Stage.READY}
    return {**context, **_preview(it)} if context["is_ready"] else context


def _preview(it: Rescoring) -> dict[str, Any]:
    found = verbs.preview(it)
    others = [move for move in found.moves if move.is_a_change or move.is_scored_otherwise]
    files = it.unscorable.select_related("submission__team").order_by("pk")
    return {
        "preview": found,
        "moves": others[:SHOWN],
        "more_moves": max(0, len(others) - SHOWN),
        "scores_are_hidden": bool(found.moves) and not found.has_scores,
        "unscorable": list(islice(files, SHOWN_FILES)),
        "more_unscorable": max(0, found.unscorable - SHOWN_FILES),
    }
