"""How a competition is scored, and the hidden labels, compiled once per worker process."""

from collections.abc import Sequence
from functools import lru_cache
from typing import TypeAlias, cast

import scoring
from competitions import files
from competitions.models import Competition, CustomMetric, SolutionVersion
from competitions.models.metrics import CUSTOM
from scoring import Direction, Layout, Metric, Report, Solution, Spec, SpecError, Template, layouts
from scoring.custom import CustomMetric as Program
from scoring.custom import Limits, MetricError
from scoring.custom import evaluate as own_metrics
from scoring.custom.evaluate import CustomSpec, SplitReport
from scoring.decoding import MAX_BYTES
from scoring.metrics import Accepts

AnySpec: TypeAlias = Spec | CustomSpec
DEFAULT: str = Competition._meta.get_field("metric").default

# For each of the two runs that a submission costs. Even three of the longest fit into the 45 s
# that tasks.score has, and a worker's memory grows by one run at a time.
LIMITS = Limits(memory_bytes=1 << 30, cpu_seconds=10, wall_seconds=12.0)
# What the board can show: scores are rounded in decimal numbers of 28 digits, up to 6 of them
# behind the point, and a float tells neighbours of this size apart by no more than that.
LARGEST = 1e15


def spec(competition: Competition, max_bytes: int = MAX_BYTES) -> AnySpec:
    """How the competition is scored: the one place that says so. Raises SpecError.

    The layout is always named: left open, each submission's own columns would choose one.
    """
    if competition.metric == CUSTOM:
        return _own_spec(competition, max_bytes)
    return _spec(competition, max_bytes)


def complaint(competition: Competition, classes: Sequence[str] = ()) -> tuple[str, str] | None:
    """The field that does not fit the others, and a sentence; None where all do.

    With class names the parameters are held against them too.
    """
    if not isinstance(competition.metric_parameters, dict):  # JSON of whatever kind
        return "metric_parameters", "The parameters must be names, each with its value."
    if competition.metric == CUSTOM:
        return _own_complaint(competition)
    parameters, layout = competition.metric_parameters, competition.submission_layout
    try:
        metric = Spec(competition.metric, parameters).table_row
        if classes:
            metric.arguments(parameters, classes)
    except SpecError as error:
        return "metric_parameters", str(error)
    try:
        _spec(competition)
    except SpecError as error:
        return "layout", str(error)
    if metric.accept(layout, metric.parse(parameters)) is None:
        return "layout", _needs(metric, layout)
    return None


@lru_cache(maxsize=16)
def compiled(solution_pk: int, spec: AnySpec) -> Solution:
    """The solution of that version, read as the metric and the layout need it.

    From private storage: called by scoring tasks only.
    """
    row = SolutionVersion.objects.get(pk=solution_pk)
    return read(files.read("solutions", row.path), row.id_column, row.classes, spec)


def read(data: bytes, id_column: str, classes: Sequence[str], spec: AnySpec) -> Solution:
    """Raises SolutionError."""
    needed = own_metrics.solution_spec(spec.layout) if isinstance(spec, CustomSpec) else spec
    return Solution.read(data, id_column=id_column, classes=classes, spec=needed)


def template(solution: Solution, spec: AnySpec) -> Template:
    """What a file must look like."""
    if isinstance(spec, CustomSpec):
        return own_metrics.template(solution, spec)
    _form, found = layouts.template(solution, spec)
    return found


def accepted(competition: Competition) -> tuple[Accepts, int | None]:
    """The form of a submission, and how many names of a list count; None: the metric knows."""
    if competition.metric == CUSTOM:
        return own_metrics.accepts(competition.submission_layout), None
    found = _spec(competition)
    metric = found.table_row
    form = next(form for form in metric.accepts if form.layout == found.layout)
    return form, int(metric.parse(found.parameters).get("k", 1))


def evaluate(submission: bytes, solution: Solution, spec: AnySpec) -> Report | SplitReport:
    """The public and the private score of a file.

    Raises InvalidSubmission (the team's fault), MetricError (the organiser's: its sentence may be
    logged, its traceback may hold labels), SolutionError and SpecError.
    """
    if isinstance(spec, Spec):
        return scoring.evaluate(submission, solution, spec)
    scores = own_metrics.evaluate_split(submission, solution, spec)
    if max(abs(scores.public), abs(scores.private)) > LARGEST:
        raise MetricError(f"The metric returned a number beyond {LARGEST:g}.")
    return scores


def keep(competition: Competition, own: CustomMetric) -> None:
    """Gives a competition this metric, as a new version unless it is known. In a transaction.

    A new competition is saved first, with any metric of the table: the metric's row names it.
    """
    if competition._state.adding:
        competition.metric, competition.custom_metric = DEFAULT, None
        competition.save()
    competition.metric, competition.custom_metric = CUSTOM, version_of(competition, own)
    # both at once: a constraint binds them
    competition.save(update_fields=["metric", "custom_metric"])


def version_of(competition: Competition, own: CustomMetric) -> CustomMetric:
    """The competition's row of that program and direction, made unless it is known."""
    kept, _made = CustomMetric.objects.get_or_create(
        competition=competition,
        version=own.version,
        direction=own.direction,
        defaults={"source": own.source, "file_name": own.file_name},
    )
    return kept


def _spec(competition: Competition, max_bytes: int = MAX_BYTES) -> Spec:
    return Spec(
        metric=competition.metric,
        parameters=competition.metric_parameters,
        max_bytes=max_bytes,
        layout=competition.submission_layout,
    )


def _own_spec(competition: Competition, max_bytes: int) -> CustomSpec:
    own = competition.custom_metric
    if own is None:
        raise SpecError("There is no file with the metric yet.")
    metric = _parsed(own.source)
    return CustomSpec(
        metric,
        cast(Direction, own.direction),
        competition.submission_layout,
        metric.parse(competition.metric_parameters),
        max_bytes,
        LIMITS,
    )


@lru_cache(maxsize=16)
def _parsed(source: str) -> Program:
    """Read again from the text: parsing the longest file takes a good part of a second."""
    return Program.read(source.encode())


def _own_complaint(competition: Competition) -> tuple[str, str] | None:
    try:
        found = _own_spec(competition, MAX_BYTES)
        found.metric.arguments(found.parameters)
    except SpecError as error:
        return "metric_parameters", str(error)
    return None


def _needs(metric: Metric, layout: Layout) -> str:
    conditions = (form.when for form in metric.accepts if form.layout == layout)
    wanted = " and ".join(f"{name}={value}" for name, value in next(conditions))
    return f"The metric '{metric.key}' takes the layout '{layout}' only with {wanted}."
