"""The words for how a competition is scored: layouts, parameters, a metric's full name."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import cast

from competitions.models.custom_metric import CustomMetric
from scoring import METRICS, Direction, Layout
from scoring.metrics.metric import REQUIRED, Parameter

CUSTOM = "custom"  # stands beside the table's keys for a metric of the organiser's own
IN_A_SENTENCE = 40  # characters of a parameter's value

LAYOUTS: dict[Layout, str] = {
    "labels": "Labels: the name of one class per image",
    "score": "Score: one number per image, for the classes 0 and 1",
    "probabilities": "Probabilities: a column per class with a number",
    "ranked": "Ranked: class names, the best guess first",
    "sets": "Sets: any number of class names per image",
}


@dataclass(frozen=True)
class Setting:
    """A parameter of the metric, as it is in this challenge."""

    name: str
    value: str
    meaning: str

    @property
    def table(self) -> str:
        """A value too long to stand in a sentence, such as costs: a line for each of its rows."""
        if len(self.value) <= IN_A_SENTENCE:
            return ""
        return self.value.replace(";", ";\n").replace("], ", "],\n ").replace('", ', '",\n ')


@dataclass(frozen=True)
class MetricFacts:
    """What everybody may know of a challenge's metric, one of the table or the organiser's own.

    ``title`` has the parameters in words, ``layout`` is where nobody chooses another one, and
    ``settings`` are the parameters with a value.
    """

    key: str
    title: str
    source: str
    direction: Direction
    layout: Layout
    bounds: tuple[float, float]
    has_interval: bool
    settings: tuple[Setting, ...]


def facts(key: str, parameters: Mapping[str, object], own: CustomMetric | None) -> MetricFacts:
    """Of the metric with that key; ``own`` is what CUSTOM stands for."""
    if key == CUSTOM and own is not None:
        return _own_facts(own, parameters)
    return _facts(key, parameters)


def _facts(key: str, parameters: Mapping[str, object]) -> MetricFacts:
    metric = METRICS[key]
    chosen = {each.name: each.default for each in metric.parameters} | dict(parameters)
    return MetricFacts(
        key=key,
        title=titled(key, parameters),
        source=metric.source,
        direction=metric.direction,
        layout=metric.layout,
        bounds=metric.bounds,
        has_interval=metric.interval is not None,
        settings=tuple(
            Setting(each.name, written(chosen[each.name]), each.meaning)
            for each in metric.parameters
            if chosen[each.name] is not None and chosen[each.name] is not REQUIRED
        ),
    )


def _own_facts(own: CustomMetric, parameters: Mapping[str, object]) -> MetricFacts:
    """Nothing of the source, which may tell labels: of the parameters only those that were set."""
    return MetricFacts(
        key=CUSTOM,
        title=f"Organiser's metric {own.file_name}",
        source=f"a program of the organiser's, version {own.version[:12]}",
        direction=cast(Direction, own.direction),
        layout="labels",
        bounds=(-inf, inf),
        has_interval=False,
        settings=tuple(
            Setting(name, written(value), "") for name, value in sorted(parameters.items())
        ),
    )


def titled(key: str, parameters: Mapping[str, object]) -> str:
    """The metric's name with what sets it apart from others of its kind.

    That is what was chosen otherwise than by default, and every number: "Top-k accuracy, k = 5".
    Tables, such as costs, are left to the pages that have room for them.
    """
    metric = METRICS[key]
    told = (_told(parameter, parameters) for parameter in metric.parameters)
    return ", ".join([metric.title, *filter(None, told)])


def written(value: object) -> str:
    """A parameter's value in one line: a string as it is, else as JSON, which metrics read too."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return " ".join(text.split())


def _told(parameter: Parameter, given: Mapping[str, object]) -> str:
    try:
        value = _value(parameter, given)
    except ValueError:
        return ""
    match value:
        case bool() | str() if value != parameter.default:
            return f"{parameter.name} = {written(value)}"
        case int() | float() if not isinstance(value, bool):
            return f"{parameter.name} = {value:.12g}"
        case _:
            return ""


def _value(parameter: Parameter, given: Mapping[str, object]) -> object:
    name = parameter.name
    return parameter.parse(given[name]) if name in given else parameter.default
