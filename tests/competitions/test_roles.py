"""Roles: who sees and does what in a challenge, through every door; and single labels for nobody
who was not given them by name."""

import csv
import io
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from competitions import access, organisers, submissions, teams
from competitions.models import Act, Alarm, Competition, Kind, Organiser, Role, State
from competitions.refusals import Refused
from holdout.accounts.models import User
from tests.classroom import TRUTH

pytestmark = pytest.mark.django_db
OWNER, EDITOR, JUDGE, VIEWER, NONE = "owner", "editor", "judge", "viewer", ""
EVERYBODY = (OWNER, EDITOR, JUDGE, VIEWER, NONE)


@pytest.fixture
def staff(competition: Competition, person: Any) -> dict[str, User]:
    """Somebody of each role, and staff without one here."""
    found = {}
    for role in EVERYBODY:
        user = person(f"staff-{role or 'none'}", is_staff=True)
        found[role] = user
        if role:
            Organiser.objects.create(competition=competition, user=user, role=role)
    return found


@pytest.fixture
def sent(scored: Any, alice: User, answers: Any) -> Any:
    return scored(alice, answers())


def change(model: str, pk: int) -> str:
    return f"/admin/competitions/{model}/{pk}/change/"


# --- what each role sees -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "seen"), [(OWNER, 200), (EDITOR, 200), (JUDGE, 200), (VIEWER, 200), (NONE, 302)]
)
def test_rows_are_seen_by_whoever_has_a_role(staff, clients, competition, sent, role, seen):
    client: Client = clients(staff[role])
    act = Act.objects.create(competition=competition, kind=Kind.OPENED)
    for address in (
        change("competition", competition.pk),
        change("team", sent.team_id),
        change("submission", sent.pk),
        change("act", act.pk),
    ):
        assert client.get(address).status_code == seen, address
    for model in ("competition", "team", "submission", "act", "announcement"):
        page = client.get(f"/admin/competitions/{model}/")
        assert page.status_code == 200
        assert (competition.title in page.content.decode()) is (
            bool(role) and model != "announcement"
        )


def test_alarms_tell_of_private_scores_and_are_for_owners_and_editors(
    staff, clients, sent, competition
):
    alarm = Alarm.objects.create(team=sent.team, submission=sent, z=7.5, raised_at=timezone.now())
    for role, status in ((OWNER, 200), (EDITOR, 200), (JUDGE, 302), (VIEWER, 302), (NONE, 302)):
        assert clients(staff[role]).get(change("alarm", alarm.pk)).status_code == status, role
        page = clients(staff[role]).get("/admin/competitions/alarm/").content.decode()
        assert ("7.5" in page) is (role in (OWNER, EDITOR))


def test_a_draft_is_known_to_its_organisers_alone(staff, clients, draft):
    address = f"/competitions/{draft.slug}/"
    Organiser.objects.create(competition=draft, user=staff[VIEWER], role=VIEWER)
    assert clients(staff[VIEWER]).get(address).status_code == 200
    for role in (OWNER, NONE):  # in another challenge, or nowhere
        assert clients(staff[role]).get(address).status_code == 404


def test_submissions_are_read_by_their_organisers(staff, clients, competition, sent):
    address = f"/api/submissions/{sent.public_id}/"
    page = f"/competitions/{competition.slug}/submissions/{sent.public_id}/"
    for role in EVERYBODY:
        known = clients(staff[role]).get(page).status_code
        assert known == (200 if role else 404), role
    assert access.submissions(staff[NONE]).count() == 0
    assert access.submissions(staff[VIEWER]).count() == 1
    assert address


# --- what each role does -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verb", "who"),
    [
        ("announce", {OWNER, EDITOR, JUDGE}),
        ("pause", {OWNER, EDITOR, JUDGE}),
        ("close_now", {OWNER, EDITOR}),
        ("rescore", {OWNER, EDITOR}),
    ],
)
def test_buttons_are_those_of_the_role(staff, clients, competition, verb, who):
    for role in (OWNER, EDITOR, JUDGE, VIEWER):
        client = clients(staff[role])
        page = client.get(change("competition", competition.pk)).content.decode()
        address = reverse(f"admin:competitions_competition_{verb}", args=[competition.pk])
        assert (address in page) is (role in who), role


def test_settings_are_changed_by_owners_and_editors(staff, clients, competition):
    for role in EVERYBODY:
        page = clients(staff[role]).get(change("competition", competition.pk)).content.decode()
        assert ('name="_save"' in page) is (role in (OWNER, EDITOR)), role


def test_teams_and_files_are_judged_by_judges_too(staff, clients, sent):
    hide = f"/admin/competitions/team/{sent.team_id}/hide/"
    for role in EVERYBODY:
        client = clients(staff[role])
        page = client.get(change("team", sent.team_id)).content.decode()
        assert ("Disqualify" in page) is (role in (OWNER, EDITOR, JUDGE)), role
    assert hide


def test_a_list_edits_no_cell_of_a_challenge_in_which_one_only_looks_on(
    staff, clients, competition, another, sent
):
    """The list shows both challenges; somebody is a judge in one and a viewer in the other."""
    Organiser.objects.create(competition=another, user=staff[VIEWER], role=JUDGE)
    fields = {
        "form-TOTAL_FORMS": 1, "form-INITIAL_FORMS": 1, "form-0-id": sent.team_id,
        "form-0-group": "X", "_save": "Save",
    }  # fmt: skip
    response = clients(staff[VIEWER]).post("/admin/competitions/team/", fields)
    sent.team.refresh_from_db()
    assert (response.status_code, sent.team.group) == (403, "")


