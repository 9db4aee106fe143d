"""Which class each file names for each image: the answer itself, or the likeliest, or the first."""

import time
from collections.abc import Iterable
from functools import lru_cache

import numpy as np
import structlog
from numpy.typing import NDArray

from competitions import files, solutions
from competitions.insight.confusion import Codes
from competitions.models import Competition
from scoring import InvalidSubmission, Solution, SolutionError, Spec
from scoring.evaluate import Judged, judge

log = structlog.get_logger(__name__)

NAMING = ("labels", "ranked", "probabilities")  # layouts in which a file names one class per image
# More than one report reads: of a circle that is longer than the memory nothing is remembered.
KEPT = 512  # files: a byte an image and file, two where there are more than 256 classes


def name_a_class(competition: Competition) -> bool:
    """Whether the files of this challenge say one class for each image."""
    if not isinstance(solutions.spec(competition), Spec):
        return False
    form, _depth = solutions.accepted(competition)
    return form.layout in NAMING and form.numbers != "binary"


def read(competition: Competition, paths: Iterable[str], seconds: float) -> dict[str, Codes | None]:
    """Class codes by file, in the solution's order [all rows]; None for a file without any.

    A path that is not there was not reached in time: the next call comes further. Called by
    workers only, for challenges whose files ``name_a_class``.
    """
    spec = solutions.spec(competition, files.scoring_limit(competition))
    if not isinstance(spec, Spec) or competition.solution is None:
        return {}
    solution, end = competition.solution, time.monotonic() + seconds
    found: dict[str, Codes | None] = {}
    for path in dict.fromkeys(paths):
        if found and time.monotonic() > end:
            break
        found[path] = _read(path, solution.pk, solution.sha256, spec)
    return found


def _read(path: str, solution_pk: int, sha256: str, spec: Spec) -> Codes | None:
    if not path:  # a model of another installation, whose answers did not come along
        return None
    try:
        return _codes(path, solution_pk, sha256, spec)
    except OSError as error:  # not remembered: the storage may be back at the next look
        log.error("a file cannot be read", path=path, reason=type(error).__name__)
        return None


@lru_cache(maxsize=KEPT)
def _codes(path: str, solution_pk: int, _sha256: str, spec: Spec) -> Codes | None:
    solution = solutions.compiled(solution_pk, spec)
    try:
        judged = judge(files.read("submissions", path), solution, spec)
    except (InvalidSubmission, SolutionError, FileNotFoundError) as error:
        log.warning("a file names no classes", path=path, reason=type(error).__name__)
        return None
    return _named(judged, solution)


def _named(judged: Judged, solution: Solution) -> Codes | None:
    match judged.form.layout:
        case "probabilities":
            codes: NDArray[np.integer] = judged.values.argmax(axis=1)
        case "ranked":
            codes = judged.values[:, 0]
        case _:
            codes = judged.values
    if codes.min(initial=0) < 0:
        return None  # a list without any name
    return codes.astype(np.uint8 if len(solution.classes) <= 256 else np.int32)
