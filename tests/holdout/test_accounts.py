"""Accounts and tokens: what opens a door, and what does not."""

import io
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.urls import reverse
from django.utils import timezone

from competitions import teams
from holdout.accounts import tokens
from holdout.accounts.models import Token

PASSWORD = "a long enough phrase 7"
LIST = "/api/competitions/"


@pytest.fixture
def bearer(client):
    """``bearer(token)``: what the API answers to it."""

    def get(token, path=LIST):
        return client.get(path, headers={"Authorization": f"Bearer {token}"})

    return get


# --- tokens --------------------------------------------------------------------------------------


def test_a_token_opens_the_account_it_was_made_for(alice):
    assert tokens.user_of_header(f"Bearer {tokens.create(alice)}") == alice


def test_the_database_does_not_hold_the_token(alice):
    token = tokens.create(alice, "notebook")
    stored = Token.objects.values().get()
    assert token not in str(stored)
    assert token.removeprefix(tokens.PREFIX) not in str(stored)


def test_tokens_differ_and_are_long(alice):
    made = {tokens.create(alice) for _ in range(20)}
    assert len(made) == 20
    assert min(len(token) for token in made) > 40


@pytest.mark.parametrize("header", ["Basic YTpi", "Token x", "", "x"])
def test_a_header_of_another_kind_is_left_alone(db, header):
    assert tokens.user_of_header(header) is None


@pytest.mark.parametrize("spelling", ["bearer {}", "BEARER {}", "Bearer  {} "])
def test_the_word_bearer_may_be_spelt_as_one_likes(alice, spelling):
    assert tokens.user_of_header(spelling.format(tokens.create(alice))) == alice


@pytest.mark.parametrize("value", ["", "wrong", "holdout_", "\u00e9", "x" * 10_000])
def test_a_wrong_token_is_refused_not_ignored(db, value):
    with pytest.raises(tokens.InvalidToken, match="tokens page"):
        tokens.user_of_header(f"Bearer {value}")


def test_the_digest_itself_is_no_token(alice):
    tokens.create(alice)
    with pytest.raises(tokens.InvalidToken):
        tokens.user_of_header(f"Bearer {Token.objects.get().digest}")


def test_an_account_that_was_switched_off_has_no_token(alice):
    token = tokens.create(alice)
    alice.is_active = False
    alice.save()
    with pytest.raises(tokens.InvalidToken):
        tokens.user_of_header(f"Bearer {token}")


def test_a_token_is_revoked_by_its_owner_alone(alice, bob):
    token = tokens.create(alice)
    pk = Token.objects.get().pk
    assert tokens.revoke(bob, pk) is False
    assert tokens.user_of_header(f"Bearer {token}") == alice
    assert tokens.revoke(alice, pk) is True
    with pytest.raises(tokens.InvalidToken):
        tokens.user_of_header(f"Bearer {token}")


def test_the_last_use_is_noted_now_and_then(alice, django_assert_num_queries):
    token = tokens.create(alice)
    with django_assert_num_queries(2):  # the token with its user, the note
        tokens.user_of_header(f"Bearer {token}")
    with django_assert_num_queries(1):
        tokens.user_of_header(f"Bearer {token}")
    noted = timezone.now() - tokens.TOUCH_EVERY - timedelta(seconds=1)
    Token.objects.update(last_used_at=noted)
    tokens.user_of_header(f"Bearer {token}")
    assert Token.objects.get().last_used_at > noted


# --- tokens on the site --------------------------------------------------------------------------


def test_the_api_knows_the_person(bearer, token_of, alice):
    assert bearer(token_of(alice)).status_code == 200


@pytest.mark.parametrize("path", ["/", LIST, "/accounts/tokens/"])
def test_a_wrong_token_is_401_everywhere(db, bearer, path):
    answer = bearer("wrong", path)
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == "Bearer"
    assert answer.json()["error"]["code"] == "invalid_token"


def test_a_wrong_token_is_refused_even_beside_a_good_session(clients, alice):
    answer = clients(alice).get(LIST, headers={"Authorization": "Bearer wrong"})
    assert answer.status_code == 401


def test_a_token_needs_no_csrf_token_and_a_session_does(clients, alice, competition, token_of):
    join = f"/api/competitions/{competition.slug}/join/"
    with_token = clients(None, enforce_csrf_checks=True)
    headers = {"Authorization": f"Bearer {token_of(alice)}"}
    assert with_token.post(join, headers=headers).status_code == 200
    assert clients(alice, enforce_csrf_checks=True).post(join).status_code == 403


def test_a_header_that_is_not_bearer_switches_no_csrf_check_off(clients, alice, competition):
    browser = clients(alice, enforce_csrf_checks=True)
    join = f"/api/competitions/{competition.slug}/join/"
    assert browser.post(join, headers={"Authorization": "Basic YTpi"}).status_code == 403


def test_the_page_shows_a_new_token_once(clients, alice):
    browser, page = clients(alice), reverse("accounts:tokens")
    shown = browser.post(page, {"name": "notebook"})
    assert tokens.PREFIX in shown.content.decode()
    again = browser.get(page)
    assert "notebook" in again.content.decode()
    assert tokens.PREFIX not in again.content.decode()
    assert "no-store" in shown["Cache-Control"]


