"""The organiser's door: a challenge made, opened and closed in the admin; no label in any page."""

import html
import re
from collections.abc import Callable

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from competitions import files, preparing, tasks
from competitions.admin.forms import CompetitionForm
from competitions.models import (
    Competition,
    Preparation,
    PrivateScore,
    State,
    Status,
    Submission,
    Team,
)
from holdout.accounts.models import Token
from scoring import METRICS
from tests.competitions.zips import hidden_zip, solution_csv, train_zip

pytestmark = pytest.mark.django_db

SETTINGS = {
    "title": "Cats, dogs and owls",
    "slug": "pets-2",
    "summary": "Who is on the picture?",
    "overview": "Welcome.",
    "data_page": "",
    "rules": "",
    "metric": "accuracy",
    "layout": "",
    "metric_parameters": "",
    "decimals": "4",
    "public_fraction": "0.3",
    "feedback": "rounded",
    "ladder_step": "",
    "prizes": "0",
    "daily_limit": "7",
    "lifetime_limit": "",
    "max_team_size": "3",
    "admission": "anyone",
    "admitted_domains": "",
    "model_rules-TOTAL_FORMS": "0",
    "model_rules-INITIAL_FORMS": "0",
    "organisers-TOTAL_FORMS": "0",
    "organisers-INITIAL_FORMS": "0",
    "opens_at_0": "",
    "opens_at_1": "",
    "closes_at_0": "",
    "closes_at_1": "",
    "freeze_minutes": "",
}
ADD = "admin:competitions_competition_add"
INLINE = {f"files-{name}": "0" for name in ("TOTAL_FORMS", "INITIAL_FORMS")}


@pytest.fixture
def admin(clients, host):
    return clients(host)


@pytest.fixture
def rung(monkeypatch) -> list[tuple[int, preparing.Inbox]]:
    """What the admin asked the workers to prepare."""
    calls: list[tuple[int, preparing.Inbox]] = []
    monkeypatch.setattr(tasks.prepare, "apply_async", lambda args, **_options: calls.append(args))
    return calls


def three_files(**content: bytes) -> dict[str, SimpleUploadedFile]:
    wanted = {"train": train_zip(), "test": hidden_zip(), "solution": solution_csv(), **content}
    endings = {"train": "zip", "test": "zip", "solution": "csv"}
    return {
        f"{name}_file": SimpleUploadedFile(f"{name}.{endings[name]}", data)
        for name, data in wanted.items()
    }


def change_page(competition: Competition) -> str:
    return reverse("admin:competitions_competition_change", args=[competition.pk])


@pytest.fixture
def create(admin, rung) -> Callable[..., Competition]:
    """``create(train=…)``: a challenge made in the browser, its files prepared."""

    def make(fields: dict[str, str] | None = None, **content: bytes) -> Competition:
        data = {**SETTINGS, **(fields or {}), **three_files(**content)}
        response = admin.post(reverse(ADD), data)
        assert response.status_code == 302, response.context["errors"]
        tasks.prepare(*rung.pop())
        return Competition.objects.latest("pk")

    return make


def confirm(admin, competition: Competition, verb: str):
    """Clicks the button and says yes."""
    url = reverse(f"admin:competitions_competition_{verb}", args=[competition.pk])
    assert "?" in admin.get(url).content.decode()
    response = admin.post(url, {"_form_submitted": "on"})
    assert response["HX-Redirect"] == change_page(competition)
    return admin.get(response["HX-Redirect"]).content.decode()


def launch(admin, competition: Competition) -> str:
    """Opens it on its page, with a reason for what is missing: no test waits for a training."""
    url = reverse("admin:competitions_competition_launch", args=[competition.pk])
    reason = {"despite": "no baseline in this test"}
    return admin.post(url, reason, follow=True).content.decode()


# --- a challenge's life --------------------------------------------------------------------------


def test_a_challenge_from_three_files_to_its_end(create, admin, clients):
    made = create()
    assert (made.preparation, made.state, made.daily_limit) == ("ready", "draft", 7)
    assert clients().get("/competitions/pets-2/").status_code == 404

    page = launch(admin, made)
    assert "The challenge is open." in page
    assert "Cats, dogs and owls" in clients().get("/").content.decode()
    assert clients().get("/competitions/pets-2/").status_code == 200

    page = confirm(admin, made, "close_now")
    assert "The challenge is closed." in page
    made.refresh_from_db()
    assert made.state == State.CLOSED


