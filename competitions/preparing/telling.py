"""Names of test images that tell the answers, as in cat_0017.png.

A name points at a class when it holds that class and no other one. If names knew nothing of the
answers, then as many would point at their own class as when the labels were dealt out anew:
E = sum over the classes of (names that point at it) x (its share of the rows). Refused are at least
ten names that point at their own class, five standard deviations or more above E, or all of them.
So a few hundred telling names among opaque ones are found, while a word that stands in every name
(a camera's IMG, the date) points at one class alone, no more often right than chance.
"""

import re
from collections import Counter
from collections.abc import Mapping
from math import sqrt
from pathlib import PurePosixPath

from competitions.pictures import formats
from competitions.refusals import Refused

FROM = 10  # names; fewer may be chance
DEVIATIONS = 5
# Shorter classes (digits, single letters) are found in any number: they count as whole words only.
SUBSTRING_FROM = 3  # characters
WORD = re.compile(r"[^\W_]+")


def refuse(labels: Mapping[str, str]) -> None:
    """Raises Refused where too many ids hold their own label."""
    known = {name: label for name, label in labels.items() if label}
    share = Counter(known.values())
    pointed = {name: _pointed_at(name, share) for name in known}
    right = sum(pointed[name] == label for name, label in known.items())
    if len(share) < 2 or right < FROM:
        return
    points = Counter(label for label in pointed.values() if label is not None)
    chances = [(points[label], share[label] / len(known)) for label in points]
    expected = sum(count * chance for count, chance in chances)
    deviation = sqrt(sum(count * chance * (1 - chance) for count, chance in chances))
    if right == len(known) or right >= expected + DEVIATIONS * deviation:
        raise Refused(
            f"{right} of {len(known)} test images' names hold their own class, so everyone could "
            "read answers off the names. Give the test images opaque names and write those in the "
            "solution."
        )


def _pointed_at(name: str, classes: Mapping[str, int]) -> str | None:
    """The only class that the name holds; a longer one hides those within it."""
    text = _bare(name)
    words = set(WORD.findall(text))
    held = [label for label in classes if _holds(text, words, label.casefold())]
    longest = max(held, key=len, default=None)
    others = (label for label in held if label.casefold() not in (longest or "").casefold())
    return None if any(others) else longest


def _holds(text: str, words: set[str], label: str) -> bool:
    return label in (text if len(label) >= SUBSTRING_FROM else words)


def _bare(name: str) -> str:
    path = PurePosixPath(name.casefold())
    return path.stem if formats.is_named_like_one(name) else path.name
