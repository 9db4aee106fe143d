"""The pages on which a challenge is built: large files in pieces, progress, and the leak report."""

import io
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models import F
from django.test import Client

from competitions import files, preparing, uploads
from competitions.admin import uploads as doors
from competitions.models import (
    Act,
    Competition,
    Finding,
    Kind,
    Organiser,
    Preparation,
    Role,
    Upload,
)
from competitions.refusals import NotFound, Refused
from holdout.accounts.models import User
from tests.competitions.test_building import folders, parted
from tests.competitions.zips import packed

pytestmark = pytest.mark.django_db
NEW = "/admin/competitions/competition/build/"
FIELDS = {"title": "Animals", "slug": "animals", "metric": "accuracy", "public_fraction": "0.3"}


@pytest.fixture
def at_desk(clients: Any, host: User) -> Client:
    client: Client = clients(host)
    return client


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, preparing.Inbox]]:
    calls: list[tuple[int, preparing.Inbox]] = []
    monkeypatch.setattr(doors, "ring", lambda pk, inbox: calls.append((pk, inbox)))
    return calls


def zip_file(data: bytes | None = None) -> SimpleUploadedFile:
    return SimpleUploadedFile("animals.zip", data or packed(folders()))


def page_of(competition: Competition) -> str:
    return f"/admin/competitions/competition/{competition.pk}/build/"


def animals() -> Competition:
    return Competition.objects.get(slug="animals")


# --- a new challenge -----------------------------------------------------------------------------


def test_the_form_alone_begins_a_challenge(at_desk, host, rung):
    """As a browser without scripts sends it: the file comes with the fields."""
    response = at_desk.post(NEW, {**FIELDS, "source": zip_file()})
    competition = animals()
    assert response.headers["Location"] == page_of(competition)
    assert competition.organisers.get().user == host
    preparing.prepare(*rung[0])
    page = at_desk.get(page_of(competition)).content.decode()
    assert "42 training images in 3 classes, 18 test images" in page
    assert "Nothing found" in page


def test_a_published_set_needs_no_file(at_desk, rung, settings, tmp_path):
    settings.DATASETS = tmp_path
    at_desk.post(NEW, {**FIELDS, "published": "mnist", "test_fraction": "0.2"})
    ((_pk, inbox),) = rung
    assert (inbox["source"], inbox["name"], inbox["test_fraction"]) == ("", "mnist", "0.2")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"slug": "practice"}, "There is a challenge at /competitions/practice/ already"),
        ({"slug": "no spaces"}, "Enter a valid"),
        ({"title": ""}, "This field is required"),
        ({"public_fraction": "1"}, "less than or equal to 0.99"),
        ({"test_fraction": "-1"}, "greater than or equal to 0.01"),
    ],
)
def test_wrong_fields_are_answered_at_their_place(at_desk, competition, change, sentence):
    Competition.objects.filter(pk=competition.pk).update(slug="practice")
    response = at_desk.post(NEW, {**FIELDS, **change})
    assert sentence in response.content.decode()
    told = at_desk.post(NEW, {**FIELDS, **change}, headers={"Accept": "application/json"})
    assert told.status_code == 400
    assert sentence in str(told.json()["errors"])


def test_a_draft_without_images_is_gone_on_with(at_desk, host):
    at_desk.post(NEW, FIELDS)
    at_desk.post(NEW, FIELDS)
    assert Competition.objects.filter(slug="animals").count() == 1


# --- pieces --------------------------------------------------------------------------------------


def test_a_file_comes_in_pieces_and_goes_on_after_a_break(at_desk, rung, monkeypatch):
    monkeypatch.setattr(uploads, "PIECE", 4000)
    data = packed(folders())
    begun = at_desk.post(NEW, FIELDS, headers={"Accept": "application/json"}).json()
    whole = {"name": "animals.zip", "size": len(data)}
    first = at_desk.post(begun["pieces"], whole).json()
    send(at_desk, first["to"], data, until=8000)
    again = at_desk.post(begun["pieces"], whole).json()  # the same file, chosen once more
    assert (again["to"], again["received"]) == (first["to"], 8000)
    send(at_desk, again["to"], data, at=8000)
    done = at_desk.post(again["to"], {"test_fraction": ""})
    assert done.json() == {"to": page_of(animals())}
    preparing.prepare(*rung[0])
    assert animals().preparation == Preparation.READY
    assert left_of_pieces() == []


