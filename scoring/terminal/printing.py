"""What people read; programs get JSON."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from scoring.errors import Problem
from scoring.evaluate import Report
from scoring.metrics import METRICS, Metric, Parameter

if TYPE_CHECKING:
    from scoring.compare import Comparison  # imports scipy

console = Console(soft_wrap=True, emoji=False)
PAIRS_SHOWN = 45  # of ten submissions all

METHODS = {
    "rows": "the rows' own covariance",
    "delong": "DeLong's covariance of AUCs",
    "bootstrap": "1000 resamples of the rows",
}


def problems(found: list[Problem], more: int, as_json: bool, file: str = "") -> None:
    """The refusal of a file, or that it is good."""
    if as_json:
        rows = [asdict(problem) for problem in found]
        named = {"file": file} if file else {}
        typer.echo(json.dumps({**named, "ok": not found, "problems": rows, "more": more}))
        return
    if file:
        console.print(f"{escape(file)}:", highlight=False)
    if not found:
        console.print("[green]The file is good.[/green]")
    for problem in found:
        console.print(f"[red]-[/red] {escape(str(problem))}", highlight=False)
    if more:
        console.print(f"and {more} more problems.", highlight=False)


def report(found: Report, classwise: list[dict[str, Any]] | None = None) -> None:
    """The scores; then, if asked for, each class."""
    known = METRICS.get(found.metric)
    title = f"{known.title if known else found.metric} ({found.direction})"
    table = Table("rows of", "score", "rows", title=title)
    for name, value, rows in (
        ("all", found.score, found.rows),
        ("public", found.public, found.public_rows),
        ("private", found.private, found.private_rows),
    ):
        if value is not None:
            table.add_row(name, f"{value:.10f}", str(rows))
    console.print(table)
    if classwise:
        each = Table(*classwise[0], title="Each class, on all rows")
        for row in classwise:
            name, *values, rows = row.values()
            each.add_row(escape(name), *(f"{value:.4f}" for value in values), str(rows))
        console.print(each)


def comparison(found: "Comparison") -> None:
    """Scores, intervals, ranks and who is tied; then the pairs."""
    title = f"{METRICS[found.metric].title} ({found.direction}) on {found.rows} rows"
    table = Table(
        "rank",
        Column("submission", overflow="fold"),
        "score",
        "95 % interval",
        "true rank",
        "",
        title=title,
    )
    for entry in found.entries:
        table.add_row(
            str(entry.rank),
            escape(entry.name),
            f"{entry.score:.6f}",
            f"{entry.low:.4f} to {entry.high:.4f}",
            f"{entry.best_rank} to {entry.worst_rank}",
            "tied" if entry.tied else "",
        )
    console.print(table)
    pairs = Table("pair", "difference", "p", title="Pairwise")
    for pair in found.pairs[:PAIRS_SHOWN]:
        pairs.add_row(
            f"{escape(pair.first)} - {escape(pair.second)}", f"{pair.difference:+.6f}", _p(pair.p)
        )
    console.print(pairs)
    if (rest := len(found.pairs) - PAIRS_SHOWN) > 0:
        console.print(f"and {rest} more pairs; --json has them all.", highlight=False)
    tied = [entry.name for entry in found.entries if entry.tied]
    console.print(
        f"{len(tied)} of {len(found.entries)} cannot be told from the best at 95 %. "
        f"Uncertainty from {METHODS[found.method]}.",
        highlight=False,
    )


def _p(p: float) -> str:
    return "< 0.0001" if p < 0.0001 else f"{p:.4f}"


def metrics(rows: list[Metric]) -> None:
    table = Table(
        Column("key", no_wrap=True), "better", "layouts", Column("parameters", overflow="fold")
    )
    for metric in rows:
        table.add_row(
            metric.key,
            "higher" if metric.direction == "maximize" else "lower",
            ", ".join(metric.layouts),
            escape("\n".join(map(_parameter, metric.parameters))),
        )
    console.print(table)


def _parameter(parameter: Parameter) -> str:
    if parameter.required:
        return f"{parameter.name} (required)"
    default = "none" if parameter.default is None else str(parameter.default)
    default = default.lower() if isinstance(parameter.default, bool) else default
    choices = [word for word in parameter.choices if word != default]
    return f"{parameter.name}={'|'.join([default, *choices])}"


def result(values: dict[str, Any], as_json: bool) -> None:
    """What `split` has drawn."""
    if as_json:
        typer.echo(json.dumps(values))
        return
    for name, value in values.items():
        console.print(f"{name}: {value}", highlight=False)
    console.print("Publish the commitments now; keep the seed secret until the end.")


def result_lines(values: dict[str, str]) -> None:
    """Names and values, a line each."""
    for name, value in values.items():
        console.print(f"{escape(name)}: {escape(value)}", highlight=False)


def problem(sentence: str) -> None:
    console.print(f"[red]-[/red] {escape(sentence)}", highlight=False)


def metric_problems(found: list[str], version: str | None) -> None:
    """What is wrong with an organiser's metric, or the version to pin."""
    for problem in found:
        console.print(f"[red]-[/red] {escape(problem)}", highlight=False)
    if not found:
        console.print(f"[green]The metric is good.[/green] Version {version}", highlight=False)
