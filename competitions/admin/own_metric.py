"""An organiser's own metric in the form of a challenge: its file is parsed here, never executed."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminSelectWidget

from competitions.admin import columns
from competitions.models import Competition, CustomMetric
from competitions.models.custom_metric import DIRECTIONS, FILE_NAME
from competitions.models.metrics import CUSTOM
from scoring.custom import MetricError
from scoring.custom.metric import MAX_SOURCE_BYTES

FILE, DIRECTION = "metric_file", "metric_direction"
FIELDS = (FILE, DIRECTION)


def file_field() -> forms.FileField:
    return forms.FileField(
        label="Your metric",
        required=False,
        widget=UnfoldAdminFileFieldWidget(attrs={"accept": ".py,text/x-python"}),
        help_text="For “A metric of your own”: a Python module with a function score, of at most "
        f"{MAX_SOURCE_BYTES >> 10} KiB (see docs/custom-metrics.md). It is a program that the "
        "site's workers run with the labels in its hands: in a process without network, files and "
        "the site's secrets, but upload only what you have read. Participants do not see it; they "
        "see its name, its version and the parameters that you set.",
    )


def direction_field() -> forms.ChoiceField:
    return forms.ChoiceField(
        label="Your metric's direction",
        required=False,
        widget=UnfoldAdminSelectWidget(),
        choices=[("", "Only for a metric of your own"), *DIRECTIONS.items()],
        help_text="For “A metric of your own”; the others know theirs.",
    )


class Wrong(Exception):
    """``field`` does not fit, and ``str(error)`` says why."""

    def __init__(self, field: str, sentence: str) -> None:
        self.field = field
        super().__init__(sentence)


@dataclass(frozen=True)
class Wish:
    """What the form asks for."""

    metric: str
    file: "UploadedFile[Any] | None"
    direction: str

    def metric_of(self, competition: Competition) -> CustomMetric | None:
        """The competition's own metric as it shall be, not saved yet. Raises Wrong."""
        if self.metric != CUSTOM:
            if self.file:
                raise Wrong(FILE, "Choose “A metric of your own” above too, or leave this out.")
            return None
        if not self.direction:
            raise Wrong(DIRECTION, "Say whether more or less of your metric is better.")
        if self.file:
            return _read(self.file, self.direction)
        present = competition.custom_metric
        if present is None:
            raise Wrong(FILE, "Add the Python file with your metric.")
        return present.turned(self.direction)


def _read(file: "UploadedFile[Any]", direction: str) -> CustomMetric:
    name = "".join(letter for letter in file.name or "" if letter.isprintable())[-FILE_NAME:]
    try:
        return CustomMetric.read(file.read(MAX_SOURCE_BYTES + 1), name or "metric.py", direction)
    except MetricError as error:
        raise Wrong(FILE, str(error)) from None


def shown(own: CustomMetric | None) -> SafeString | str:
    """For those who may change the challenge, and no one else: the source may tell labels."""
    if own is None:
        return columns.NONE
    return format_html(
        '<details><summary class="cursor-pointer">{}, {}. Version {}</summary>'
        '<pre class="mt-4 overflow-x-auto">{}</pre></details>',
        own.file_name,
        DIRECTIONS[own.direction].lower(),
        columns.breakable(own.version),
        own.source,
    )