def send(client: Client, to: str, data: bytes, at: int = 0, until: int | None = None) -> None:
    until = until or len(data)
    while at < until:
        part = data[at : at + uploads.PIECE]
        response = client.post(f"{to}?offset={at}", part, content_type="application/octet-stream")
        at = response.json()["received"]


def left_of_pieces() -> list[str]:
    storage = files.storage("solutions")
    if not storage.exists("pieces"):
        return []
    return [name for folder in storage.listdir("pieces")[0]
            for name in storage.listdir(f"pieces/{folder}")[1]]  # fmt: skip


def test_a_piece_that_came_already_changes_nothing(host, monkeypatch):
    monkeypatch.setattr(uploads, "PIECE", 4)
    upload = uploads.append(uploads.begin(host, "a.zip", 6), 0, b"abcd")
    assert uploads.append(upload, 0, b"abcd").received == 4
    with pytest.raises(Refused, match="4 bytes have arrived; a piece of 2 bytes is the next one"):
        uploads.append(upload, 4, b"efg")
    with pytest.raises(Refused, match=r"2 bytes of .* are still missing"):
        uploads.finish(upload)
    path = uploads.finish(uploads.append(upload, 4, b"ef"))
    assert files.read("solutions", path) == b"abcdef"
    assert uploads.finish(upload) == path


def test_two_tabs_with_the_same_piece_take_it_once(host, monkeypatch):
    monkeypatch.setattr(uploads, "PIECE", 4)
    upload = uploads.begin(host, "a.zip", 8)
    late = Upload.objects.get(pk=upload.pk)
    uploads.append(upload, 0, b"abcd")
    uploads.append(late, 0, b"abcd")
    uploads.append(upload, 4, b"efgh")
    assert files.read("solutions", uploads.finish(upload)) == b"abcdefgh"
    assert left_of_pieces() == []


def test_an_upload_is_its_owners_alone(host, alice):
    upload = uploads.begin(host, "a.zip", 8)
    with pytest.raises(NotFound):
        uploads.find(alice, upload.public_id)
    assert uploads.begin(alice, "a.zip", 8) != upload


@pytest.mark.parametrize(
    ("name", "size"), [("a.zip", 0), ("a.zip", -1), ("a.zip", 1 << 40), ("", 9)]
)
def test_an_upload_that_cannot_be_is_refused(host, name, size):
    with pytest.raises(Refused):
        uploads.begin(host, name, size)


def test_what_nobody_goes_on_with_is_thrown_away(host, monkeypatch):
    monkeypatch.setattr(uploads, "PIECE", 4)
    uploads.append(uploads.begin(host, "a.zip", 6), 0, b"abcd")
    assert uploads.tidy() == []
    Upload.objects.update(touched_at=F("touched_at") - timedelta(days=3))
    assert uploads.tidy() == ["a.zip"]
    assert (Upload.objects.count(), left_of_pieces()) == (0, [])


# --- how far it is, and the report ---------------------------------------------------------------


@pytest.fixture
def built(at_desk: Client, rung: list[tuple[int, preparing.Inbox]]) -> Competition:
    """Has one picture on both sides of its own split."""
    images = parted()
    images["train/dog/leak.png"] = images["test/dog/3.png"]
    at_desk.post(NEW, {**FIELDS, "source": zip_file(packed(images))})
    preparing.prepare(*rung.pop())
    return animals()


def test_a_page_can_ask_how_far_it_is(at_desk, rung):
    at_desk.post(NEW, {**FIELDS, "source": zip_file()})
    far = {"preparation_step": "Looking", "preparation_done": 3, "preparation_total": 12}
    Competition.objects.filter(slug="animals").update(**far)
    state = at_desk.get(page_of(animals()) + "state/").json()
    assert state["is_preparing"] is True
    assert (state["step"], state["done"], state["total"], state["percent"]) == (
        "Looking",
        3,
        12,
        25,
    )


