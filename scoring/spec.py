"""How a challenge is scored: the metric, its parameters, and the form of a submission."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from scoring.decoding import MAX_BYTES
from scoring.errors import SpecError
from scoring.metrics import METRICS, Layout, Metric


@dataclass(frozen=True)
class Spec:
    """Raises SpecError for a metric, a parameter or a layout that does not exist.

    Without `layout` the metric's own is taken, or another of its layouts if the solution or the
    submission's columns show that it is meant.
    """

    metric: str
    parameters: Mapping[str, object] = field(default_factory=dict, hash=False)
    max_bytes: int = MAX_BYTES
    layout: Layout | None = None

    def __post_init__(self) -> None:
        if self.metric not in METRICS:
            raise SpecError(
                f"There is no metric '{self.metric}'. Choose one of: {', '.join(METRICS)}."
            )
        self.table_row.parse(self.parameters)
        layouts = self.table_row.layouts
        if self.layout is not None and self.layout not in layouts:
            raise SpecError(
                f"The metric '{self.metric}' does not take the layout '{self.layout}', "
                f"only: {', '.join(layouts)}."
            )

    @cached_property
    def table_row(self) -> Metric:
        return METRICS[self.metric]
