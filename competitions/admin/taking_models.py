"""What a challenge asks of models, as a tab of its form; and what became of a model's run."""

from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.admin import StackedInline
from unfold.decorators import display

from competitions import access, audit, preparing
from competitions.admin import columns
from competitions.admin.inlines import ReadOnlyInline
from competitions.models import Competition, Kind, ModelRules, ModelRun, Screening, Takes
from scoring.sandbox.contract import Format

FORMATS = tuple(f"takes_{kind}" for kind in Format)
SHAPE = ("channels", "height", "width")


class ModelRulesForm(forms.ModelForm):  # type: ignore[type-arg]  # generic for mypy alone
    """Says at a field what the constraint says of the row, which this page would not show."""

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or self.cleaned_data
        if given.get("takes") != Takes.FILES and not any(given.get(name) for name in FORMATS):
            self.add_error(FORMATS[0], "Choose at least one kind of model file.")
        return given


class ModelRulesInline(StackedInline):  # type: ignore[misc]  # unfold has no types
    """Without it a challenge takes files of predictions alone."""

    model = ModelRules
    form = ModelRulesForm
    tab = True
    extra = 0
    max_num = 1
    verbose_name_plural = "Models"
    fieldsets = (
        (None, {"fields": ("takes", SHAPE)}),
        (
            "Files",
            {"fields": (("takes_onnx", "takes_safetensors"), ("takes_pt2", "takes_torchscript"))},
        ),
        (
            "Limits",
            {
                "fields": (
                    ("seconds", "memory_mib", "file_mib"),
                    ("max_parameters", "max_macs"),
                    "bf16",
                )
            },
        ),
    )

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is not None and access.may_edit(request.user, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_add_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Not once a model was sent: its run was made by these rules."""
        return self.has_add_permission(request, obj) and not _has_runs(obj)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is None or access.is_organiser(request.user, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Models are built for a shape: it stays, once there is one."""
        return SHAPE if obj is not None and _has_runs(obj) else ()


class ModelRunInline(ReadOnlyInline):
    """Below a submission that is a model."""

    model = ModelRun
    verbose_name_plural = "The model's run"
    fields = readonly_fields = (
        "stage", "format", "architecture", "rate", "took", "size", "operations", "device",
        "screened",
    )  # fmt: skip

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Of whoever sees the submission, which is asked for before."""
        return True

    @display(description="Images per second")  # type: ignore[untyped-decorator]
    def rate(self, run: ModelRun) -> str:
        return columns.NONE if run.images_per_second is None else f"{run.images_per_second:,.0f}"

    @display(description="Took")  # type: ignore[untyped-decorator]
    def took(self, run: ModelRun) -> str:
        return columns.NONE if run.seconds is None else f"{run.seconds:.1f} s"

    @display(description="Parameters")  # type: ignore[untyped-decorator]
    def size(self, run: ModelRun) -> str:
        return columns.NONE if run.parameters is None else f"{run.parameters:,}"

    @display(description="Multiply-accumulates")  # type: ignore[untyped-decorator]
    def operations(self, run: ModelRun) -> str:
        return columns.NONE if run.macs is None else f"{run.macs:,}"

    @display(description="Does it look at the images?")  # type: ignore[untyped-decorator]
    def screened(self, run: ModelRun) -> str | SafeString:
        """What a host's screening found, or has found so far."""
        found: Screening | None = getattr(run, "screening", None)
        if found is None:
            return "Not asked: “Screen” does."
        state = "Being screened." if found.done_at is None else found.trouble
        told = [one["sentence"] for one in found.findings]
        return columns.items([state, *told] if state else told)


def save(request: HttpRequest, competition: Competition, formset: Any) -> None:
    """The rules as they were filled in, what is written after them, a line of the audit log."""
    if formset.has_changed():
        Competition.objects.locked(competition.pk)
    formset.save()
    changed = [name for _rules, names in formset.changed_objects for name in names]
    touched = [*formset.new_objects, *formset.deleted_objects]
    if changed or touched:
        preparing.follow_rules(competition.pk)
        words = ", ".join(changed) or "taken or not"
        audit.record(competition, request.user, Kind.SETTINGS_CHANGED, "models", reason=words)


def _has_runs(competition: Competition) -> bool:
    return ModelRun.objects.filter(competition=competition).exists()
