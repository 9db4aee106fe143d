"""Stored files that no row names any more: every build of a draft leaves those of the last one.

A file is stored before its row is written, so what is young is left alone; storing the same bytes
again makes a file young again (files.py). What does not look like a file of ours stays, too.
"""

import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

from django.db.models import Model
from django.utils import timezone

from competitions import files, preparing
from competitions.files import Place
from competitions.models import (
    BaselineRun,
    ClassSample,
    Competition,
    DataFile,
    Finding,
    Mistakes,
    ModelRules,
    ModelRun,
    Rescoring,
    SolutionVersion,
    Submission,
    Upload,
)

OLD = timedelta(days=1)
# A preparation stores what it makes for up to an hour before a row names any of it.
YOUNGEST = timedelta(hours=2)

# The hash of the content; Django adds letters where two are stored at once, DurableStorage writes
# a hidden file first. Seeds lie under their seal, pieces under their upload.
HASHED = re.compile(r"[0-9a-f]{2}/([0-9a-f]{64}(_\w{7})?|\..*\.part)")
FOLDERS: dict[Place, tuple[str, ...]] = {
    "solutions": (r"seeds/[^/]+", r"pieces/[0-9a-f-]{36}/[^/]+"),
    "data": (),
    "submissions": (),
}

# Every column that names files of a place. A new one belongs here: a test looks for such.
COLUMNS: dict[Place, tuple[tuple[type[Model], str], ...]] = {
    "solutions": (
        (SolutionVersion, "path"),
        (Finding, "examples"),
        (Mistakes, "path"),
        (Mistakes, "labels_path"),
        (Upload, "path"),
        (Rescoring, "inbox"),
        (ModelRules, "packed_path"),
        (ModelRules, "samples_path"),
    ),
    "data": ((DataFile, "path"), (ClassSample, "path")),
    "submissions": ((Submission, "path"), (BaselineRun, "answers"), (ModelRun, "path")),
}
INBOX: dict[Place, tuple[str, ...]] = {
    "solutions": ("source", "solution"),
    "data": ("train", "test"),
    "submissions": (),
}


@dataclass(frozen=True)
class Unnamed:
    """A file that is old and that no row names."""

    place: Place
    path: str
    size: int


def tidy(older_than: timedelta = OLD, *, is_trial: bool = False) -> list[Unnamed]:
    """Deletes what no row names and nobody has stored for so long; a trial only says what.

    Raises ValueError for an age at which a preparation may still be under way.
    """
    if older_than < YOUNGEST:
        raise ValueError(f"Files are left alone for {YOUNGEST} at least.")
    if not Competition.objects.exists():
        return []  # rather a new or wrong database than one whose files are all left over
    until = (timezone.now() - older_than).timestamp()
    # The files first: what is stored and named meanwhile is not among them.
    return [each for place in COLUMNS for each in _tidied(place, until, is_trial)]


def _tidied(place: Place, until: float, is_trial: bool) -> Iterator[Unnamed]:
    old = [path for path in _stored(place) if _is_old(place, path, until)]
    is_named = _named(place)
    for path in old:
        # Once more, at the last moment: the same bytes may have been stored meanwhile.
        if is_named(path) or not _is_old(place, path, until):
            continue
        unnamed = Unnamed(place, path, files.storage(place).size(path))
        if not is_trial:
            files.delete(place, path)
        yield unnamed


def _stored(place: Place) -> Iterator[str]:
    """The paths of all files that look like ours."""
    root = Path(files.storage(place).path(""))
    forms = [HASHED, *map(re.compile, FOLDERS[place])]
    for folder, _folders, names in os.walk(root):
        for name in names:
            path = Path(folder, name).relative_to(root).as_posix()
            if any(form.fullmatch(path) for form in forms):
                yield path


def _is_old(place: Place, path: str, until: float) -> bool:
    try:
        return os.stat(files.storage(place).path(path)).st_mtime < until
    except FileNotFoundError:
        return False


def _named(place: Place) -> Callable[[str], bool]:
    """Asks whether a row names a path of that place."""
    names = {*_of_columns(place), *_of_inboxes(place)}
    if place == "data":
        names.update(_of_rescorings())
    if place != "solutions":
        return names.__contains__
    seals = SolutionVersion.objects.values_list("commitment", flat=True)
    names.update(preparing.seed_path(seal) for seal in seals)
    uploads = {str(each) for each in Upload.objects.values_list("public_id", flat=True)}
    return lambda path: path in names or _upload_of(path) in uploads


def _of_columns(place: Place) -> Iterator[str]:
    for model, column in COLUMNS[place]:
        yield from model._default_manager.values_list(column, flat=True).iterator()


def _of_inboxes(place: Place) -> Iterator[str]:
    """What a draft is built from once more when a setting changes."""
    inboxes = Competition.objects.values_list("preparation_inbox", flat=True)
    yield from (inbox[key] for inbox in inboxes for key in INBOX[place] if key in inbox)


def _of_rescorings() -> Iterator[str]:
    """The sample submissions of before and after: an undo goes back to the one."""
    rows: Iterable[Any] = Rescoring.objects.values_list("old_metric", "new_metric")
    found = (cast(dict[str, Any], metric).get("sample") for pair in rows for metric in pair)
    yield from (sample["path"] for sample in found if sample)


def _upload_of(path: str) -> str:
    return path.split("/")[1] if path.startswith("pieces/") else ""
