"""What the host's screen asks before something happens."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils.html import format_html
from django.utils.safestring import SafeString

from competitions import deadlines
from competitions.allowances import REASON_LENGTH
from competitions.models import Competition, Team

OFFERED = (5, 10, 15, 30, 60)  # minutes
USUAL = 10
MOST_AT_ONCE = 100  # attempts; a slip of the finger gives no thousand
MOVED = "Somebody has given more meanwhile; the end is {} now. Look again, then choose anew."


class ConfirmationForm(forms.Form):
    """Nothing to fill in: the host says yes."""


class AnnouncementForm(forms.Form):
    text = forms.CharField(
        label="What everybody should know",
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="At once on every open page of the challenge, and kept on its overview. Plain "
        "text, at most 500 characters; it cannot be taken back.",
    )


class _FromAnEnd(forms.Form):
    """Minutes more, counted from the end that was on the page: somebody may have moved it since."""

    seen = forms.CharField(required=False, widget=forms.HiddenInput())

    def __init__(self, present: datetime | None, data: Any = None, *, besides: str = "") -> None:
        self.present, self.token = present, f"{_iso(present)}{besides}"
        super().__init__(data, initial={"seen": self.token, "minutes": USUAL, "attempts": 0})

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("seen", "") != self.token:
            data: Any = self.data
            self.data = {**data.dict(), "seen": self.token}
            self.add_error(None, MOVED.format(_utc(self.present)))
        return cleaned

    def end_after(self, start: datetime) -> datetime | None:
        minutes = int(self.cleaned_data.get("minutes") or 0)
        return start + timedelta(minutes=minutes) if minutes else None


class ExtensionForm(_FromAnEnd):
    minutes = forms.ChoiceField(
        label="How much longer", choices=[(str(n), f"{n} minutes more") for n in OFFERED]
    )

    def __init__(self, competition: Competition, data: Any = None) -> None:
        super().__init__(competition.closes_at, data)
        self.fields["minutes"].help_text = format_html("The end is {} now.", _time(self.present))

    @property
    def end(self) -> datetime:
        assert self.present is not None  # noqa: S101  (without an end it is not offered)
        return self.end_after(self.present) or self.present


class AllowanceForm(_FromAnEnd):
    """More time or more attempts, or both, for one team."""

    minutes = forms.ChoiceField(
        label="Time",
        choices=[("0", "No more time"), *((str(n), f"{n} minutes more") for n in OFFERED)],
    )
    attempts = forms.IntegerField(
        label="More files, a day and in all",
        min_value=0,
        max_value=MOST_AT_ONCE,
        help_text="On top of everybody's limits. A refused file costs none anyway.",
    )
    reason = forms.CharField(
        label="Why",
        max_length=REASON_LENGTH,
        widget=forms.TextInput(attrs={"placeholder": "the laptop broke", "autocomplete": "off"}),
        help_text="For the audit log, which organisers read.",
    )

    def __init__(self, competition: Competition, team: Team, data: Any = None) -> None:
        # Two clicks on one page give the files once, too.
        besides = f"/{team.extra_attempts}"
        super().__init__(deadlines.closes_for(competition, team), data, besides=besides)
        self.now = deadlines.clock(competition)
        if self.present is None:
            self.fields["minutes"].disabled = True
            self.fields["minutes"].initial = self.initial["minutes"] = "0"
            self.fields["minutes"].help_text = "The challenge has no end."
            return
        is_over = self.present <= self.now
        start = "now" if is_over else format_html("its end, {}", _time(self.present))
        words = format_html("Counted from {}, for this team alone.", start)
        self.fields["minutes"].help_text = words

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if not (self.errors or int(cleaned.get("minutes") or 0) or cleaned.get("attempts")):
            self.add_error(None, "Choose more time, or more files, or both.")
        return cleaned

    @property
    def until(self) -> datetime | None:
        return None if self.present is None else self.end_after(max(self.present, self.now))


class WhyForm(forms.Form):
    reason = forms.CharField(
        label="Why",
        required=False,
        max_length=REASON_LENGTH,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text="For the audit log, which organisers read.",
    )


def _iso(moment: datetime | None) -> str:
    return "" if moment is None else moment.isoformat()


def _utc(moment: datetime | None) -> str:
    return "not set" if moment is None else f"{moment:%d %b, %H:%M} UTC"


def _time(moment: datetime | None) -> SafeString:
    """For a hint; times.js puts it into the reader's own zone."""
    return format_html(
        '<time datetime="{}" data-show="short">{}</time>', _iso(moment), _utc(moment)
    )
