"""A challenge into one zip: rows as JSON lines, files under the hash of their content."""

import hashlib
import json
import zipfile
from collections.abc import Iterator
from datetime import date, datetime
from typing import IO, Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db.models import Count, Max, Model, QuerySet

from competitions import audit, files, preparing
from competitions.models import (
    Competition,
    DataFile,
    Kind,
    ModelRun,
    Sent,
    SolutionVersion,
    Submission,
)
from competitions.models.submission import FINAL
from competitions.portable.tables import FORMAT, TABLES, Table, columns
from competitions.refusals import Refused

EPOCH = (1980, 1, 1, 0, 0, 0)
MANIFEST = "manifest.json"
BATCH = 500


def export(
    competition: Competition,
    out: IO[bytes],
    *,
    with_solution: bool = False,
    with_data: bool = True,
    with_emails: bool = False,
    by: Any = None,
) -> dict[str, int]:
    """Writes the file into ``out``; how many rows of each table it has.

    Without the solution no label, seed or private score is in it. Without the data the files for
    participants are only named, with their hashes. Raises Refused while files are being scored.
    """
    _write_down(competition, by, solution=with_solution, data=with_data, emails=with_emails)
    fresh = Competition.objects.select_related("solution").get(pk=competition.pk)
    _require_settled(fresh)
    # No transaction holds the tables still, for it would keep every file waiting on SQLite: what
    # has changed meanwhile is noticed at the end.
    before = _state(fresh)
    hidden = _hidden(with_solution=with_solution, with_emails=with_emails)
    writer = _Writer(zipfile.ZipFile(out, "w", allowZip64=True))
    counts = {
        table.name: writer.rows(f"{table.name}.jsonl", _rows(fresh, table, hidden))
        for table in TABLES
        if not table.is_private or with_solution or _is_published(fresh, table)
    }
    writer.rows("user.jsonl", _people(fresh, with_emails))
    if _state(fresh) != before:
        raise Refused("Something has changed while it was exported. Export again.")
    for place, path in _files(fresh, with_solution, with_data):
        writer.file(place, path)
    told = {"format": FORMAT, "slug": fresh.slug, "title": fresh.title, "rows": counts}
    chosen = {"with_solution": with_solution, "with_data": with_data}
    writer.close({**told, **chosen, "competition": _record(fresh, hidden)})
    return counts


def _write_down(
    competition: Competition, by: Any, *, solution: bool, data: bool, emails: bool
) -> None:
    """Before anything is read: that it is exported, and that its labels are seen with that."""
    audit.record(competition, by, Kind.EXPORTED, solution=solution, data=data, emails=emails)
    if solution:
        audit.record(competition, by, Kind.LABELS_VIEWED, "in an export")


def _state(competition: Competition) -> tuple[object, ...]:
    """Differs after whatever could part two tables from each other."""
    fresh = Competition.objects.get(pk=competition.pk)
    sent = Submission.objects.filter(team__competition=competition)
    newest = sent.aggregate(Count("pk"), Max("received_at"), Max("finished_at"))
    acts = fresh.acts.aggregate(Max("pk"))
    return fresh.board_version, fresh.state, fresh.teams.count(), newest, acts