def test_the_page_says_what_was_found(create, admin):
    page = admin.get(change_page(create())).content.decode()
    assert "6 training images in 3 classes, 30 test images (9 public, 21 private)." in page
    for name in ("train.zip", "test.zip", "train.csv", "sample_submission.csv"):
        assert name in page
    assert "/competitions/pets-2/" in page


def test_wrong_files_are_answered_with_a_sentence(create, admin):
    page = admin.get(change_page(create(train=b"no zip at all"))).content.decode()
    assert "The train archive is not a whole zip archive" in page
    assert "Refused" in page


def test_a_refused_upload_is_repeated(create, admin, rung):
    made = create(train=b"no zip at all")
    admin.post(change_page(made), {**SETTINGS, **three_files()})
    tasks.prepare(*rung.pop())
    made.refresh_from_db()
    assert made.preparation == Preparation.READY


def test_two_of_three_files_are_not_enough(admin):
    uploads = three_files()
    del uploads["solution_file"]
    response = admin.post(reverse(ADD), {**SETTINGS, **uploads})
    assert "a challenge is made from all three" in response.content.decode()
    assert not Competition.objects.exists()


def test_a_draft_without_files_is_not_opened(draft, admin):
    page = launch(admin, draft)
    assert "Upload train archive, test archive and solution first" in page


def test_it_closes_after_it_opens(admin):
    dates = {"opens_at_0": "2030-01-02", "opens_at_1": "00:00",
             "closes_at_0": "2030-01-01", "closes_at_1": "00:00"}  # fmt: skip
    response = admin.post(reverse(ADD), {**SETTINGS, **dates})
    assert "must open before it closes" in response.content.decode()


def test_the_share_that_the_public_rows_were_drawn_with_stays(create, admin):
    fields = {**SETTINGS, **INLINE, "decimals": "2", "public_fraction": "0.5"}
    page = admin.post(change_page(create()), fields).content.decode()
    assert "Upload the three files again to draw anew" in page


# --- how it is scored ----------------------------------------------------------------------------


@pytest.mark.once("a form that is refused; test_parameters_are_written_one_per_line_and_read_back")
@pytest.mark.parametrize(
    ("fields", "name", "sentence"),
    [
        ({"layout": "ranked"}, "layout", "does not take the layout 'ranked', only: labels."),
        ({"metric_parameters": "k=5"}, "metric_parameters", "does not take the parameter 'k'"),
        ({"metric": "map_at_k", "metric_parameters": "k=0"}, "metric_parameters", "whole number"),
        ({"metric_parameters": "a=b\n\nk"}, "metric_parameters", "Line 3: write NAME=VALUE"),
        ({"metric_parameters": "=5"}, "metric_parameters", "Line 1: write NAME=VALUE"),
        ({"metric_parameters": "k=5\nk=6"}, "metric_parameters", "Line 2: k stands there already"),
        ({"metric": "cost_weighted_accuracy"}, "metric_parameters", "needs the parameter 'costs'"),
        ({"metric": "top_k_error", "layout": "labels"}, "layout", "only with k=1"),
    ],
)
def test_settings_that_do_not_fit_are_refused_at_their_field(admin, fields, name, sentence):
    response = admin.post(reverse(ADD), {**SETTINGS, **fields})
    (error,) = response.context["adminform"].form.errors[name]
    assert sentence in error
    assert not Competition.objects.exists()


def test_parameters_are_written_one_per_line_and_read_back(admin, draft):
    lines = "average = binary\r\n\r\npositive=owl\r\nbeta=0.5"
    fields = {**SETTINGS, "metric": "fbeta", "metric_parameters": lines}
    assert admin.post(change_page(draft), fields).status_code == 302
    draft.refresh_from_db()
    assert draft.metric_parameters == {"average": "binary", "positive": "owl", "beta": "0.5"}
    page = admin.get(change_page(draft)).content.decode()
    assert "average=binary\nbeta=0.5\npositive=owl</textarea>" in page


def test_parameters_set_as_json_come_back_as_lines(admin, draft):
    costs = {"costs": [[0, 1], [2, 0]]}
    Competition.objects.update(metric="cost_weighted_accuracy", metric_parameters=costs)
    assert "costs=[[0, 1], [2, 0]]</textarea>" in admin.get(change_page(draft)).content.decode()


def test_the_page_tells_every_parameter_of_every_metric(admin):
    page = html.unescape(admin.get(reverse(ADD)).content.decode())
    for metric in METRICS.values():
        assert metric.title in page
        for parameter in metric.parameters:
            assert f"<code>{parameter.name}</code>" in page
            assert parameter.meaning in page
    assert (
        "(default 5): How many classes of each row count, the best ones first. It must be" in page
    )
    assert "(required): What each mistake costs" in page
    assert "such as 0,1;2,0" in page


