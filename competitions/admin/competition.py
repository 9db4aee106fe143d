"""A challenge, arranged for a teacher: what it is about, its files, its rules, its dates."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Count, Exists, OuterRef, QuerySet
from django.forms.widgets import Script
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.decorators import display

from competitions import deadlines, lifecycle, organisers, preparing, solutions, terms
from competitions.access import EDITORS, OWNERS
from competitions.admin import (
    building,
    columns,
    life,
    own_metric,
    parameters,
    people,
    taking_models,
    uploads,
)
from competitions.admin.by_role import ByRole
from competitions.admin.forms import CompetitionForm
from competitions.admin.inlines import ReadOnlyInline
from competitions.admin.people import PEOPLE, OrganiserInline
from competitions.admin.taking_models import ModelRulesInline
from competitions.deadlines import Phase
from competitions.models import (
    Act,
    Announcement,
    Competition,
    DataFile,
    ModelRules,
    Organiser,
    Preparation,
    PublicScore,
    Role,
    State,
)
from competitions.models.metrics import LAYOUTS
from competitions.refusals import NotReady, Refused

PHASES = {
    Phase.DRAFT: "info",
    Phase.UPCOMING: "warning",
    Phase.OPEN: "success",
    Phase.PAUSED: "warning",
    Phase.CLOSED: "danger",
    Phase.REVEALED: "info",
}
PREPARATIONS = {
    Preparation.EMPTY: "info",
    Preparation.PREPARING: "warning",
    Preparation.READY: "success",
    Preparation.REFUSED: "danger",
}
# What is shown of these to whoever cannot change them (any more).
SETTLED = {
    "Data": ("public_fraction",),
    "Metric": ("metric", "present_metric", "settled_layout", "parameters", "decimals"),
}
OPENED = "Settled when the challenge opened: people have begun to work towards it."
SCORED = "What scores show is settled since the first one; the limits and the prizes are not."
ENDED = "The challenge was revealed; its dates are history."


class DataFileInline(ReadOnlyInline):
    model = DataFile
    verbose_name_plural = "Files for participants"
    fields = readonly_fields = ("name", "description", "images", "download_size")

    @display(description="Rows")  # type: ignore[untyped-decorator]
    def images(self, file: DataFile) -> str:
        return columns.NONE if file.rows is None else f"{file.rows:,}"

    @display(description="Size")  # type: ignore[untyped-decorator]
    def download_size(self, file: DataFile) -> str:
        return columns.size(file.size)


@admin.register(Competition)
class CompetitionAdmin(ByRole, life.Life, ModelAdmin):  # type: ignore[misc]
    changed_by = frozenset(EDITORS)
    deleted_by = frozenset(OWNERS)
    form = CompetitionForm
    inlines = [DataFileInline, ModelRulesInline, OrganiserInline]
    list_display = ("title", "state_label", "files_label", "opens", "closes", "team_count")
    list_filter = ("state", "preparation")
    search_fields = ("title", "slug")
    prepopulated_fields = {"slug": ("title",)}
    readonly_fields = (
        "phase",
        "files",
        "files_note",
        "metrics",
        "present_metric",
        "settled_layout",
        "parameters",
    )
    actions = None
    warn_unsaved_form = True
    change_form_outer_before_template = "admin/competitions/competition/_on_the_site.html"
    change_form_before_template = "admin/competitions/competition/_as_shown.html"
    fieldsets = (
        ("Where it stands", {"fields": (("phase", "files"), "files_note")}),
        ("About", {"classes": ["tab"], "fields": ("title", "slug", "summary", "overview")}),
        (
            "Data",
            {
                "classes": ["tab"],
                "fields": ("train_file", "test_file", "solution_file", "public_fraction"),
            },
        ),
        (
            "Metric",
            {
                "classes": ["tab"],
                "fields": (
                    "metric",
                    *own_metric.FIELDS,
                    "present_metric",
                    "layout",
                    "metric_parameters",
                    "metrics",
                    "decimals",
                ),
            },
        ),
        (
            "Board and limits",
            {
                "classes": ["tab"],
                "fields": (
                    *terms.FEEDBACK,
                    "prizes",
                    "daily_limit",
                    "lifetime_limit",
                    "max_team_size",
                ),
            },
        ),
        ("Dates", {"classes": ["tab"], "fields": (*terms.DATES, "late_submissions")}),
        ("People", {"classes": ["tab"], "fields": PEOPLE}),
        ("Pages", {"classes": ["tab"], "fields": ("data_page", "rules")}),
    )
    add_fieldsets = fieldsets[1:]

    class Media:
        js = (Script("competitions/admin.js", type="module"),)

    def get_urls(self) -> Any:
        return [*building.urls(self), *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Competition]:
        queryset: QuerySet[Competition] = super().get_queryset(request)
        scores = PublicScore.objects.filter(submission__team__competition=OuterRef("pk"))
        return queryset.annotate(teams_joined=Count("teams"), is_scored=Exists(scores))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fields: tuple[str, ...] = self.readonly_fields
        if obj is None or obj.state == State.DRAFT:
            return fields
        fields = (*fields, "slug", "metric", "decimals", "public_fraction")
        if obj.is_scored:
            fields = (*fields, *terms.FEEDBACK)
        return (*fields, *terms.DATES) if obj.state == State.REVEALED else fields

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Without the uploads and the guide where they could change nothing, and saying why."""
        fieldsets = super().get_fieldsets(request, obj)
        may_change = self.has_change_permission(request, obj)
        if obj is not None and not (obj.state == State.DRAFT and may_change):
            why = _reasons(obj)
            fieldsets = [
                (name, {**part, "fields": SETTLED.get(name, part["fields"]), **why.get(name, {})})
                for name, part in fieldsets
            ]
        if obj is not None and obj.custom_metric_id and may_change:
            return fieldsets
        return [_without_source(name, options) for name, options in fieldsets]

    def get_prepopulated_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.prepopulated_fields if obj is None else {}

    def get_inlines(self, request: HttpRequest, obj: Competition | None) -> Any:
        if obj is None:
            return []
        is_ready = obj.preparation == Preparation.READY
        return self.inlines if is_ready else [ModelRulesInline, OrganiserInline]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Every organiser may begin another one, and is its owner."""
        return bool(request.user.is_active and getattr(request.user, "is_staff", False))

    def view_on_site(self, obj: Competition) -> str:
        return reverse("competitions:detail", args=[obj.slug])

    def has_delete_permission(self, request: HttpRequest, obj: Competition | None = None) -> bool:
        """Only a draft: what people took part in is part of their history."""
        allowed: bool = super().has_delete_permission(request, obj)
        return allowed and (obj is None or obj.state == State.DRAFT)

    # --- columns ---------------------------------------------------------------------------------
    @display(description="State", ordering="state", label=PHASES)  # type: ignore[untyped-decorator]
    def state_label(self, obj: Competition) -> tuple[str, str]:
        phase = deadlines.phase(obj)
        return phase, phase.capitalize()

    @display(  # type: ignore[untyped-decorator]
        description="Files", ordering="preparation", label=PREPARATIONS
    )
    def files_label(self, obj: Competition) -> tuple[str, str]:
        return obj.preparation, obj.get_preparation_display()

    @display(description="State")  # type: ignore[untyped-decorator]
    def phase(self, obj: Competition) -> str:
        return deadlines.phase(obj).capitalize()

    @display(description="Files")  # type: ignore[untyped-decorator]
    def files(self, obj: Competition) -> str:
        return obj.get_preparation_display()

    @display(description="What was found")  # type: ignore[untyped-decorator]
    def files_note(self, obj: Competition) -> str | SafeString:
        if obj.preparation == Preparation.PREPARING:
            return format_html("<span data-preparing>{}</span>", obj.preparation_note)
        return obj.preparation_note or "Nothing yet: upload the three files on the tab “Data”."

    @display(description="All metrics")  # type: ignore[untyped-decorator]
    def metrics(self, obj: Competition) -> SafeString:
        return parameters.guide()

    @display(description="Your metric now")  # type: ignore[untyped-decorator]
    def present_metric(self, obj: Competition) -> str | SafeString:
        return own_metric.shown(obj.custom_metric)

    @display(description="Layout")  # type: ignore[untyped-decorator]
    def settled_layout(self, obj: Competition) -> str:
        return LAYOUTS[obj.submission_layout]

    @display(description="Parameters")  # type: ignore[untyped-decorator]
    def parameters(self, obj: Competition) -> str:
        return parameters.lines(obj.metric_parameters) or columns.NONE

    @display(description="Opens (UTC)", ordering="opens_at")  # type: ignore[untyped-decorator]
    def opens(self, obj: Competition) -> str:
        return columns.utc(obj.opens_at)

    @display(description="Closes (UTC)", ordering="closes_at")  # type: ignore[untyped-decorator]
    def closes(self, obj: Competition) -> str:
        return columns.utc(obj.closes_at)

    @display(description="Teams", ordering="teams_joined")  # type: ignore[untyped-decorator]
    def team_count(self, obj: Any) -> int:
        return int(obj.teams_joined)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """A draft goes with its lines of the audit log, which nobody deletes by themselves."""
        found, counts, lacking, protected = super().get_deleted_objects(objs, request)
        own = {str(model._meta.verbose_name) for model in (Act, Announcement)}
        return found, counts, lacking - own, protected

    # --- what happens ----------------------------------------------------------------------------
    def changeform_view(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        """The page in its transaction first, then the files that came with it, or are there."""
        request.uploads_of = request.to_ring = None
        try:
            response: HttpResponse = super().changeform_view(request, *args, **kwargs)
        except Refused as error:
            messages.error(request, str(error))
            return HttpResponseRedirect(request.path)
        if request.uploads_of is not None:
            uploads.take(request, *request.uploads_of)
        if request.to_ring is not None:
            messages.info(request, "The files are being prepared and tried with the new settings.")
            uploads.ring(*request.to_ring)
        return response

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Roles are given by verbs, which keep an owner and write it down."""
        if formset.model is Organiser:
            people.save(request, form.instance, formset)
        elif formset.model is ModelRules:
            taking_models.save(request, form.instance, formset)
        else:
            super().save_formset(request, form, formset, change)

    def save_model(self, request: Any, obj: Competition, form: Any, change: bool) -> None:
        """Only what was changed on the page: the workers write other columns of this row."""
        if change:
            _change(request, obj, _changed_columns(obj, form))
        elif not form.wanted_metric:
            super().save_model(request, obj, form, change)
        if form.wanted_metric and form.is_scored_otherwise:
            solutions.keep(obj, form.wanted_metric)
        if not change:
            organisers.add(obj, request.user, Role.OWNER, request.user)
        if form.uploads:
            if form.is_scored_otherwise and not preparing.takes_files(obj.pk):
                raise NotReady(preparing.TOO_LATE)  # opened since the form was checked
            request.uploads_of = (obj.pk, form.uploads)
        elif form.scores_otherwise:
            # In this transaction, so that nobody can open what was not tried.
            request.to_ring = (obj.pk, preparing.anew(obj.pk))


