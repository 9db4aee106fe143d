"""In by class code: name and PIN, and nobody else's account."""

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from competitions import admission, entrance, teams
from competitions.models import Act, Admission, Competition, Kind, RosterEntry, State, Team
from competitions.refusals import NotAMember, NotFound, NotOpen, Refused
from holdout.accounts.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture
def classroom(competition: Competition) -> Competition:
    """Open, with the code ABC234."""
    cache.clear()
    Competition.objects.filter(pk=competition.pk).update(class_code="ABC234")
    return Competition.objects.get(pk=competition.pk)


def post(client: Client, name: str, pin: str, code: str = "ABC234"):
    return client.post(f"/join/{code}/", {"name": name, "pin": pin})


# --- the way in ----------------------------------------------------------------------------------


def test_a_name_and_a_pin_lead_to_the_challenge(classroom):
    browser = Client()
    assert browser.post("/join/", {"code": "abc 234"}).headers["Location"] == "/join/ABC234/"
    response = post(browser, "Åsa Öberg", "123456")
    assert response.headers["Location"] == f"/competitions/{classroom.slug}/"
    page = browser.get(response.headers["Location"]).content.decode()
    assert "You are in, Åsa Öberg" in page
    team = Team.objects.get(competition=classroom, name="Åsa Öberg")
    user = team.members.get().user
    assert (user.has_pin, user.is_staff, user.check_password("123456")) == (True, False, True)


def test_the_same_name_and_pin_lead_to_the_same_account_from_elsewhere(classroom):
    for _ in range(2):
        assert post(Client(), "Anna", "4711").status_code == 302
    assert User.objects.filter(first_name="Anna").count() == 1
    assert post(Client(), "  ANNA ", "4711").status_code == 302
    assert User.objects.filter(has_pin=True).count() == 1


def test_two_classes_may_each_have_an_anna(classroom, another):
    Competition.objects.filter(pk=another.pk).update(class_code="XYZ789")
    post(Client(), "Anna", "1111")
    post(Client(), "Anna", "2222", code="XYZ789")
    assert User.objects.filter(first_name="Anna").count() == 2


def test_a_wrong_pin_for_a_taken_name_says_what_to_do(classroom):
    post(Client(), "Anna", "4711")
    page = post(Client(), "Anna", "4712").content.decode()
    assert "Anna is taken, and that is not the PIN" in page
    assert "ask the organiser for a new one" in page


def test_pins_cannot_be_tried_without_end(classroom):
    post(Client(), "Anna", "4711")
    answers = [post(Client(), "Anna", f"{n:04d}").content.decode() for n in range(7)]
    assert "Too many wrong PINs" in answers[-1]
    # the right one neither, and another person is not kept waiting
    assert "Too many wrong PINs" in post(Client(), "Anna", "4711").content.decode()
    assert post(Client(), "Ben", "9999").status_code == 302


@pytest.mark.parametrize("pin", ["123", "12a4", "", "1" * 13, "١٢٣٤"])
def test_what_is_no_pin_is_refused(classroom, pin):
    response = post(Client(), "Anna", pin)
    assert response.status_code == 200
    assert not User.objects.filter(first_name="Anna").exists()


@pytest.mark.parametrize("name", ["", "   ", "\u200b"])
def test_what_is_no_name_is_refused(classroom, name):
    post(Client(), name, "1234")
    assert not RosterEntry.objects.exists()


def test_an_unknown_code_is_answered_where_it_was_typed(classroom):
    for response in (Client().get("/join/NOPE22/"), Client().post("/join/", {"code": "nope22"})):
        assert "No challenge has this code" in response.content.decode()
    with pytest.raises(NotFound):
        entrance.challenge_of("")


@pytest.mark.parametrize(
    ("state", "sentence"), [(State.DRAFT, "not open yet"), (State.CLOSED, "is over")]
)
def test_a_code_of_what_is_not_open_says_so(classroom, state, sentence):
    Competition.objects.filter(pk=classroom.pk).update(state=state)
    assert sentence in post(Client(), "Anna", "1234").content.decode()
    assert not User.objects.filter(has_pin=True).exists()


def test_whoever_is_signed_in_joins_with_one_button(classroom, clients, alice):
    Competition.objects.filter(pk=classroom.pk).update(admission=Admission.CODE)
    client = clients(alice)
    assert "Join as" in client.get("/join/ABC234/").content.decode()
    client.post("/join/ABC234/")
    assert teams.of(classroom, alice) is not None
    assert RosterEntry.objects.get(user=alice).competition == classroom


def test_no_pin_leads_to_an_account_with_a_password_or_to_an_organiser(classroom, alice, host):
    for name, user in (("Alice", alice), ("Host", host)):
        user.set_password("123456")
        user.save()
        RosterEntry.objects.create(competition=classroom, name=name, user=user)
        assert "signs in with a password" in post(Client(), name, "123456").content.decode()


def test_a_pin_account_that_became_an_organiser_needs_its_password(classroom):
    post(Client(), "Anna", "4711")
    User.objects.filter(first_name="Anna").update(is_staff=True)
    assert "signs in with a password" in post(Client(), "Anna", "4711").content.decode()


@pytest.mark.django_db(transaction=True)
def test_two_clicks_at_once_make_one_account(classroom, at_once):
    found = at_once(2, lambda: entrance.enter(classroom, "Anna", "1234").pk)
    assert len(set(found)) == 1
    assert RosterEntry.objects.count() == 1


# --- who may join --------------------------------------------------------------------------------


def admit(competition: Competition, how: Admission, **columns: str) -> Competition:
    Competition.objects.filter(pk=competition.pk).update(admission=how, **columns)
    return Competition.objects.get(pk=competition.pk)


