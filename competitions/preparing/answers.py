"""The solution: held against the test images and the classes, then split with a secret seed."""

import secrets
from collections.abc import Sequence, Set
from dataclasses import dataclass
from pathlib import PurePosixPath

import scoring
from competitions.preparing import tables, telling
from competitions.refusals import Refused
from scoring.splits import given_commitment

PUBLIC, PRIVATE, IGNORED = "Public", "Private", "Ignored"


@dataclass(frozen=True)
class Answers:
    """The split solution: rows of id, label and usage, sorted by id."""

    id_column: str
    label_column: str
    rows: list[tuple[str, str, str]]
    seed: bytes
    given: bool  # whether the organiser chose the public rows

    @property
    def ids(self) -> list[str]:
        return [name for name, _label, _usage in self.rows]

    @property
    def labels(self) -> list[str]:
        return [label for _name, label, _usage in self.rows]

    @property
    def commitment(self) -> str:
        """The seal of the split, which `python -m scoring split` prints for the same seed.

        Drawn: of the seed and all ids, from which anyone draws the public rows again. Given by the
        organiser: the seed draws nothing, so each row's usage is sealed with its id.
        """
        if self.given:
            usage = {name: usage for name, _label, usage in self.rows}
            return given_commitment(self.seed, usage)
        return scoring.commitment(self.seed, self.ids)

    def count(self, wanted: str) -> int:
        return sum(usage == wanted for _name, _label, usage in self.rows)

    def csv(self) -> bytes:
        return tables.write((self.id_column, self.label_column, "Usage"), self.rows)


def read(data: bytes, images: Sequence[str], classes: Set[str], fraction: float) -> Answers:
    """Raises Refused where ids are not the test images, or a class has no training image."""
    try:
        solution = scoring.Solution.read(data)
    except scoring.SolutionError as error:
        raise Refused(str(error)) from None
    if solution.has_class_columns:
        raise Refused(
            "The solution has a column per class. Write one column with the label of each image."
        )
    _require_images(set(solution.ids), images)
    _require_classes(set(solution.classes), classes)
    labels = dict(zip(solution.ids, _labels(solution), strict=True))
    telling.refuse(labels)
    seed = secrets.token_bytes(16)
    usage = _given(solution) if solution.has_split else _drawn(labels, fraction, seed)
    rows = [(name, labels[name], usage[name]) for name in sorted(labels)]
    answers = Answers(solution.id_column, solution.label_column, rows, seed, solution.has_split)
    require_both_shares(answers)
    return answers


def _labels(solution: scoring.Solution) -> list[str]:
    return [solution.classes[code] if code >= 0 else "" for code in solution.codes]


def _given(solution: scoring.Solution) -> dict[str, str]:
    masks = zip(solution.ids, solution.public, solution.private, strict=True)
    return {
        name: PUBLIC if public else PRIVATE if private else IGNORED
        for name, public, private in masks
    }


def _drawn(labels: dict[str, str], fraction: float, seed: bytes) -> dict[str, str]:
    public = scoring.split_ids(list(labels), list(labels.values()), fraction, seed)
    return {name: PUBLIC if name in public else PRIVATE for name in labels}


def _require_images(ids: Set[str], images: Sequence[str]) -> None:
    """The ids may be file names with or without their ending: what fits more images counts."""
    whole, stems = set(images), {PurePosixPath(name).stem for name in images}
    names = stems if len(ids & stems) > len(ids & whole) else whole
    if names is stems and len(stems) < len(images):
        raise Refused(
            "Two test images differ in their ending alone, and the ids of the solution have none. "
            "Write the ids with the ending."
        )
    if missing := names - ids:
        raise Refused(
            f"The solution has no row for these test images: {tables.some(missing)}. "
            "Write one row per image; the id is the file's name."
        )
    if extra := ids - names:
        raise Refused(
            f"The solution has ids without a test image: {tables.some(extra)}. "
            "Remove the rows or add the images."
        )


def _require_classes(wanted: Set[str], known: Set[str]) -> None:
    if unknown := wanted - known:
        raise Refused(
            f"The solution has classes without a training image: {tables.some(unknown)}. "
            f"The train archive has: {tables.some(known)}."
        )


def require_both_shares(answers: Answers) -> None:
    """Raises Refused where the public or the private rows would be none."""
    public, private = answers.count(PUBLIC), answers.count(PRIVATE)
    if not public or not private:
        raise Refused(
            f"The split leaves {public} public and {private} private rows; both need at least one. "
            "Add test images or change the public share."
        )
