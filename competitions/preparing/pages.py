"""The first draft of a challenge's pages, from what was found in its images.

Written only where the organiser has written nothing, and anew at the next preparation only where
nobody has changed a word since.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

from competitions.models import Competition
from competitions.preparing.answers import IGNORED, PRIVATE, PUBLIC
from competitions.preparing.built import Built

DRAFTED = "drafted"  # in the image spec: each page's hash as it was drafted
MOST_CLASSES = 40  # named in a sentence


def drafted(competition: Competition, built: Built) -> dict[str, Any]:
    """The columns to write: pages, and the image spec with what was drafted."""
    pages = {
        "summary": _summary(built),
        "overview": _overview(competition, built),
        "data_page": _data_card(built),
        "rules": _rules(competition),
    }
    known: Mapping[str, str] = competition.image_spec.get(DRAFTED, {})
    ours = {
        name: text
        for name, text in pages.items()
        if not getattr(competition, name) or _mark(getattr(competition, name)) == known.get(name)
    }
    marks = {name: _mark(text) for name, text in ours.items()}
    return {**ours, "image_spec": {**built.image_spec, DRAFTED: marks}}


def _mark(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _summary(built: Built) -> str:
    return (
        f"Which of {len(built.classes)} classes is it? {built.train_images:,} images with their "
        f"class, {len(built.answers.rows):,} without."
    )


def _overview(competition: Competition, built: Built) -> str:
    return (
        f"Every image of **{competition.title}** belongs to one of {len(built.classes)} classes. "
        "Train a model on the images whose class is known, and predict the class of the others."
        "\n\n## Begin\n\n"
        "1. Join, and open the *Data* page.\n"
        "2. Send `sample_submission.csv` as it comes: it shows the way of a file.\n"
        "3. Train a model, or take a baseline, and send its answers.\n\n"
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
