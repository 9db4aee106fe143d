"""The sample submission, and the proof that this challenge can be scored.

Two files are scored before anything is published: the sample, with the same answer for every image,
and one with every answer right. A metric that cannot be computed on these rows, or that cannot tell
the two apart, is refused while the organiser can still choose another. A metric of the organiser's
own is first tried with both, as `python -m scoring check-metric` does.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import isfinite

from competitions import solutions
from competitions.models import Competition
from competitions.preparing import tables
from competitions.preparing.answers import PRIVATE, PUBLIC, Answers
from competitions.refusals import Refused
from scoring import InvalidSubmission, Report, Solution, SolutionError, SpecError, Template
from scoring.custom import MetricError
from scoring.custom.evaluate import CustomSpec, SplitReport, problems_with
from scoring.decoding import byte_cap


def proven(competition: Competition, found: Answers, classes: Sequence[str]) -> bytes:
    """The sample submission. Raises Refused where the challenge could not be scored."""
    try:
        spec = solutions.spec(competition)
        solution = solutions.read(found.csv(), found.id_column, classes, spec)
        template = solutions.template(solution, spec)
    except (SolutionError, SpecError) as error:
        raise Refused(str(error)) from None
    try:
        _require_writable(template)
        if isinstance(spec, CustomSpec):
            _require_numbers(template)
        same = sample(template)
        everything = right(template, found.labels)
        spec = replace(spec, max_bytes=byte_cap(len(same)))
        if isinstance(spec, CustomSpec):
            tried = {"the sample submission": same, "every answer right": everything}
            _require_no_problems(tried, solution, spec)
        _require_a_difference(_report(same, solution, spec), _report(everything, solution, spec))
    except (SolutionError, SpecError) as error:
        raise Refused(f"{error}{_lacking(found, classes)}") from None
    except MetricError as error:
        raise Refused(f"On the public or the private rows alone: {error}") from None
    return same


def sample(template: Template) -> bytes:
    """The same answer for every image."""
    return table(template, [_same(template)] * len(template.ids))


def right(template: Template, labels: Sequence[str]) -> bytes:
    """Every answer right: ``labels`` in the order of the template's ids."""
    return table(template, [_right(template, label) for label in labels])


def _same(template: Template) -> list[str]:
    """The first class, the first of them, or the same number everywhere."""
    classes = list(template.classes)
    match template.layout:
        case "score":
            return ["0.5"]
        case "ranked":
            return [" ".join(classes[: template.depth])]
        case "probabilities" if template.numbers == "binary":
            return flags(template, classes[0])
        case "probabilities":
            return [f"{1 / len(classes):.6g}"] * len(classes)
        case _:
            return [classes[0]]


def _right(template: Template, label: str) -> list[str]:
    """The right answer; an ignored image without a label may get any."""
    label = label or template.classes[0]
    # In a column of scores the class is itself the number: only 0 and 1 can be scored there.
    return flags(template, label) if template.layout == "probabilities" else [label]


def flags(template: Template, label: str) -> list[str]:
    return ["1" if name == label else "0" for name in template.classes]


def table(template: Template, cells: Sequence[Sequence[str]]) -> bytes:
    rows = ([name, *row] for name, row in zip(template.ids, cells, strict=True))
    return tables.write(template.header, rows)


def _report(file: bytes, solution: Solution, spec: solutions.AnySpec) -> Report | SplitReport:
    try:
        return solutions.evaluate(file, solution, spec)
    except InvalidSubmission as error:
        raise _unsendable(error) from None


def _unsendable(error: InvalidSubmission) -> Refused:
    return Refused(
        "Nobody could send a file in the form that this metric asks for: even the sample "
        f"submission would be refused. {error}"
    )


def _require_writable(template: Template) -> None:
    """Raises Refused where a class could not be told apart from the column of ids."""
    if template.id_column in template.header[1:]:
        raise Refused(
            f"A class is called '{template.id_column}', like the column of ids. Rename the column."
        )


def _require_numbers(template: Template) -> None:
    """Raises Refused where nobody could send a right answer; metrics of the table say so too."""
    if template.layout != "score":
        return
    words = [name for name in template.classes if not _is_number(name)]
    if words:
        raise Refused(
            "In the layout 'score' an answer is a number, so every class must be one, and these "
            f"are not: {tables.some(words)}. Choose another layout."
        )


def _is_number(name: str) -> bool:
    try:
        return isfinite(float(name))
    except ValueError:
        return False


def _require_no_problems(tried: Mapping[str, bytes], solution: Solution, spec: CustomSpec) -> None:
    """Raises Refused with what the trial of a metric finds: words of the metric's among them."""
    for what, file in tried.items():
        try:
            found = problems_with(file, solution, spec)
        except InvalidSubmission as error:
            raise _unsendable(error) from None
        if found:
            raise Refused(f"The metric was tried with {what}. {' '.join(found)}")


def _require_a_difference(same: Report | SplitReport, right: Report | SplitReport) -> None:
    if (same.public, same.private) == (right.public, right.private):
        raise Refused(
            "With this metric the same answer for every image scores as well as the right ones. "
            "Choose another metric, or other parameters."
        )


def _lacking(found: Answers, classes: Sequence[str]) -> str:
    """Which part of the rows lacks a class: the usual reason for a metric that is undefined."""
    lacking = {
        usage.lower(): set(classes) - {label for _name, label, use in found.rows if use == usage}
        for usage in (PUBLIC, PRIVATE)
    }
    return "".join(
        f" No {usage} row has: {tables.some(names)}." for usage, names in lacking.items() if names
    )
