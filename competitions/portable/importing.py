"""A challenge out of one file. The file is believed in nothing: its archive is read as any upload,
each member is held against its hash, each row against the columns and constraints of its table.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from typing import IO, Any, cast
from uuid import uuid4

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.db import Error as DatabaseError
from django.db import models, transaction

from competitions import audit, drafts, files, organisers, preparing
from competitions.models import (
    ClassSample,
    Competition,
    DataFile,
    Kind,
    ModelRun,
    Preparation,
    Role,
    SolutionVersion,
    State,
    Submission,
)
from competitions.portable import checking
from competitions.portable.exporting import MANIFEST
from competitions.portable.tables import FORMAT, TABLES, Table, columns
from competitions.preparing.archives import Archive
from competitions.refusals import Refused

BATCH = 500
CHANGED = "{} in the exported challenge was changed: its hash is another one."
MAX_FILE = 64 << 30  # bytes
MAX_SMALL = 64 << 20
MAX_LINE = 8 << 20  # the settings of one row, its pages included
NO_SOLUTION = "Imported without its solution: nothing can be scored here, so it is closed."
PLACES: dict[type[models.Model], files.Place] = {
    DataFile: "data",
    ClassSample: "data",
    Submission: "submissions",
    ModelRun: "submissions",
    SolutionVersion: "solutions",
}
UNREADABLE = (
    ArithmeticError, LookupError, TypeError, ValueError, ValidationError, DatabaseError,
)  # fmt: skip
Ids = dict[type[models.Model], dict[int, int]]


def load(
    stream: IO[bytes],
    *,
    slug: str | None = None,
    data: "dict[str, bytes] | None" = None,
    match_people: bool = False,
    by: Any = None,
) -> Competition:
    """The challenge as it was where it was exported; all of it, or nothing.

    ``data`` has the files by name that an export without its data only names. With
    ``match_people`` an account of the same username here is the same person; else everybody gets
    a new account that nobody can sign in to. Raises Refused with what is wrong.
    """
    archive = Archive(stream, "exported challenge", MAX_FILE)
    manifest = _manifest(archive)
    wanted = slug or str(manifest.get("slug", ""))
    if Competition.objects.filter(slug=wanted).exists():
        raise Refused(
            f"There is a challenge {wanted!r} here already. Give it another name in the address."
        )
    try:
        coming = _Import(archive, manifest, data or {}, match_people)
        coming.keep_files()  # gigabytes, which no transaction should wait for
        with transaction.atomic():
            return coming.run(wanted, by)
    except UNREADABLE as error:
        raise Refused(
            f"The exported challenge cannot be read: {type(error).__name__}. Was it changed, or "
            "made by another release?"
        ) from error


class _Import:
    """One file on its way in."""

    def __init__(
        self,
        archive: Archive,
        manifest: dict[str, Any],
        data: dict[str, bytes],
        match_people: bool,
    ) -> None:
        self._archive, self._manifest, self._data = archive, manifest, data
        self._match_people = match_people
        self._ids: Ids = defaultdict(dict)
        # What came with the file, by place and path.
        self._kept: dict[tuple[files.Place, str], files.Stored] = {}

    def run(self, slug: str, by: Any) -> Competition:
        record = dict(self._manifest["competition"])
        self._people()
        competition = drafts.begin(str(record["title"]), slug, None)
        self._ids[Competition][int(record["id"])] = competition.pk
        for table in TABLES:
            if f"{table.name}.jsonl" in self._archive.names:
                self._rows(table)
        _settle(competition, record, self._ids, with_solution=self._manifest["with_solution"])
        if by is not None:
            organisers.add(competition, by, Role.OWNER, by)
        if slug != self._manifest["slug"]:
            preparing.renew_notebook(competition)  # it joins the challenge that it names
        audit.record(competition, by, Kind.IMPORTED, solution=self._manifest["with_solution"])
        return Competition.objects.get(pk=competition.pk)

    def keep_files(self) -> None:
        """Under the paths by which the rows know them, which are the hashes of their contents."""
        for name in self._archive.names:
            if not name.startswith("files/"):
                continue
            _files, place, path = name.split("/", 2)
            if place not in PLACES.values():
                raise ValueError(name)
            self._keep_file(name, cast(files.Place, place), path)
        if not self._manifest["with_data"]:
            self._keep_given()

    def _keep_file(self, name: str, place: files.Place, path: str) -> None:
        """Only where the rows may point to: a hash of the content, or a seed under its seal."""
        if place == "solutions" and path.startswith("seeds/"):
            seed = _checked(self._archive, name, self._manifest)
            if not path[6:].isalnum() or len(seed) > 64:
                raise ValueError(path)
            if not files.storage(place).exists(path):
                files.storage(place).save(path, ContentFile(seed))
            return
        stored = files.store(place, self._archive.pieces(name))
        if stored.sha256 != self._manifest["sha256"].get(name):
            raise Refused(CHANGED.format(name))
        if stored.path != path:
            raise ValueError(path)
        self._kept[place, path] = stored

    def _keep_given(self) -> None:
        for row in _lines(self._archive, "datafile.jsonl", self._manifest):
            given = self._data.get(str(row["name"]))
            if given is None or hashlib.sha256(given).hexdigest() != row["sha256"]:
                raise Refused(
                    f"The export names the file {row['name']}, with the SHA-256 {row['sha256']}, "
                    "and does not hold it. Put that very file into the folder of --data."
                )
            stored = files.store_bytes("data", given)
            self._kept["data", stored.path] = stored

    def _people(self) -> None:
        users = get_user_model().objects
        for row in _lines(self._archive, "user.jsonl", self._manifest):
            name = str(row["username"])[:150]
            known = users.filter(username=name).first()
            if known is None or not self._match_people:
                free = name if known is None else f"{name[:130]}-{uuid4().hex[:8]}"
                known = users.model(
                    username=free,
                    first_name=str(row["first_name"])[:150],
                    last_name=str(row["last_name"])[:150],
                    email=str(row["email"])[:254],
                    is_active=False,
                )
                known.set_unusable_password()
                known.save()
            self._ids[users.model][int(row["id"])] = known.pk

    def _rows(self, table: Table) -> None:
        batch: list[tuple[int, models.Model]] = []
        for row in _lines(self._archive, f"{table.name}.jsonl", self._manifest):
            batch.append((int(row["id"]), self._row(table.model, row)))
            if len(batch) >= BATCH:
                self._insert(table.model, batch)
                batch = []
        self._insert(table.model, batch)

    def _row(self, model: type[models.Model], row: dict[str, Any]) -> models.Model:
        values: dict[str, Any] = {}
        for field in columns(model):
            if field.primary_key:
                continue
            values[field.attname] = self._value(field, row[field.name])
        made = model(**values)
        checking.clean(made)
        self._require_file(made)
        if (
            isinstance(made, Submission)
            and Submission.objects.filter(public_id=made.public_id).exists()
        ):
            made.public_id = uuid4()  # beside the challenge that it was exported from
        return made

    def _require_file(self, row: Any) -> None:
        """A row names no file but one that came along: any other may be another challenge's."""
        place = PLACES.get(type(row))
        if place is None or (isinstance(row, ClassSample) and not row.path):
            return
        if isinstance(row, Submission) and row.is_model:
            row.path = ""  # its run names its file, and what it answered did not come along
            return
        if place == "solutions" and not self._manifest["with_solution"]:
            row.path = row.sha256 = ""
            return
        stored = self._kept[place, row.path]
        if isinstance(row, ModelRun):
            row = row.submission
        size = getattr(row, "size", stored.size)  # of labels and pictures none is written down
        if (stored.sha256, stored.size) != (row.sha256, size):
            raise ValueError(row.path)

    def _value(self, field: "models.Field[Any, Any]", value: Any) -> Any:
        if value is None or not field.is_relation:
            return field.to_python(value)
        related: Any = field.related_model
        if related not in self._ids or int(value) not in self._ids[related]:
            if field.null:
                return None
            raise ValueError(f"{field.name} {value}")
        return self._ids[related][int(value)]

    def _insert(self, model: type[models.Model], batch: list[tuple[int, models.Model]]) -> None:
        """With the dates of the other installation, which the database would write anew."""
        if not batch:
            return
        rows = [row for _old, row in batch]
        stamps = [f.name for f in model._meta.concrete_fields if getattr(f, "auto_now_add", False)]
        kept = [{name: getattr(row, name) for name in stamps} for row in rows]
        made = model._default_manager.bulk_create(rows)
        if stamps:
            for row, dates in zip(made, kept, strict=True):
                for name, value in dates.items():
                    setattr(row, name, value)
            model._default_manager.bulk_update(made, stamps)
        for (old, _row), row in zip(batch, made, strict=True):
            self._ids[model][old] = row.pk


