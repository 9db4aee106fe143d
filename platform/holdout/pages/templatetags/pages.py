"""The template tags every page uses: ``{% load pages %}``."""

from datetime import datetime
from typing import Any

from django import template
from django.forms import BoundField, CheckboxInput
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from holdout import __version__
from holdout.pages import icons, marks, markup, wording

register = template.Library()

_SVG = '<svg viewBox="0 0 16 16" aria-hidden="true"><path d="{}"/></svg>'


@register.filter
def markdown(text: str) -> SafeString:
    """An organiser's Markdown as safe HTML."""
    return mark_safe(markup.render(text))  # noqa: S308 - sanitised by an allow-list in markup.py


@register.simple_tag
def avatar(name: str, you: bool = False) -> SafeString:
    """The team's mark."""
    return format_html(
        '<svg class="avatar{}" viewBox="0 0 7 7" aria-hidden="true" shape-rendering="crispEdges">'
        '<path d="{}"/></svg>',
        " avatar-you" if you else "",
        marks.path(name),
    )


@register.simple_tag
def icon(name: str) -> SafeString:
    """A drawn sign; the words beside it carry the meaning."""
    return format_html(_SVG, icons.PATHS[name])


@register.simple_tag
def status(state: str) -> SafeString:
    """A submission's state: glyph, word and colour."""
    kind = icons.status_kind(state)
    return format_html(
        '<span class="status status-{}">{}<span>{}</span></span>',
        kind,
        icon(kind),
        icons.STATUS_WORDS[state],
    )


@register.simple_tag
def moment(at: datetime | None, show: str = "full") -> SafeString | str:
    """A time element: ``ago``, ``clock``, ``date``, ``short`` (clock or date) or ``full``.

    times.js puts it into the reader's own zone.
    """
    if at is None:
        return wording.NOTHING
    return format_html(
        '<time datetime="{}" title="{}" data-show="{}">{}</time>',
        wording.iso(at),
        wording.stamp(at),
        show,
        wording.moment(at, show, timezone.now()),
    )


@register.simple_tag
def countdown(until: datetime) -> SafeString:
    """The clock that runs towards a moment; times.js lets it tick."""
    left = until - timezone.now()
    return format_html(
        '<time datetime="{}" title="{}" data-countdown>{}</time>',
        wording.iso(until),
        wording.stamp(until),
        wording.clock(left),
    )


@register.simple_tag
def server_now() -> str:
    """The server's clock, so that a laptop's wrong one does not bend the countdown."""
    return wording.iso(timezone.now())


@register.simple_tag
def version() -> str:
    """The release's number."""
    return __version__


@register.inclusion_tag("pages/field.html")
def field(bound: BoundField) -> dict[str, object]:
    """A form's field: label above, hint and error below, tied together for screen readers."""
    label = str(bound.label).removesuffix(" (optional)")
    attributes: dict[str, str | bool] = {"class": "input"}
    # allauth repeats the label as a placeholder, which only looks like something filled in.
    if str(bound.field.widget.attrs.get("placeholder", "")).startswith(label.split()[0]):
        attributes["placeholder"] = ""
    is_box = isinstance(bound.field.widget, CheckboxInput)
    widget = bound.as_widget() if is_box else bound.as_widget(attrs=attributes)
    return {"field": bound, "label": label, "widget": widget, "is_box": is_box}


@register.filter
def from_name(files: dict[str, Any], name: str) -> object:
    """The file of that name, where there is one."""
    return files.get(name)


@register.filter
def quota(attempts: Any) -> list[bool]:
    """One mark per attempt of the day, true for those used."""
    return [place < attempts.used for place in range(attempts.limit)]


register.filter("number", wording.number)
register.filter("file_size", wording.file_size)
register.filter("mebibytes", wording.mebibytes)
register.filter("ordinal", wording.ordinal)
register.filter("shortened", wording.shortened)
