"""The first page of the admin, the people of a challenge, and moving it, as organisers do it."""

import io
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from competitions import preparing
from competitions.models import Act, Competition, Kind, Organiser, Preparation, Role, State
from holdout.accounts.models import User
from tests.competitions.test_admin import INLINE, SETTINGS
from tests.competitions.test_building import folders
from tests.competitions.zips import packed

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(clients: Any, host: User) -> Client:
    client: Client = clients(host)
    return client


def page(client: Client, address: str = "/admin/") -> str:
    return client.get(address).content.decode()


# --- the dashboard -------------------------------------------------------------------------------


def test_a_fresh_installation_says_how_to_begin(desk):
    assert "Nothing here yet" in page(desk)
    assert reverse("admin:competitions_competition_new") in page(desk)


@pytest.mark.parametrize(
    ("columns", "todo"),
    [
        ({"state": State.DRAFT, "preparation": Preparation.EMPTY}, "Bring the images"),
        ({"state": State.DRAFT, "preparation": Preparation.REFUSED}, "The images were refused"),
        ({"state": State.DRAFT}, "Check the list and open it"),
        ({"state": State.OPEN}, "Watch the room"),
        ({"state": State.OPEN, "opens_at": "2099-01-01T00:00Z"}, "Opens 01 Jan 2099"),
        ({"state": State.CLOSED}, "Reveal the private board"),
        ({"state": State.REVEALED, "revealed_at": "2026-01-01T00:00Z"}, "Hold the ceremony"),
    ],
)
def test_it_says_what_each_challenge_needs_next(desk, competition, columns, todo):
    Competition.objects.filter(pk=competition.pk).update(**columns)
    assert todo in page(desk)


def test_it_counts_submissions_and_shows_our_faults(desk, in_status, scored, alice, answers):
    failed = in_status("failed")
    shown = page(desk)
    assert failed.file_name in shown
    assert ">1</meter>" in shown


def test_it_shows_the_workers_or_that_nobody_answers(desk, monkeypatch):
    assert "not heard of" in page(desk)
    monkeypatch.setattr("competitions.queues.read", lambda: None)
    assert "Valkey does not answer" in page(desk)


def test_others_challenges_are_not_on_it(clients, person, competition, another):
    staff = person("staff", is_staff=True)
    Organiser.objects.create(competition=competition, user=staff, role=Role.VIEWER)
    shown = page(clients(staff))
    assert competition.title in shown
    assert another.title not in shown


def test_it_costs_the_same_for_many_challenges(
    desk, competition, another, django_assert_max_num_queries
):
    with django_assert_max_num_queries(14):
        page(desk)


# --- people --------------------------------------------------------------------------------------


def save_people(client: Client, competition: Competition, *lines: dict[str, Any]) -> Any:
    known = [line for line in lines if "id" in line]
    fields: dict[str, Any] = {
        **SETTINGS,
        **INLINE,
        "title": competition.title,
        "slug": competition.slug,
    }
    fields |= {"organisers-TOTAL_FORMS": len(lines), "organisers-INITIAL_FORMS": len(known)}
    fields |= {"model_rules-TOTAL_FORMS": 0, "model_rules-INITIAL_FORMS": 0}
    for number, line in enumerate(lines):
        fields |= {f"organisers-{number}-{name}": value for name, value in line.items()}
        fields[f"organisers-{number}-competition"] = competition.pk
    address = reverse("admin:competitions_competition_change", args=[competition.pk])
    return client.post(address, fields, follow=True)


def test_an_owner_gives_changes_and_takes_roles(desk, host, draft, person):
    person("judy")
    owner = Organiser.objects.create(competition=draft, user=host, role=Role.OWNER)
    mine = {"id": owner.pk, "role": "owner"}
    save_people(desk, draft, mine, {"username": "judy", "role": "judge"})
    judy = Organiser.objects.get(user__username="judy")
    assert (judy.role, judy.user.is_staff) == ("judge", True)
    save_people(desk, draft, mine, {"id": judy.pk, "role": "editor"})
    judy.refresh_from_db()
    assert judy.role == "editor"
    save_people(desk, draft, mine, {"id": judy.pk, "role": "editor", "DELETE": "on"})
    assert list(Organiser.objects.values_list("user", flat=True)) == [host.pk]
    assert Act.objects.filter(kind=Kind.ORGANISER_CHANGED).count() == 1


def test_an_unknown_name_and_the_last_owner_are_answered(desk, host, draft):
    owner = Organiser.objects.create(competition=draft, user=host, role=Role.OWNER)
    mine = {"id": owner.pk, "role": "owner"}
    told = save_people(desk, draft, mine, {"username": "nobody", "role": "judge"})
    assert "Nobody here has that username" in told.content.decode()
    told = save_people(desk, draft, {**mine, "role": "viewer"})
    assert "A challenge needs an owner" in told.content.decode()
    owner.refresh_from_db()
    assert owner.role == "owner"


# --- clone, export, import -----------------------------------------------------------------------


@pytest.fixture
def ready(draft: Competition) -> Competition:
    inbox = preparing.receive_source(draft.pk, [packed(folders())], "x.zip")
    preparing.prepare(draft.pk, inbox)
    return Competition.objects.get(pk=draft.pk)


def moving(competition: Competition) -> str:
    return reverse("admin:competitions_competition_moving", args=[competition.pk])


def test_a_challenge_is_cloned_from_its_page(desk, ready):
    desk.post(moving(ready), {"act": "clone", "title": "Again", "slug": "again"})
    assert Competition.objects.get(slug="again").preparation == Preparation.READY
    told = desk.post(moving(ready), {"act": "clone", "title": "Again", "slug": "again"})
    assert "There is a challenge at /competitions/again/ already" in told.content.decode()


def test_it_goes_out_and_in_as_one_file(desk, host, ready):
    host.user_permissions.add(Permission.objects.get(codename="view_labels"))
    out = desk.post(moving(ready), {"act": "export", "with_solution": "on", "with_data": "on"})
    data = b"".join(out.streaming_content)
    address = reverse("admin:competitions_competition_import")
    file = SimpleUploadedFile("x.zip", data)
    desk.post(address, {"file": file, "slug": "moved"})
    assert Competition.objects.get(slug="moved").files.count() == ready.files.count()
    broken = SimpleUploadedFile("x.zip", io.BytesIO(b"no").getvalue())
    assert "exported challenge" in desk.post(address, {"file": broken}).content.decode()


def test_moving_is_for_owners_and_importing_for_whoever_runs_the_site(clients, person, ready):
    staff = person("staff", is_staff=True)
    role = Organiser.objects.create(competition=ready, user=staff, role=Role.EDITOR)
    assert clients(staff).get(moving(ready)).status_code == 403
    Organiser.objects.filter(pk=role.pk).update(role=Role.OWNER)
    assert clients(staff).get(moving(ready)).status_code == 200
    assert clients(staff).get(reverse("admin:competitions_competition_import")).status_code == 403
