"""What must be settled before a challenge is opened for the first time, and whether it is.

Three files were scored when it was prepared (preparing/trials.py): what came of them stands with
the solution, without labels and without a private score.
"""

import zipfile
from collections.abc import Mapping
from contextlib import ExitStack
from math import sqrt
from typing import Any

from competitions import checks, files, model_rules, standings
from competitions.checks import Check
from competitions.deadlines import clock
from competitions.models import (
    BaselineRun,
    Competition,
    Finding,
    ModelRules,
    Preparation,
    Remedy,
    Run,
)
from competitions.pictures import looking

NO_FILES = "Upload train archive, test archive and solution first, then open it."
OVER = "Its closing date has passed. Set a later one (or none), then open it."
UNTRIED = "Nothing was tried with these files yet: save the metric or upload them again."
DEVIATIONS = 3  # of one file's luck: of a thousand files without a clue one gets above it
DIGITS = 4  # of a trial's score, in a sentence
BASELINE = "baseline"  # the name of the one check that takes minutes
UNDER_WAY = (Run.WAITING, Run.TRAINING)
TRAINED = (Run.READY, Run.POSTED)
ARCHIVES = ("train.zip", "test.zip")  # of the images that models are given
GREY = {"1", "L", "LA"}  # Pillow's modes without colour

Trial = Mapping[str, Any]


def checklist(competition: Competition) -> list[Check]:
    """Every line, in the order in which an organiser settles them."""
    trial: Trial = competition.solution.launch_trial if competition.solution else {}
    return [
        _files(competition),
        _leaks(competition),
        *_images(competition),
        *_trials(trial),
        *_ladder(competition),
        _dates(competition),
        _baseline(competition, trial),
    ]


def require(competition: Competition, despite: str = "") -> list[str]:
    """The names of the checks that the reason ``despite`` overrides; raises NotReady."""
    return checks.overridden(checklist(competition), despite, "It cannot be opened yet.")


def _files(competition: Competition) -> Check:
    is_ready = competition.preparation == Preparation.READY and competition.solution_id is not None
    return Check("files", is_ready, "The files are ready." if is_ready else NO_FILES)


def _leaks(competition: Competition) -> Check:
    undecided = Finding.objects.filter(competition=competition, remedy=Remedy.OPEN)
    names = [finding.get_kind_display() for finding in undecided]
    if not names:
        return Check("leaks", True, "Nothing in the leak report waits for a decision.")
    words = f"The leak report waits for your decision: {'; '.join(names)}."
    return Check("leaks", False, words, may_be_overridden=True)


def _images(competition: Competition) -> list[Check]:
    """A line only where models are taken, which are given the images as they are."""
    rules = model_rules.of(competition)
    if rules is None or competition.preparation != Preparation.READY:
        return []
    found = competition.image_spec if "width" in competition.image_spec else _looked_at(competition)
    if not found:
        words = "The images that models are given cannot be read. Upload the files again."
        return [Check("images", False, words)]
    return [_sized(found, rules) or _coloured(found, rules)]


def _looked_at(competition: Competition) -> Mapping[str, Any]:
    """Of a few images, where those of an imported challenge were never noted."""
    archives = competition.files.filter(name__in=ARCHIVES)
    with ExitStack() as opened:
        try:
            return looking.spec_of([opened.enter_context(files.open_data(a)) for a in archives])
        except (OSError, zipfile.BadZipFile):
            return {}


def _sized(found: Mapping[str, Any], rules: ModelRules) -> Check | None:
    """What is wrong with the size: then no model could be run at all."""
    wanted = f"{rules.width} x {rules.height}"
    (low, width), (lowest, height) = found["width"], found["height"]
    if (low, lowest) == (width, height) == (rules.width, rules.height):
        return None
    if (low, lowest) == (width, height):
        words = (
            f"Models are to be given images of {wanted} pixels (width x height), and these have "
            f"{width} x {height}, so none could be run. Set the width {width} and the height "
            f"{height} on the tab “Models”, or upload images of {wanted}."
        )
    else:
        words = (
            f"Models are to be given images of {wanted} pixels (width x height), and these have "
            f"{low} to {width} x {lowest} to {height}, so none could be run: nothing is resized "
            "here. Bring all images to one size, upload them again, and set it on the tab “Models”."
        )
    return Check("images", False, words)


def _coloured(found: Mapping[str, Any], rules: ModelRules) -> Check:
    """They are turned grey, or into three equal channels: it runs, and hardly anybody wants it."""
    channels = 1 if set(found["modes"]) <= GREY else 3
    if channels == rules.channels:
        words = (
            f"Test and training images fit the models: {rules.width} x {rules.height} pixels, "
            f"{'grey' if channels == 1 else 'in colour'}."
        )
        return Check("images", True, words)
    if channels == 1:
        words = (
            "The images are grey, and models are to take 3 channels: a network trained on the "
            "images as they are takes 1 and would be refused. Set 1 channel on the tab “Models”."
        )
    else:
        words = (
            "The images have colour, and models are to take 1 channel: they would see them grey. "
            "Set 3 channels on the tab “Models”, or upload grey images."
        )
    return Check("images", False, words, may_be_overridden=True)


def _trials(trial: Trial) -> list[Check]:
    if not trial:
        return [Check("trial", False, UNTRIED, may_be_overridden=True)]
    return [_sample(trial), _right(trial), _random(trial), _defined(trial)]


def _sample(trial: Trial) -> Check:
    score = _number(trial["sample"]["public"])
    return Check("sample", True, f"The sample submission is scored: {score} on the public rows.")


