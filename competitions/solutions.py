"""How a competition is scored, and the hidden labels, compiled once per worker process."""

from collections.abc import Sequence
from functools import lru_cache

from competitions import files
from competitions.models import Competition, SolutionVersion
from scoring import Layout, Metric, Solution, Spec, SpecError
from scoring.decoding import MAX_BYTES


def spec(competition: Competition, max_bytes: int = MAX_BYTES) -> Spec:
    """How the competition is scored: the one place that says so. Raises SpecError.

    The layout is always named: left open, each submission's own columns would choose one.
    """
    return Spec(
        metric=competition.metric,
        parameters=competition.metric_parameters,
        max_bytes=max_bytes,
        layout=competition.submission_layout,
    )


def complaint(competition: Competition, classes: Sequence[str] = ()) -> tuple[str, str] | None:
    """The field that does not fit the others, and a sentence; None where all do.

    With class names the parameters are held against them too.
    """
    parameters, layout = competition.metric_parameters, competition.submission_layout
    try:
        metric = Spec(competition.metric, parameters).table_row
        if classes:
            metric.arguments(parameters, classes)
    except SpecError as error:
        return "metric_parameters", str(error)
    try:
        spec(competition)
    except SpecError as error:
        return "layout", str(error)
    if metric.accept(layout, metric.parse(parameters)) is None:
        return "layout", _needs(metric, layout)
    return None


@lru_cache(maxsize=16)
def compiled(solution_pk: int, spec: Spec) -> Solution:
    """The solution of that version, read as the metric and the layout need it.

    From private storage: called by scoring tasks only.
    """
    row = SolutionVersion.objects.get(pk=solution_pk)
    return Solution.read(
        files.read("solutions", row.path), id_column=row.id_column, classes=row.classes, spec=spec
    )


def _needs(metric: Metric, layout: Layout) -> str:
    conditions = (form.when for form in metric.accepts if form.layout == layout)
    wanted = " and ".join(f"{name}={value}" for name, value in next(conditions))
    return f"The metric '{metric.key}' takes the layout '{layout}' only with {wanted}."
