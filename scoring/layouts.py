"""Which form a submission must have: what the spec says, else what solution and columns show."""

from collections.abc import Sequence
from typing import Any

from scoring.errors import SpecError
from scoring.metrics import Accepts
from scoring.reading.header import columns_of
from scoring.solutions import Solution
from scoring.spec import Spec
from scoring.template import ANY_COLUMN, Template


def template(
    solution: Solution,
    spec: Spec,
    submission: bytes | None = None,
    arguments: dict[str, Any] | None = None,
) -> tuple[Accepts, Template]:
    """The form that the metric takes here, and the template to read a file by.

    Where the spec leaves the layout open and the metric takes several, the submission's first line
    decides; a line that fits none is judged by the metric's own. `arguments` are the spec's for
    this solution, where the caller has them. Raises SpecError, SolutionError.
    """
    if arguments is None:
        arguments = spec.table_row.arguments(spec.parameters, solution.classes)
    found = [
        (form, _template(solution, form, arguments)) for form in _forms(solution, spec, arguments)
    ]
    if len(found) == 1 or submission is None:
        return found[0]
    columns = columns_of(submission)
    return next((pair for pair in found if _fits(columns, pair[1])), found[0])


def _forms(solution: Solution, spec: Spec, arguments: dict[str, Any]) -> list[Accepts]:
    metric = spec.table_row
    if spec.layout is not None:
        form = metric.accept(spec.layout, arguments)
        if form is None:
            raise SpecError(
                f"The metric '{metric.key}' takes the layout '{spec.layout}' with other "
                "parameters only."
            )
        return [form]
    forms = [
        form
        for form in metric.accepts
        if not form.asked and metric.accept(form.layout, arguments) and _suits(form, solution)
    ]
    if solution.has_class_columns:
        forms.sort(key=lambda form: form.layout != "probabilities")
    return forms or [metric.accepts[0]]


def _suits(form: Accepts, solution: Solution) -> bool:
    if form.truth == "positive":
        return solution.answers.is_binary and solution.answers.is_single
    return form.truth != "codes" or solution.answers.is_single


def _template(solution: Solution, form: Accepts, arguments: dict[str, Any]) -> Template:
    template = solution.template(form)
    if form.layout != "ranked":
        return template
    # nobody can write a longer list than fits into a field, whatever k is
    return solution.template(form, min(int(arguments.get("k", 1)), template.longest_field // 2 + 1))


def _fits(columns: Sequence[str], template: Template) -> bool:
    if template.header[1:] == (ANY_COLUMN,):
        return len(columns) == 2 and template.id_column in columns
    return set(columns) == set(template.header)
