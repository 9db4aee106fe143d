"""How a challenge is scored: the columns that a rescoring replaces, as they were and shall be."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from competitions import solutions
from competitions.models import Competition, CustomMetric, Rescoring
from competitions.models.metrics import CUSTOM
from scoring import display_decimals

NAMES = ("metric", "metric_parameters", "layout", "decimals")


@dataclass(frozen=True)
class Settings:
    """``custom_metric`` is what the metric CUSTOM stands for; None with a metric of the table."""

    metric: str
    metric_parameters: Mapping[str, Any]
    layout: str
    decimals: int
    custom_metric: CustomMetric | None = None

    @classmethod
    def of(cls, competition: Competition) -> "Settings":
        """The present ones."""
        values = {name: getattr(competition, name) for name in NAMES}
        return cls(**values, custom_metric=competition.custom_metric)

    @classmethod
    def before(cls, rescoring: Rescoring) -> "Settings":
        return cls._read(rescoring.old_metric, rescoring.old_custom_metric)

    @classmethod
    def after(cls, rescoring: Rescoring) -> "Settings":
        return cls._read(rescoring.new_metric, rescoring.new_custom_metric)

    @classmethod
    def _read(cls, kept: Mapping[str, Any], own: CustomMetric | None) -> "Settings":
        return cls(**{name: kept[name] for name in NAMES}, custom_metric=own)

    def kept(self) -> dict[str, Any]:
        """As JSON, without the metric's own row."""
        return {name: getattr(self, name) for name in NAMES}

    def put(self, competition: Competition) -> None:
        """Sets the columns; the caller saves them, or wants to look only."""
        for name in (*NAMES, "custom_metric"):
            setattr(competition, name, getattr(self, name))


def complaint(competition: Competition, wanted: Settings) -> tuple[str, str] | None:
    """The field that does not fit the others or the classes, and a sentence; None where all do."""
    if wanted.metric == CUSTOM and wanted.custom_metric is None:
        return "metric", "Add the file with your metric."
    tried = Competition(slug=competition.slug)
    wanted.put(tried)
    solution = competition.solution
    if wrong := solutions.complaint(tried, solution.classes if solution else ()):
        return wrong
    most = display_decimals(solution.public_rows) if solution else wanted.decimals
    if wanted.decimals != competition.decimals and not 1 <= wanted.decimals <= most:
        return "decimals", f"From 1 to {most}: further digits would rank teams by chance."
    return None


def rescored(rescoring: Rescoring) -> Competition:
    """The competition as it would be once this is applied, not to be saved."""
    found = Competition.objects.select_related("solution", "custom_metric")
    competition = found.get(pk=rescoring.competition_id)
    Settings.after(rescoring).put(competition)
    if rescoring.after is not None:
        competition.solution = rescoring.after
    return competition
