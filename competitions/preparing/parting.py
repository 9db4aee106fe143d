"""Which images are for training and which for the test, and which of those are public.

Groups (a patient, a video, copies of one picture) never part: neither between training and test
nor between public and private. Both draws are scoring.splits' own, by HMAC with a secret seed.
"""

import secrets
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import scoring
from competitions.preparing import tables
from competitions.preparing.answers import IGNORED, PRIVATE, PUBLIC
from competitions.preparing.sources import Item
from competitions.refusals import Refused

TEST_FRACTION = 0.3  # where the source has no split of its own


@dataclass(frozen=True)
class Parted:
    """Indices of the source's items, ascending."""

    train: list[int]
    test: list[int]


def part(
    items: Sequence[Item],
    kept: Sequence[int],
    groups: Sequence[str],
    ignored: set[int],
    fraction: float | None,
) -> Parted:
    """The source's own split, unless a fraction is asked for; raises Refused.

    ``groups`` names every item's group. What is never scored goes to the test set.
    """
    if has_own(items, fraction):
        test = {i for i in kept if is_test(items[i])}
        scored = {i for i in test if not _is_unscored(items[i], i, ignored)}
        trained = {i for i in kept if i not in test and items[i].label}
        _require_whole(items, groups, "training and test", trained, scored)
    else:
        test = _drawn(items, kept, groups, ignored, fraction or TEST_FRACTION)
    test |= {i for i in kept if _is_unscored(items[i], i, ignored) and not _is_training(items[i])}
    parted = Parted([i for i in kept if i not in test], [i for i in kept if i in test])
    _require_classes(items, parted)
    return parted


def has_own(items: Sequence[Item], fraction: float | None) -> bool:
    """Whether the source's own split counts: it has one, and no share was asked for."""
    return fraction is None and any(is_test(item) for item in items)


def usage(
    items: Sequence[Item],
    test: Sequence[int],
    groups: Sequence[str],
    ignored: set[int],
    fraction: float,
    seed: bytes,
    names: Sequence[str],
    *,
    is_own: bool,
) -> tuple[list[str], bool]:
    """Each test image's usage, and whether it was given rather than drawn from ids and seed alone.

    ``names`` are the ids that the seal will hold; ``groups`` those of all items. The source's own
    usage counts where its own split does. Raises Refused where that parts a group.
    """
    if is_own and any(items[i].usage in (PUBLIC, PRIVATE) for i in test):
        given = [_given(items[i], i, ignored) for i in test]
        sides = [{i for i, each in zip(test, given, strict=True) if each == side}
                 for side in (PUBLIC, PRIVATE)]  # fmt: skip
        _require_whole(items, groups, "public and private", *sides)
        return given, True
    scored = [n for n, i in enumerate(test) if not _is_unscored(items[i], i, ignored)]
    own = Counter(groups[i] for i in test)
    is_grouped = any(count > 1 for count in own.values())
    public = scoring.split_ids(
        [names[n] for n in scored],
        [items[test[n]].label for n in scored],
        fraction,
        seed,
        [groups[test[n]] for n in scored] if is_grouped else None,
    )
    counted = set(scored)
    drawn = [
        (PUBLIC if names[n] in public else PRIVATE) if n in counted else IGNORED
        for n in range(len(test))
    ]
    return drawn, is_grouped or len(scored) < len(test)


def grouped(items: Sequence[Item], together: Iterable[Sequence[int]]) -> list[str]:
    """A name for each item's group: those of the source, joined where pictures belong together."""
    parent = list(range(len(items)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = i = parent[parent[i]]
        return i

    first: dict[str, int] = {}
    for i, item in enumerate(items):
        if item.group:
            parent[root(i)] = root(first.setdefault(item.group, i))
    for each in together:
        for i in each[1:]:
            parent[root(i)] = root(each[0])
    return [str(root(i)) for i in range(len(items))]


def _drawn(
    items: Sequence[Item],
    kept: Sequence[int],
    groups: Sequence[str],
    ignored: set[int],
    fraction: float,
) -> set[int]:
    drawable = [i for i in kept if not _is_unscored(items[i], i, ignored)]
    chosen = scoring.split_ids(
        [str(i) for i in drawable],
        [items[i].label for i in drawable],
        fraction,
        secrets.token_bytes(16),
        [groups[i] for i in drawable],
    )
    return {i for i in drawable if str(i) in chosen}


def is_unscored(item: Item) -> bool:
    return item.usage == IGNORED or not item.label


def _is_unscored(item: Item, index: int, ignored: set[int]) -> bool:
    return index in ignored or is_unscored(item)


def is_test(item: Item) -> bool:
    """Said to be so, or said to be scored: whose usage is known is no training image."""
    return item.part == "test" or item.usage in (PUBLIC, PRIVATE)


def _require_whole(
    items: Sequence[Item], groups: Sequence[str], sides: str, one: set[int], other: set[int]
) -> None:
    """Raises Refused where a group of the source stands on both sides."""
    both = {groups[i] for i in one} & {groups[i] for i in other}
    if named := {items[i].group for i in one | other if groups[i] in both and items[i].group}:
        raise Refused(
            f"Groups of yours stand on both sides of {sides}: {tables.some(named)}. Mend the "
            "table, or ask for a share of test images: then the split is drawn around the groups."
        )


def _is_training(item: Item) -> bool:
    return item.part == "train" and bool(item.label)


def _given(item: Item, index: int, ignored: set[int]) -> str:
    return IGNORED if _is_unscored(item, index, ignored) else item.usage or PRIVATE


def _require_classes(items: Sequence[Item], parted: Parted) -> None:
    trained = {items[i].label for i in parted.train}
    tested = {items[i].label for i in parted.test if items[i].label}
    if len(trained) < 2:
        raise Refused(
            f"Of the classes only {tables.some(trained) or 'none'} has images to train with. "
            "A challenge takes two or more."
        )
    if alone := tested - trained:
        raise Refused(
            f"These classes would have no image to train with: {tables.some(alone)}. Add images to "
            "them, or leave them out. Images of one group all stand on one side."
        )
    if not tested:
        raise Refused("No image is left for the test set. Ask for a larger share of test images.")
