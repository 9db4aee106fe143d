"""A PIN leads to one account, from its own class; neither guessing nor claiming takes it away."""

import pytest
from django.core.cache import cache
from django.test import Client

from competitions import entrance, organisers, roster, teams
from competitions.models import Act, Admission, Competition, Kind, Member, Role, RosterEntry, State
from competitions.refusals import NotAMember, Refused
from holdout.accounts.models import User

pytestmark = pytest.mark.django_db
WORD = "correct-horse-battery"


@pytest.fixture(autouse=True)
def nothing_counted():
    cache.clear()


@pytest.fixture
def classroom(competition):
    return coded(competition, "ABC234")


def coded(competition: Competition, code: str, admission: str = "") -> Competition:
    changed = {"class_code": code, **({"admission": admission} if admission else {})}
    Competition.objects.filter(pk=competition.pk).update(**changed)
    return Competition.objects.get(pk=competition.pk)


def post(client: Client, name: str, pin: str, code: str = "ABC234"):
    return client.post(f"/join/{code}/", {"name": name, "pin": pin})


def told(answer) -> str:
    return answer.content.decode().replace("&#x27;", "'")


# --- guessing ------------------------------------------------------------------------------------


def test_every_spelling_of_a_name_shares_its_five_tries(classroom):
    post(Client(), "Anna", "0042")
    spellings = ["Anna", "An\u200bna", "anna", " Anna ", "\uff21nna", "ANNA", "An\u200cna"]
    answers = [
        post(Client(), name, f"{n:04d}") for n, name in enumerate([*spellings, "Anna"], 2000)
    ]
    assert ["Too many wrong PINs" in told(answer) for answer in answers] == [False] * 5 + [True] * 3
    assert post(Client(), "A\u200bnna", "0042").status_code == 200  # the right one waits, too


def test_signing_in_oneself_gives_nobody_new_tries_from_an_address(classroom):
    post(Client(), "Mallory", "1234")
    for n in range(119):
        if n % 40 == 0:
            post(Client(), "Mallory", "1234")
        answer = post(Client(), f"Anna {n}", "99")
    answer = post(Client(), "Anna", "0001")
    assert "Too many people join from this address" in told(answer)


def test_what_tries_no_pin_is_not_counted(classroom):
    Competition.objects.filter(pk=classroom.pk).update(state=State.DRAFT)
    for _ in range(7):
        assert "not open yet" in told(post(Client(), "Anna", "4711"))
    Competition.objects.filter(pk=classroom.pk).update(state=State.OPEN)
    assert post(Client(), "Anna", "4711").status_code == 302


def test_after_the_end_name_and_pin_lead_in_again(classroom):
    post(Client(), "Anna", "4711")
    Competition.objects.filter(pk=classroom.pk).update(state=State.CLOSED)
    assert post(Client(), "Anna", "4711").status_code == 302
    assert "is over" in told(post(Client(), "Ben", "4711"))


# --- another class -------------------------------------------------------------------------------


def test_organisers_of_another_challenge_cannot_become_somebody(classroom, another, person, host):
    other = coded(another, "XYZ789", Admission.CODE)
    browser = Client()
    post(browser, "Anna", "4711")
    assert browser.post("/join/XYZ789/").status_code == 302
    entry = RosterEntry.objects.get(competition=other)
    with pytest.raises(Refused, match="the account of another challenge"):
        entrance.new_pin(entry, host)
    assert "has an account from another challenge" in told(
        post(Client(), entry.name, "4711", "XYZ789")
    )
    home = RosterEntry.objects.get(competition=classroom)
    pin = entrance.new_pin(home, host)
    assert post(Client(), "Anna", pin).status_code == 302


# --- the roster's lines --------------------------------------------------------------------------


def test_the_roster_spells_the_name(classroom, host):
    roster.load(classroom, "name\nJörg Müller\n".encode(), host)
    post(Client(), "jörg müller", "4711")
    assert User.objects.get(has_pin=True).get_full_name() == "Jörg Müller"
    assert Member.objects.get().team.name == "Jörg Müller"


