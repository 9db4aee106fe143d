"""The REST door: every route for everybody, every refusal in words, nothing private anywhere."""

import itertools
import json
import re
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

import holdout.celery  # noqa: F401  (the bell must ring in our own Valkey)
from competitions import leaderboard, lifecycle, solutions, submissions
from competitions.api import urls
from competitions.models import Competition, DataFile, Status, Submission
from holdout.accounts.models import User
from scoring import InvalidSubmission
from tests.classroom import Valkey, compiled, make_competition

LIST = "/api/competitions/"
PETS = "/api/competitions/pets/"
BOARD = "/api/competitions/pets/leaderboard/"
SEND = "/api/competitions/pets/submissions/"
JOIN = "/api/competitions/pets/join/"

# Who gets what, for Alice's competition and Alice's submission; "draft" has nobody but the host.
ROLES = ("visitor", "charlie", "bob", "alice", "host")
MATRIX = {
    ("GET", "competitions"): (200, 200, 200, 200, 200),
    ("GET", "competition"): (200, 200, 200, 200, 200),
    ("GET", "leaderboard"): (200, 200, 200, 200, 200),
    ("GET", "history"): (200, 200, 200, 200, 200),
    ("GET", "final"): (404, 404, 404, 404, 404),
    ("POST", "join"): (401, 200, 200, 200, 200),
    ("GET", "submissions"): (401, 200, 200, 200, 200),
    ("POST", "submissions"): (401, 403, 202, 202, 403),
    ("GET", "submission"): (401, 404, 404, 200, 200),
    ("POST", "pick"): (401, 404, 404, 400, 404),  # hers has no score yet
    ("DELETE", "pick"): (401, 404, 404, 200, 404),
    ("POST", "cancel"): (401, 404, 404, 400, 404),  # hers is no model
    ("GET", "competition of draft"): (404, 404, 404, 404, 200),
    ("GET", "leaderboard of draft"): (404, 404, 404, 404, 200),
    ("GET", "history of draft"): (404, 404, 404, 404, 200),
    ("GET", "final of draft"): (404, 404, 404, 404, 404),
    ("GET", "submissions of draft"): (401, 404, 404, 404, 200),
    ("POST", "join of draft"): (401, 404, 404, 404, 200),
    ("POST", "submissions of draft"): (401, 404, 404, 404, 403),
}


@pytest.fixture
def people(
    alice: User, bob: User, charlie: User, host: User, team_of: Callable[..., Any]
) -> dict[str, User | None]:
    team_of(alice)
    team_of(bob)
    return {"visitor": None, "charlie": charlie, "bob": bob, "alice": alice, "host": host}


@pytest.fixture
def bearer(token_of: Callable[[User], str]) -> Callable[[User], Client]:
    """A program with a token of that person; it would notice if a CSRF token were asked for."""

    def make(user: User) -> Client:
        client = Client(enforce_csrf_checks=True)
        client.defaults["HTTP_AUTHORIZATION"] = f"Bearer {token_of(user)}"
        return client

    return make


def upload(content: bytes = b"id,label\n", name: str = "answers.csv") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, "text/csv")


def error_of(response: Any) -> tuple[int, str, str]:
    """Status, code and message of a refusal, whose body holds nothing else."""
    assert response.headers["Content-Type"] == "application/json"
    body = response.json()
    assert set(body) == {"error"}
    assert set(body["error"]) == {"code", "message"}
    return response.status_code, body["error"]["code"], body["error"]["message"]


def address(route: str, submission: Submission) -> str:
    name, _, place = route.partition(" of ")
    if name == "competitions":
        return reverse("api:competitions")
    if name in ("submission", "pick", "cancel"):
        return reverse(f"api:{name}", args=[submission.public_id])
    return reverse(f"api:{name}", args=["secret" if place else "pets"])


def ask(client: Client, method: str, route: str, submission: Submission) -> Any:
    data = {"file": upload()} if method == "POST" and route.startswith("submissions") else None
    return (
        client.generic(method, address(route, submission))
        if data is None
        else client.post(address(route, submission), data)
    )


