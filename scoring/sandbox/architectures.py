"""The name and the keywords of an architecture, as far as they can be judged without building it.

Only the form is checked here. Whether an architecture of that name exists and takes these keywords
is known to the baselines and to torchvision, which nobody outside the sandbox may import; a list
of names kept here would be a second one to keep right. What cannot be built ends the job in words
before the first image.
"""

import re
from collections.abc import Mapping
from typing import Any

from scoring.decoding import refuse
from scoring.errors import InvalidSubmission, ProblemCode

NAME = re.compile(r"(?:torchvision/)?[a-z][a-z0-9_-]{0,63}", re.ASCII)
KEYWORD = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)
MAX_KEYWORDS = 32
MAX_DEPTH = 4  # of lists in lists
MAX_VALUES = 1_000  # in all keywords together
MAX_TEXT = 200  # characters
LARGEST = 1 << 31

# Torchvision's that fetch published weights, and what follows from the challenge.
_NOT_YOURS = {
    "weights": "The weights come from the file.",
    "weights_backbone": "The weights come from the file.",
    "pretrained": "The weights come from the file.",
    "progress": "Nothing is fetched here.",
    "num_classes": "The number of classes follows from the challenge.",
}


def check(name: str, arguments: Mapping[str, Any]) -> None:
    """Raises InvalidSubmission for a name or a keyword that nothing here could have."""
    if not NAME.fullmatch(name):
        raise refuse(
            ProblemCode.UNKNOWN_ARCHITECTURE,
            f"{_quoted(name)} is no name of an architecture. Write one of the baselines, such as "
            "resnet18, or of torchvision, such as torchvision/resnet18.",
        )
    if len(arguments) > MAX_KEYWORDS:
        raise _bad(f"There are more than {MAX_KEYWORDS} keywords.")
    for keyword in arguments:
        if not isinstance(keyword, str) or not KEYWORD.fullmatch(keyword):
            raise _bad(f"{_quoted(keyword)} is no name of a keyword.")
        if keyword in _NOT_YOURS:
            raise _bad(f"Leave out {keyword}. {_NOT_YOURS[keyword]}")
    _check_values(arguments)


def _check_values(arguments: Mapping[str, Any]) -> None:
    """Numbers, texts, true and false, and lists of these: what JSON holds, without tables."""
    waiting = [(keyword, value, 0) for keyword, value in arguments.items()]
    seen = 0
    while waiting:
        keyword, value, depth = waiting.pop()
        seen += 1
        if seen > MAX_VALUES or depth > MAX_DEPTH:
            raise _bad(f"The value of {keyword} is too long, or too deep a list of lists.")
        if isinstance(value, list | tuple):
            waiting += [(keyword, each, depth + 1) for each in value[: MAX_VALUES + 1]]
        elif not _is_plain(value):
            raise _bad(
                f"The value of {keyword} must be a number, a printable text, true, false, null or "
                "a list of these, and none of them very long."
            )


def _is_plain(value: Any) -> bool:
    if isinstance(value, str):
        return len(value) <= MAX_TEXT and value.isprintable()
    if isinstance(value, int | float):  # and so true and false; NaN is not below anything
        return -LARGEST <= value <= LARGEST
    return value is None


def _bad(what: str) -> InvalidSubmission:
    return refuse(ProblemCode.BAD_MODEL_ARGUMENTS, what)


def _quoted(text: object) -> str:
    return ascii(str(text)[:60])