def test_parameters_are_held_against_the_classes(create, admin):
    fields = {**SETTINGS, **INLINE, "decimals": "2", "metric": "f1"}
    lines = {"metric_parameters": "average=binary\npositive=emu"}
    response = admin.post(change_page(create()), {**fields, **lines})
    (error,) = response.context["adminform"].form.errors["metric_parameters"]
    assert "There is no class 'emu'." in error


def test_another_metric_has_the_files_prepared_anew(create, admin, rung):
    made = create()
    fields = {**SETTINGS, **INLINE, "decimals": "2", "metric": "map_at_k"}
    lines = {"metric_parameters": "k=2"}
    page = admin.post(change_page(made), {**fields, **lines}, follow=True).content.decode()
    assert "prepared and tried with the new settings" in page
    made.refresh_from_db()
    assert made.preparation == Preparation.PREPARING
    tasks.prepare(*rung.pop())
    made.refresh_from_db()
    assert (made.preparation, made.solution.version) == (Preparation.READY, 2)
    sample = files.read("data", made.files.get(name=files.SAMPLE).path)
    assert sample.startswith(b"id,label\nx00.png,cat dog\n")


def test_a_metric_that_cannot_score_the_files_is_refused_and_another_is_not(create, admin, rung):
    made = create({"metric": "top_k_accuracy"})
    assert made.preparation == Preparation.REFUSED
    assert "same answer for every image" in made.preparation_note
    fields = {**SETTINGS, "metric": "top_k_accuracy", "metric_parameters": "k=2"}
    admin.post(change_page(made), fields)
    tasks.prepare(*rung.pop())
    made.refresh_from_db()
    assert made.preparation == Preparation.READY


def test_what_does_not_change_the_scoring_rings_nobody(create, admin, rung):
    made = create({"metric": "map_at_k", "metric_parameters": "k=2"})
    fields = {"metric": "map_at_k", "metric_parameters": " k = 2 \r\n", "title": "Another"}
    admin.post(change_page(made), {**SETTINGS, **INLINE, "decimals": "2", **fields})
    made.refresh_from_db()
    assert (made.title, made.preparation, rung) == ("Another", Preparation.READY, [])


def test_while_the_files_are_read_the_metric_stays(admin, rung):
    admin.post(reverse(ADD), {**SETTINGS, **three_files()})
    made = Competition.objects.get()
    page = admin.post(change_page(made), {**SETTINGS, "metric": "f1"}).content.decode()
    assert "The files are being read" in page
    made.refresh_from_db()
    assert (made.metric, len(rung)) == ("accuracy", 1)


def test_a_metric_changed_as_the_challenge_was_opened_is_not_kept(create, admin, rung, monkeypatch):
    """Between reading the row and writing it somebody opened the challenge."""
    made, checked = create(), CompetitionForm.clean

    def meanwhile(form):
        Competition.objects.filter(pk=made.pk).update(state=State.OPEN)
        return checked(form)

    monkeypatch.setattr(CompetitionForm, "clean", meanwhile)
    fields = {**SETTINGS, **INLINE, "decimals": "2", "metric": "f1"}
    page = admin.post(change_page(made), fields, follow=True).content.decode()
    assert preparing.TOO_LATE in page
    made.refresh_from_db()
    assert (made.metric, rung) == ("accuracy", [])


def test_what_is_settled_is_shown_without_a_field(competition, admin):
    Competition.objects.update(metric="fbeta", metric_parameters={"beta": "0.5"})
    page = admin.get(change_page(competition)).content.decode()
    assert "beta=0.5" in page
    assert 'name="metric_parameters"' not in page
    assert "All 26 metrics" not in page
    fields = {**SETTINGS, **INLINE, "metric": "f1", "metric_parameters": "beta=3"}
    assert admin.post(change_page(competition), fields).status_code == 302
    competition.refresh_from_db()
    assert (competition.metric, competition.metric_parameters) == ("fbeta", {"beta": "0.5"})


# --- as it goes on -------------------------------------------------------------------------------


