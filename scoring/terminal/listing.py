"""python -m scoring metrics"""

import json
from typing import Any

import typer

from scoring.metrics import METRICS, Metric
from scoring.terminal import printing
from scoring.terminal.arguments import AsJson


def metrics(as_json: AsJson = False) -> None:
    """List the metrics: keys, directions, layouts, parameters."""
    if as_json:
        typer.echo(json.dumps([_row(metric) for metric in METRICS.values()]))
    else:
        printing.metrics(list(METRICS.values()))


def _row(metric: Metric) -> dict[str, Any]:
    return {
        "key": metric.key,
        "title": metric.title,
        "direction": metric.direction,
        "layouts": list(metric.layouts),
        "parameters": [
            {
                "name": parameter.name,
                "default": None if parameter.required else parameter.default,
                "required": parameter.required,
                "choices": list(parameter.choices),
                "meaning": parameter.meaning,
            }
            for parameter in metric.parameters
        ],
        "source": metric.source,
    }