# --- who gets what -------------------------------------------------------------------------------


@pytest.mark.parametrize("door", ["session", "token"])
@pytest.mark.parametrize(("method", "route"), MATRIX, ids=map(" ".join, MATRIX))
def test_permission_matrix(method, route, door, people, draft, submit, answers, clients, bearer):
    hers = submit(people["alice"], answers())
    got = []
    for role in ROLES:
        user = people[role]
        client = bearer(user) if door == "token" and user else clients(user)
        response = ask(client, method, route, hers)
        got.append(response.status_code)
        if response.status_code >= 400:
            error_of(response)
    assert tuple(got) == MATRIX[method, route]


def test_the_matrix_knows_every_route():
    routes = {pattern.name for pattern in urls.urlpatterns if pattern.name}
    assert routes == {route.partition(" of ")[0] for _, route in MATRIX}


def test_drafts_are_listed_for_organisers_alone(competition, draft, host, alice, clients):
    def slugs(client: Client) -> list[str]:
        return [one["slug"] for one in client.get(LIST).json()]

    assert slugs(clients(host)) == ["secret", "pets"]
    assert slugs(clients(alice)) == slugs(clients()) == ["pets"]


def test_anothers_submission_is_answered_like_none(submit, alice, bob, answers, clients):
    hers = submit(alice, answers())
    foreign = error_of(clients(bob).get(f"/api/submissions/{hers.public_id}/"))
    nobodys = uuid.uuid4()
    missing = error_of(clients(bob).get(f"/api/submissions/{nobodys}/"))
    assert foreign[:2] == missing[:2] == (404, "not_found")
    assert foreign[2].replace(str(hers.public_id), "") == missing[2].replace(str(nobodys), "")


def test_the_list_holds_the_own_teams_submissions(submit, alice, bob, host, answers, clients):
    hers, his = submit(alice, answers(1)), submit(bob, answers(2))

    def ids(user: User) -> list[str]:
        return [one["id"] for one in clients(user).get(SEND).json()]

    assert ids(alice) == [str(hers.public_id)]
    assert ids(bob) == [str(his.public_id)]
    assert ids(host) == [str(his.public_id), str(hers.public_id)]


def test_an_unknown_token_is_no_visitor(competition):
    response = Client().get(PETS, headers={"Authorization": "Bearer holdout_wrong"})
    assert error_of(response)[:2] == (401, "invalid_token")


def test_anonymous_is_told_how_to_sign_in(competition):
    response = Client().post(JOIN)
    status, code, message = error_of(response)
    assert (status, code) == (401, "not_authenticated")
    assert "Bearer TOKEN" in message
    assert response.headers["WWW-Authenticate"] == "Bearer"


def test_a_session_needs_the_csrf_token(competition, alice, clients):
    browser = clients(alice, enforce_csrf_checks=True)
    status, code, message = error_of(browser.post(JOIN))
    assert (status, code) == (403, "permission_denied")
    assert "X-CSRFToken" in message
    browser.cookies["csrftoken"] = "a" * 32
    assert browser.post(JOIN, headers={"X-CSRFToken": "a" * 32}).status_code == 200


# --- the challenges ------------------------------------------------------------------------------


def test_how_a_challenge_is_scored(db, solution_csv, clients):
    parameters = {"average": "micro", "beta": 0.5}
    make_competition("pets", solution_csv, metric="fbeta", metric_parameters=parameters)
    told = clients().get(PETS).json()
    title = "F-beta, average = micro, beta = 0.5"
    assert told["metric"] == {"key": "fbeta", "title": title, "direction": "maximize"}
    assert (told["metric_parameters"], told["layout"]) == (parameters, "labels")
    board = clients().get(BOARD)
    assert board.json()["metric_title"] == title
    Competition.objects.update(layout="sets", metric_parameters={"average": "weighted"})
    assert clients().get(PETS).json()["layout"] == "sets"
    assert clients().get(BOARD).headers["ETag"] != board.headers["ETag"]


