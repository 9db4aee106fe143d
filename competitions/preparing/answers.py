"""The solution: held against the test images and the classes, then split with a secret seed."""

import secrets
from collections.abc import Sequence, Set
from dataclasses import dataclass
from pathlib import PurePosixPath

import scoring
from competitions.preparing import tables
from competitions.refusals import Refused

PUBLIC, PRIVATE, IGNORED = "Public", "Private", "Ignored"
TELLING_FROM = 10  # rows; below, names that hold their labels may be chance


@dataclass(frozen=True)
class Answers:
    """The split solution: rows of id, label and usage, sorted by id."""

    id_column: str
    label_column: str
    rows: list[tuple[str, str, str]]
    seed: bytes

    @property
    def ids(self) -> list[str]:
        return [name for name, _label, _usage in self.rows]

    @property
    def commitment(self) -> str:
        public = [name for name, _label, usage in self.rows if usage == PUBLIC]
        return scoring.commitment(self.seed, public)

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
    _require_images(set(solution.ids), images)
    _require_classes(set(solution.classes), classes)
    labels = dict(zip(solution.ids, _labels(solution), strict=True))
    _refuse_telling_names(labels)
    seed = secrets.token_bytes(16)
    usage = _given(solution) if solution.has_split else _drawn(labels, fraction, seed)
    rows = [(name, labels[name], usage[name]) for name in sorted(labels)]
    answers = Answers(solution.id_column, solution.label_column, rows, seed)
    _require_both_shares(answers)
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


def _refuse_telling_names(labels: dict[str, str]) -> None:
    telling = (label and label.casefold() in name.casefold() for name, label in labels.items())
    if len(labels) >= TELLING_FROM and all(telling):
        raise Refused(
            "Every test image's name holds its own class, so everyone could read the answers "
            "off the names. Give the test images opaque names and write those in the solution."
        )


def _require_both_shares(answers: Answers) -> None:
    public, private = answers.count(PUBLIC), answers.count(PRIVATE)
    if not public or not private:
        raise Refused(
            f"The split leaves {public} public and {private} private rows; both need at least one. "
            "Add test images or change the public share."
        )