def test_a_slip_is_stronger_than_an_address_nobody_has_checked(classroom, another, host):
    entry = RosterEntry.objects.create(
        competition=classroom, name="Vera", email="vera@school.example"
    )
    roster.slips(classroom, host)
    coded(classroom, "ABC234", Admission.ROSTER)
    coded(another, "XYZ789")
    thief = Client()
    post(thief, "Mallory", "1234", "XYZ789")
    claim(thief, "1234", "mallory", "vera@school.example")
    thief.post(f"/competitions/{classroom.slug}/join/")
    entry.refresh_from_db()
    assert entry.user is None


def test_a_line_that_the_wrong_one_took_is_given_back(classroom, host, clients):
    roster.load(classroom, b"name\nVera\n", host)
    post(Client(), "Vera", "1111")
    entry = RosterEntry.objects.get()
    address = f"/competitions/{classroom.slug}/roster/"
    assert "The line is free" in told(
        clients(host).post(address, {"act": "free", "entry": entry.pk}, follow=True)
    )
    assert Act.objects.filter(kind=Kind.ROSTER_CHANGED, subject="Vera").exists()
    assert post(Client(), "Vera", "2222").status_code == 302
    with pytest.raises(Refused, match="Nobody has joined as Eve"):
        roster.detach(RosterEntry.objects.create(competition=classroom, name="Eve"), host)


def test_one_line_lets_one_person_in(competition, alice, bob, monkeypatch):
    competition = coded(competition, "ABC234", Admission.ROSTER)
    entry = RosterEntry.objects.create(competition=competition, name="Bob", email=alice.email)
    monkeypatch.setattr(teams.admission, "require", lambda *_: entry)  # both saw it free
    teams.join(competition, bob)
    with pytest.raises(NotAMember, match="Somebody else has just joined"):
        teams.join(competition, alice)
    assert Member.objects.count() == 1


def test_the_code_proves_who_is_on_the_roster(classroom, alice, clients):
    coded(classroom, "ABC234", Admission.CODE)
    RosterEntry.objects.create(competition=classroom, name="Alice L.", email=alice.email)
    assert clients(alice).post("/join/ABC234/").status_code == 302
    assert RosterEntry.objects.get().user == alice


def test_whoever_is_refused_leaves_no_line(classroom, person, host, clients):
    coded(classroom, "ABC234", Admission.CODE)
    editor = person("ed")
    organisers.add(classroom, editor, Role.EDITOR, host)
    assert "You organise this challenge" in told(clients(editor).post("/join/ABC234/"))
    assert not RosterEntry.objects.exists()


def test_nobody_organises_and_competes(competition, alice, host, monkeypatch):
    real = teams.admission.require

    def meanwhile(*asked):
        organisers.add(competition, alice, Role.JUDGE, host)
        return real(*asked)

    monkeypatch.setattr(teams.admission, "require", meanwhile)
    with pytest.raises(Refused, match="You organise"):
        teams.join(competition, alice)
    assert not Member.objects.exists()


# --- keeping an account --------------------------------------------------------------------------


def claim(browser: Client, pin: str, username: str, email: str = ""):
    fields = {"pin": pin, "username": username, "email": email, "password": WORD, "again": WORD}
    return browser.post("/accounts/claim/", fields)


def test_claiming_asks_for_the_pin(classroom):
    browser = Client()
    post(browser, "Anna", "4711")
    assert "That is not the PIN" in told(claim(browser, "0000", "thief"))
    assert User.objects.get().has_pin


@pytest.mark.parametrize("name", ["admin", "softmax"])
def test_a_reserved_name_is_nobodys(classroom, name):
    browser = Client()
    post(browser, "Anna", "4711")
    assert claim(browser, "4711", name).status_code == 200
    assert not User.objects.filter(username=name).exists()


def test_a_pin_is_no_password_to_change(classroom):
    browser = Client()
    post(browser, "Anna", "471147")
    words = {"oldpassword": "471147", "password1": WORD, "password2": WORD}
    assert browser.post("/accounts/password/change/", words).headers["Location"] == (
        "/accounts/claim/"
    )
    assert User.objects.get().check_password("471147")


def test_numbers_from_elsewhere_are_no_crash(competition, host, clients):
    client = clients(host)
    page = f"/competitions/{competition.slug}"
    for entry in ("²", "9" * 30):
        answer = client.post(f"{page}/roster/", {"act": "remove", "entry": entry})
        assert answer.status_code == 404
    assert client.get(f"{page}/host/rows/?teams={'9' * 5000}").status_code == 200