def test_a_finding_is_shown_with_its_pictures_and_settled_by_a_click(at_desk, built, rung):
    page = at_desk.get(page_of(built)).content.decode()
    assert "1 of 1 to decide before the challenge opens" in page
    finding = Finding.objects.get(competition=built)
    base = f"/admin/competitions/competition/{built.pk}/findings/{finding.pk}/"
    picture = at_desk.get(f"{base}0/1.png")
    assert picture.content.startswith(b"\x89PNG")
    assert at_desk.get(f"{base}9/9.png").status_code == 404
    at_desk.post(base, {"remedy": "drop"})
    preparing.prepare(*rung[0])
    assert Finding.objects.get(competition=built).remedy == "drop"
    assert "Everything is decided" in at_desk.get(page_of(built)).content.decode()


def test_names_and_classes_of_single_images_are_for_whoever_may_see_labels(at_desk, built, host):
    """A source's folders are its classes; a look at them is written down."""
    hidden = at_desk.get(page_of(built)).content.decode()
    assert "test/dog" not in hidden and "train/dog" in hidden  # train.csv says so to everybody
    assert "Can see single test labels" in hidden
    assert not Act.objects.filter(kind=Kind.LABELS_VIEWED).exists()
    host.user_permissions.add(Permission.objects.get(codename="view_labels"))
    shown = at_desk.get(page_of(built))
    assert "test/dog" in shown.content.decode()
    assert "no-store" in shown.headers["Cache-Control"]
    assert Act.objects.get(kind=Kind.LABELS_VIEWED).actor == host


def test_another_decision_is_possible_after_one_that_could_not_be_carried_out(at_desk, built):
    finding = Finding.objects.get(competition=built)
    Competition.objects.filter(pk=built.pk).update(
        preparation=Preparation.REFUSED, preparation_note="No image is left."
    )
    assert "Leak report" in at_desk.get(page_of(built)).content.decode()
    address = f"/admin/competitions/competition/{built.pk}/findings/{finding.pk}/"
    at_desk.post(address, {"remedy": "accept"})
    finding.refresh_from_db()
    assert finding.remedy == "accept"
    built.refresh_from_db()
    assert built.preparation != Preparation.REFUSED  # it is tried anew


@pytest.mark.parametrize(
    ("role", "status"), [(Role.EDITOR, 200), (Role.JUDGE, 403), (Role.VIEWER, 403), (None, 403)]
)
def test_only_owners_and_editors_build(built, clients, person, role, status):
    somebody = person("somebody", is_staff=True)
    if role:
        Organiser.objects.create(competition=built, user=somebody, role=role)
    finding = Finding.objects.get(competition=built)
    base = page_of(built)
    client = clients(somebody)
    settle = f"/admin/competitions/competition/{built.pk}/findings/{finding.pk}/"
    assert client.get(base).status_code == status
    assert client.get(base + "state/").status_code == status
    assert client.get(f"{settle}0/0.png").status_code == status
    told = client.post(base + "pieces/", {"name": "x", "size": 3}).status_code
    assert told == status
    assert client.post(settle, {"remedy": "accept"}).status_code == (
        302 if role == "editor" else 403
    )


def test_whoever_is_no_organiser_is_sent_to_sign_in(clients, alice, built):
    for address in (NEW, page_of(built)):
        assert clients(alice).get(address).status_code == 302


def test_other_images_may_come_until_it_opens(at_desk, built, rung):
    at_desk.post(page_of(built), {"source": zip_file(packed(folders(each=30)))})
    preparing.prepare(*rung[0])
    assert animals().files.get(name="train.zip").rows == 63
    Competition.objects.filter(pk=built.pk).update(state="open")
    assert "Other images" not in at_desk.get(page_of(built)).content.decode()


def test_an_empty_stream_is_no_piece(at_desk, host):
    begun = at_desk.post(NEW, FIELDS, headers={"Accept": "application/json"}).json()
    first = at_desk.post(begun["pieces"], {"name": "a.zip", "size": 9}).json()
    told = at_desk.post(
        f"{first['to']}?offset=0", io.BytesIO().read(), content_type="application/octet-stream"
    )
    assert told.status_code == 400
    assert "a piece of 9 bytes is the next one" in told.json()["error"]