def test_with_a_code_asked_for_an_account_alone_is_not_enough(classroom, alice):
    with pytest.raises(NotAMember, match="class code"):
        teams.join(admit(classroom, Admission.CODE), alice)


def test_a_domain_is_that_of_the_accounts_address(classroom, alice):
    challenge = admit(classroom, Admission.DOMAIN, admitted_domains="uni.example other.example")
    for wrong in ("", "alice@uni.example.evil", "alice@evil-uni.example"):
        alice.email = wrong
        with pytest.raises(NotAMember, match=r"uni\.example or other\.example"):
            teams.join(challenge, alice)
    alice.email = "alice@UNI.example"
    assert teams.join(challenge, alice)


def test_a_roster_knows_people_by_address_or_name_and_gives_the_group(classroom, alice, bob):
    challenge = admit(classroom, Admission.ROSTER)
    with pytest.raises(NotAMember, match="not on this challenge's roster"):
        teams.join(challenge, alice)
    alice.email = "alice@x.example"
    RosterEntry.objects.create(
        competition=challenge, name="A. L.", email="Alice@x.example", group="B"
    )
    RosterEntry.objects.create(competition=challenge, name=bob.get_username(), group="C")
    assert [teams.join(challenge, each).group for each in (alice, bob)] == ["B", "C"]
    assert RosterEntry.objects.filter(user=None).count() == 0


def test_a_slip_is_nobodys_but_whose_pin_it_bears(classroom, alice, host):
    challenge = admit(classroom, Admission.ROSTER)
    entry = RosterEntry.objects.create(competition=challenge, name="Anna", group="B")
    pin = entrance.new_pin(entry, host)
    wrong = "0000" if pin != "0000" else "1111"
    assert "has a PIN on a printed slip" in post(Client(), "Anna", wrong).content.decode()
    alice.first_name, alice.last_name = "Anna", ""
    with pytest.raises(NotAMember):
        teams.join(challenge, alice)  # whose account has the same name
    assert post(Client(), "Anna", pin).status_code == 302
    assert Team.objects.get(name="Anna").group == "B"
    assert RosterEntry.objects.get(pk=entry.pk).slip_pin == ""


def test_by_code_nobody_passes_a_roster(classroom):
    admit(classroom, Admission.ROSTER)
    assert "is not on this challenge's list" in post(
        Client(), "Eve", "1234"
    ).content.decode().replace("&#x27;", "'")


# --- code and PIN anew ---------------------------------------------------------------------------


def test_a_new_code_ends_the_old_one(classroom, host):
    code = admission.new_code(classroom, host)
    assert len(code) == 6 and not set(code) & set("01OIL")
    with pytest.raises(NotFound):
        entrance.challenge_of("ABC234")
    assert entrance.challenge_of(f" {code.lower()} ") == classroom
    assert admission.no_code(classroom, host) is True
    assert admission.no_code(classroom, host) is False
    assert Act.objects.filter(kind=Kind.CODE_CHANGED, actor=host).count() == 2


def test_a_new_pin_for_whoever_forgot_it(classroom, host):
    post(Client(), "Anna", "4711")
    pin = entrance.new_pin(RosterEntry.objects.get(name="Anna"), host)
    assert "not the PIN" in post(Client(), "Anna", "4711").content.decode()
    assert post(Client(), "Anna", pin).status_code == 302
    assert Act.objects.get(kind=Kind.PIN_RESET).subject == "Anna"
    assert pin not in str(Act.objects.get(kind=Kind.PIN_RESET).details)


def test_nobodys_password_is_replaced_by_a_pin(classroom, alice, host):
    entry = RosterEntry.objects.create(competition=classroom, name="Alice", user=alice)
    with pytest.raises(Refused, match="a password of their own"):
        entrance.new_pin(entry, host)


def test_what_is_over_takes_no_code(classroom):
    Competition.objects.filter(pk=classroom.pk).update(closes_at=timezone.now())
    with pytest.raises(NotOpen):
        entrance.enter(classroom, "Anna", "1234")


def test_the_projector_shows_the_code(classroom, clients):
    page = clients(None).get(f"/competitions/{classroom.slug}/projector/").content.decode()
    assert "ABC234" in page
    assert "/join/ABC234/" in page


# --- keeping the account -------------------------------------------------------------------------


def test_a_pin_account_becomes_one_with_a_password(classroom):
    browser = Client()
    post(browser, "Anna", "4711")
    fields = {"pin": "4711", "username": "anna", "email": "anna@x.example"}
    wrong = browser.post(
        "/accounts/claim/", {**fields, "password": "long-enough-for-all", "again": "1"}
    )
    assert "The two passwords differ" in wrong.content.decode()
    word = {"password": "correct-horse-battery", "again": "correct-horse-battery"}
    browser.post("/accounts/claim/", {**fields, **word})
    user = User.objects.get(username="anna")
    assert (user.has_pin, user.email) == (False, "anna@x.example")
    assert browser.get(f"/competitions/{classroom.slug}/team/").status_code == 200  # still in
    assert "signs in with a password" in post(Client(), "Anna", "4711").content.decode()


def test_a_claimed_name_must_be_free(classroom, alice):
    browser = Client()
    post(browser, "Anna", "4711")
    page = browser.post("/accounts/claim/", {"username": alice.username.upper()}).content.decode()
    assert "Somebody has that name" in page


def test_an_account_with_a_password_has_nothing_to_claim(clients, alice):
    assert "password/change" in clients(alice).get("/accounts/claim/").headers["Location"]