class _Writer:
    """A zip whose members are all named, with their hashes, by the manifest at its end."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._hashes: dict[str, str] = {}

    def rows(self, name: str, rows: Iterator[dict[str, Any]]) -> int:
        count = 0
        with self._archive.open(_member(name), "w", force_zip64=True) as member:
            digest = hashlib.sha256()
            for row in rows:
                line = json.dumps(row, ensure_ascii=False, sort_keys=True).encode() + b"\n"
                digest.update(line)
                member.write(line)
                count += 1
        self._hashes[name] = digest.hexdigest()
        return count

    def file(self, place: files.Place, path: str) -> None:
        name = f"files/{place}/{path}"
        if name in self._hashes:
            return
        digest = hashlib.sha256()
        with (
            files.storage(place).open(path) as content,
            self._archive.open(_member(name), "w", force_zip64=True) as member,
        ):
            while piece := content.read(files.CHUNK):
                digest.update(piece)
                member.write(piece)
        self._hashes[name] = digest.hexdigest()

    def close(self, manifest: dict[str, Any]) -> None:
        told = json.dumps({**manifest, "sha256": self._hashes}, indent=1, ensure_ascii=False)
        self._archive.writestr(_member(MANIFEST), told.encode())
        self._archive.close()


def _member(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, EPOCH)
    packed = name.endswith((".jsonl", ".json"))
    info.compress_type = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
    return info


def _require_settled(competition: Competition) -> None:
    waiting = Submission.objects.filter(team__competition=competition).exclude(status__in=FINAL)
    if waiting.exists():
        raise Refused("Files are being scored. Export again in a moment.")
    if competition.solution_id is None:
        raise Refused("It has no images yet, so there is nothing to export.")


def _is_published(competition: Competition, table: Table) -> bool:
    return competition.published_at is not None and table.name == "finalstanding"


def _hidden(*, with_solution: bool, with_emails: bool) -> frozenset[str]:
    """The columns that are emptied, whichever table they stand in.

    ``source`` is that of an organiser's own metric, which may hold labels.
    """
    labels = frozenset() if with_solution else frozenset({"source"})
    return labels if with_emails else labels | {"email"}


def _rows(
    competition: Competition, table: Table, hidden: frozenset[str]
) -> Iterator[dict[str, Any]]:
    found: QuerySet[Model] = table.model._default_manager.filter(
        **{table.to_competition: competition.pk}
    ).order_by("pk")
    for row in found.iterator(chunk_size=BATCH):
        yield _record(row, hidden)


def _record(row: Model, hidden: frozenset[str]) -> dict[str, Any]:
    """The row as JSON; a key to another row is its number here."""
    told = {field.name: _json(getattr(row, field.attname)) for field in columns(type(row))}
    told["id"] = row.pk
    told |= dict.fromkeys(hidden & told.keys(), "")
    if "source" in hidden and isinstance(row, SolutionVersion):
        # By the plain hash whoever guesses the labels would know that they are right.
        told |= {"path": "", "sha256": ""}
    if isinstance(row, Submission) and row.is_model:
        told["path"] = ""  # what a model answered, its team may not see either
    return told


def _json(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value


def _people(competition: Competition, with_emails: bool) -> Iterator[dict[str, Any]]:
    """Names alone: passwords, tokens and PINs never leave their installation."""
    people = get_user_model().objects.filter(memberships__competition=competition.pk)
    sent = get_user_model().objects.filter(submissions__team__competition=competition.pk)
    acted = get_user_model().objects.filter(pk__in=competition.acts.values("actor"))
    for user in (people | sent | acted).distinct().order_by("pk"):
        email = user.email if with_emails else ""
        yield {
            "id": user.pk,
            "username": user.get_username(),
            "first_name": user.first_name,
            "last_name": user.last_name,
            "email": email,
        }


def _files(
    competition: Competition, with_solution: bool, with_data: bool
) -> Iterator[tuple[files.Place, str]]:
    if with_data:
        data = DataFile.objects.filter(competition=competition)
        yield from (("data", path) for path in data.values_list("path", flat=True))
    samples = competition.class_samples.exclude(path="")
    yield from (("data", path) for path in samples.values_list("path", flat=True))
    sent = Submission.objects.filter(team__competition=competition, kind=Sent.FILE)
    yield from (("submissions", path) for path in sent.values_list("path", flat=True))
    models = ModelRun.objects.filter(competition=competition)
    yield from (("submissions", path) for path in models.values_list("path", flat=True))
    if not with_solution:
        return
    for version in competition.solutions.all():
        yield "solutions", version.path
        seed = preparing.seed_path(version.commitment)
        if files.storage("solutions").exists(seed):
            yield "solutions", seed
