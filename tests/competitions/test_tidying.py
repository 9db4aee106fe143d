"""What is deleted of the stored files, and above all what never is."""

import io
import os
import re
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.files.base import ContentFile
from django.core.management import CommandError, call_command
from django.db.models import CharField

from competitions import files, preparing, tasks, tidying, uploads
from competitions.models import (
    BaselineRun,
    ClassSample,
    Competition,
    DataFile,
    Finding,
    Mistakes,
    Rescoring,
    SolutionVersion,
)
from tests.competitions.test_building import built, parted

__all__ = ["built"]  # fixtures

pytestmark = pytest.mark.django_db
HOUR = 3600


@pytest.fixture(autouse=True)
def storages(settings: Any, tmp_path: Path) -> None:
    """No file of another test lies there."""
    settings.STORAGES = {
        **settings.STORAGES,
        **{
            place: {
                **settings.STORAGES[place],
                "OPTIONS": {"location": str(tmp_path / place), "base_url": None},
            }
            for place in tidying.COLUMNS
        },
    }


def age(hours: float, *only: str) -> None:
    """All files, or only those, were stored so long ago."""
    then = time.time() - hours * HOUR
    for place in tidying.COLUMNS:
        for path in stored(place):
            if not only or path in only:
                os.utime(files.storage(place).path(path), (then, then))


def stored(place: Any) -> list[str]:
    root = Path(files.storage(place).path(""))
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def everything() -> dict[str, list[str]]:
    return {place: stored(place) for place in tidying.COLUMNS}


# --- what goes -----------------------------------------------------------------------------------


def test_what_the_last_build_left_goes_and_what_the_present_one_has_stays(built):
    first = built(parted())
    left = {file.path for file in first.files.all()}
    second = built({**parted(), "train/cat/more.png": parted()["train/cat/cat_000.png"]})
    age(25)
    gone = {each.path for each in tidying.tidy()}
    assert gone & left
    for model, column in tidying.COLUMNS["data"]:
        for path in model.objects.exclude(**{column: ""}).values_list(column, flat=True):
            assert files.storage("data").exists(path)
    preparing.prepare(second.pk, preparing.anew(second.pk))  # from the upload, which is kept
    second.refresh_from_db()
    assert second.preparation == "ready", second.preparation_note
    age(25)
    tidying.tidy()
    assert tidying.tidy() == []


def test_pieces_of_an_upload_that_is_gone_go(draft, host):
    upload = uploads.append(uploads.begin(host, "a.zip", 4), 0, b"abcd")
    age(25)
    assert tidying.tidy() == []
    upload.delete()
    assert [each.path for each in tidying.tidy()] == [f"pieces/{upload.public_id}/000000"]


def test_a_hidden_file_of_a_write_that_was_cut_off_goes(draft):
    path = files.store_bytes("data", b"x").path
    half = Path(files.storage("data").path(path)).with_name(".abcd1234.part")
    half.touch()
    age(25)
    assert {each.path for each in tidying.tidy()} == {path, f"{path[:2]}/.abcd1234.part"}


# --- what stays ----------------------------------------------------------------------------------


def test_what_was_stored_a_moment_ago_stays(draft):
    files.store_bytes("data", b"no row names it yet")
    assert tidying.tidy() == []
    age(23)
    assert tidying.tidy() == []
    age(25)
    assert len(tidying.tidy()) == 1


def test_old_bytes_that_are_stored_again_are_young(draft):
    """A build that makes the same file as one long ago: its row is written later."""
    files.store_bytes("data", b"the same bytes")
    age(25)
    kept = files.store_bytes("data", b"the same bytes")
    assert tidying.tidy() == []
    assert files.read("data", kept.path) == b"the same bytes"


def test_what_is_stored_again_while_files_are_tidied_stays(draft, monkeypatch):
    path = files.store_bytes("data", b"the same bytes").path
    age(25)
    named = tidying._named

    def slow(place: Any) -> Any:
        files.store_bytes("data", b"the same bytes")
        return named(place)

    monkeypatch.setattr(tidying, "_named", slow)
    assert tidying.tidy() == []
    assert files.storage("data").exists(path)


def put(place: Any, path: str = "") -> str:
    data = os.urandom(8)
    return files.storage(place).save(path, ContentFile(data)) if path else (
        files.store_bytes(place, data).path
    )  # fmt: skip