def _reasons(obj: Any) -> dict[str, dict[str, SafeString]]:
    """Why parts of the form cannot be changed, as their descriptions."""
    settled = {
        "Data": OPENED if obj.state != State.DRAFT else "",
        "Metric": OPENED if obj.state != State.DRAFT else "",
        "Board and limits": SCORED if obj.is_scored else "",
        "Dates": ENDED if obj.state == State.REVEALED else "",
    }
    described = '<span class="block px-3 py-2.5">{}</span>'
    return {
        name: {"description": format_html(described, words)}
        for name, words in settled.items()
        if words
    }


def _change(request: HttpRequest, obj: Competition, changed: list[str]) -> None:
    """A later end of what runs is an extension, by the same verb as the button's."""
    before = deadlines.read(obj.pk)
    is_extended = "closes_at" in changed and before.closes_at and deadlines.phase(before).is_running
    if is_extended and obj.closes_at:
        lifecycle.extend(obj, obj.closes_at, request.user)
    rest = [name for name in changed if not (is_extended and name == "closes_at")]
    is_anew = terms.change(obj, rest, request.user)
    if set(changed) & set(terms.DATES):
        life.tell(obj, is_anew=is_anew or bool(is_extended and obj.freeze_minutes))


def _changed_columns(obj: Competition, form: Any) -> list[str]:
    """What the page changed. A constraint binds the metric's two columns: they go together."""
    changed = columns.of_the_model(form)
    if "metric" not in changed:
        return changed
    if form.wanted_metric:  # solutions.keep writes both
        return [name for name in changed if name != "metric"]
    obj.custom_metric = None
    return [*changed, "custom_metric"]


def _without_source(name: str, options: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """A part of the form without the metric's source, which may tell labels."""
    fields = [field for field in options["fields"] if field != "present_metric"]
    return name, {**options, "fields": fields}
