"""python -m scoring split"""

import csv
import io
import secrets
from collections import Counter
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

import scoring
from scoring.solution_table import USAGE
from scoring.splits import given_commitment, salt_from, solution_commitment
from scoring.terminal import arguments, printing
from scoring.terminal.arguments import AsJson, IdColumn, LabelColumn, SolutionPath


@arguments.says_what_is_wrong
def split(
    solution: SolutionPath,
    out: Annotated[Path, typer.Option("--out", help="Where to write the solution with Usage.")],
    fraction: Annotated[float, typer.Option(help="The share of public rows.")] = 0.3,
    seed: Annotated[
        str | None, typer.Option(help="At least 16 secret bytes in hexadecimal; default: drawn.")
    ] = None,
    given: Annotated[
        bool, typer.Option("--given", help="Keep the file's own Usage and seal that.")
    ] = False,
    id_column: IdColumn = None,
    label_column: LabelColumn = None,
    group_column: Annotated[
        str | None, typer.Option(help="Rows with the same value here stay together.")
    ] = None,
    sets: Annotated[
        bool, typer.Option("--sets", help="The labels of a row are separated by spaces.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Draw the public rows of a solution and print the commitments to publish."""
    secret = secrets.token_bytes(16) if seed is None else _seed(seed)
    spec = scoring.Spec("subset_accuracy") if sets else None
    truth = arguments.read_solution(solution, spec, id_column, None, label_column, group_column)
    if given and not truth.has_split:
        raise scoring.SpecError("--given needs a solution with a Usage column.")
    public = _given(truth) if given else _drawn(truth, fraction, secret)
    usage = _usage(truth, public)
    counts = Counter(usage.values())
    if not counts["Public"] or not counts["Private"]:
        raise scoring.SpecError(
            f"This leaves {counts['Public']} public and {counts['Private']} private rows. Choose "
            "another --fraction, so that each part gets some."
        )
    if out.exists() and out.samefile(solution):
        raise scoring.SpecError("--out would overwrite the solution, columns and all.")
    written = _with_usage(truth, usage)
    out.write_bytes(written)
    salt = salt_from(secret)
    result = {
        **{word.lower(): counts[word] for word in ("Public", "Private", "Ignored")},
        "commitment": given_commitment(secret, usage)
        if given
        else scoring.commitment(secret, truth.ids),
        "solution_commitment": solution_commitment(salt, written),
        "seed": secret.hex(),
        "salt": salt.hex(),
    }
    printing.result(result, as_json)


def _given(truth: scoring.Solution) -> set[str]:
    return {truth.ids[at] for at in np.flatnonzero(truth.public).tolist()}


def _drawn(truth: scoring.Solution, fraction: float, secret: bytes) -> set[str]:
    rows = np.flatnonzero(truth.counted).tolist()
    videos = None if truth.groups is None else truth.groups.cells()
    groups = None if videos is None else [videos[at] for at in rows]
    strata = truth.answers.strata()
    return scoring.split_ids(
        [truth.ids[at] for at in rows], [strata[at] for at in rows], fraction, secret, groups=groups
    )


def _usage(truth: scoring.Solution, public: set[str]) -> dict[str, str]:
    return {
        name: ("Public" if name in public else "Private") if counts else "Ignored"
        for name, counts in zip(truth.ids, truth.counted, strict=True)
    }


def _seed(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise scoring.SpecError("The seed must be written in hexadecimal digits.") from None


def _with_usage(truth: scoring.Solution, usage: dict[str, str]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    columns = truth.answers.cells()
    names = list(truth.classes) if truth.has_class_columns else [truth.label_column]
    writer.writerow([truth.id_column, *names, USAGE])
    for name, *cells in zip(truth.ids, *columns, strict=True):
        writer.writerow([name, *cells, usage[name]])
    return text.getvalue().encode()