def _settle(
    competition: Competition, record: dict[str, Any], ids: Ids, *, with_solution: bool
) -> None:
    """The challenge's own columns, now that all they refer to is there."""
    values: dict[str, Any] = {}
    for field in columns(Competition):
        if field.primary_key or field.name == "slug":
            continue
        value = record[field.name]
        if field.is_relation and value is not None:
            value = ids[field.related_model].get(int(value))  # type: ignore[index]
        values[field.attname] = value if field.is_relation else field.to_python(value)
    if values["preparation"] == Preparation.PREPARING:
        values["preparation"] = Preparation.READY
    if not with_solution:
        values |= _without_solution(values)
    for name, value in values.items():
        setattr(competition, name, value)
    checking.clean(competition)
    checking.require_sound(competition)
    if with_solution:
        checking.require_scorable(competition)
    Competition.objects.filter(pk=competition.pk).update(**values)


def _without_solution(values: dict[str, Any]) -> dict[str, Any]:
    """What runs cannot go on, and what is not published has no final board here."""
    if values["state"] == State.DRAFT:
        raise Refused("A draft without its solution is nothing that could be played.")
    if values["state"] == State.REVEALED and values["published_at"] is not None:
        return {"preparation_note": NO_SOLUTION}
    return {
        "state": State.CLOSED,
        "paused_at": None,
        "revealed_at": None,
        "published_at": None,
        "preparation_note": NO_SOLUTION,
    }


