"""How dates, sizes and files are written in every list of the admin."""

from collections.abc import Iterable
from datetime import UTC, datetime
from textwrap import wrap
from typing import Any

from django.forms import ModelForm
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

NONE = "\N{EM DASH}"


def utc(moment: datetime | None) -> str:
    return f"{moment.astimezone(UTC):%d %b %Y, %H:%M} UTC" if moment else NONE


def size(count: int) -> str:
    """In the unit in which a person would say it."""
    value, units = float(count), ["bytes", "kB", "MB", "GB"]
    while value >= 1000 and len(units) > 1:
        value, units = value / 1000, units[1:]
    return f"{value:.0f} {units[0]}" if units[0] == "bytes" else f"{value:.1f} {units[0]}"


def breakable(digest: str) -> SafeString:
    """Long hexadecimal words, which a narrow screen may break after every eighth character."""
    return format_html_join(mark_safe("<wbr>"), "{}", ((part,) for part in wrap(digest, 8)))


def of_the_model(form: "ModelForm[Any]") -> list[str]:
    """The columns that the form's user changed; its other fields are files to be uploaded."""
    columns = {field.name for field in form.instance._meta.concrete_fields}
    return [name for name in form.changed_data if name in columns]


def items(sentences: Iterable[str]) -> SafeString:
    """A list, one sentence each."""
    rows = format_html_join("", "<li>{}</li>", ((sentence,) for sentence in sentences))
    return format_html('<ul class="flex flex-col gap-2">{}</ul>', rows)