def _right(trial: Trial) -> Check:
    found, score = trial["right"], _number(trial["right"]["public"])
    if found["is_best"] is None:
        words = f"A file with every answer right scores {score}; this metric names no best score."
        return Check("right", True, words)
    if found["is_best"]:
        words = f"A file with every answer right scores {score}, the best there is."
        return Check("right", True, words)
    words = (
        f"A file with every answer right scores {score} on the public rows, and the metric's best "
        f"is {_number(found['best'])} on both parts. Look at the metric's parameters."
    )
    return Check("right", False, words, may_be_overridden=True)


def _random(trial: Trial) -> Check:
    found, score = trial["random"], _number(trial["random"]["public"])
    if found["is_at_chance"] is None:
        words = f"Random answers score {score}; what chance is for this metric was only measured."
        return _worse(found, words)
    chance = f"chance is {_number(found['chance'])} ± {found['within']:.2g}"
    if found["is_at_chance"]:
        return _worse(found, f"Random answers score {score}: {chance}.")
    words = f"Random answers score {score}, and {chance}. Look at the solution and the metric."
    return Check("random", False, words, may_be_overridden=True)


def _worse(found: Trial, words: str) -> Check:
    if found["is_worse"]:
        return Check("random", True, words)
    words = f"{words} Right answers score no better. Choose another metric."
    return Check("random", False, words, may_be_overridden=True)


def _defined(trial: Trial) -> Check:
    if trial["is_defined"]:
        return Check("defined", True, "The metric is defined on the public and the private rows.")
    words = "The metric gives no number on a part of the rows. Choose another one, or more rows."
    return Check("defined", False, words, may_be_overridden=True)


def _ladder(competition: Competition) -> list[Check]:
    """A line only where the step is lacking."""
    return (
        [Check("ladder", False, standings.NO_STEP)] if standings.lacks_a_step(competition) else []
    )


def _dates(competition: Competition) -> Check:
    now, end = clock(competition), competition.closes_at
    if end is None and competition.freeze_minutes is not None:
        words = "The board is to stand still before the end, and no end is set. Set a closing date."
        return Check("dates", False, words, may_be_overridden=True)
    if end is not None and end <= now:
        return Check("dates", False, OVER)
    freeze = competition.freezes_at
    if freeze is not None and freeze <= max(now, competition.opens_at or now):
        words = "The board would stand still from the first minute on. Freeze it later."
        return Check("dates", False, words, may_be_overridden=True)
    return Check("dates", True, "The dates are in order.")


def _baseline(competition: Competition, trial: Trial) -> Check:
    runs = list(BaselineRun.objects.filter(competition=competition))
    of_these = [run for run in runs if run.solution_id == competition.solution_id]
    above = [run for run in of_these if _is_above_chance(run, competition, trial)]
    if above:
        best = max(above, key=lambda run: _sign(competition) * (run.public_score or 0.0))
        words = f"A baseline beats chance: {best.title} with {_number(best.public_score)}."
        return Check(BASELINE, True, words)
    if waiting := [run.title for run in runs if run.status in UNDER_WAY]:
        words = f"Baselines are being trained, which takes minutes: {', '.join(waiting)}."
        return Check(BASELINE, False, words, may_be_overridden=True, is_awaited=True)
    words = _lacking(of_these, luck(competition, trial) if trial else 0.0)
    return Check(BASELINE, False, words, may_be_overridden=True)


def _lacking(runs: list[BaselineRun], margin: float) -> str:
    trained = [f"{run.title} {_number(run.public_score)}" for run in runs if run.status in TRAINED]
    if trained:
        return (
            f"No baseline beats random answers by more than luck, {margin:.2g}: "
            f"{', '.join(trained)}. Are the labels right?"
        )
    if any(run.status == Run.FAILED for run in runs):
        return "The baselines failed; why stands below. Have them trained again."
    return "No baseline was trained on these files. Have one trained below."


def _is_above_chance(run: BaselineRun, competition: Competition, trial: Trial) -> bool:
    if run.status not in TRAINED or run.public_score is None or not trial:
        return False
    better = _sign(competition) * (run.public_score - _without_a_clue(competition, trial))
    return better > luck(competition, trial)


def _without_a_clue(competition: Competition, trial: Trial) -> float:
    """What a file scores that knows nothing of the images.

    Where no formula says it, the better of random answers and of the sample's even ones: of the
    log loss the even ones are, and every model without a clue comes near them.
    """
    found = trial["random"]
    if found["chance"] is not None:
        return float(found["chance"])
    scores = [each for each in (found["public"], trial["sample"]["public"]) if each is not None]
    return max(scores, key=lambda score: _sign(competition) * score, default=0.0)


def luck(competition: Competition, trial: Trial) -> float:
    """How far above that one file may get by luck, on so many public rows.

    The trial's own interval is that of the mean of its random files, which is narrower. Without a
    formula a row is taken to scatter by half of the way from no clue to all answers right.
    """
    chance, right = trial["random"]["chance"], trial["right"]["public"]
    if chance is not None and competition.metric_facts.has_interval:
        deviation = sqrt(chance * (1 - chance))
    elif chance is not None:
        deviation = 0.5
    else:
        deviation = abs((right or 0.0) - _without_a_clue(competition, trial)) / 2
    rows = competition.solution.public_rows if competition.solution else 1
    return DEVIATIONS * deviation / sqrt(rows)


def _sign(competition: Competition) -> int:
    return 1 if competition.metric_facts.direction == "maximize" else -1


def _number(value: float | None) -> str:
    return "no number" if value is None else f"{value:.{DIGITS}g}"
