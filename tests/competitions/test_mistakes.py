"""What the class got wrong: the arithmetic, who sees what and when, and no label by the way."""

import json
import re

import numpy as np
import pytest
from django.contrib.auth.models import Permission
from django.utils import timezone

from competitions import files, lifecycle, reveal, tasks
from competitions.insight import mistakes, predictions, reports
from competitions.insight.confusion import Crowd, Grades
from competitions.models import (
    Act,
    Competition,
    DataFile,
    Kind,
    Mistakes,
    ModelRules,
    Organiser,
    Role,
)
from tests.classroom import CLASSES, PUBLIC, TRUTH
from tests.competitions.crowd import crowd, guesses, labels, probabilities, sure
from tests.competitions.zips import image, packed

DESPITE = "The seal of this test is not real."

# --- the arithmetic ------------------------------------------------------------------------------


def few():
    """Three teams on five images of three classes; the best team first."""
    truth = np.array([0, 0, 1, 1, 2])
    codes = np.array([[0, 0, 1, 0, 2], [0, 1, 1, 0, 1], [1, 1, 1, 0, 0]], np.uint8)
    return Crowd(truth, codes, 3)


def test_the_confusion_is_the_mean_teams():
    one = few()
    assert one.counts(1).tolist() == [[1, 1, 0], [1, 1, 0], [0, 1, 0]]
    assert one.confusion.round(3).tolist() == [[0.5, 0.5, 0], [0.5, 0.5, 0], [0.333, 0.333, 0.333]]


def test_what_a_common_answer_would_get_right():
    one = few()
    assert one.accuracy().tolist() == [0.8, 0.4, 0.2]
    # Of the last image everybody says something else: the best team's answer decides.
    assert one.majority() == 3 / 5
    assert one.oracle() == 4 / 5
    assert one.solved.tolist() == [2, 1, 3, 0, 1]
    assert one.worst_answer().tolist() == [1, 2, 0, 3, 1]


def test_agreement_of_pairs_and_on_average():
    one = few()
    pairs = [one.agreement(a, b) for a, b in ((0, 1), (0, 2), (1, 2))]
    assert pairs == [0.6, 0.4, 0.6]
    assert one.mean_agreement() == pytest.approx(np.mean(pairs))
    assert Crowd(one.truth, one.codes[:1], 3).mean_agreement() is None


def test_the_most_disputed_images_need_no_label():
    apart = few().disputed()
    assert apart.argmax() == 4
    assert apart[2] == apart[3] == 0
    other = Crowd((few().truth + 1) % 3, few().codes, 3)
    assert (other.disputed() == apart).all()


def test_blocks_change_nothing(monkeypatch):
    whole = few()
    found = (whole.majority(), whole.mean_agreement(), whole.disputed().tolist())
    monkeypatch.setattr("competitions.insight.confusion.BLOCK", 2)
    assert (whole.majority(), whole.mean_agreement(), whole.disputed().tolist()) == found


def test_grades_are_zero_where_nothing_defines_them():
    grades = Grades.of(np.array([[2.0, 0.0], [2.0, 0.0]]))
    assert grades.precision.tolist() == [0.5, 0]
    assert grades.recall.tolist() == [1, 0]
    assert grades.f1.round(3).tolist() == [0.667, 0]


# --- the report ----------------------------------------------------------------------------------


@pytest.fixture
def many(enter):
    """A challenge of 600 images, and five teams of which each is a little worse."""
    where = crowd()
    for n, name in enumerate(("ada", "ben", "cleo", "dan", "eve")):
        enter(where, name, labels(0.9 - 0.05 * n, n))
    return where


def fresh(where):
    return Competition.objects.get(pk=where.pk)


def told_of(where):
    return reports.read(fresh(where)).told


def test_before_the_reveal_it_speaks_of_the_public_rows_alone(many):
    assert mistakes.refresh(many.pk).is_changed
    told = told_of(many)
    assert (told["split"], told["rows"], len(told["teams"])) == ("public", 200, 5)
    row = Mistakes.objects.get()
    lifecycle.close_now(fresh(many))
    reveal.reveal(fresh(many), despite=DESPITE)
    assert many.pk in stale_later()
    mistakes.refresh(many.pk)
    told = told_of(many)
    assert (told["split"], told["rows"]) == ("counted", 600)
    assert told["accuracy"]["best"] == pytest.approx(0.9, abs=0.05)
    assert not files.storage("solutions").exists(row.path)  # what nobody names is gone


def stale_later():
    Mistakes.objects.update(computed_at=timezone.now() - 2 * mistakes.EVERY)
    return mistakes.stale()


def test_it_is_made_anew_once_the_board_moved_and_not_all_the_time(many, enter):
    assert mistakes.stale() == [many.pk]
    mistakes.refresh(many.pk)
    assert stale_later() == []
    enter(many, "ada", labels(0.95, 9))
    assert stale_later() == [many.pk]
    Mistakes.objects.update(computed_at=timezone.now())
    assert mistakes.stale() == []


