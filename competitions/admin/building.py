"""Building a challenge: a page to begin one, and one to watch it, with the leak report.

The browser sends a large file in pieces and goes on where it stopped; without scripts the same
form sends it at once. Both end at ``preparing``.
"""

from base64 import b64decode
from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import AbstractUser
from django.core.exceptions import PermissionDenied
from django.core.validators import MaxValueValidator, MinValueValidator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.cache import add_never_cache_headers
from django.views.decorators.http import require_http_methods
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from competitions import access, audit, drafts, preparing
from competitions import uploads as verbs
from competitions.admin import labels, moving, uploads
from competitions.models import Competition, Finding, Kind, Preparation, Remedy
from competitions.models.competition import metric_choices
from competitions.models.metrics import CUSTOM
from competitions.preparing.leaks import report, settling
from competitions.preparing.sources.catalogue import SETS, is_on_this_machine
from competitions.refusals import Refused

# What a button says; the row then tells what was done.
WORDS = {
    Remedy.DROP: "Leave them out",
    Remedy.GROUP: "Keep copies on one side",
    Remedy.IGNORE: "Keep in the test set, unscored",
    Remedy.ACCEPT: "Leave as it is",
}
TEMPLATES = "admin/competitions/competition"


def _share(label: str, initial: float | None, help_text: str) -> forms.FloatField:
    return forms.FloatField(
        label=label,
        required=initial is not None,
        initial=initial,
        validators=[MinValueValidator(0.01), MaxValueValidator(0.99)],
        widget=UnfoldAdminDecimalFieldWidget(attrs={"step": "0.01", "min": 0.01, "max": 0.99}),
        help_text=help_text,
    )


