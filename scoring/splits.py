"""Which rows are public: a function of a secret seed, for ever the same, whatever the order."""

import hashlib
import hmac
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from math import floor

from scoring.errors import SpecError

MIN_SEED = 16  # bytes: a seed that can be guessed tells everyone which rows are public


def split_ids(ids: Sequence[str], labels: Sequence[str], fraction: float, seed: bytes) -> set[str]:
    """The public ids: within each class the first by HMAC-SHA256(seed, id).

    The classes' shares are rounded by largest remainder, so that the total is right.
    """
    if not 0 < fraction < 1:
        raise SpecError("The public fraction must lie between 0 and 1.")
    if len(seed) < MIN_SEED:
        raise SpecError(f"The seed needs at least {MIN_SEED} random bytes.")
    groups: dict[str, list[str]] = defaultdict(list)
    for name, label in zip(ids, labels, strict=True):
        groups[label].append(name)
    sizes = _public_sizes({label: len(group) for label, group in groups.items()}, fraction)

    def secret_order(name: str) -> bytes:
        return hmac.digest(seed, name.encode(), hashlib.sha256)

    return {
        name
        for label, group in groups.items()
        for name in sorted(group, key=secret_order)[: sizes[label]]
    }


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