def test_the_report_tells_no_single_label(many):
    mistakes.refresh(many.pk)
    row = Mistakes.objects.get()
    report = files.read("solutions", row.path).decode()
    assert '"label"' not in report
    assert '"solved"' not in report
    assert all(set(one) == {"id", "answers", "thumbnail"} for one in json.loads(report)["disputed"])
    assert "label" in json.loads(files.read("solutions", row.labels_path))["hardest"][0]


def test_probabilities_count_by_the_likeliest_class(enter):
    where = crowd(metric="log_loss", layout="probabilities")
    enter(where, "ada", probabilities(0.8, 1))
    enter(where, "ben", sure(guesses(0.7, 2)))
    mistakes.refresh(where.pk)
    assert told_of(where)["accuracy"]["mean"] == pytest.approx(0.75, abs=0.08)


def test_where_files_name_no_class_it_says_so(enter, clients, host):
    where = crowd()
    Competition.objects.filter(pk=where.pk).update(layout="sets", metric="hamming_loss")
    assert not predictions.name_a_class(fresh(where))
    mistakes.refresh(where.pk)
    page = clients(host).get(f"/competitions/{where.slug}/mistakes/").content.decode()
    assert "does not name one class" in page


def test_a_run_out_of_time_goes_on_later(many):
    predictions._codes.cache_clear()
    assert not mistakes.refresh(many.pk, seconds=-1).is_complete
    assert not Mistakes.objects.exists()
    for _ in range(5):
        mistakes.refresh(many.pk, seconds=-1)
    tasks.class_mistakes(many.pk)
    assert Mistakes.objects.get().path


def test_a_file_that_names_one_class_is_noticed(many, enter):
    enter(many, "eve", labels(0.0, 3).replace(b"owl", b"cat").replace(b"dog", b"cat"))
    mistakes.refresh(many.pk)
    told = Mistakes.objects.get().dominant
    assert [(one["class"], one["share"]) for one in told.values() if one["share"] > 0.9] == [
        ("cat", 1.0)
    ]


# --- who sees it ---------------------------------------------------------------------------------


@pytest.fixture
def pets(competition, scored, alice, bob, answers):
    """With test images, two teams, and a report."""
    archive = packed({name: image(9 * n, (8, 8)) for n, name in enumerate(TRUTH)})
    stored = files.store_bytes("data", archive)
    DataFile.objects.create(
        competition=competition, name="test.zip", path=stored.path, size=stored.size,
        sha256=stored.sha256,
    )  # fmt: skip
    scored(alice, answers(2, 3))
    scored(bob, answers(4, 6))
    mistakes.refresh(competition.pk)
    return competition


@pytest.fixture
def visit(clients, pets):
    def ask(user, path="", data=None):
        client, url = clients(user), f"/competitions/{pets.slug}/mistakes/{path}"
        return client.get(url) if data is None else client.post(url, data)

    return ask


@pytest.fixture
def role(competition, person):
    def make(name):
        user = person(name)
        Organiser.objects.create(competition=competition, user=user, role=name)
        return user

    return make


def allowed_labels(user):
    user.user_permissions.add(Permission.objects.get(codename="view_labels"))
    return type(user).objects.get(pk=user.pk)


def test_editors_at_any_time_the_others_once_it_is_published(
    visit, pets, role, alice, charlie, host
):
    people = {name: role(name) for name in Role.values} | {
        "alice": alice, "charlie": charlie, "host": host,
    }  # fmt: skip

    def seen_by():
        return {name for name, user in people.items() if visit(user).status_code == 200}

    assert seen_by() == {"owner", "editor", "host"}
    lifecycle.close_now(fresh(pets))
    reveal.reveal(fresh(pets), despite=DESPITE)
    assert seen_by() == {"owner", "editor", "host"}
    reveal.publish(fresh(pets))
    assert seen_by() == set(people) - {"charlie"}
    assert visit(None).status_code == 302


def test_labels_ask_for_the_permission_by_name_and_are_written_down(visit, host, role):
    """Being superuser brings no look at a label."""
    assert visit(host, data={}).status_code == 403
    assert "Show the hardest" not in visit(host).content.decode()
    assert visit(host, "hardest/0.png").status_code == 403
    editor = allowed_labels(role("editor"))
    page = visit(editor).content.decode()
    assert "Show the hardest" in page
    assert "The hardest images" not in page
    assert not Act.objects.filter(kind=Kind.LABELS_VIEWED).exists()
    assert "The hardest images" in visit(editor, data={}).content.decode()
    assert Act.objects.get(kind=Kind.LABELS_VIEWED).actor == editor
    judge = allowed_labels(role("judge"))
    assert visit(judge, data={}).status_code == 403


