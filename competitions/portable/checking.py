"""What a page, a form or a worker of this site would stumble over is refused before it is written.

The database itself says what may be missing and what must be unique; here is what it lets pass.
"""

import json
import re
from collections.abc import Callable
from math import isfinite
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models

from competitions import files, launch, solutions
from competitions.models import (
    Competition,
    CustomMetric,
    DataFile,
    Finding,
    SolutionVersion,
    Standing,
    Submission,
)
from competitions.portable.tables import columns
from competitions.refusals import Refused
from scoring import SolutionError, SpecError
from scoring.custom import MetricError

FILE_NAME = re.compile(r"[-\w.]+")  # as in the addresses of the downloads
UNFIT = "The exported challenge has {} that do not fit: {}"


def parsed(text: bytes) -> Any:
    """JSON, without what only Python takes for it: no column holds a NaN. Raises ValueError."""
    try:
        return json.loads(text, parse_float=_finite, parse_constant=_finite)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def clean(row: models.Model) -> None:
    """Each value against its column: its kind, length, choices and bounds, and JSON's shape.

    Raises ValidationError.
    """
    for field in columns(type(row)):
        value = getattr(row, field.attname)
        if isinstance(field, models.JSONField):
            _require(_fits(type(row), field, value), field.name)
        elif isinstance(field, models.FloatField) and value is not None:
            _require(abs(value) <= solutions.LARGEST, field.name)
        if not field.is_relation and value not in field.empty_values:
            setattr(row, field.attname, field.clean(value, row))
    if isinstance(row, DataFile):
        _require(FILE_NAME.fullmatch(row.name) is not None, "name")


def require_sound(competition: Competition) -> None:
    """The settings fit each other, and the checklist can be shown. Raises Refused."""
    solution, own = competition.solution, competition.custom_metric
    # Without the solution an organiser's own metric comes without its source, too.
    if own is None or own.source:
        try:
            wrong = solutions.complaint(competition, solution.classes if solution else ())
        except MetricError as error:  # the own metric is no program
            wrong = ("custom_metric", str(error))
        if wrong is not None:
            raise Refused(UNFIT.format("settings", wrong[1]))
    launch.checklist(competition)


def require_scorable(competition: Competition) -> None:
    """Labels and an own metric can be read, and are what their rows say. Raises Refused."""
    version, own = competition.solution, competition.custom_metric
    if version is None:
        raise ValueError("solution")
    try:
        if own is not None:
            read = CustomMetric.read(own.source.encode(), own.file_name, own.direction)
            _require(read.version == own.version, "version")
        data, spec = files.read("solutions", version.path), solutions.spec(competition)
        known = solutions.read(data, version.id_column, version.classes, spec)
    except (SolutionError, SpecError, MetricError) as error:
        raise Refused(UNFIT.format("labels or a metric", error)) from None
    found = (len(known.ids), int(known.public.sum()), int(known.private.sum()))
    _require(found == (version.rows, version.public_rows, version.private_rows), "rows")


def _finite(text: str) -> float:
    """Also for ``NaN`` and ``Infinity``, which are words of JSON in Python alone."""
    value = float(text)
    if not isfinite(value):
        raise ValueError(text)
    return value


def _require(is_right: bool, name: str) -> None:
    if not is_right:
        raise ValidationError(name)


def _fits(model: type[models.Model], field: "models.Field[Any, Any]", value: Any) -> bool:
    """Of the kind that the column begins with, or of the shape that its readers count on."""
    shape = SHAPES.get((model, field.name))
    return shape(value) if shape else isinstance(value, type(field.get_default()))


def _are_names(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(it, str) for it in value)


def _is_curve(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(point, list) and len(point) == 2 and all(map(_is_number, point))
        for point in value
    )


def _are_counts(value: Any) -> bool:
    return isinstance(value, dict) and all(
        isinstance(it, int | float | str) for it in value.values()
    )


def _are_problems(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(each, dict)
        and isinstance(each["message"], str)
        and isinstance(each["code"], str)
        and isinstance(each["line"], int | None)
        for each in value
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and abs(value) <= solutions.LARGEST


SHAPES: dict[tuple[type[models.Model], str], Callable[[Any], bool]] = {
    (SolutionVersion, "classes"): _are_names,
    (Standing, "curve"): _is_curve,
    (Finding, "counts"): _are_counts,
    (Submission, "problems"): _are_problems,
}