def test_a_token_cannot_be_revoked_by_following_a_link(clients, alice):
    tokens.create(alice)
    pk = Token.objects.get().pk
    assert clients(alice).get(reverse("accounts:revoke_token", args=[pk])).status_code == 405
    clients(alice).post(reverse("accounts:revoke_token", args=[pk]))
    assert not Token.objects.exists()


def test_the_page_is_for_people_who_are_signed_in(client, db):
    answer = client.get(reverse("accounts:tokens"))
    assert answer.status_code == 302
    assert answer["Location"].startswith(reverse("account_login"))


# --- the command ---------------------------------------------------------------------------------


def command(*words):
    out = io.StringIO()
    call_command("create_token", *words, stdout=out)
    return out.getvalue().splitlines()


def test_the_command_prints_the_token_alone_on_its_last_line(alice):
    assert tokens.user_of_header(f"Bearer {command('alice')[-1]}") == alice


def test_the_command_makes_no_account_unasked(db):
    with pytest.raises(CommandError, match="--create"):
        command("nobody")
    assert not get_user_model().objects.exists()


def test_the_command_makes_an_account_when_asked(db):
    user = tokens.user_of_header(f"Bearer {command('robot', '--create')[-1]}")
    assert user is not None
    assert (user.username, user.has_usable_password(), user.is_staff) == ("robot", False, False)


# --- signing up and in ---------------------------------------------------------------------------


def sign_up(client, username="dora", **fields):
    data = {"username": username, "email": "", "password1": PASSWORD, "password2": PASSWORD}
    return client.post(reverse("account_signup"), {**data, **fields})


def test_signing_up_signs_in(client, db):
    answer = sign_up(client)
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert "_auth_user_id" in client.session
    user = get_user_model().objects.get()
    assert (user.username, user.is_staff, user.is_superuser) == ("dora", False, False)


@pytest.mark.parametrize("name", ["admin", "Admin", "HOST", "softmax"])
def test_names_that_would_mislead_are_not_given_out(client, db, name):
    assert sign_up(client, name).status_code == 200
    assert not get_user_model().objects.exists()


def test_nobody_signs_up_under_a_name_that_differs_in_capitals_alone(client, alice):
    assert sign_up(client, "ALICE").status_code == 200
    assert get_user_model().objects.count() == 1


@pytest.mark.parametrize("more", ["is_staff", "is_superuser"])
def test_nobody_signs_up_as_an_organiser(client, db, more):
    sign_up(client, **{more: "on"})
    user = get_user_model().objects.get()
    assert not user.is_staff
    assert not user.is_superuser


def test_a_weak_password_is_refused(client, db):
    sign_up(client, password1="12345678", password2="12345678")
    assert not get_user_model().objects.exists()


def log_in(client, password, username="alice", **extra):
    form = {"login": username, "password": password}
    return client.post(reverse("account_login"), form, **extra)


def test_the_right_password_opens(client, alice):
    alice.set_password(PASSWORD)
    alice.save()
    assert log_in(client, PASSWORD).status_code == 302


def test_wrong_passwords_are_stopped_whatever_address_they_claim(client, alice):
    alice.set_password(PASSWORD)
    alice.save()
    for n in range(5):
        log_in(client, "wrong", HTTP_X_FORWARDED_FOR=f"203.0.113.{n}")
    log_in(client, PASSWORD, HTTP_X_FORWARDED_FOR="203.0.113.99")
    assert "_auth_user_id" not in client.session


def test_a_wrong_name_and_a_wrong_password_read_the_same(client, alice):
    alice.set_password(PASSWORD)
    alice.save()
    known = log_in(client, "wrong").content.decode().replace("alice", "NAME")
    unknown = log_in(client, "wrong", "nobody").content.decode().replace("nobody", "NAME")

    def errors(page):
        return [line.strip() for line in page.splitlines() if "not correct" in line]

    assert errors(known) == errors(unknown) != []


def test_the_admin_has_no_password_form_of_its_own(client, db):
    answer = client.get("/admin/login/")
    assert answer.status_code == 302
    assert reverse("account_login") in answer["Location"]


def test_the_admin_is_for_the_host(clients, alice, host):
    assert clients(alice).get("/admin/").status_code in (302, 403)
    assert clients(host).get("/admin/").status_code == 200


def test_an_open_door_to_elsewhere_is_none(client, alice):
    alice.set_password(PASSWORD)
    alice.save()
    answer = client.post(
        reverse("account_login") + "?next=https://evil.example/",
        {"login": "alice", "password": PASSWORD, "next": "https://evil.example/"},
    )
    assert "evil" not in answer.get("Location", "")


def test_a_team_is_never_named_by_an_address(competition, person):
    assert teams.join(competition, person("eve", email="eve@example.org")).name == "eve"


@pytest.mark.parametrize("path", ["", "email/", "password/reset/", "confirm-email/"])
def test_no_page_promises_a_mail(client, db, path):
    assert client.get(f"/accounts/{path}").status_code == 404
