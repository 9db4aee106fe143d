"""The new solution, read by a worker: the same images and classes, the same split, mended labels.

Which row is public was drawn and sealed before the first score, so it stays. A row may only be
taken out of both shares, as Ignored. The metric is tried on what results, as it was at the start.
"""

from collections import Counter

import structlog
from django.db import OperationalError, transaction
from django.db.models import Max

import scoring
from competitions import files
from competitions.models import Competition, Rescoring, SolutionVersion, Stage
from competitions.preparing import samples, seed_path, tables
from competitions.preparing.answers import IGNORED, PRIVATE, PUBLIC, Answers
from competitions.refusals import Refused
from competitions.rescoring.settings import rescored
from scoring.solution_table import USAGE
from scoring.splits import salt_from, solution_commitment

log = structlog.get_logger(__name__)

OUR_FAULT = "Something broke on our side while the solution was read. Nothing has changed."
MISSING = (
    "The solution is missing from the private storage. Bring it back from a backup, then begin "
    "again. Nothing has changed."
)
# The same whatever was written: another word for rows that are public would tell which these are.
USAGE_STAYS = (
    "Which rows are public stays as it was drawn, and is told to nobody. Leave the column Usage "
    "out, or write Ignored for the rows that shall not count any more and nothing for the others."
)
LABELS, IGNORED_NOW = "labels", "ignored"  # what is counted of the differences

Rows = dict[str, tuple[str, str]]  # label and usage by id


def read(rescoring: Rescoring) -> None:
    """Reading to scoring, or to refused with a sentence for the organiser. Safe to call twice."""
    try:
        _accept(rescoring)
    except Refused as error:
        _refuse(rescoring, str(error))
    except FileNotFoundError:
        log.error("a solution is missing", rescoring=rescoring.pk)
        _refuse(rescoring, MISSING)
    except (OperationalError, OSError):
        # The database or the storage is away: the sweep rings again.
        raise
    except Exception as error:
        # Without the traceback, which may hold labels.
        kind = type(error).__name__
        log.error("reading a new solution failed", rescoring=rescoring.pk, reason=kind)
        _refuse(rescoring, OUR_FAULT)


def _accept(rescoring: Rescoring) -> None:
    competition = rescored(rescoring)
    version = rescoring.before
    present = _present(version)
    new = _mended(present, rescoring) if rescoring.inbox else present
    found = _answers(new, version)
    sample = files.store_bytes("data", samples.proven(competition, found, version.classes))
    changes = _differences(present, new)
    if rescoring.inbox and not any(changes.values()) and _is_scored_alike(rescoring):
        raise Refused("The new solution says the same as the present one: nothing would change.")
    kept = {"path": sample.path, "size": sample.size, "sha256": sample.sha256}
    new_metric = {**rescoring.new_metric, "sample": kept, "changes": changes}
    stored = files.store_bytes("solutions", found.csv()) if any(changes.values()) else None
    _publish(rescoring, found, stored, new_metric)


def _publish(
    rescoring: Rescoring,
    found: Answers,
    stored: files.Stored | None,
    new_metric: dict[str, object],
) -> None:
    """One transaction: the new version and SCORING, or nothing where it is over meanwhile."""
    seal = _seal(rescoring.before, stored)
    with transaction.atomic():
        Competition.objects.locked(rescoring.competition_id)
        awaited = Rescoring.objects.select_for_update().filter(pk=rescoring.pk, stage=Stage.READING)
        if not awaited.exists():
            return
        version = _new_version(rescoring.before, found, stored, seal)
        awaited.update(stage=Stage.SCORING, after=version, new_metric=new_metric)


def _new_version(
    before: SolutionVersion, found: Answers, stored: files.Stored | None, seal: str
) -> SolutionVersion:
    """A version of its own even for the same file: its scores stand beside the present ones."""
    versions = SolutionVersion.objects.filter(competition=before.competition_id)
    return SolutionVersion.objects.create(
        competition_id=before.competition_id,
        version=(versions.aggregate(n=Max("version"))["n"] or 0) + 1,
        path=stored.path if stored else before.path,
        sha256=stored.sha256 if stored else before.sha256,
        id_column=before.id_column,
        label_column=before.label_column,
        classes=before.classes,
        rows=len(found.rows),
        public_rows=found.count(PUBLIC),
        private_rows=found.count(PRIVATE),
        commitment=before.commitment,  # the split is the same, and so is its seal
        label_seal=seal,
    )


