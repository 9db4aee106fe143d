"""Two organisers with the same form open: what each changed is kept, and neither undoes the other.

The page carries the settings as it showed them. A field that still says so was not touched by
whoever sends it, and is not written, whatever it has become since. A field that both changed is
refused once, naming what it is now; sent again, it was a decision.
"""

import json
from datetime import datetime
from typing import Any

from django import forms
from django.core.serializers.json import DjangoJSONEncoder
from django.utils.functional import cached_property

from competitions.admin import columns
from competitions.admin.parameters import lines

FIELD = "as_shown"
LONGEST = 60  # characters of another's value that fit into the sentence
NOW = (
    "Somebody else changed this since you opened the page: it is “{}” now. Nothing was saved. "
    "Write that, or save again to have yours instead."
)
NOW_LONG = (
    "Somebody else changed this since you opened the page, and nothing was saved. Open the page in "
    "another tab to see the new text; save again to have yours instead."
)


class MeanwhileForm(forms.ModelForm):  # type: ignore[type-arg]  # generic for mypy alone
    as_shown = forms.CharField(required=False, widget=forms.HiddenInput())

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial[FIELD] = json.dumps(self._present(), cls=DjangoJSONEncoder)
        self.shown = self._shown()

    @cached_property
    def changed_data(self) -> list[str]:
        """Against what the page showed, and not against what the row has become since."""
        names = (name for name in self.fields if name != FIELD)
        return [it for it in names if self._differs(it, self.shown.get(it, self._initial(it)))]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        changed = self.changed_data
        for name in self._settings():
            if name in cleaned and name not in changed:
                cleaned[name] = getattr(self.instance, name)
        if clashes := [name for name in changed if self._is_clash(name)]:
            for name in clashes:
                self.add_error(name, self._told(name))
            self._show_anew(clashes)
        return cleaned

    def _is_clash(self, name: str) -> bool:
        """Whether it has become something that neither the page showed nor its sender wants."""
        present = self._initial(name)
        if name not in self.shown or not self._differs(name, present):
            return False
        return bool(_plain(present) != _plain(self.shown[name]))

    def _differs(self, name: str, value: Any) -> bool:
        """Whether the field is sent with another value."""
        sent: Any = self[name].data
        if isinstance(value, str) and isinstance(sent, str):
            value, sent = _plain_text(value), _plain_text(sent)
        return self.fields[name].has_changed(value, sent)

    def _show_anew(self, names: list[str]) -> None:
        """With the next answer their new values have been seen."""
        seen = {**self.shown, **{name: self._initial(name) for name in names}}
        data: Any = self.data.copy()  # type: ignore[attr-defined]  # a QueryDict, or a dict
        data[self.add_prefix(FIELD)] = json.dumps(seen, cls=DjangoJSONEncoder)
        self.data = data

    def _told(self, name: str) -> str:
        value = self._initial(name)
        if isinstance(value, datetime):
            return NOW.format(columns.utc(value))
        words = lines(value) if isinstance(value, dict) else str(value)
        words = dict(getattr(self.fields[name], "choices", ())).get(value, words)
        if value in (None, ""):
            words = "empty"
        return NOW.format(words) if len(words) <= LONGEST else NOW_LONG

    def _settings(self) -> list[str]:
        known = {field.name for field in self._meta.model._meta.concrete_fields}
        return [name for name in self.fields if name in known]

    def _initial(self, name: str) -> Any:
        return self.get_initial_for_field(self.fields[name], name)

    def _present(self) -> dict[str, Any]:
        return {name: self._initial(name) for name in self._settings()}

    def _shown(self) -> dict[str, Any]:
        """What the page that is sent had shown; nothing of a page that does not say it."""
        try:
            told = json.loads(self.data.get(self.add_prefix(FIELD), "{}"))
            return {name: self._read(name, told[name]) for name in self._settings() if name in told}
        except (ValueError, TypeError, forms.ValidationError):
            return {}

    def _read(self, name: str, value: Any) -> Any:
        return self._meta.model._meta.get_field(name).to_python(value)


def _plain(value: Any) -> str:
    return json.dumps(value, cls=DjangoJSONEncoder, sort_keys=True)


def _plain_text(text: str) -> str:
    """Browsers send line ends of their own, and the form strips what they send."""
    return text.replace("\r\n", "\n").strip()