def _manifest(archive: Archive) -> dict[str, Any]:
    if MANIFEST not in archive.names:
        raise Refused("This is no exported challenge: it has no manifest.json.")
    try:
        found = checking.parsed(_small(archive, MANIFEST))
    except ValueError:
        found = None
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise Refused("This is no exported challenge of this release: its manifest is unknown.")
    if not isinstance(found.get("sha256"), dict):
        raise Refused("This is no exported challenge: its manifest names no hashes.")
    return found


def _lines(archive: Archive, name: str, manifest: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The rows one by one, for a table may be large; that it was changed is known at its end.

    Whoever writes them does so in a transaction. Raises Refused.
    """
    digest, rest = hashlib.sha256(), b""
    for piece in archive.pieces(name):
        digest.update(piece)
        *whole, rest = (rest + piece).split(b"\n")
        if len(rest) > MAX_LINE:
            raise ValueError(name)
        for line in whole:
            row = checking.parsed(line)
            if not isinstance(row, dict):
                raise TypeError(name)
            yield row
    if rest or digest.hexdigest() != manifest["sha256"].get(name):
        raise Refused(CHANGED.format(name))


def _checked(archive: Archive, name: str, manifest: dict[str, Any]) -> bytes:
    """The member, if it is what the manifest says; raises Refused."""
    data = _small(archive, name)
    if hashlib.sha256(data).hexdigest() != manifest["sha256"].get(name):
        raise Refused(CHANGED.format(name))
    return data


def _small(archive: Archive, name: str) -> bytes:
    """What is read at once: a manifest of two hundred thousand files has some 20 MiB."""
    found = bytearray()
    for piece in archive.pieces(name):
        found += piece
        if len(found) > MAX_SMALL:
            raise Refused(f"{name} in the exported challenge is larger than any that is made here.")
    return bytes(found)
