"""Which rows are public: a function of a secret seed, for ever the same, whatever the order."""

import hashlib
import hmac
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from math import floor

from scoring.errors import SpecError

MIN_SEED = 16  # bytes: a seed that can be guessed tells everyone which rows are public
SALT = 16  # bytes: as hard to guess as the seed


def split_ids(
    ids: Sequence[str],
    labels: Sequence[str],
    fraction: float,
    seed: bytes,
    groups: Sequence[str] | None = None,
) -> set[str]:
    """The public ids: within each class the first by HMAC-SHA256(seed, id).

    The classes' shares are rounded by largest remainder, so that the total is right. Rows that are
    to be Ignored must be left out by the caller.

    `groups` names each row's group (a patient, a video, near-duplicates), whose rows never part:
    public answers about one of them would leak the others. A group counts for its most frequent
    label, the smallest of equals, and has one HMAC, of its name; groups named like the ids give
    the same split as none. With larger ones a class misses its share by at most half the smallest
    group that does not fit, see `_filling`; one of a single group lies on one side as a whole.

    Raises SpecError for a fraction outside (0, 1) or a seed under 16 bytes.

    >>> frames, kinds, videos = ["a1", "a2", "b1", "b2"], ["cat"] * 4, ["a", "a", "b", "b"]
    >>> sorted(split_ids(frames, kinds, 0.5, bytes(16), videos))
    ['b1', 'b2']
    """
    _refuse_unfit(fraction, seed)
    of_row = ids if groups is None else groups
    rows = Counter(of_row)
    strata = _strata(labels, of_row)
    shares = _public_sizes(
        {label: sum(rows[group] for group in its) for label, its in strata.items()}, fraction
    )

    def secret_order(name: str) -> bytes:
        return hmac.digest(seed, name.encode(), hashlib.sha256)

    public = {
        group
        for label, its in strata.items()
        for group in _filling(sorted(its, key=secret_order), rows, shares[label])
    }
    return {name for name, group in zip(ids, of_row, strict=True) if group in public}


def _refuse_unfit(fraction: float, seed: bytes) -> None:
    if not 0 < fraction < 1:
        raise SpecError("The public fraction must lie between 0 and 1.")
    if len(seed) < MIN_SEED:
        raise SpecError(f"The seed needs at least {MIN_SEED} random bytes.")


def _strata(labels: Sequence[str], groups: Sequence[str]) -> dict[str, list[str]]:
    """The groups of each label, a group counting for its most frequent one."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for label, group in zip(labels, groups, strict=True):
        found[group][label] += 1
    strata: dict[str, list[str]] = defaultdict(list)
    for group, counts in found.items():
        strata[min(counts, key=lambda label: (-counts[label], label))].append(group)
    return strata


def _filling(groups: Sequence[str], rows: Mapping[str, int], share: int) -> list[str]:
    """The groups, in secret order, that come near the share of rows.

    Taken is each that still fits. If rows are then missing, the smallest group passed over (the
    first of equals) is taken too where that brings the total nearer.
    """
    taken: list[str] = []
    passed: list[str] = []
    missing = share
    for group in groups:
        if rows[group] <= missing:
            taken.append(group)
            missing -= rows[group]
        else:
            passed.append(group)
    smallest = min(passed, key=lambda group: rows[group], default=None)
    if smallest is not None and rows[smallest] - missing < missing:
        taken.append(smallest)
    return taken


def _public_sizes(rows: dict[str, int], fraction: float) -> dict[str, int]:
    quotas = {label: fraction * count for label, count in rows.items()}
    sizes = {label: floor(quota) for label, quota in quotas.items()}
    short = floor(fraction * sum(rows.values()) + 0.5) - sum(sizes.values())
    by_remainder = sorted(rows, key=lambda label: (sizes[label] - quotas[label], label))
    for label in by_remainder[:short]:
        sizes[label] += 1
    return sizes


def commitment(seed: bytes, ids: Iterable[str]) -> str:
    """SHA-256 of the seed and all ids, sorted: published at launch, verified at the end.

    With the public fraction, seed and ids fix a drawn split: nobody can draw it again after seeing
    the scores.
    """
    return hashlib.sha256(seed + b"\n" + "\n".join(sorted(ids)).encode()).hexdigest()


def given_commitment(seed: bytes, usage: Mapping[str, str]) -> str:
    """The seal of a split that was not drawn: each id with its usage, as in "a.png,Public".

    The seed determines nothing there; it only keeps the rows from being guessed from the seal.
    """
    return commitment(seed, (f"{name},{word}" for name, word in usage.items()))


def salt_from(seed: bytes) -> bytes:
    """The salt of the solution's seal, so that the seed, once revealed, is enough for both seals.

    HMAC-SHA256(seed, "solution"), its first 16 bytes.
    """
    return hmac.digest(seed, b"solution", hashlib.sha256)[:SALT]


def solution_commitment(salt: bytes, solution: bytes) -> str:
    """SHA-256 of the salt and the solution file: labels cannot be changed after the scores.

    Published at launch; at the end salt and file are revealed, and anybody computes it again. The
    salt keeps the labels from being guessed from the seal. It must have exactly 16 bytes, or
    another cut of the same bytes would pass for a salt and a file; else SpecError is raised.

    >>> solution_commitment(bytes(16), b"id,label\\n1,cat\\n")[:16]
    '1c139c82f6690415'
    """
    if len(salt) != SALT:
        raise SpecError(f"The salt must have exactly {SALT} random bytes.")
    return hashlib.sha256(salt + solution).hexdigest()