def test_saving_the_page_reverts_nothing_that_happened_meanwhile(competition, admin, monkeypatch):
    """Between reading the row and writing it: somebody closed it, and a board moved."""
    checked = CompetitionForm.clean

    def meanwhile(form):
        Competition.objects.filter(pk=competition.pk).update(
            state=State.CLOSED, board_version=77, preparation_note="written by a worker"
        )
        return checked(form)

    monkeypatch.setattr(CompetitionForm, "clean", meanwhile)
    fields = {**SETTINGS, "title": "A new title", "daily_limit": "9"}
    assert admin.post(change_page(competition), {**fields, **INLINE}).status_code == 302
    competition.refresh_from_db()
    assert (competition.title, competition.daily_limit) == ("A new title", 9)
    assert (competition.state, competition.board_version) == (State.CLOSED, 77)
    assert competition.preparation_note == "written by a worker"


def test_the_board_gets_no_digits_that_mean_nothing(create, admin):
    made = create()
    assert made.decimals == 2
    response = admin.post(change_page(made), {**SETTINGS, **INLINE, "decimals": "4"})
    assert "With 9 public rows the most that make sense are 2" in response.content.decode()
    assert admin.post(change_page(made), {**SETTINGS, **INLINE, "decimals": "1"}).status_code == 302
    made.refresh_from_db()
    assert made.decimals == 1


def test_an_open_challenge_keeps_its_metric_and_takes_no_files(competition, admin):
    page = admin.get(change_page(competition)).content.decode()
    for name in (
        "metric",
        "layout",
        "metric_parameters",
        "slug",
        "public_fraction",
        "train_file",
        "solution_file",
    ):
        assert f'name="{name}"' not in page
    assert 'name="daily_limit"' in page


def test_without_a_queue_the_files_wait_for_the_sweep(admin, valkey):
    valkey.stop()
    admin.post(reverse(ADD), {**SETTINGS, **three_files()})
    assert Competition.objects.get().preparation == Preparation.PREPARING


def test_buttons_ask_before_they_act(competition, admin):
    """A link that somebody is made to follow closes nothing."""
    url = reverse("admin:competitions_competition_close_now", args=[competition.pk])
    assert "Close this challenge?" in admin.get(url).content.decode()
    competition.refresh_from_db()
    assert competition.state == State.OPEN


def test_a_draft_is_deleted_with_its_files(create, admin):
    made = create()
    url = reverse("admin:competitions_competition_delete", args=[made.pk])
    assert admin.get(url).status_code == 200
    admin.post(url, {"post": "yes"})
    assert not Competition.objects.exists()


def test_a_challenge_with_people_in_it_is_not_deleted(competition, admin):
    url = reverse("admin:competitions_competition_delete", args=[competition.pk])
    assert admin.post(url, {"post": "yes"}).status_code == 403


# --- who, and what is shown ----------------------------------------------------------------------


def test_the_admin_sends_everyone_to_the_one_login(clients, alice):
    for user in (None, alice):
        response = clients(user).get("/admin/competitions/competition/")
        assert response.status_code == 302
        assert response["Location"].startswith(("/accounts/login/", "/admin/login/"))


def pages(admin) -> list[str]:
    """Every list, and the first page of each of its rows."""
    index = admin.get("/admin/").content.decode()
    lists = sorted(set(re.findall(r"/admin/[a-z]+/[a-z]+/(?=\")", index)))
    assert lists, "the index links to its lists"
    found = [index]
    for address in lists:
        page = admin.get(address)
        assert page.status_code == 200
        found.append(page.content.decode())
        for change in sorted(set(re.findall(rf"{address}\d+/change/", found[-1])))[:2]:
            found.append(admin.get(change).content.decode())
    return found


def test_no_page_shows_a_label_or_a_private_score(admin, competition, scored, alice, answers):
    submission = scored(alice, answers(wrong=1, wrong_private=5))
    PrivateScore.objects.filter(submission=submission).update(value=0.73918)
    every = pages(admin)
    assert len(every) > 8
    for page in every:
        assert "73918" not in page
        assert "0.5833" not in page  # 7 of 12, the private score before
        assert "img_0" not in page
        assert "solutionversion" not in page
        assert "privatescore" not in page


@pytest.mark.parametrize(
    "probe",
    [
        "submission/?private_scores__value__gt=0.5",
        "submission/?team__submissions__private_scores__value__gt=0.5",
        "team/?submissions__private_scores__value__gt=0.5",
        "competition/?solution__path__startswith=a",
    ],
)
def test_filters_in_the_address_answer_nothing_secret(admin, competition, probe):
    assert admin.get(f"/admin/competitions/{probe}").status_code == 400