def test_every_file_that_a_row_names_stays(prepared, host, submit, alice, answers, competition):
    """Each column on its own: a file that nothing else names."""
    draft = prepared()
    submit(alice, answers())
    version = draft.solution
    SolutionVersion.objects.filter(pk=version.pk).update(path=put("solutions"))
    Finding.objects.create(
        competition=competition, kind="tiny", images=1, examples=put("solutions")
    )
    Mistakes.objects.create(
        competition=draft, version=1, computed_at=draft.created_at,
        path=put("solutions"), labels_path=put("solutions"),
    )  # fmt: skip
    Rescoring.objects.create(
        competition=draft, inbox=put("solutions"), before=version,
        old_metric={"sample": {"path": put("data")}}, new_metric={"sample": {"path": put("data")}},
    )  # fmt: skip
    upload = uploads.begin(host, "a.zip", 8)
    uploads.begin(host, "b.zip", 8)
    put("solutions", f"pieces/{upload.public_id}/000000")
    type(upload).objects.filter(name="b.zip").update(path=put("solutions"), received=8)
    DataFile.objects.create(competition=competition, name="x", path=put("data"), size=8)
    ClassSample.objects.create(
        competition=competition, position=99, name="x", images=1, path=put("data")
    )
    BaselineRun.objects.create(
        competition=draft, solution=version, arch="x", title="x", answers=put("submissions")
    )
    inbox = {"source": put("solutions"), "solution": put("solutions"), "train": put("data"),
             "test": put("data")}  # fmt: skip
    Competition.objects.filter(pk=competition.pk).update(preparation_inbox=inbox)
    unnamed = [put(place) for place in tidying.COLUMNS]
    age(1000)
    assert files.storage("solutions").exists(preparing.seed_path(version.commitment))
    before = everything()
    tidied = {each.path for each in tidying.tidy()}
    assert tidied == {*unnamed, version.path}
    assert everything() == {
        place: [path for path in paths if path not in tidied] for place, paths in before.items()
    }


def test_no_column_that_may_name_a_file_is_forgotten():
    """All that are called like a place of files; whoever adds one decides here what it is."""
    looks = re.compile(r"path|inbox|answers$|examples$|file$")
    no_files = {("submission", "file_name"), ("competition", "preparation_inbox")}
    found = {
        (model._meta.model_name, field.name)
        for model in apps.get_app_config("competitions").get_models()
        for field in model._meta.get_fields()
        if isinstance(field, CharField) and field.max_length == 200 and looks.search(field.name)
    }
    known = {
        (model._meta.model_name, column)
        for columns in tidying.COLUMNS.values()
        for model, column in columns
    }
    assert found - no_files == known


def test_what_does_not_look_like_ours_stays(draft):
    for path in ("README", "lost+found/x", "ab/notes.txt", "seeds/a/b", "pieces/x"):
        put("solutions", path)
    age(1000)
    assert tidying.tidy() == []


def test_an_empty_database_deletes_nothing(db):
    """More likely the wrong one than one whose files are all left over."""
    put("data")
    age(1000)
    assert tidying.tidy() == []


# --- the command, and the sweep ------------------------------------------------------------------


def told(*words: str) -> str:
    out = io.StringIO()
    call_command("tidy_files", *words, stdout=out)
    return out.getvalue()


def test_the_command_says_what_it_would_delete_and_then_does(draft):
    path = put("data")
    age(3)
    assert "0 files" in told()
    trial = told("--older-than", "2", "--dry-run")
    assert f"data/{path}\n1 files, 0.0 MiB, would be deleted." in trial
    assert files.storage("data").exists(path)
    assert told("--older-than", "2") == "1 files, 0.0 MiB, deleted.\n"
    assert not files.storage("data").exists(path)


def test_an_age_at_which_a_preparation_may_be_under_way_is_refused(draft):
    assert timedelta(seconds=preparing.TIME_LIMIT) < tidying.YOUNGEST
    with pytest.raises(CommandError, match="2:00:00 at least"):
        told("--older-than", "1")


def test_the_sweep_rings_for_it_once_a_day(draft, monkeypatch, valkey):
    rung: list[Any] = []
    monkeypatch.setattr(tasks.tidy_files, "apply_async", lambda **_: rung.append(1))
    tasks.sweep()
    tasks.sweep()
    assert rung == [1]
    assert 0 < valkey.client.ttl("holdout:tidied") <= 24 * HOUR
    path = put("data")
    age(25)
    tasks.tidy_files()
    assert not files.storage("data").exists(path)