def test_a_challenge_as_a_visitor_sees_it(competition, clients):
    sample = DataFile.objects.get()
    assert clients().get(PETS).json() == {
        "slug": "pets",
        "title": "The pets challenge",
        "summary": "",
        "phase": "open",
        "metric": {"key": "accuracy", "title": "Accuracy", "direction": "maximize"},
        "metric_parameters": {},
        "layout": "labels",
        "opens_at": None,
        "freezes_at": None,
        "closes_at": None,
        "published_at": None,
        "feedback": "rounded",
        "late_submissions": False,
        "prizes": 0,
        "daily_limit": 5,
        "lifetime_limit": 20,
        "max_team_size": 5,
        "classes": ["cat", "dog", "owl"],
        "files": [
            {
                "name": "sample_submission.csv",
                "size": sample.size,
                "sha256": sample.sha256,
                "rows": 18,
                "description": "",
                "url": "/competitions/pets/data/sample_submission.csv",
            }
        ],
        "test_rows": {"public": 6, "private": 12},
        "commitment": "0" * 64,
        "label_seal": "",
        "joined": False,
        "announcements": [],
        "attempts": None,
        "models": None,
    }


def test_the_list_is_the_detail_without_announcements_attempts_and_models(
    competition, alice, host, team_of, clients
):
    team_of(alice)
    for n in range(6):
        lifecycle.announce(competition, f"Sentence {n}.", host)
    client = clients(alice)
    detail = client.get(PETS).json()
    told = detail.pop("announcements")
    assert [one["text"] for one in told] == [f"Sentence {n}." for n in (5, 4, 3, 2, 1)]
    assert set(told[0]) == {"id", "text", "at"}
    assert detail.pop("attempts")["left"] == 5
    assert detail.pop("models") is None
    assert client.get(LIST).json() == [detail]
    assert detail["joined"] is True


def test_a_draft_without_files_is_shown_to_its_host(draft, host, clients):
    shown = clients(host).get("/api/competitions/secret/").json()
    assert shown["phase"] == "draft"
    assert (shown["classes"], shown["files"]) == ([], [])
    assert (shown["test_rows"], shown["commitment"]) == (None, None)


def test_attempts_count_down(submit, alice, answers, clients):
    submit(alice, answers())
    attempts = clients(alice).get(PETS).json()["attempts"]
    assert (attempts["limit"], attempts["used"], attempts["left"]) == (5, 1, 4)
    assert attempts["resets_at"].endswith("T00:00:00Z")


def test_joining_twice_gives_the_same_team(competition, alice, bearer):
    client = bearer(alice)
    first, second = client.post(JOIN).json(), client.post(JOIN).json()
    assert first == second
    assert first["team"]["name"] == "Alice"
    assert first["team"]["members"] == 1


def test_a_closed_challenge_cannot_be_joined(competition, alice, clients):
    lifecycle.close_now(competition)
    status, code, message = error_of(clients(alice).post(JOIN))
    assert (status, code) == (409, "not_open")
    assert "closed" in message


# --- sending files -------------------------------------------------------------------------------


def test_a_file_is_taken_and_its_bell_rung(
    competition, alice, team_of, bearer, answers, valkey: Valkey, django_capture_on_commit_callbacks
):
    team_of(alice)
    with django_capture_on_commit_callbacks(execute=True):
        response = bearer(alice).post(SEND, {"file": upload(answers()), "message": " first "})
    submission = Submission.objects.get()
    assert response.status_code == 202
    assert response.json() == {
        "id": str(submission.public_id),
        "status": "received",
        "url": f"/api/submissions/{submission.public_id}/",
    }
    assert response.headers["Location"] == response.json()["url"]
    assert (submission.user, submission.message) == (alice, "first")
    assert submission.status == Status.QUEUED
    assert valkey.client.llen("score") == 1


