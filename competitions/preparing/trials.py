"""Three files scored before a challenge is opened: the sample, every answer right, random answers.

What is kept says nothing of a single label, and of the private rows only whether all is well there.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from math import isfinite, sqrt
from statistics import fmean, pstdev
from typing import Any

from competitions import solutions
from competitions.models import Competition
from competitions.models.metrics import CUSTOM
from competitions.preparing import samples
from competitions.preparing.answers import PRIVATE, PUBLIC, Answers
from scoring import InvalidSubmission, Template
from scoring.custom import MetricError
from scoring.decoding import byte_cap

REPEATS = 8  # random files: their mean is what is told
MOST_CELLS = 1_000_000  # in all of them
DEVIATIONS = 5  # of the mean: one build in a million is suspected for nothing
EXACT = 1e-6  # clipping keeps a right answer's loss a little above nothing

Scores = tuple[float, float]  # on the public and on the private rows


def trial(competition: Competition, found: Answers, classes: Sequence[str]) -> dict[str, Any]:
    """For ``SolutionVersion.launch_trial``; the challenge was proven to be one that can be scored.

    ``sample``, ``right`` and ``random`` hold the public score and what is to be told of both parts.
    """
    spec = solutions.spec(competition)
    solution = solutions.read(found.csv(), found.id_column, classes, spec)
    template = solutions.template(solution, spec)
    same = samples.sample(template)
    spec = replace(spec, max_bytes=byte_cap(len(same)))

    def score(file: bytes) -> Scores:
        report = solutions.evaluate(file, solution, spec)
        return _number(report.public), _number(report.private)

    sample, right = score(same), score(samples.right(template, found.labels))

    def score_at_random(seed: int) -> Scores:
        try:
            return score(_random(template, seed))
        except (MetricError, InvalidSubmission):
            # A program of the organiser's that fails with answers nobody has tried yet: the
            # checklist says so, and the sentence of the failure may hold labels.
            return float("nan"), float("nan")

    by_chance = [score_at_random(seed) for seed in range(_repeats(competition, template))]
    return {
        "sample": {"public": _kept(sample[0])},
        "right": _told_of_right(competition, right),
        "random": _told_of_chance(competition, template, by_chance, right, found),
        "is_defined": all(
            isfinite(value) for pair in (sample, right, *by_chance) for value in pair
        ),
    }


def _number(value: float | None) -> float:
    return float("nan") if value is None else value


def _kept(value: float) -> float | None:
    """JSON has no word for what is no number."""
    return value if isfinite(value) else None


def _told_of_right(competition: Competition, right: Scores) -> dict[str, Any]:
    facts = competition.metric_facts
    best = facts.bounds[1 if facts.direction == "maximize" else 0]
    is_best = all(abs(value - best) <= EXACT for value in right) if isfinite(best) else None
    return {"public": _kept(right[0]), "best": _kept(best), "is_best": is_best}


def _told_of_chance(
    competition: Competition,
    template: Template,
    found: Sequence[Scores],
    right: Scores,
    answers: Answers,
) -> dict[str, Any]:
    sign = 1 if competition.metric_facts.direction == "maximize" else -1
    means = [fmean(part) for part in zip(*found, strict=True)]
    told: dict[str, Any] = {
        "public": _kept(means[0]),
        "chance": None,
        "within": None,
        "is_at_chance": None,
        # What is no number is told by "is_defined".
        "is_worse": not all(map(isfinite, means))
        or all(sign * (r - mean) > 0 for r, mean in zip(right, means, strict=True)),
    }
    chance = _chance(competition, template)
    if chance is None or not all(map(isfinite, means)):
        return told
    rows = answers.count(PUBLIC), answers.count(PRIVATE)
    variance = chance * (1 - chance) if competition.metric_facts.has_interval else 0.25
    parts = zip(*found, strict=True)
    widths = [_width(part, variance / n) for part, n in zip(parts, rows, strict=True)]
    is_at = all(abs(mean - chance) <= width for mean, width in zip(means, widths, strict=True))
    return {**told, "chance": chance, "within": widths[0], "is_at_chance": is_at}


def _width(scores: Sequence[float], variance: float) -> float:
    """Of the interval around chance: ``variance`` is one score's own, for few may be alike."""
    return DEVIATIONS * max(pstdev(scores), sqrt(variance)) / sqrt(len(scores))


def _chance(competition: Competition, template: Template) -> float | None:
    """What random answers score in the long run, where a formula says so."""
    count, given = max(len(template.classes), 1), competition.metric_parameters
    hits = min(int(given.get("k", 1)), count) / count if competition.metric != CUSTOM else 0.0
    match competition.metric:
        case "accuracy":
            return 1 / count
        case "balanced_accuracy" if not given.get("adjusted"):
            return 1 / count
        case "top_k_accuracy":
            return hits
        case "top_k_error":
            return 1 - hits
        case "roc_auc":
            return 0.5
        case "cohen_kappa" | "matthews_corrcoef":
            return 0.0
        case _:
            return None


def _repeats(competition: Competition, template: Template) -> int:
    """One where each is a run of the organiser's program, or takes long to write."""
    if competition.metric == CUSTOM:
        return 1
    cells = max(len(template.ids), 1) * max(len(template.header) - 1, 1)
    return max(1, min(REPEATS, MOST_CELLS // cells))


def _random(template: Template, seed: int) -> bytes:
    """Answers drawn evenly, without a look at any label."""
    draw = _drawer(template, random.Random(seed))  # noqa: S311 - the same at every preparation
    return samples.table(template, [draw() for _ in template.ids])


def _drawer(template: Template, chance: random.Random) -> Callable[[], list[str]]:
    classes = list(template.classes)
    match template.layout:
        case "score":
            return lambda: [f"{chance.random():.6f}"]
        case "ranked":
            return lambda: [" ".join(chance.sample(classes, min(template.depth, len(classes))))]
        case "probabilities" if template.numbers == "binary":
            return lambda: samples.flags(template, chance.choice(classes))
        case "probabilities":
            return lambda: _shares([chance.random() + 1e-3 for _ in classes])
        case _:
            return lambda: [chance.choice(classes)]


def _shares(weights: Sequence[float]) -> list[str]:
    total = sum(weights)
    return [f"{weight / total:.6f}" for weight in weights]
