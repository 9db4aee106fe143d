"""The words for how a competition is scored: layouts, parameters, a metric's full name."""

import json
from collections.abc import Mapping

from scoring import METRICS, Layout
from scoring.metrics.metric import Parameter

LAYOUTS: dict[Layout, str] = {
    "labels": "Labels: the name of one class per image",
    "score": "Score: one number per image, for the classes 0 and 1",
    "probabilities": "Probabilities: a column per class with a number",
    "ranked": "Ranked: class names, the best guess first",
    "sets": "Sets: any number of class names per image",
}


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
