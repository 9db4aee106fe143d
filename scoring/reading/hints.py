"""The remedy for a cell that matches nothing; made of ids and class names, which are public."""

from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher
from heapq import nlargest
from itertools import accumulate
from pathlib import PurePosixPath

from scoring.template import Template

SHOWN = 60  # characters of a participant's cell that a sentence repeats
MAX_CLASSES_TO_NAME = 12
MAX_CLASSES_TO_COMPARE = 2000  # difflib needs about 5 us each for an upper bound
MAX_CLASSES_TO_ALIGN = 10  # and up to a millisecond for the likeness itself
LIKE = 0.6  # share of common letters, difflib's own default


def quote(cell: str) -> str:
    """The cell as a sentence may show it: short, on one line, control characters escaped."""
    shown = "".join(c if c.isprintable() else repr(c)[1:-1] for c in cell[: SHOWN + 1])
    return f"'{shown}'" if len(shown) <= SHOWN else f"'{shown[:SHOWN]}...'"


def name_list(names: Sequence[str], most: int = 6, *, quoted: bool = False) -> str:
    """A header for a sentence: `id,label`, cut when it is long."""
    told = [
        quote(name) if quoted or len(name) > SHOWN or not name.isprintable() else name
        for name in names[:most]
    ]
    fitting = sum(length <= 2 * SHOWN for length in accumulate(len(name) + 1 for name in told))
    told = told[: max(1, fitting)]
    rest = len(names) - len(told)
    return ",".join(told) + (f",... ({rest} more)" if rest else "")


def for_unknown_id(cell: str, template: Template) -> str:
    """What to change so that the id is one of the expected."""
    known = template.id_vocabulary.places
    if cell.strip() in known:
        return "Remove the spaces around it."
    path = PurePosixPath(cell.replace("\\", "/"))
    if path.name in known and path.name != cell:
        return f"Leave out the folder: {quote(path.name)}."
    if path.stem in known:
        return f"Leave out the file extension: {quote(path.stem)}."
    for suffix in template.suffixes:
        if (near := path.name + suffix) in known:
            return f"Write the file extension too: {quote(near)}."
    for length in template.lengths:
        if (near := cell.lstrip("0").rjust(length, "0")) in known:
            return f"Keep the leading zeros: {quote(near)}."
    return "Copy the ids from the sample submission."


def for_unknown_class(cell: str, template: Template) -> str:
    """The class that was probably meant, or where to find the names."""
    if cell.strip() in template.class_vocabulary.places:
        return "Remove the spaces around it."
    if cell.removesuffix(".0") in template.class_vocabulary.places:
        return f"Write it as a whole number: {quote(cell.removesuffix('.0'))}."
    if not template.tells_classes:
        return "Write one of the challenge's class names."
    if len(cell) <= SHOWN and len(template.classes) <= MAX_CLASSES_TO_COMPARE:
        folded = {name.casefold(): name for name in template.classes}
        if near := _most_alike(cell.casefold(), folded):
            return f"Did you mean {quote(folded[near])}?"
    if len(template.classes) <= MAX_CLASSES_TO_NAME:
        return f"Write one of: {name_list(template.classes, MAX_CLASSES_TO_NAME)}"
    return "Write one of the challenge's class names."


def _most_alike(cell: str, names: Iterable[str]) -> str | None:
    """The name with the most letters in common, in order; only the likeliest are looked at."""
    matcher = SequenceMatcher(b=cell)
    bounds: list[tuple[float, str]] = []
    for name in names:
        matcher.set_seq1(name)
        if matcher.real_quick_ratio() >= LIKE:
            bounds.append((matcher.quick_ratio(), name))
    best, likeness = None, LIKE
    for bound, name in nlargest(MAX_CLASSES_TO_ALIGN, bounds):
        matcher.set_seq1(name)
        if bound >= likeness and (found := matcher.ratio()) >= likeness:
            best, likeness = name, found
    return best


def is_class_index(cell: str, template: Template) -> bool:
    """Whether the cell is a place in the class list, where the classes are words."""
    if not (cell.isascii() and cell.isdigit()) or len(cell) > 6:
        return False
    return not template.class_vocabulary.has_numbers and int(cell) <= len(template.classes)