class SourceForm(forms.Form):
    """What the images come from, and how many of them are hidden."""

    published = forms.ChoiceField(
        label="Published set", required=False, widget=UnfoldAdminSelectWidget()
    )
    source = forms.FileField(label="Archive", required=False)
    test_fraction = _share(
        "Share of test images", None, "Empty: as the images are parted already, else 0.3."
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["published"].choices = [("", "None"), *_published()]  # type: ignore[attr-defined]


class NewForm(SourceForm):
    """A new challenge: as little as it takes; everything else can wait for its page."""

    title = forms.CharField(max_length=120, widget=UnfoldAdminTextInputWidget())
    slug = forms.SlugField(
        label="Name in the address",
        max_length=60,
        widget=UnfoldAdminTextInputWidget(),
        help_text="Letters, digits and hyphens.",
    )
    metric = forms.ChoiceField(
        choices=lambda: [each for each in metric_choices() if each[0] != CUSTOM],
        initial="accuracy",
        widget=UnfoldAdminSelectWidget(),
        help_text="Can be changed until it opens, also for a metric of your own.",
    )
    public_fraction = _share(
        "Share behind the public board",
        0.3,
        "Of the test images. The others decide at the end.",
    )
    field_order = ("title", "slug", "source", "published", "test_fraction", "public_fraction")


def urls(model_admin: Any) -> list[URLPattern]:
    """Below the addresses of the challenges in the admin."""

    def view(verb: Callable[..., HttpResponse], *methods: str) -> Callable[..., HttpResponse]:
        @require_http_methods(methods or ["GET", "POST"])
        @wraps(verb)
        def asked(request: HttpRequest, **given: Any) -> HttpResponse:
            return verb(model_admin, request, **given)

        wrapped: Callable[..., HttpResponse] = model_admin.admin_site.admin_view(asked)
        return wrapped

    return [
        path("build/", view(new), name="competitions_competition_new"),
        path("import/", view(moving.load), name="competitions_competition_import"),
        path("<int:pk>/moving/", view(moving.page), name="competitions_competition_moving"),
        path("<int:pk>/labels/", view(labels.page, "GET"), name="competitions_competition_labels"),
        path("<int:pk>/build/", view(build), name="competitions_competition_build"),
        path("<int:pk>/build/state/", view(state, "GET"), name="competitions_competition_state"),
        path("<int:pk>/build/pieces/", view(begin, "POST"), name="competitions_competition_begin"),
        path(
            "<int:pk>/build/pieces/<uuid:upload>/",
            view(piece, "POST"),
            name="competitions_competition_piece",
        ),
        path(
            "<int:pk>/findings/<int:finding>/",
            view(settle, "POST"),
            name="competitions_competition_settle",
        ),
        path(
            "<int:pk>/findings/<int:finding>/<int:place>/<int:number>.png",
            view(thumbnail, "GET"),
            name="competitions_competition_thumbnail",
        ),
    ]


def new(model_admin: Any, request: HttpRequest) -> HttpResponse:
    """The form, and what a POST of it begins: a draft, and the upload if one came with it."""
    if not model_admin.has_add_permission(request):
        raise PermissionDenied
    form = NewForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        wanted = form.cleaned_data
        own = {name: wanted[name] for name in ("metric", "public_fraction")}
        try:
            # Where an upload broke off, the form goes on with that draft, as it now says.
            known = drafts.empty(wanted["slug"], request.user)
            if known is not None:
                competition = drafts.change(known, wanted["title"], **own)
            else:
                competition = drafts.begin(wanted["title"], wanted["slug"], request.user, **own)
        except Refused as error:
            form.add_error(None, str(error))
        else:
            return _take(request, competition, form)
    if request.method == "POST" and not request.accepts("text/html"):
        return JsonResponse({"errors": form.errors}, status=400)
    context = {
        **model_admin.admin_site.each_context(request),
        "title": "New challenge",
        "opts": model_admin.opts,
        "form": form,
    }
    return TemplateResponse(request, f"{TEMPLATES}/new.html", context)


def build(model_admin: Any, request: HttpRequest, pk: int) -> HttpResponse:
    """How far it is, what was found, and a form for other images while it is a draft."""
    competition = _editable(request, pk)
    form = SourceForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        return _take(request, competition, form)
    findings = competition.findings.all()
    sees_labels = access.may_view_labels(request.user, competition)
    if sees_labels and any(finding.examples for finding in findings):
        by = cast(AbstractUser, request.user)
        audit.record(competition, by, Kind.LABELS_VIEWED, "in the leak report")
    context = {
        **model_admin.admin_site.each_context(request),
        "title": f"Build {competition.title}",
        "opts": model_admin.opts,
        "original": competition,
        "form": form,
        "state": _state(competition),
        "takes_files": preparing.takes_files(competition.pk),
        "findings": [_shown(finding, sees_labels=sees_labels) for finding in findings],
        "sees_labels": sees_labels,
        "undecided": sum(not finding.is_settled for finding in findings),
    }
    response = TemplateResponse(request, f"{TEMPLATES}/build.html", context)
    add_never_cache_headers(response)
    return response


def state(_model_admin: Any, request: HttpRequest, pk: int) -> HttpResponse:
    return JsonResponse(_state(_editable(request, pk)))


def begin(_model_admin: Any, request: HttpRequest, pk: int) -> HttpResponse:
    """``name``, ``size``, ``mark`` of a file: where its next piece goes, and how much is there."""
    competition = _editable(request, pk)
    given = request.POST
    try:
        size = int(given.get("size", ""))
        upload = verbs.begin(request.user, given.get("name", ""), size, given.get("mark", ""))
    except ValueError:
        return _refused("The size of the file is missing.")
    except Refused as error:
        return _refused(str(error))
    address = reverse(
        "admin:competitions_competition_piece", args=[competition.pk, upload.public_id]
    )
    return JsonResponse({"to": address, "received": upload.received, "piece": verbs.PIECE})


def piece(_model_admin: Any, request: HttpRequest, pk: int, upload: Any) -> HttpResponse:
    """A piece at ``offset``; without one the file is whole, and the building begins.

    Status 202 tells the script to ask again: another request is at it.
    """
    competition = _editable(request, pk)
    offset = request.GET.get("offset", "")
    try:
        found = verbs.find(request.user, upload)
        if offset.isdigit():
            found = verbs.append(found, int(offset), request.read(verbs.PIECE + 1))
            return JsonResponse({"received": found.received})
        share = request.POST.get("test_fraction")
        path = verbs.finish(found)
        if _is_read(competition.pk, path):
            return JsonResponse({"to": _page(competition)})
        inbox = preparing.receive_stored(
            competition.pk, path, found.name, float(share) if share else None
        )
    except verbs.BeingJoined as error:
        return JsonResponse({"wait": str(error)}, status=202)
    except (Refused, ValueError) as error:
        return _refused(str(error))
    uploads.ring(competition.pk, inbox)
    return JsonResponse({"to": _page(competition)})


def settle(_model_admin: Any, request: HttpRequest, pk: int, finding: int) -> HttpResponse:
    """A decision about a finding; where it changes images they are prepared anew."""
    competition = _editable(request, pk)
    found = get_object_or_404(Finding, competition=competition, pk=finding)
    try:
        inbox = settling.settle(found, request.POST.get("remedy", ""), request.user)
    except Refused as error:
        messages.error(request, str(error))
    else:
        if inbox is not None:
            uploads.ring(competition.pk, inbox)
    return HttpResponseRedirect(_page(competition))


def thumbnail(
    _model_admin: Any, request: HttpRequest, pk: int, finding: int, place: int, number: int
) -> HttpResponse:
    competition = _editable(request, pk)
    found = get_object_or_404(Finding, competition=competition, pk=finding)
    try:
        data = b64decode(report.examples(found)[place][number]["thumbnail"])
    except IndexError:
        raise Http404 from None
    return HttpResponse(data, content_type="image/png")


def _take(request: HttpRequest, competition: Competition, form: SourceForm) -> HttpResponse:
    """What came with the form itself; for a script that sends pieces, where they go."""
    given, share = form.cleaned_data.get("source"), form.cleaned_data["test_fraction"]
    published = form.cleaned_data["published"]
    try:
        if given:
            stored, name = verbs.of_form(given.name, given.chunks())
            inbox = preparing.receive_stored(competition.pk, stored, name, share)
            uploads.ring(competition.pk, inbox)
        elif published:
            inbox = preparing.receive_stored(competition.pk, "", published, share)
            uploads.ring(competition.pk, inbox)
    except Refused as error:
        messages.error(request, str(error))
    if not request.accepts("text/html"):
        begins = reverse("admin:competitions_competition_begin", args=[competition.pk])
        return JsonResponse({"to": _page(competition), "pieces": begins})
    return HttpResponseRedirect(_page(competition))


def _page(competition: Competition) -> str:
    return reverse("admin:competitions_competition_build", args=[competition.pk])


def _is_read(pk: int, path: str) -> bool:
    """Whether the request that was cut off has handed the file over: once more would begin anew."""
    reading = Competition.objects.filter(pk=pk, preparation=Preparation.PREPARING)
    return reading.filter(preparation_inbox__source=path).exists()


def _editable(request: HttpRequest, pk: int) -> Competition:
    """Raises Http404 for none, PermissionDenied for whoever may not build here."""
    competition = get_object_or_404(Competition.objects.select_related("solution"), pk=pk)
    if not access.may_edit(request.user, competition):
        raise PermissionDenied
    return competition


def _state(competition: Competition) -> dict[str, Any]:
    total = competition.preparation_total
    return {
        "preparation": competition.preparation,
        "note": competition.preparation_note,
        "step": competition.preparation_step or "Waiting for a worker",
        "done": competition.preparation_done,
        "total": total,
        "percent": round(100 * competition.preparation_done / total) if total else 0,
        "is_preparing": competition.preparation == Preparation.PREPARING,
    }


def _name(picture: dict[str, Any], number: int, *, sees_labels: bool) -> str:
    """A source's folders are its classes: what may be a test image has no name without the
    permission. Training images stand with their labels in train.csv."""
    is_public = picture.get("part") == "train"
    return str(picture["name"]) if is_public or sees_labels else f"image {number + 1}"


def _shown(finding: Finding, *, sees_labels: bool) -> dict[str, Any]:
    """A line of the report with its pictures' addresses; the classes only for whoever may."""
    competition = finding.competition
    return {
        "finding": finding,
        "numbers": [(name.replace("_", " "), it) for name, it in finding.counts.items()],
        "sets": [
            [
                {
                    "picture": picture,
                    "name": _name(picture, number, sees_labels=sees_labels),
                    "address": reverse(
                        "admin:competitions_competition_thumbnail",
                        args=[competition.pk, finding.pk, place, number],
                    ),
                }
                for number, picture in enumerate(pictures)
            ]
            for place, pictures in enumerate(report.examples(finding))
        ],
        "options": [(option, WORDS[option]) for option in settling.options(finding)],
    }


def _published() -> list[tuple[str, str]]:
    return [
        (name, f"{name} ({'here' if is_on_this_machine(name, settings.DATASETS) else 'download'})")
        for name in SETS
    ]


def _refused(sentence: str) -> HttpResponse:
    return JsonResponse({"error": sentence}, status=400)