def _seal(before: SolutionVersion, stored: files.Stored | None) -> str:
    """The labels' seal, with the salt of the same secret seed; empty where there is no seed."""
    seed = seed_path(before.commitment)
    if stored is None:
        return before.label_seal
    if not files.storage("solutions").exists(seed):
        return ""
    salt = salt_from(files.read("solutions", seed))
    return solution_commitment(salt, files.read("solutions", stored.path))


def _present(version: SolutionVersion) -> Rows:
    data = files.read("solutions", version.path)
    return _rows(scoring.Solution.read(data, id_column=version.id_column))


def _mended(present: Rows, rescoring: Rescoring) -> Rows:
    """The uploaded rows in the order of the present ones. Raises Refused."""
    data = _with_usage(files.read("solutions", rescoring.inbox), present)
    try:
        solution = scoring.Solution.read(data)
        if solution.has_class_columns:
            raise Refused(
                "The solution has a column per class. Write one column with the label of each "
                "image."
            )
        given = _rows(solution)
    except scoring.SolutionError as error:
        raise Refused(str(error)) from None
    _require_the_same_ids(present, given)
    rows = {name: (given[name][0], given[name][1] or usage) for name, (_, usage) in present.items()}
    _require_known_classes(rows, rescoring.before)
    return rows


def _with_usage(data: bytes, present: Rows) -> bytes:
    """With the present usage where the file's own is empty: who writes it may not know the split.

    Raises Refused for what is not a CSV, and for any usage but Ignored, be it the present one.
    """
    (_, header), *records = tables.read(data, "new solution")
    if USAGE not in header:
        return data
    at = header.index(USAGE)
    rows = [record for _, record in records]
    for row in rows:
        if len(row) != len(header):
            continue  # told, with its line, by whoever reads the solution
        if row[at].strip().casefold() not in ("", IGNORED.casefold()):
            raise Refused(USAGE_STAYS)
        row[at] = row[at].strip() or present.get(row[0], ("", IGNORED))[1]
    return tables.write(header, rows)


def _rows(solution: scoring.Solution) -> Rows:
    """The usage is empty where the file does not say it."""
    masks = zip(solution.ids, solution.codes, solution.public, solution.private, strict=True)
    return {
        name: (
            solution.classes[code] if code >= 0 else "",
            (PUBLIC if public else PRIVATE if private else IGNORED) if solution.has_split else "",
        )
        for name, code, public, private in masks
    }


def _answers(rows: Rows, version: SolutionVersion) -> Answers:
    ordered = [(name, label, usage) for name, (label, usage) in rows.items()]
    # The seed drew these rows long ago and is not needed.
    return Answers(version.id_column, version.label_column, ordered, seed=b"", given=True)


def _require_the_same_ids(present: Rows, given: Rows) -> None:
    if missing := present.keys() - given.keys():
        raise Refused(
            f"The new solution has no row for these images: {tables.some(missing)}. Write one row "
            "per image; one that shall not count gets the Usage Ignored."
        )
    if extra := given.keys() - present.keys():
        raise Refused(
            f"The new solution has ids that the present one has not: {tables.some(extra)}. "
            "Remove these rows."
        )


def _require_known_classes(rows: Rows, version: SolutionVersion) -> None:
    known = set(version.classes)
    unlabelled = [name for name, (label, use) in rows.items() if not label and use != IGNORED]
    if unlabelled:
        raise Refused(f"These rows have no label: {tables.some(unlabelled)}.")
    if unknown := {label for label, _ in rows.values() if label} - known:
        raise Refused(
            f"The new solution has classes that this challenge has not: {tables.some(unknown)}. "
            f"It has: {tables.some(known)}."
        )


def _differences(present: Rows, new: Rows) -> dict[str, int]:
    """How many rows changed in what way: numbers alone, for the organiser to recognise."""
    found = Counter(
        IGNORED_NOW if old[1] != now[1] else LABELS
        for old, now in zip(present.values(), new.values(), strict=True)
        if old != now
    )
    return {LABELS: found[LABELS], IGNORED_NOW: found[IGNORED_NOW]}


def _is_scored_alike(rescoring: Rescoring) -> bool:
    same = rescoring.new_metric == rescoring.old_metric
    return same and rescoring.new_custom_metric_id == rescoring.old_custom_metric_id


def _refuse(rescoring: Rescoring, sentence: str) -> None:
    Rescoring.objects.filter(pk=rescoring.pk, stage=Stage.READING).update(
        stage=Stage.REFUSED, problem=sentence
    )
