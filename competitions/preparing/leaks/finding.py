"""What is looked for, and the numbers that say where it was found. Nothing here is stored."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median

import numpy as np
from numpy.typing import NDArray

from competitions.models import FindingKind, Remedy
from competitions.pictures import duplicates
from competitions.preparing.leaks import shortcuts
from competitions.preparing.survey import Survey

TINY_SIDE = 4  # pixels
TINY_SHARE = 0.25  # of the median side
SIZES = 10  # steps into which the files' bytes are divided
IMBALANCE = 10  # the largest class to the smallest
TRAIN, TEST = "train", "test"

Set = list[int]


@dataclass(frozen=True)
class Look:
    """What is looked at: the survey, and of each picture its class and, where it has one, its part.

    ``parts`` holds "train", "test" or "" for what the split will only decide.
    """

    survey: Survey
    labels: Sequence[str]
    parts: Sequence[str]

    @property
    def is_split(self) -> bool:
        return any(self.parts)


@dataclass(frozen=True)
class Found:
    """One kind of trouble: the sets of pictures it concerns (of one picture each where alone)."""

    kind: FindingKind
    sets: list[Set]
    counts: dict[str, int | float | str] = field(default_factory=dict)

    @property
    def images(self) -> int:
        return sum(len(each) for each in self.sets)


def find(look: Look, tick: Callable[[], None] = lambda: None) -> list[Found]:
    """Everything that was found; ``tick`` is called between the steps and may end it all."""
    readable = look.survey.readable
    exact = [readable[each].tolist() for each in duplicates.exact(look.survey.digests())]
    tick()
    near = [
        readable[each].tolist()
        for each in duplicates.near(look.survey.hashes(), look.survey.views(), tick)
    ]
    tick()
    alike = _not_only_exact(near, exact)
    conflicts = [each for each in exact if len(_classes(each, look)) > 1]
    found = [
        Found(FindingKind.EXACT, exact, _where(exact, look)),
        Found(FindingKind.NEAR, alike, _where(alike, look)),
        Found(FindingKind.CONFLICT, conflicts, _where(conflicts, look)),
        Found(FindingKind.UNREADABLE, [[i] for i in look.survey.unreadable]),
        Found(FindingKind.TINY, [[i] for i in _tiny(look.survey)]),
        Found(FindingKind.CONSTANT, [[i] for i in look.survey.constant]),
        *_imbalance(look),
        *_shortcut(look),
    ]
    return [each for each in found if each.sets or each.kind in OF_THE_WHOLE]


OF_THE_WHOLE = {FindingKind.IMBALANCE, FindingKind.SHORTCUT}


def offered(kind: FindingKind, look_is_split: bool, *, is_ours: bool = True) -> list[Remedy]:
    """What may be done about it. ``is_ours``: whether the site draws and names the test images."""
    if kind in OF_THE_WHOLE or not is_ours:
        return [Remedy.ACCEPT]  # other files are the organiser's to bring
    if kind == FindingKind.UNREADABLE:
        return [Remedy.DROP]
    if kind in (FindingKind.TINY, FindingKind.CONSTANT):
        return [Remedy.DROP, Remedy.ACCEPT]
    keeping = [] if look_is_split or kind == FindingKind.CONFLICT else [Remedy.GROUP]
    return [Remedy.DROP, *keeping, Remedy.IGNORE, Remedy.ACCEPT]


def by_itself(kind: FindingKind, look_is_split: bool, *, is_ours: bool = True) -> Remedy:
    """What is done where nobody has decided: copies stay on one side of a split that we draw."""
    if is_ours and not look_is_split and kind in (FindingKind.EXACT, FindingKind.NEAR):
        return Remedy.GROUP
    return Remedy.OPEN


def _not_only_exact(near: list[Set], exact: list[Set]) -> list[Set]:
    known = {frozenset(each) for each in exact}
    return [each for each in near if frozenset(each) not in known]


def _classes(indices: Set, look: Look) -> set[str]:
    return {look.labels[i] for i in indices if look.labels[i]}


def _where(sets: list[Set], look: Look) -> dict[str, int | float | str]:
    """How many sets there are, and how many test images each kind of neighbour gives away."""
    counts: dict[str, int | float | str] = {"sets": len(sets)}
    if look.is_split:
        sides = [Counter(look.parts[i] for i in each) for each in sets]
        counts["across"] = sum(it[TEST] for it in sides if it[TRAIN])
        counts["within_test"] = sum(it[TEST] for it in sides if it[TEST] > 1)
        counts["within_train"] = sum(it[TRAIN] for it in sides if it[TRAIN] > 1)
    return counts


def _tiny(survey: Survey) -> list[int]:
    sides = [min(w, h) for w, h in zip(survey.widths, survey.heights, strict=True)]
    known = [side for i, side in enumerate(sides) if i not in survey.unreadable]
    least = max(TINY_SIDE, TINY_SHARE * median(known)) if known else 0
    return [i for i, side in enumerate(sides) if side < least and i not in survey.unreadable]


def _imbalance(look: Look) -> Iterator[Found]:
    sizes = Counter(label for label in look.labels if label)
    if len(sizes) < 2:
        return
    (largest, most), (smallest, least) = sizes.most_common(1)[0], sizes.most_common()[-1]
    if most >= IMBALANCE * least:
        counts: dict[str, int | float | str] = {"most": most, "least": least}
        yield Found(FindingKind.IMBALANCE, [], {**counts, "largest": largest, "smallest": smallest})


def _shortcut(look: Look) -> Iterator[Found]:
    """Not where all pictures are written by us, alike."""
    survey = look.survey
    if survey.is_raw or not len(survey.readable):
        return
    labels = np.array([look.labels[i] for i in survey.readable])
    found = {
        name: shortcuts.accuracy(values[labels != ""], labels[labels != ""])
        for name, values in _properties(survey).items()
    }
    told = [(each.right, name, each) for name, each in found.items() if each is not None]
    if told:
        _right, name, best = max(told)
        yield Found(
            FindingKind.SHORTCUT, [], {"by": name, "right": best.right, "chance": best.chance}
        )


def _properties(survey: Survey) -> dict[str, NDArray[np.str_]]:
    """What a file tells without a look at its pixels, by name."""
    size = np.array([survey.places[i][1] for i in survey.readable])
    steps = np.quantile(size, np.arange(1, SIZES) / SIZES)
    return {
        "form": np.array(
            [
                f"{survey.widths[i]}x{survey.heights[i]} {survey.modes[i]} {survey.suffixes[i]}"
                for i in survey.readable
            ]
        ),
        "bytes": np.searchsorted(steps, size).astype(np.str_),
    }
