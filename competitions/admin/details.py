"""What the audit log keeps as JSON, as lines that an organiser reads."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from django.core.exceptions import FieldDoesNotExist

from competitions.admin import columns
from competitions.admin.forms import CompetitionForm
from competitions.admin.parameters import lines as parameters
from competitions.models import Competition

NAMES = {
    **CompetitionForm.Meta.labels,
    "from": "End before",
    "to": "New end",
    "before": "Name before",
    "old": "Scored before",
    "new": "Scored now",
    "metric_parameters": "Parameters",
    "custom_metric": "Metric of your own",
    "changes": "Against the old solution",
    "labels": "labels that differ",
    "ignored": "rows that count no more",
}
UNSAID = ("sample",)  # where a file lies
NOTHING = "nothing"


def lines(details: Mapping[str, Any]) -> Iterator[str]:
    """Each changed setting with its old and its new value; other details by their name."""
    for name, value in sorted(details.items(), key=lambda item: _name(item[0])):
        match value:
            case {"old": old, "new": new, **others} if not others:
                words = f"{_said(name, old)} → {_said(name, new)}"
            case [old, new]:
                words = f"{_said(name, old)} → {_said(name, new)}"
            case _:
                words = _said(name, value)
        yield f"{_name(name)}: {words}"


def _name(name: str) -> str:
    return str(NAMES.get(name, name.replace("_", " ").capitalize()))


def _said(name: str, value: Any) -> str:
    if value in (None, "", {}, []):
        return NOTHING
    match value:
        case bool():
            return "yes" if value else "no"
        case dict() if name == "metric_parameters":
            return parameters(value).replace("\n", ", ")
        case dict():  # how files are scored: settings of the challenge in their turn
            told = ((key, it) for key, it in value.items() if key not in UNSAID)
            return "; ".join(f"{_name(key)}: {_said(key, it)}" for key, it in told)
        case str():
            return _moment(value) or _choices(name).get(value, value)
        case _:
            return str(value)


def _moment(text: str) -> str:
    """A date as the log keeps it; empty for any other text."""
    if "T" not in text:  # a title may be a year
        return ""
    try:
        return columns.utc(datetime.fromisoformat(text))
    except ValueError:
        return ""


def _choices(name: str) -> dict[Any, str]:
    """The words of a setting's choices, by what is stored."""
    try:
        field = Competition._meta.get_field(name)
    except FieldDoesNotExist:
        return {}
    choices = getattr(field, "choices", None)
    return {key: str(words) for key, words in choices or ()}
