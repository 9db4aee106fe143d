"""What a model answered, as the file that its team could have sent."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from competitions import files, model_rules, solutions
from competitions.models import Competition
from scoring import Template
from scoring.sandbox.submission import submission_csv


def written(
    competition: Competition, logits: NDArray[np.floating[Any]], ids: Sequence[str]
) -> bytes:
    """The CSV; row i of the logits is the image ``ids[i]``.

    Raises InvalidSubmission for logits that are no answer, SpecError where the images or classes
    are not the challenge's.
    """
    contract = model_rules.contract(competition.model_rules, competition.solution)
    return submission_csv(logits, ids, contract, template(competition))


def template(competition: Competition) -> Template:
    """The form of a submission, from the public sample: no worker of models opens the labels."""
    solution = competition.solution
    if solution is None:
        raise ValueError("a challenge that takes models has a solution")
    sample = competition.files.get(name=files.SAMPLE)
    form, depth = solutions.accepted(competition)
    found = Template.read(
        files.read("data", sample.path),
        id_column=solution.id_column,
        classes=solution.classes,
        layout=form.layout,
    )
    return replace(found, numbers=form.numbers, depth=depth or len(solution.classes))
