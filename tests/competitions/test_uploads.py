"""Uploads that meet an accident: another file of the same name, two requests, no broker."""

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from django.test import Client
from kombu.exceptions import OperationalError as BrokerError

from competitions import files, preparing, tasks, uploads
from competitions.admin import uploads as doors
from competitions.models import Competition, Preparation, Upload
from holdout.accounts.models import User
from tests.competitions.labelled import PIXEL, source, told
from tests.competitions.test_build_pages import (
    FIELDS,
    NEW,
    animals,
    at_desk,
    rung,
    send,
    zip_file,
)
from tests.competitions.test_building import folders
from tests.competitions.test_tidying import storages
from tests.competitions.zips import packed

__all__ = ["at_desk", "rung", "storages"]  # fixtures

pytestmark = pytest.mark.django_db
JSON = {"Accept": "application/json"}


@pytest.fixture(autouse=True)
def short_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "PIECE", 4)


def sent(owner: User, data: bytes, mark: str = "") -> Upload:
    upload = uploads.begin(owner, "a.tar", len(data), mark)
    for at in range(upload.received, len(data), uploads.PIECE):
        upload = uploads.append(upload, at, data[at : at + uploads.PIECE])
    return upload


# --- which file it is ----------------------------------------------------------------------------


def test_a_file_of_the_same_name_and_size_begins_anew(host):
    uploads.append(uploads.begin(host, "a.tar", 8, "monday"), 0, b"AAAA")
    assert files.read("solutions", uploads.finish(sent(host, b"BBBBBBBB", "tuesday"))) == b"B" * 8
    assert uploads.begin(host, "a.tar", 8, "monday").received == 4


def test_a_long_mark_is_cut_and_found_again(host):
    mark = "9" * 500
    assert uploads.begin(host, "a.tar", 8, mark) == uploads.begin(host, "a.tar", 8, mark)


def test_the_page_hands_the_mark_on(at_desk):
    begun = at_desk.post(NEW, FIELDS, headers=JSON).json()
    one, other = ({"name": "a.zip", "size": 9, "mark": mark} for mark in ("1-ab", "2-cd"))
    first = at_desk.post(begun["pieces"], one).json()["to"]
    assert at_desk.post(begun["pieces"], other).json()["to"] != first
    assert at_desk.post(begun["pieces"], one).json()["to"] == first


# --- two requests that finish it -----------------------------------------------------------------


@pytest.fixture
def second(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Calls that come while the pieces are put together."""
    calls: list[Any] = []
    store = files.store

    def slow(place: Any, chunks: Any, **options: Any) -> files.Stored:
        if calls:
            calls.pop()()
        return store(place, chunks, **options)

    monkeypatch.setattr(files, "store", slow)
    return calls


def test_the_second_request_is_told_to_wait(host, second):
    upload = sent(host, b"abcdefgh")
    late = Upload.objects.get(pk=upload.pk)

    def again():
        with pytest.raises(uploads.BeingJoined, match="are being put together"):
            uploads.finish(Upload.objects.get(pk=upload.pk))

    second.append(again)
    path = uploads.finish(upload)
    assert second == []
    assert uploads.finish(late) == path
    assert not files.storage("solutions").exists(f"pieces/{upload.public_id}/000000")


def test_pieces_that_another_one_took_away_are_no_crash(host, second):
    """The first one hung for longer than its lease."""
    upload = sent(host, b"abcdefgh")

    def overtake():
        Upload.objects.update(joining_until=F("joining_until") - 2 * uploads.LEASE)
        uploads.finish(Upload.objects.get(pk=upload.pk))

    second.append(overtake)
    with pytest.raises(uploads.BeingJoined):
        uploads.finish(upload)
    again = Upload.objects.get(pk=upload.pk)
    assert files.read("solutions", uploads.finish(again)) == b"abcdefgh"


def test_a_disk_that_is_full_lets_the_next_one_try(host, second):
    upload = sent(host, b"abcdefgh")

    def full():
        raise OSError("No space left on device")

    second.append(full)
    with pytest.raises(OSError, match="No space"):
        uploads.finish(upload)
    assert files.read("solutions", uploads.finish(upload)) == b"abcdefgh"


def test_the_script_asks_again_and_builds_once(at_desk: Client, rung, second):
    data = packed(folders())
    begun = at_desk.post(NEW, FIELDS, headers=JSON).json()
    uploads.PIECE = 1 << 20
    to = at_desk.post(begun["pieces"], {"name": "a.zip", "size": len(data)}).json()["to"]
    send(at_desk, to, data)
    waited = []
    second.append(lambda: waited.append(at_desk.post(to, {"test_fraction": ""})))
    done = at_desk.post(to, {"test_fraction": ""})
    assert (waited[0].status_code, set(waited[0].json())) == (202, {"wait"})
    assert at_desk.post(to, {"test_fraction": ""}).json() == done.json()
    assert len(rung) == 1


# --- no broker -----------------------------------------------------------------------------------


def test_without_a_broker_the_sweep_rings(at_desk, monkeypatch):
    def away(*_args: Any, **_options: Any) -> None:
        raise BrokerError("away")

    monkeypatch.setattr(tasks.prepare, "apply_async", away)
    at_desk.post(NEW, {**FIELDS, "source": zip_file()})
    draft = animals()
    assert draft.preparation == Preparation.PREPARING
    Competition.objects.update(preparation_rung_at=F("preparation_rung_at") - timedelta(minutes=3))
    assert [pk for pk, _inbox in preparing.forgotten()] == [draft.pk]


def test_a_built_draft_survives_a_hiccup(prepared, monkeypatch):
    def away(*_args: Any, **_options: Any) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(tasks.prepare, "apply_async", away)
    draft = prepared()
    doors.ring(draft.pk, preparing.anew(draft.pk))
    draft.refresh_from_db()
    assert draft.preparation == Preparation.PREPARING


# --- the form sent again -------------------------------------------------------------------------


def test_the_form_sent_again_counts(at_desk):
    at_desk.post(NEW, FIELDS)
    Competition.objects.update(metric_parameters={"x": 1})
    new = {**FIELDS, "title": "Beasts", "metric": "log_loss", "public_fraction": "0.6"}
    at_desk.post(NEW, new)
    draft = animals()
    assert (draft.title, draft.metric, draft.public_fraction) == ("Beasts", "log_loss", 0.6)
    assert draft.metric_parameters == {}


def test_what_was_set_meanwhile_stays_with_the_same_metric(at_desk):
    fields = {**FIELDS, "metric": "top_k_accuracy"}
    at_desk.post(NEW, fields)
    Competition.objects.update(metric_parameters={"k": 2}, summary="Written on its page")
    at_desk.post(NEW, {**fields, "title": "Beasts"})
    draft = animals()
    assert (draft.title, draft.metric_parameters) == ("Beasts", {"k": 2})
    assert draft.summary == "Written on its page"


# --- what is in it -------------------------------------------------------------------------------


@pytest.mark.parametrize("around", ["", "testproject/", "training/tests/"])
def test_the_folder_around_a_challenge_tells_nothing(around):
    found = source(
        {
            f"{around}train/cat/1.png": PIXEL,
            f"{around}train/dog/2.png": PIXEL,
            f"{around}test/3.png": PIXEL,
            f"{around}solution.csv": b"id,label\n3.png,dog\n",
        }
    )
    parts = {(label, part) for _name, label, part in told(found)}
    assert parts == {("cat", "train"), ("dog", "train"), ("dog", "test")}
