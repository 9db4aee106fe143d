"""A metric's parameters as an organiser writes them, one NAME=VALUE per line, and what there is."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminTextareaWidget

from competitions.models.metrics import written
from scoring import METRICS, Metric
from scoring.metrics.metric import Parameter

MAX_LENGTH = 100_000  # characters; the costs of 200 classes need 80 000


class ParametersField(forms.CharField):
    """Text to a dict of strings, as the terminal's --param takes them, and back."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            required=False,
            max_length=MAX_LENGTH,
            widget=UnfoldAdminTextareaWidget(attrs={"rows": 3, "spellcheck": "false"}),
            **options,
        )

    def clean(self, value: Any) -> Any:
        return read(super().clean(value))

    def prepare_value(self, value: Any) -> Any:
        return lines(value) if isinstance(value, Mapping) else value

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return lines(initial or {}) != lines(self.clean(data))
        except forms.ValidationError:
            return True


def read(text: str) -> dict[str, str]:
    """Raises ValidationError, naming the line."""
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        name, equals, value = (part.strip() for part in line.partition("="))
        if not line.strip():
            continue
        if not equals or not name:
            raise forms.ValidationError(f"Line {number}: write NAME=VALUE, such as k=5.")
        if name in found:
            raise forms.ValidationError(f"Line {number}: {name} stands there already.")
        found[name] = value
    return found


def lines(parameters: Mapping[str, object]) -> str:
    """One line for each, by name (PostgreSQL keeps no order), whatever JSON they were set as."""
    return "\n".join(f"{name}={written(value)}" for name, value in sorted(parameters.items()))


def guide() -> SafeString:
    """Every metric: where better is, the layouts it takes, and its parameters."""
    rows = ((metric.title, _facts(metric), _parameters(metric)) for metric in METRICS.values())
    return format_html(
        '<details><summary class="cursor-pointer">All {} metrics, their layouts and parameters'
        '</summary><dl class="flex flex-col gap-4 mt-4">{}</dl></details>',
        len(METRICS),
        format_html_join("", '<div><dt class="font-semibold">{}</dt><dd>{}</dd>{}</div>', rows),
    )


def _facts(metric: Metric) -> str:
    better = "more" if metric.direction == "maximize" else "less"
    return f"{metric.source}; {better} is better. Layouts: {', '.join(metric.layouts)}."


def _parameters(metric: Metric) -> SafeString:
    rows = ((each.name, _default(each), each.meaning, _allowed(each)) for each in metric.parameters)
    return format_html_join("", "<dd><code>{}</code> ({}): {} {}</dd>", rows)


def _default(parameter: Parameter) -> str:
    if parameter.required:
        return "required"
    default = parameter.default
    return "may be left out" if default is None else f"default {written(default)}"


def _allowed(parameter: Parameter) -> str:
    """The sentence with which the parameter refuses what is no value at all."""
    try:
        parameter.parse(object())
    except ValueError as error:
        return str(error)
    return ""
