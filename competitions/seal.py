"""The seals, verified: that split and labels are those that were fixed before the first score.

Two numbers are published when a challenge is prepared (see preparing/answers.py): one of the seed
and the rows, one of the labels. A worker computes both again from private storage.
"""

from datetime import timedelta

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now

import scoring
from competitions import files, preparing
from competitions.models import Competition, SolutionVersion, State
from competitions.preparing.answers import IGNORED, PRIVATE, PUBLIC
from scoring import Solution
from scoring.splits import given_commitment, salt_from, solution_commitment

AGAIN_AFTER = timedelta(minutes=10)  # a file that was missing may have come back
NO_SEED = (
    "The seed of the split is missing from the private storage, so that nobody can draw the public "
    "rows again. Bring the file back from a backup."
)
NO_FILE = "The solution, version {}, is missing from the private storage. Bring it from a backup."
NOT_SEALED = "The labels were not sealed when the challenge was prepared: an older release did it."
OTHER_SPLIT = (
    "The seal of the split is broken: the seed and the rows give another number than the one that "
    "was published. The public rows may have been chosen anew."
)
OTHER_DRAW = (
    "The split is not the one that was sealed: the seed draws other public rows than those that "
    "were scored."
)
OTHER_LABELS = (
    "The seal of the labels is broken: the solution, version {}, is not the file that was sealed."
)
OTHER_ROWS = (
    "The correction, version {}, moved rows between public and private, or has other rows. Only a "
    "label may change, and a row may become Ignored."
)


class _Broken(Exception):
    """The text is for everybody to read: it names neither a label nor a row."""


def verify(competition_pk: int) -> bool | None:
    """Writes down whether the seals hold, and after the reveal the seed for everybody to check.

    None where there is nothing to verify, or another solution came meanwhile.
    """
    found = Competition.objects.select_related("solution").get(pk=competition_pk)
    solution = found.solution
    if solution is None:
        return None
    seed, sentence = _seed(solution), ""
    try:
        _check(found, solution, seed)
    except _Broken as broken:
        sentence = str(broken)
    with transaction.atomic():
        fresh = Competition.objects.locked(competition_pk)
        if fresh.solution_id != solution.pk:
            return None
        told = seed.hex() if seed is not None and fresh.state == State.REVEALED else solution.seed
        SolutionVersion.objects.filter(pk=solution.pk).update(
            verified_at=Now(), verification=sentence, seed=told
        )
    return not sentence


def unverified() -> list[int]:
    """Challenges that are over and were not verified yet, or not again since their reveal.

    A broken seal is looked at again until the final board is published.
    """
    over = Q(state__in=[State.CLOSED, State.REVEALED]) | Q(state=State.OPEN, closes_at__lte=Now())
    never = Q(solution__verified_at=None)
    before = Q(state=State.REVEALED, solution__verified_at__lt=F("revealed_at"))
    broken = Q(published_at=None, solution__verified_at__lt=Now() - AGAIN_AFTER) & ~Q(
        solution__verification=""
    )
    waiting = Competition.objects.filter(over, never | before | broken, solution__isnull=False)
    return list(waiting.values_list("pk", flat=True))


def _check(competition: Competition, solution: SolutionVersion, seed: bytes | None) -> None:
    """Raises _Broken. The first labels are those that the split was sealed with."""
    if seed is None:
        raise _Broken(NO_SEED)
    versions = SolutionVersion.objects.filter(
        competition=competition, commitment=solution.commitment
    ).order_by("version")
    first = versions[0]
    sealed = _labels(first, seed)
    _check_split(first, sealed, seed, competition.public_fraction)
    if solution != first:
        _check_correction(solution, _labels(solution, seed), sealed)


def _seed(solution: SolutionVersion) -> bytes | None:
    try:
        return files.read("solutions", preparing.seed_path(solution.commitment))
    except FileNotFoundError:
        return None


def _labels(solution: SolutionVersion, seed: bytes) -> Solution:
    """The version's own file, if it is the one that was sealed."""
    try:
        data = files.read("solutions", solution.path)
    except FileNotFoundError:
        raise _Broken(NO_FILE.format(solution.version)) from None
    if not solution.label_seal:
        raise _Broken(NOT_SEALED)
    if solution_commitment(salt_from(seed), data) != solution.label_seal:
        raise _Broken(OTHER_LABELS.format(solution.version))
    return Solution.read(data, id_column=solution.id_column)


def _check_split(solution: SolutionVersion, sealed: Solution, seed: bytes, fraction: float) -> None:
    """Given by the organiser: the seal covers every row's usage. Drawn: it is drawn again."""
    usage = _usage(sealed)
    if given_commitment(seed, usage) == solution.commitment:
        return
    if scoring.commitment(seed, usage) != solution.commitment:
        raise _Broken(OTHER_SPLIT)
    labels = [sealed.classes[code] if code >= 0 else "" for code in sealed.codes]
    drawn = scoring.split_ids(list(usage), labels, fraction, seed)
    if usage != {name: PUBLIC if name in drawn else PRIVATE for name in usage}:
        raise _Broken(OTHER_DRAW)


def _check_correction(solution: SolutionVersion, corrected: Solution, sealed: Solution) -> None:
    before, after = _usage(sealed), _usage(corrected)
    if before.keys() != after.keys() or any(
        after[name] not in (before[name], IGNORED) for name in before
    ):
        raise _Broken(OTHER_ROWS.format(solution.version))


def _usage(solution: Solution) -> dict[str, str]:
    masks = zip(solution.ids, solution.public, solution.private, strict=True)
    return {
        name: PUBLIC if public else PRIVATE if private else IGNORED
        for name, public, private in masks
    }
