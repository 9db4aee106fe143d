"""docs/kaggle-metrics.md: every call of the table works, and gives a right file the best score."""

import json
import re
import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

import pytest
from typer.testing import CliRunner

import scoring
from scoring import METRICS
from scoring.terminal import app
from scoring.terminal.arguments import read_parameters

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "kaggle-metrics.md").read_text()
ROW = re.compile(r"^\| (\d{4})\W? \| (.+?) \| (.+?) \| `(--metric .+)` \|$", re.M)
ROWS = ROW.findall(PAGE)
CALLS = sorted({call for *_, call in ROWS})
CLASSES = ("0", "1", "2", "3", "4", "5")
TWICE = 2 * CLASSES  # every class has two rows
SUPERSCRIPTS = "¹²³⁴⁵⁶⁷⁸⁹"


def spec_of(call: str) -> scoring.Spec:
    """Raises for a call that is not made of --metric, --param and --layout, or names no metric."""
    options: dict[str, list[str]] = {"--metric": [], "--param": [], "--layout": []}
    words = shlex.split(call)
    for name, value in zip(words[::2], words[1::2], strict=True):
        options[name].append(value)
    (metric,), layouts = options["--metric"], options["--layout"]
    assert len(layouts) <= 1
    parameters = read_parameters(options["--param"])
    return scoring.Spec(metric, parameters, layout=cast(Any, layouts[0] if layouts else None))


def table(header, cells):
    rows = (f"{at}.jpg,{cell}" for at, cell in enumerate(cells))
    return "\n".join([header, *rows, ""])


def columns(truth):
    return (",".join("1" if name in row else "0" for name in CLASSES) for row in truth)


SETS: list[tuple[str, ...]] = [(), ("0", "5"), *((CLASSES[at], CLASSES[at - 1]) for at in range(6))]
# the solution, a right submission and one that is wrong in many rows, by layout
CELLS: dict[str, list[Iterable[str]]] = {
    "labels": [TWICE, TWICE, TWICE[1:] + TWICE[:1]],
    "score": ["0011", ("0", "0.0", "1", "1.0"), "1100"],
    "ranked": [TWICE, [f"{name} 0 1" for name in TWICE], ["3"] * len(TWICE)],
    "sets": [map(" ".join, rows) for rows in (SETS, SETS, SETS[1:] + SETS[:1])],
    "probabilities": [columns(rows) for rows in (TWICE, TWICE, TWICE[1:] + TWICE[:1])],
}
HEADERS = {"probabilities": f"id,{','.join(CLASSES)}"}
FILES = {
    layout: [table(HEADERS.get(layout, "id,label"), cells) for cells in files]
    for layout, files in CELLS.items()
}


@pytest.fixture
def score(tmp_path):
    """``score(layout, at, call)``: the score of the layout's second or third file."""

    def run(layout, at, call):
        files = {"--solution": FILES[layout][0], "--submission": FILES[layout][at]}
        words = ["score", "--json", *shlex.split(call)]
        for option, text in files.items():
            path = tmp_path / f"{option[2:]}.csv"
            path.write_text(text)
            words += [option, str(path)]
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)["score"]

    return run


def test_every_row_of_the_table_has_a_call_and_the_years_are_in_order():
    started = [line for line in PAGE.splitlines() if re.match(r"\| \d{4}", line)]
    assert len(ROWS) == len(started) > 80
    years = [int(year) for year, *_ in ROWS]
    assert years == sorted(years)
    names = [name for _, name, *_ in ROWS]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("call", CALLS)
def test_a_call_names_a_metric_with_its_parameters_and_a_layout(call):
    spec = spec_of(call)
    assert spec.table_row.accept(
        spec.layout or spec.table_row.layout, spec.table_row.parse(spec.parameters)
    )


@pytest.mark.parametrize("call", CALLS)
def test_a_right_file_gets_the_best_score_and_a_wrong_one_a_worse_one(score, call):
    metric = METRICS[spec_of(call).metric]
    layout = spec_of(call).layout or metric.layout
    best = metric.bounds[metric.direction == "maximize"]
    assert score(layout, 1, call) == pytest.approx(best, abs=1e-12)
    assert abs(score(layout, 2, call) - best) > 0.05


def test_every_note_is_referred_to_and_every_reference_has_a_note():
    notes = PAGE.partition("\n## Notes\n")[2].partition("\n## ")[0]
    numbers = re.findall(r"^(\d+)\. ", notes, re.M)
    referred = {mark for _, _, metric, _ in ROWS for mark in metric if mark in SUPERSCRIPTS}
    assert numbers == [str(at + 1) for at in range(len(numbers))]
    assert referred == set(SUPERSCRIPTS[: len(numbers)])
