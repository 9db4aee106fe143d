"""The first draft of a challenge's pages, from what was found in its images.

Written only where the organiser has written nothing, and anew at the next preparation only where
nobody has changed a word since.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

from competitions import model_rules
from competitions.models import Competition
from competitions.preparing.answers import IGNORED, PRIVATE, PUBLIC
from competitions.preparing.built import Built

DRAFTED = "drafted"  # in the image spec: each page's hash as it was drafted
MOST_CLASSES = 40  # named in a sentence
BEGIN = (
    "1. Join, and open the *Data* page.\n"
    "2. Send `sample_submission.csv` as it comes: it shows the way of a file.\n"
    "3. Train a model, or take a baseline, and send its answers.\n\n"
)
BEGIN_WITH_MODELS = (
    "1. Join, and open the *Data* page: `starter.ipynb` goes all the way.\n"
    "2. Train a network on the training images, or take one of the baselines.\n"
    "3. Export it as one file, and send that: it is run here, over test images that stay here.\n\n"
)


def drafted(competition: Competition, built: Built) -> dict[str, Any]:
    """The columns to write: pages, and the image spec with what was drafted."""
    pages = {
        "summary": _summary(built),
        "overview": _overview(competition, len(built.classes)),
        "data_page": _data_card(built),
        "rules": _rules(competition),
    }
    ours = {
        name: text
        for name, text in pages.items()
        if not getattr(competition, name) or _is_drafted(competition, name)
    }
    marks = {name: _mark(text) for name, text in ours.items()}
    return {**ours, "image_spec": {**built.image_spec, DRAFTED: marks}}


def overview_anew(competition: Competition) -> dict[str, Any]:
    """The columns to write where the challenge takes something else since the page was drafted."""
    if competition.solution is None or not _is_drafted(competition, "overview"):
        return {}
    text = _overview(competition, len(competition.solution.classes))
    marks = {**competition.image_spec[DRAFTED], "overview": _mark(text)}
    return {"overview": text, "image_spec": {**competition.image_spec, DRAFTED: marks}}


def _is_drafted(competition: Competition, page: str) -> bool:
    """Whether nobody has changed a word since."""
    known: Mapping[str, str] = competition.image_spec.get(DRAFTED, {})
    return _mark(getattr(competition, page)) == known.get(page)


def _mark(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _summary(built: Built) -> str:
    return (
        f"Which of {len(built.classes)} classes is it? {built.train_images:,} images with their "
        f"class, {len(built.answers.rows):,} without."
    )


def _overview(competition: Competition, classes: int) -> str:
    alone = model_rules.takes_models_alone(competition)
    others = "others, which nobody is given" if alone else "others"
    return (
        f"Every image of **{competition.title}** belongs to one of {classes} classes. "
        f"Train a model on the images whose class is known, and predict the class of the {others}."
        f"\n\n## Begin\n\n{BEGIN_WITH_MODELS if alone else BEGIN}"
        "## How it is scored\n\n"
        f"By **{competition.metric_title}**. A part of the test images, drawn with a secret seed, "
        "makes the board that everybody sees; the rest decides at the end.\n"
    )


def _data_card(built: Built) -> str:
    answers, spec = built.answers, built.image_spec
    scored = answers.count(PUBLIC) + answers.count(PRIVATE)
    rows = [
        ("Classes", f"{len(built.classes)}"),
        ("Training images", f"{built.train_images:,}, each with its class"),
        ("Test images", f"{len(answers.rows):,}, {scored:,} of them scored"),
        ("Size", f"{_range(spec['width'])} x {_range(spec['height'])} pixels"),
        ("Channels", ", ".join(_channels(mode) for mode in spec["modes"])),
        ("Formats", ", ".join(name.upper() for name in spec["formats"])),
    ]
    table = "\n".join(f"| {name} | {value} |" for name, value in rows)
    ignored = answers.count(IGNORED)
    note = f"\n{ignored:,} test images are not scored.\n" if ignored else ""
    return (
        f"## The images\n\n| | |\n|---|---|\n{table}\n{note}\n"
        f"The classes: {_names(built.classes)}.\n\n"
        "Names and order of the images are drawn at random, and what cameras and editors wrote "
        "beside the pixels is removed.\n"
    )


def _rules(competition: Competition) -> str:
    return (
        "- One person, one account. Teams share their work inside the team.\n"
        f"- Up to {competition.daily_limit} scored files a team and day; a refused file costs "
        "none.\n"
        "- No labels by hand for the test images, and no other source of their answers.\n"
        "- The final place counts on the private part of the test images.\n"
    )


def _range(bounds: list[int]) -> str:
    low, high = bounds
    return f"{low}" if low == high else f"{low} to {high}"


def _channels(mode: str) -> str:
    return {"L": "grey", "1": "black and white", "RGB": "colour", "RGBA": "colour with alpha"}.get(
        mode, mode
    )


def _names(classes: tuple[str, ...]) -> str:
    shown = ", ".join(f"`{name}`" for name in classes[:MOST_CLASSES])
    more = len(classes) - MOST_CLASSES
    return f"{shown} and {more} more" if more > 0 else shown
