"""What the dialogs of a challenge's page ask before something happens."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from unfold.forms import BaseDialogForm
from unfold.widgets import (
    UnfoldAdminRadioSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from competitions import deadlines
from competitions.admin import columns
from competitions.models import Competition

OFFERED = (15, 30, 60)  # minutes


class ConfirmationForm(BaseDialogForm):  # type: ignore[misc]  # unfold has no types
    """Nothing to fill in: the organiser says yes."""


class AnnouncementForm(BaseDialogForm):  # type: ignore[misc]
    text = forms.CharField(
        label="What everybody should know",
        max_length=500,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="At once on every open page of the challenge, and kept on its overview. Plain "
        "text, at most 500 characters; it cannot be taken back.",
    )


class MomentInput(UnfoldAdminTextInputWidget):  # type: ignore[misc]
    input_type = "datetime-local"


class ExtensionForm(BaseDialogForm):  # type: ignore[misc]
    """A later end: one of the offered ones, or a moment. ``end`` after a valid answer."""

    longer = forms.ChoiceField(label="New end", widget=UnfoldAdminRadioSelectWidget())
    moment = forms.DateTimeField(
        label="Or this end (UTC)",
        required=False,
        widget=MomentInput(),
        help_text="Filled in, it counts instead of the choice above. In UTC, whatever zone your "
        "browser is in.",
    )
    # The end that the offers were counted from: somebody else may have moved it meanwhile.
    seen = forms.CharField(widget=forms.HiddenInput())

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.present = _end_of(self.object_id)
        self.fields["longer"].choices = _offers(self.present)
        self.initial = {"longer": str(OFFERED[0]), "seen": _iso(self.present)}

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if "seen" in cleaned and cleaned["seen"] != _iso(self.present):
            self._offer_anew()
            words = f"The end was moved meanwhile, to {columns.utc(self.present)}. Choose anew."
            self.add_error("longer", words)  # the dialog shows the fields' errors alone
        self._refuse_too_far(cleaned.get("moment"))
        return cleaned

    def _refuse_too_far(self, moment: datetime | None) -> None:
        """Here, where it can be put right; the verb refuses it as well."""
        if moment is None or self.present is None:
            return
        if moment - self.present > deadlines.LONGEST_EXTENSION:
            self.add_error("moment", deadlines.TOO_FAR)

    def _offer_anew(self) -> None:
        """The form is shown again with the offers as they are now."""
        data: Any = self.data
        self.data: Any = {**data.dict(), "seen": _iso(self.present)}

    @property
    def end(self) -> datetime:
        moment: datetime | None = self.cleaned_data["moment"]
        if moment is not None:
            return moment
        assert self.present is not None  # noqa: S101  (without an end there is no offer)
        return self.present + timedelta(minutes=int(self.cleaned_data["longer"]))


def _end_of(pk: Any) -> datetime | None:
    return Competition.objects.filter(pk=pk).values_list("closes_at", flat=True).first()


def _offers(present: datetime | None) -> list[tuple[str, str]]:
    if present is None:
        return []
    return [
        (
            str(minutes),
            f"{minutes} minutes more: {columns.utc(present + timedelta(minutes=minutes))}",
        )
        for minutes in OFFERED
    ]


def _iso(moment: datetime | None) -> str:
    return "" if moment is None else moment.isoformat()