def test_submissions_are_read_and_searched(admin, submit, scored, alice, bob, answers):
    scored(alice, answers(wrong=1), name="first_try.csv")
    refused = submit(bob, b"id,label\n", name="empty.csv")
    Submission.objects.filter(pk=refused.pk).update(
        status=Status.INVALID,
        slot=None,
        lifetime_slot=None,
        attempt=1,
        finished_at=refused.received_at,
        error="Line 7: who is this?",
        problems=[{"code": "unknown_class", "line": 7, "message": "who is this?"}],
        more_problems=2,
    )
    address = reverse("admin:competitions_submission_changelist")
    page = admin.get(address).content.decode()
    assert "first_try.csv" in page and "0.8333" in page and "Your file" in page
    found = admin.get(address, {"q": "empty"}).content.decode()
    assert "empty.csv" in found and "first_try.csv" not in found
    filtered = admin.get(address, {"status__exact": "scored"}).content.decode()
    assert "first_try.csv" in filtered and "empty.csv" not in filtered
    page = admin.get(f"{address}{refused.pk}/change/").content.decode()
    assert "Line 7: who is this?" in page and "And 2 more like these." in page


@pytest.mark.parametrize("way", ["add/", "{pk}/delete/"])
def test_submissions_are_never_added_nor_deleted(admin, submit, alice, answers, way):
    submission = submit(alice, answers())
    address = reverse("admin:competitions_submission_changelist")
    assert admin.post(address + way.format(pk=submission.pk)).status_code == 403


def test_submissions_are_never_changed(admin, submit, alice, answers):
    submission = submit(alice, answers())
    page = reverse("admin:competitions_submission_change", args=[submission.pk])
    assert admin.post(page, {"status": "scored", "message": "mine"}).status_code == 403


def test_a_team_becomes_a_line_to_beat(admin, competition, scored, alice, answers):
    team = scored(alice, answers()).team
    version = Competition.objects.get().board_version
    page = reverse("admin:competitions_team_change", args=[team.pk])
    assert "alice" in admin.get(page).content.decode()
    said_yes = {"_form_submitted": "on", "reason": ""}
    admin.post(reverse("admin:competitions_team_mark_baseline", args=[team.pk]), said_yes)
    assert Team.objects.get().is_baseline
    assert Competition.objects.get().board_version == version + 1


@pytest.mark.parametrize(
    ("name", "kept", "sentence"),
    [
        ("So\u200bft\u200b  max", "Soft max", ""),
        ("\u200b\u2800", "alice", "at least one visible character"),
        ("B\u200bob", "alice", "Bob"),
    ],
)
def test_a_team_is_renamed_as_people_would_rename_it(
    admin, competition, scored, alice, answers, name, kept, sentence
):
    team = scored(alice, answers()).team
    Team.objects.create(competition=competition, name="Bob")
    Team.objects.filter(pk=team.pk).update(name="alice", name_key="alice")
    page = reverse("admin:competitions_team_change", args=[team.pk])
    inline = {"members-TOTAL_FORMS": "0", "members-INITIAL_FORMS": "0"}
    assert sentence in admin.post(page, {"name": name, **inline}).content.decode()
    team.refresh_from_db()
    assert (team.name, team.name_key) == (kept, kept.casefold())


def test_a_token_is_never_shown(admin, alice, token_of):
    secret = token_of(alice)
    token = Token.objects.get()
    address = reverse("admin:accounts_token_changelist")
    for page in (address, f"{address}{token.pk}/change/"):
        content = admin.get(page).content.decode()
        assert secret not in content and token.digest not in content
    assert admin.get(f"{address}add/").status_code == 403


def test_an_organiser_makes_another(admin, alice):
    page = reverse("admin:accounts_user_change", args=[alice.pk])
    fields = {"username": "alice", "is_active": "on", "is_staff": "on", "email": ""}
    assert admin.post(page, {**fields, "first_name": "", "last_name": ""}).status_code == 302
    alice.refresh_from_db()
    assert alice.is_staff


# --- how many queries ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "most"),
    [
        # session, user, count, count of all, rows
        ("competitions_competition", 7),
        # and the choices of the filters, and the first and last day of the dates' bar
        ("competitions_submission", 11),
        ("competitions_team", 8),
        ("accounts_user", 7),
        ("accounts_token", 7),
    ],
)
def test_lists_ask_no_more_for_more_rows(
    admin, submit, alice, bob, answers, token_of, django_assert_max_num_queries, name, most
):
    for user in (alice, bob, alice, bob):
        submit(user, answers(), name=f"{user.username}.csv")
        token_of(user)
    with django_assert_max_num_queries(most):
        assert admin.get(reverse(f"admin:{name}_changelist")).status_code == 200