def test_without_a_broker_the_file_is_taken_all_the_same(
    alice, team_of, clients, answers, valkey: Valkey, django_capture_on_commit_callbacks
):
    team_of(alice)
    valkey.stop()
    with django_capture_on_commit_callbacks(execute=True):
        response = clients(alice).post(SEND, {"file": upload(answers())})
    assert response.status_code == 202
    assert Submission.objects.get().status == Status.RECEIVED


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({}, "curl -F file=@submission.csv"),
        ({"file": "id,label"}, "curl -F file=@submission.csv"),
        ({"file": upload(), "mesage": "typo"}, "`mesage` is not a field"),
        ({"file": upload(), "message": "m" * 201}, "Shorten it"),
        ({"file": upload(), "message": "a\0b"}, "Null characters"),
    ],
    ids=["no file", "text for a file", "misspelt field", "long message", "NUL"],
)
def test_a_wrong_request_is_refused_in_words(data, told, competition, alice, team_of, clients):
    team_of(alice)
    status, code, message = error_of(clients(alice).post(SEND, data))
    assert (status, code) == (400, "invalid")
    assert told in message
    assert not Submission.objects.exists()


def test_a_browsers_hidden_field_is_no_mistake(competition, alice, team_of, clients):
    team_of(alice)
    browser = clients(alice, enforce_csrf_checks=True)
    browser.cookies["csrftoken"] = "a" * 32
    response = browser.post(SEND, {"file": upload(), "csrfmiddlewaretoken": "a" * 32})
    assert response.status_code == 202


def test_an_empty_file_is_left_to_the_scoring(competition, alice, team_of, clients):
    team_of(alice)
    assert clients(alice).post(SEND, {"file": upload(b"")}).status_code == 202


def test_json_is_refused_with_the_remedy(competition, alice, team_of, clients):
    team_of(alice)
    response = clients(alice).post(SEND, {"file": "x"}, content_type="application/json")
    status, code, message = error_of(response)
    assert (status, code) == (415, "unsupported_media_type")
    assert "multipart/form-data" in message


def test_a_broken_body_is_refused(competition, alice, team_of, clients):
    team_of(alice)
    response = clients(alice).generic("POST", SEND, b"--x", "multipart/form-data")
    assert error_of(response)[:2] == (400, "parse_error")


def test_too_many_fields_are_refused(competition, alice, team_of, clients):
    team_of(alice)
    many = {f"field{n}": "" for n in range(1001)}
    assert error_of(clients(alice).post(SEND, many))[0] == 400


def test_the_days_limit(submit, alice, answers, clients):
    for _ in range(5):
        submit(alice, answers())
    status, code, message = error_of(clients(alice).post(SEND, {"file": upload(answers())}))
    assert (status, code) == (429, "limit_reached")
    assert "00:00 UTC" in message


def test_a_file_too_large(competition, alice, team_of, clients):
    team_of(alice)
    response = clients(alice).post(SEND, {"file": upload(b"x" * (1024 * 1024 + 1))})
    assert error_of(response)[:2] == (413, "file_too_large")
    assert not Submission.objects.exists()


def test_a_closed_challenge_takes_no_file(competition, alice, team_of, clients, answers):
    team_of(alice)
    lifecycle.close_now(competition)
    response = clients(alice).post(SEND, {"file": upload(answers())})
    assert error_of(response)[:2] == (409, "not_open")


# --- what became of them -------------------------------------------------------------------------


@pytest.fixture
def refused(submit: Callable[..., Submission]) -> Callable[..., Submission]:
    """``refused(alice, content)``: her file uploaded and found wrong."""

    def find(user: User, content: bytes) -> Submission:
        from_worker = submissions.claim(submit(user, content).pk)
        assert from_worker is not None
        current = from_worker.team.competition
        with pytest.raises(InvalidSubmission) as caught:
            solutions.evaluate(content, compiled(current), solutions.spec(current))
        submissions.reject(from_worker, caught.value)
        return from_worker

    return find


