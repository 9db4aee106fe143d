"""python -m scoring score, check"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

import scoring
from scoring import layouts
from scoring.decoding import MAX_BYTES, byte_cap
from scoring.evaluate import Judged, judge
from scoring.evaluate import report as report_of
from scoring.metrics import Accepts, Layout, Numbers
from scoring.metrics import per_class as per_class_of
from scoring.terminal import arguments, own_metrics, printing
from scoring.terminal.arguments import (
    AsJson,
    Classes,
    IdColumn,
    LabelColumn,
    LayoutName,
    MetricKey,
    Parameters,
    SolutionPath,
    SubmissionPath,
)

Direction = Annotated[
    scoring.Direction, typer.Option(help="Of a metric in a file of your own: what is better.")
]


@arguments.says_what_is_wrong
def score(
    solution: SolutionPath,
    submission: SubmissionPath,
    metric: MetricKey,
    param: Parameters = None,
    layout: LayoutName = None,
    id_column: IdColumn = None,
    label_column: LabelColumn = None,
    classes: Classes = None,
    direction: Direction = "maximize",
    per_class: Annotated[
        bool, typer.Option("--per-class", help="Also precision, recall and F1 of each class.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Score a submission against a solution, by a known metric or by one of your own (FILE.py)."""
    spec = None if own_metrics.is_own(metric) else arguments.read_spec(metric, param, layout)
    truth = arguments.read_solution(
        solution, spec or own_metrics.layout_of(layout), id_column, classes, label_column
    )
    classwise: list[dict[str, Any]] | None = None
    try:
        if spec is None:
            custom = own_metrics.read_spec(Path(metric), direction, layout, param)
            upload = arguments.read_upload(submission, custom.max_bytes)
            report = own_metrics.evaluate(upload, truth, custom)
        else:
            upload = arguments.read_upload(submission, spec.max_bytes)
            judged = judge(upload, truth, spec)
            report = report_of(judged, truth)
            classwise = _per_class(judged, truth) if per_class else None
    except scoring.InvalidSubmission as error:
        printing.problems(list(error.problems), error.more, as_json)
        raise typer.Exit(arguments.REFUSED) from None
    if per_class and classwise is None:
        arguments.stop("--per-class needs a metric of labels or of sets of labels.")
    if as_json:
        more = {} if classwise is None else {"per_class": classwise}
        typer.echo(json.dumps(asdict(report) | more))
    else:
        printing.report(report, classwise)


def _per_class(judged: Judged, truth: scoring.Solution) -> list[dict[str, Any]] | None:
    """One row per class on all rows that count; None for numbers, which name no class."""
    if judged.form.layout not in ("labels", "sets") and judged.form.numbers != "binary":
        return None
    found = per_class_of(*judged.call(truth, "counted"))
    columns = zip(found.precision, found.recall, found.f1, found.support, strict=True)
    return [
        {
            "class": name,
            "precision": float(precision),
            "recall": float(recall),
            "f1": float(f1),
            "rows": int(support),
        }
        for name, (precision, recall, f1, support) in zip(truth.classes, columns, strict=True)
    ]


@arguments.says_what_is_wrong
def check(
    submission: SubmissionPath,
    solution: Annotated[Path | None, typer.Option(help="The organiser's solution.")] = None,
    sample: Annotated[Path | None, typer.Option(help="Or: the sample submission.")] = None,
    metric: Annotated[
        str | None, typer.Option(help="Whose form to expect; default: accuracy's, or the sample's.")
    ] = None,
    param: Parameters = None,
    layout: LayoutName = None,
    id_column: IdColumn = None,
    label_column: LabelColumn = None,
    classes: Classes = None,
    as_json: AsJson = False,
) -> None:
    """Look for problems without scoring."""
    if (solution is None) == (sample is None):
        arguments.stop("Give either --solution or --sample.")
    cap = MAX_BYTES if sample is None else byte_cap(sample.stat().st_size)
    upload = arguments.read_upload(submission, cap)
    wanted = _Wanted(metric, param, layout, id_column, arguments.read_classes(classes))
    try:
        if solution is not None:
            template = wanted.of_solution(solution, label_column, upload)
        elif sample is not None:
            template = wanted.of_sample(sample)
        problems, more = scoring.check(upload, template, cap)
    except scoring.InvalidSubmission as error:
        problems, more = list(error.problems), error.more
    printing.problems(problems, more, as_json)
    if problems:
        raise typer.Exit(arguments.REFUSED)


@dataclass(frozen=True)
class _Wanted:
    """What the call says of the form to check for."""

    metric: str | None
    param: list[str] | None
    layout: Layout | None
    id_column: str | None
    classes: list[str] | None

    def spec(self) -> scoring.Spec | None:
        """None where no metric of the table is named: then the layout alone counts."""
        if self.metric is None:
            if self.param:
                raise scoring.SpecError("--param needs the --metric whose setting it is.")
            return None
        if own_metrics.is_own(self.metric):
            own_metrics.read_spec(Path(self.metric), "maximize", self.layout, self.param)
            return None
        return arguments.read_spec(self.metric, self.param, self.layout)

    def of_solution(self, path: Path, label_column: str | None, upload: bytes) -> scoring.Template:
        spec = self.spec()
        truth = scoring.Solution.read(
            path.read_bytes(),
            id_column=self.id_column,
            label_column=label_column,
            classes=self.classes,
            spec=spec or own_metrics.layout_of(self.layout),
        )
        if spec is not None:
            return layouts.template(truth, spec, upload)[1]
        shares = self.metric is None and self.layout == "probabilities"
        numbers: Numbers = "shares" if shares else "any"
        return truth.template(Accepts(self.layout or "labels", "either", numbers))

    def of_sample(self, path: Path) -> scoring.Template:
        return scoring.Template.read(
            path.read_bytes(),
            id_column=self.id_column,
            classes=self.classes,
            layout=self.layout,
            spec=self.spec(),
        )