def test_a_class_sees_its_hardest_images_in_the_end(visit, pets, alice, clients):
    lifecycle.close_now(fresh(pets))
    reveal.reveal(fresh(pets), despite=DESPITE)
    mistakes.refresh(pets.pk)
    reveal.publish(fresh(pets))
    page = visit(alice).content.decode()
    assert "The hardest images" in page
    assert "nobody solved it" in page
    assert not Act.objects.filter(kind=Kind.LABELS_VIEWED).exists()
    board = clients(alice).get(f"/competitions/{pets.slug}/leaderboard/").content.decode()
    assert f"/competitions/{pets.slug}/mistakes/" in board


def test_the_pictures_are_small_pngs_for_those_who_see_the_page(visit, host, alice):
    found = visit(host, "disputed/0.png")
    assert found.content.startswith(b"\x89PNG")
    assert "sandbox" in found.headers["Content-Security-Policy"]
    assert visit(alice, "disputed/0.png").status_code == 403
    assert visit(host, "disputed/999.png").status_code == 404
    assert visit(host, "secret/0.png").status_code == 404


def test_the_page_of_the_run_tells_nothing_of_the_private_rows(visit, pets, host):
    """All of its numbers are of six public images; the private ones are not even named."""
    page = visit(host).content.decode()
    named = set(re.findall(r"img_\d\d\.png", page))
    assert named <= set(list(TRUTH)[:PUBLIC])
    assert "the 6 public images" in page
    assert all(name in page for name in CLASSES)


def test_hidden_scores_have_a_report_too(competition, scored, alice, answers):
    Competition.objects.filter(pk=competition.pk).update(feedback="hidden")
    scored(alice, answers(1))
    assert mistakes.refresh(competition.pk).is_changed
    assert told_of(competition)["teams"] == [scored(alice, answers(2)).team_id]


def test_a_report_of_many_files_comes_to_its_end(competition, monkeypatch):
    """What one run has read the next must remember, however many files there are."""
    predictions._codes.cache_clear()
    read = []
    monkeypatch.setattr(predictions.files, "read", lambda _area, path: read.append(path) or b"")
    monkeypatch.setattr(predictions.solutions, "compiled", lambda *_: None)
    monkeypatch.setattr(predictions, "judge", lambda *_: None)
    monkeypatch.setattr(predictions, "_named", lambda *_: np.zeros(3, np.uint8))
    clock = iter(range(10_000))
    monkeypatch.setattr(predictions.time, "monotonic", lambda: next(clock))
    paths = [f"f{n}" for n in range(2 * mistakes.MOST)]
    reached = [len(predictions.read(competition, paths, 150)) for _ in range(2)]
    read.clear()
    assert len(predictions.read(competition, paths, 10_000)) == len(paths)
    assert not set(read) & set(paths[: max(reached)])
    predictions._codes.cache_clear()


def test_a_report_renewed_while_it_is_read(competition, scored, alice, bob, answers, monkeypatch):
    scored(alice, answers(2))
    mistakes.refresh(competition.pk)
    scored(bob, answers(1))
    opened = reports._opened.__wrapped__

    def late(path):
        monkeypatch.setattr(reports, "_opened", opened)
        mistakes.refresh(competition.pk)  # the worker is quicker by a moment
        return opened(path)

    monkeypatch.setattr(reports, "_opened", late)
    assert reports.read(competition).told


def test_where_the_test_images_stay_here_no_report_shows_one(visit, pets, alice):
    lifecycle.close_now(fresh(pets))
    reveal.reveal(fresh(pets), despite=DESPITE)
    reveal.publish(fresh(pets))
    mistakes.refresh(pets.pk)
    assert visit(alice, "hardest/0.png").status_code == 200
    ModelRules.objects.create(competition=pets, takes="models")
    assert visit(alice, "hardest/0.png").status_code == 404  # of the report made before
    Mistakes.objects.all().delete()
    mistakes.refresh(pets.pk)
    assert visit(alice).status_code == 200
    report = reports.read(fresh(pets)).told
    assert not any(one["thumbnail"] for one in report["disputed"])


def test_a_picture_of_the_hardest_is_seen_after_the_list(
    competition, scored, alice, answers, host, clients, monkeypatch
):
    monkeypatch.setattr(
        mistakes.thumbnails.Gallery, "of", lambda _self, names: dict.fromkeys(names, b"\x89PNG")
    )
    scored(alice, answers(2))
    mistakes.refresh(competition.pk)
    host.user_permissions.add(Permission.objects.get(codename="view_labels"))
    picture = f"/competitions/{competition.slug}/mistakes/hardest/0.png"
    assert clients(host).get(picture).status_code == 403
    reports.labels(competition, host)
    assert clients(host).get(picture).status_code == 200