def test_a_scored_submission(scored, alice, answers, clients):
    submission = scored(alice, answers(wrong=2, wrong_private=5), message="two off")
    shown = clients(alice).get(f"/api/submissions/{submission.public_id}/").json()
    times = {"received_at": shown.pop("received_at"), "finished_at": shown.pop("finished_at")}
    assert all(time.endswith("Z") for time in times.values())
    assert shown == {
        "id": str(submission.public_id),
        "competition": "pets",
        "team": "Alice",
        "kind": "file",
        "status": "scored",
        "public_score": "0.6667",
        "error": "",
        "problems": [],
        "more_problems": 0,
        "file_name": "answers.csv",
        "message": "two off",
        "pick": None,
        "is_late": False,
        "excluded": "",
        "run": None,
        "remarks": [],
    }


def test_a_refused_submission_names_its_problems(refused, alice, clients):
    submission = refused(alice, b"id,label\nimg_00.png,lion\n")
    shown = clients(alice).get(f"/api/submissions/{submission.public_id}/").json()
    assert (shown["status"], shown["public_score"]) == ("invalid", None)
    assert shown["error"]
    assert all(set(problem) == {"code", "line", "message"} for problem in shown["problems"])
    assert shown["problems"][0]["line"] == 2


def test_a_submission_still_waiting(submit, alice, answers, clients):
    submission = submit(alice, answers())
    shown = clients(alice).get(f"/api/submissions/{submission.public_id}/").json()
    assert (shown["status"], shown["public_score"], shown["finished_at"]) == (
        "received",
        None,
        None,
    )


def test_older_submissions_are_a_page_further(submit, alice, answers, clients, monkeypatch):
    monkeypatch.setattr("competitions.api.submissions.Pages.page_size", 2)
    sent = [str(submit(alice, answers()).public_id) for _ in range(3)]
    client = clients(alice)
    first = client.get(SEND)
    assert [one["id"] for one in first.json()] == [sent[2], sent[1]]
    assert first.headers["Link"] == f'<http://testserver{SEND}?page=2>; rel="next"'
    second = client.get(SEND, {"page": 2})
    assert [one["id"] for one in second.json()] == [sent[0]]
    assert second.headers["Link"] == f'<http://testserver{SEND}>; rel="prev"'
    status, code, message = error_of(client.get(SEND, {"page": 3}))
    assert (status, code) == (404, "not_found")
    assert "no page 3" in message


def test_no_private_score_and_no_bare_float_anywhere(scored, alice, bob, host, answers, clients):
    # public 4 of 6, private 7 of 12
    submission = scored(alice, answers(wrong=2, wrong_private=5))
    routes = [LIST, PETS, BOARD, SEND, f"/api/submissions/{submission.public_id}/"]
    for user, route in itertools.product((None, alice, bob, host), routes):
        body = clients(user).get(route).content
        for secret in (rb"0\.66666", rb"0\.583", rb"58\.3"):
            found = re.search(rb"(?<!\d)" + secret, body)  # a moment may hold the same digits
            assert not found, f"{secret!r} at {route} for {user}"


# --- the board -----------------------------------------------------------------------------------


def test_the_board(scored, alice, bob, answers, clients):
    scored(alice, answers(wrong=2))
    scored(bob, answers(wrong=1))
    board = clients().get(BOARD).json()
    assert {key: board[key] for key in board if key != "rows"} == {
        "version": 2,
        "metric": "accuracy",
        "metric_title": "Accuracy",
        "direction": "maximize",
        "decimals": 4,
        "feedback": "rounded",
        "frozen_since": None,
        "noise": None,
        "leader": {"team_id": board["rows"][0]["team_id"], "value": 0.8333},
        "teams": 2,
        "page": 1,
        "pages": 1,
        "you": None,
    }
    assert [(row["rank"], row["team"], row["score"], row["value"]) for row in board["rows"]] == [
        (1, "Bob", "0.8333", 0.8333),
        (2, "Alice", "0.6667", 0.6667),
    ]