def test_before_its_publication_no_judge_sees_the_final_board(staff, clients, competition):
    Competition.objects.filter(pk=competition.pk).update(
        state=State.REVEALED, revealed_at="2026-01-01T00:00Z"
    )
    for role, status in ((OWNER, 200), (EDITOR, 200), (JUDGE, 404), (VIEWER, 404), (NONE, 404)):
        page = clients(staff[role]).get(f"/competitions/{competition.slug}/ceremony/")
        assert page.status_code == status, role
        told = clients(staff[role]).get(f"/api/competitions/{competition.slug}/final/")
        assert told.status_code == status, role


def test_nobody_competes_where_they_organise(staff, competition, alice):
    for role in (OWNER, EDITOR, JUDGE, VIEWER):
        with pytest.raises(Refused, match="cannot compete in it"):
            teams.join(competition, staff[role])
    assert teams.join(competition, staff[NONE])
    teams.join(competition, alice)
    with pytest.raises(Refused, match="competes in this challenge"):
        organisers.add(competition, alice, Role.JUDGE)


def test_the_roles_of_one_challenge_say_nothing_in_another(staff, another):
    assert access.role_of(staff[OWNER], another) is None
    assert not access.may_edit(staff[OWNER], another)


# --- giving roles --------------------------------------------------------------------------------


def test_there_is_always_an_owner(competition, host, person):
    first, second = person("first"), person("second")
    owner = organisers.add(competition, first, Role.OWNER, host)
    assert User.objects.get(pk=first.pk).is_staff
    with pytest.raises(Refused, match="needs an owner"):
        organisers.change(owner, Role.VIEWER, host)
    with pytest.raises(Refused, match="needs an owner"):
        organisers.remove(owner, host)
    other = organisers.add(competition, second, Role.VIEWER, host)
    assert organisers.change(other, Role.OWNER, host) is True
    assert organisers.change(other, Role.OWNER, host) is False
    organisers.remove(owner, host)
    kinds = [
        Kind.ORGANISER_ADDED,
        Kind.ORGANISER_ADDED,
        Kind.ORGANISER_CHANGED,
        Kind.ORGANISER_REMOVED,
    ]
    assert list(Act.objects.order_by("pk").values_list("kind", flat=True)) == kinds


def test_a_role_is_given_once_and_is_one_of_four(competition, person):
    somebody = person("somebody")
    organisers.add(competition, somebody, Role.JUDGE)
    with pytest.raises(Refused, match="has a role here already"):
        organisers.add(competition, somebody, Role.VIEWER)
    with pytest.raises(Refused, match="A role is one of"):
        organisers.add(competition, person("other"), "king")


def test_staff_may_begin_a_challenge_and_own_it(staff, clients):
    fields = {"title": "Mine", "slug": "mine", "metric": "accuracy", "public_fraction": "0.3"}
    clients(staff[NONE]).post("/admin/competitions/competition/build/", fields)
    made = Competition.objects.get(slug="mine")
    assert access.role_of(staff[NONE], made) == Role.OWNER
    assert access.role_of(staff[OWNER], made) is None


# --- single labels (R13, T7) ---------------------------------------------------------------------


def labels_of(competition: Competition) -> str:
    return f"/admin/competitions/competition/{competition.pk}/labels/"


def grant(user: User) -> None:
    user.user_permissions.add(Permission.objects.get(codename="view_labels"))


def test_superusers_without_the_permission_see_no_label(clients, host, competition):
    assert clients(host).get(labels_of(competition)).status_code == 403
    assert not Act.objects.filter(kind=Kind.LABELS_VIEWED).exists()


def test_with_it_they_do_and_every_look_is_written_down(clients, host, competition):
    grant(host)
    page = clients(host).get(labels_of(competition), {"search": "img_0"}).content.decode()
    assert "img_03.png" in page and TRUTH["img_03.png"] in page
    assert "img_12.png" not in page
    act = Act.objects.get(kind=Kind.LABELS_VIEWED)
    assert (act.actor, act.details) == (host, {"search": "img_0", "first": 1, "most": 101})
    assert not any(label in str(act.details) for label in set(TRUTH.values()))


def test_the_permission_alone_is_not_enough(staff, clients, competition):
    for role in EVERYBODY:
        grant(staff[role])
        status = clients(staff[role]).get(labels_of(competition)).status_code
        assert status == (200 if role in (OWNER, EDITOR) else 403), role


def test_a_superuser_gives_it_on_a_persons_page(clients, host, alice):
    page = clients(host).get(f"/admin/accounts/user/{alice.pk}/change/").content.decode()
    assert "Can see single test labels" in page
    assert "Can delete" not in page


# --- tables for spreadsheets (R16, T11) ----------------------------------------------------------


def test_a_list_is_downloaded_without_formulas(clients, host, competition, sent):
    teams.rename(sent.team, '=HYPERLINK("http://evil")')
    for model in ("team", "submission", "act"):
        response = clients(host).get(f"/admin/competitions/{model}/csv/")
        assert response.status_code == 200, model
        text = b"".join(response.streaming_content).decode("utf-8-sig")
        rows = list(csv.reader(io.StringIO(text)))
        assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row)
    assert submissions


def test_a_table_holds_the_rows_of_ones_own_challenges(staff, clients, another, sent, bob):
    teams.join(another, bob)
    response = clients(staff[VIEWER]).get("/admin/competitions/team/csv/")
    text = b"".join(response.streaming_content).decode()
    assert sent.team.name in text and "another" not in text