def test_board_rows_are_the_verbs_own(scored, alice, answers, competition, clients):
    scored(alice, answers(wrong=1))
    rows = [row.public() for row in leaderboard.board(competition).rows]
    assert clients().get(BOARD).json()["rows"] == json.loads(json.dumps(rows))


def test_an_unchanged_board_is_not_built(
    scored, alice, bob, answers, clients, django_assert_num_queries
):
    scored(alice, answers(wrong=1))
    first = clients().get(BOARD)
    assert first.headers["Cache-Control"] == "no-cache"
    etag = first.headers["ETag"]
    for asked in (etag, etag.removeprefix("W/"), f'"other", {etag}', "*"):
        with django_assert_num_queries(1):  # the competition
            again = clients().get(BOARD, headers={"If-None-Match": asked})
        assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", etag)
    scored(bob, answers())
    changed = clients().get(BOARD, headers={"If-None-Match": etag})
    assert changed.status_code == 200
    assert changed.headers["ETag"] != etag


def test_boards_of_two_challenges_have_different_etags(competition, solution_csv, clients):
    make_competition("birds", solution_csv)
    other = clients().get("/api/competitions/birds/leaderboard/")
    assert clients().get(BOARD).headers["ETag"] != other.headers["ETag"]


# --- query counts --------------------------------------------------------------------------------


@pytest.fixture
def crowd(
    competition: Competition, solution_csv: bytes, person: Any, scored: Any, answers: Any
) -> list[User]:
    """Three challenges; six people in two of them, with two scored files each."""
    other = make_competition("birds", solution_csv)
    make_competition("trees", solution_csv)
    users = [person(f"user{n}") for n in range(6)]
    for user, where in itertools.product(users, (competition, other)):
        scored(user, answers(1), competition=where)
        scored(user, answers(2), competition=where)
    return users


@pytest.mark.parametrize(
    ("route", "visitor", "member"),
    [
        # competitions with solution, files; a member: session, user, memberships
        (LIST, 2, 5),
        # competition with solution, files, announcements; a member: session, user, team, clock,
        # count of slots
        (PETS, 3, 8),
        # competition, standings (made for the visitor); a member: session, user, team, own line
        # and its rank
        (BOARD, 2, 6),
    ],
)
def test_queries_of_public_routes(
    route, visitor, member, crowd, clients, django_assert_num_queries
):
    with django_assert_num_queries(visitor):
        clients().get(route)
    client = clients(crowd[0])
    with django_assert_num_queries(member):
        client.get(route)


def test_queries_of_own_submissions(crowd, clients, django_assert_num_queries):
    client = clients(crowd[0])
    with django_assert_num_queries(5):  # session, user, competition, count, submissions with scores
        assert len(client.get(SEND).json()) == 2
    hers = Submission.objects.filter(user=crowd[0])[0]
    with django_assert_num_queries(4):  # session, user, submission with its score; a correction
        client.get(f"/api/submissions/{hers.public_id}/")


# --- addresses and methods -----------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/api/", "/api/nothing/", "/api/submissions/12/", "/api/a\nb/"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_unknown_addresses_are_told_in_json(path, method, db):
    client = Client(enforce_csrf_checks=True)
    status, code, message = error_of(client.generic(method, quote(path)))
    assert (status, code) == (404, "not_found")
    assert path in message


def test_an_address_without_its_slash_is_led_to_it(competition):
    response = Client().get(PETS.rstrip("/"))
    assert (response.status_code, response.headers["Location"]) == (301, PETS)


def test_state_is_never_changed_by_get(competition, alice, clients):
    response = clients(alice).get(JOIN)
    assert error_of(response)[:2] == (405, "method_not_allowed")
    assert response.headers["Allow"] == "POST, OPTIONS"


def test_only_json_is_offered(competition):
    response = Client().get(PETS, headers={"Accept": "application/pdf"})
    assert error_of(response)[:2] == (406, "not_acceptable")


def test_answers_are_not_kept_by_caches(competition, alice, clients):
    assert clients(alice).get(PETS).headers["Cache-Control"] == "private, no-store"
