"""Labels or a metric mended: all scored again beside, looked at, switched at once, and back."""

import html
import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connections
from django.urls import reverse
from django.utils import timezone
from kombu.exceptions import OperationalError as BrokerError

from competitions import (
    files,
    leaderboard,
    lifecycle,
    moderation,
    remarks,
    rescoring,
    reveal,
    solutions,
    standings,
    tasks,
)
from competitions.models import (
    Act,
    Announcement,
    Competition,
    CustomMetric,
    DataFile,
    Kind,
    PrivateScore,
    PublicScore,
    Rescoring,
    SolutionVersion,
    Stage,
    Standing,
    Status,
    Submission,
)
from competitions.preparing import seed_path
from competitions.refusals import NotReady, Refused
from competitions.rescoring import Settings, reading, running
from scoring.splits import salt_from, solution_commitment
from tests.classroom import CLASSES, PUBLIC, TRUTH, table
from tests.competitions.test_submissions import all_at_once

pytestmark = pytest.mark.django_db

NOTE = "Three photographs had a wrong label. All files were scored again."
# What the organiser had got wrong: Alice's mistakes on these rows were none.
NAMES = list(TRUTH)
WRONG = NAMES[:2]


def another(label: str) -> str:
    return CLASSES[(CLASSES.index(label) + 1) % len(CLASSES)]


def mended(
    labels: dict[str, str] | None = None, usage: dict[str, str] | None = None, **options: Any
) -> bytes:
    """A new solution: with these labels otherwise, these rows' usage, and what else was asked."""
    truth = {**TRUTH, **(labels or {})}
    left_out = options.get("without", ())
    rows: list[tuple[str, ...]] = [
        (name, label) for name, label in truth.items() if name not in left_out
    ]
    if usage is None:
        return table(("image", "class"), rows)
    return table(("image", "class", "Usage"), [(*row, usage.get(row[0], "")) for row in rows])


NEW = mended({name: another(TRUTH[name]) for name in WRONG})


def fresh(competition: Competition) -> Competition:
    return Competition.objects.select_related("solution").get(pk=competition.pk)


def board(competition: Competition) -> list[dict[str, Any]]:
    """Every line as the API sends it."""
    return [row.public() for row in leaderboard.board(fresh(competition)).rows]


def scores(competition: Competition) -> dict[str, str]:
    return {row["team"]: row["score"] for row in board(competition)}


def work(it: Rescoring) -> Rescoring:
    """A worker answers the bell until there is nothing left to do."""
    while (bell := rescoring.rung(it.pk)) and rescoring.step(it.pk, bell):
        pass
    it.refresh_from_db()
    return it


@pytest.fixture
def begin(competition, host):
    """``begin(NEW)``: a rescoring as the host would begin it, not worked at yet."""

    def start(solution: bytes | None = None, **otherwise: Any) -> Rescoring:
        wanted = replace(Settings.of(fresh(competition)), **otherwise) if otherwise else None
        bytes_sent = None if solution is None else [solution]
        return rescoring.begin(competition, host, NOTE, wanted, bytes_sent)

    return start


@pytest.fixture
def two_teams(scored, alice, bob, answers) -> tuple[Submission, Submission]:
    """By the wrong labels Bob leads with 5 of 6, and Alice has 4; by the right ones she has 6."""
    return scored(alice, answers(2)), scored(bob, answers(1, 5))


def test_mended_labels_change_nothing_until_applied_and_everything_at_once_then(
    two_teams, begin, competition, host, told
):
    before = board(competition)
    it = work(begin(NEW))
    assert it.stage == Stage.READY
    assert board(competition) == before
    assert not Announcement.objects.exists()

    announced = rescoring.apply(it, host)
    assert scores(competition) == {"Alice": "1.0000", "Bob": "0.8333"}
    assert announced.text == NOTE
    after = fresh(competition)
    assert after.solution.version == 2
    assert after.board_version == len(two_teams) + 1
    kinds = Act.objects.order_by("pk").values_list("kind", "actor", "reason")
    assert list(kinds) == [
        (Kind.RESCORING_BEGUN, host.pk, NOTE),
        (Kind.RESCORING_APPLIED, host.pk, NOTE),
    ]
    # Nothing is deleted: both versions' scores stand side by side.
    for kept in (PublicScore, PrivateScore):
        assert kept.objects.count() == 4
        assert kept.objects.values("solution").distinct().count() == 2


def test_a_file_scores_again_what_it_would_score_if_it_were_sent_now(
    two_teams, begin, scored, alice, bob, answers
):
    rescoring.apply(work(begin(NEW)))
    for person, old, content in zip(
        (alice, bob), two_teams, (answers(2), answers(1, 5)), strict=True
    ):
        new = scored(person, content)
        for kept in (PublicScore, PrivateScore):
            both = kept.objects.filter(solution__version=2, submission__in=[old, new])
            assert both.count() == 2
            assert both.values("value").distinct().count() == 1


def test_the_preview_is_what_then_happens_and_tells_public_values_alone(
    two_teams, begin, competition
):
    it = work(begin(NEW))
    found = rescoring.preview(it)
    told = [
        (move.team.name, move.old.rank, move.old.score, move.new.rank, move.new.score, move.moved)
        for move in found.moves
        if move.old and move.new
    ]
    assert told == [
        ("Alice", 2, "0.6667", 1, "1.0000", 1),
        ("Bob", 1, "0.8333", 2, "0.8333", -1),
    ]
    assert (found.moving, found.unscorable, found.has_new_leader) == (2, 0, True)
    assert "0.58" not in repr(found)  # Bob's private score
    rescoring.apply(it)
    assert [(row["team"], row["rank"], row["score"]) for row in board(competition)] == [
        (name, rank, score) for name, _, _, rank, score, _ in told
    ]


def test_a_preview_is_made_once_and_anew_after_another_file(
    two_teams, begin, scored, charlie, answers, monkeypatch
):
    it = work(begin(NEW))
    made, would_be = [], standings.would_be
    monkeypatch.setattr(standings, "would_be", lambda it: made.append(it) or would_be(it))
    assert rescoring.preview(it) == rescoring.preview(it)
    assert len(made) == 1
    scored(charlie, answers(2))
    work(it)
    assert [move.team.name for move in rescoring.preview(it).moves] == ["Alice", "Charlie", "Bob"]
    assert len(made) == 2


def test_what_the_board_does_not_show_the_preview_does_not_show_either(
    two_teams, begin, competition
):
    Competition.objects.filter(pk=competition.pk).update(feedback="hidden")
    Standing.objects.update(score=None, sort_key=None)
    found = rescoring.preview(work(begin(NEW)))
    assert {(move.new.rank, move.new.score) for move in found.moves} == {(None, "")}
    assert found.first_after == []


def test_an_undo_gives_the_very_same_board_back_and_scores_by_it_what_came_meanwhile(
    two_teams, begin, competition, host, scored, charlie, answers
):
    before = board(competition)
    it = work(begin(NEW))
    rescoring.apply(it)
    assert board(competition) != before

    back, announced = rescoring.undo(it, host, "The labels had been right after all.")
    assert (back.stage, back.undoes) == (Stage.APPLIED, it)
    assert announced.text == "The labels had been right after all."
    assert board(competition) == before

    again, _ = rescoring.undo(back, host, "They were wrong.")  # and forth
    scored(charlie, answers(0))
    assert scores(competition)["Charlie"] == "0.6667"
    back, announced = rescoring.undo(again, host, "Back once more.")
    assert (back.stage, announced) == (Stage.SCORING, None)
    with pytest.raises(NotReady, match="Not every file"):
        rescoring.apply(back, host)
    rescoring.apply(work(back), host)
    assert scores(competition) == {"Charlie": "1.0000", "Bob": "0.8333", "Alice": "0.6667"}
    with pytest.raises(NotReady, match="Only the last"):
        rescoring.undo(it, host, "The first one.")


def test_another_metric_changes_the_form_of_files_and_an_undo_the_sample_back(
    two_teams, begin, competition, host
):
    sample = DataFile.objects.filter(name=files.SAMPLE).values("path", "size", "sha256")
    before, lines = sample.get(), board(competition)
    it = work(begin(metric="log_loss", layout="probabilities"))
    found = rescoring.preview(it)
    assert (found.unscorable, [move.new for move in found.moves]) == (2, [None, None])
    assert "id" in it.unscorable.first().sentence
    assert remarks.remarks(two_teams[0], competition) == []
    rescoring.apply(it)
    assert board(competition) == []
    (remark,) = remarks.remarks(two_teams[0], fresh(competition))
    assert "has no score any more. Line 1: The columns" in remark
    columns = files.read("data", sample.get()["path"]).splitlines()[0]
    assert columns == b"id,cat,dog,owl"
    back, _ = rescoring.undo(it, host, "Back to accuracy.")
    assert (sample.get(), board(competition)) == (before, lines)
    assert (back.stage, fresh(competition).metric) == (Stage.APPLIED, "accuracy")


def test_rows_may_be_taken_out_of_both_shares_and_are_counted_anew(two_teams, begin, competition):
    ignored = {NAMES[0]: "Ignored", NAMES[-1]: "Ignored"}
    it = work(begin(mended(usage=ignored)))
    assert it.stage == Stage.READY
    assert (it.after.public_rows, it.after.private_rows) == (PUBLIC - 1, len(TRUTH) - PUBLIC - 1)
    assert it.new_metric["changes"] == {"labels": 0, "ignored": 2}
    rescoring.apply(it)
    assert scores(competition) == {"Bob": "1.0000", "Alice": "0.8000"}


REFUSED = {
    "an image without a row": (mended(without=NAMES[:1]), f"no row for these images: {NAMES[0]}"),
    "a row without an image": (mended({"img_99.png": "cat"}), "the present one has not: img_99"),
    "a class nobody knows": (mended({NAMES[3]: "bat"}), "not: bat"),
    "no public row left": (
        mended(usage=dict.fromkeys(NAMES[:PUBLIC], "Ignored")),
        "at least one Public",
    ),
    "what is there already": (mended(), "says the same"),
    "no table": (b"\x00\x01", "new solution cannot be read"),
    "no label": (mended({NAMES[3]: ""}), "no label"),
    "a column per class": (table(("id", "cat", "dog"), [("a", "1", "0")]), "column per class"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_solution_that_does_not_fit_is_refused_in_a_sentence_and_frees_the_way(
    two_teams, begin, competition, case
):
    content, sentence = REFUSED[case]
    it = work(begin(content))
    assert it.stage == Stage.REFUSED
    assert sentence in it.problem
    assert SolutionVersion.objects.count() == 1
    assert begin(NEW).stage == Stage.READING


def test_no_answer_depends_on_whether_a_written_usage_is_the_true_one(two_teams, begin):
    """Else whoever may rescore finds out row by row which ones are public."""
    told = set()
    for usage in (
        {NAMES[0]: "Public"},
        {NAMES[0]: "Private"},
        {NAMES[-1]: "public "},
        dict.fromkeys(NAMES, "Public"),
    ):
        it = work(begin(mended({WRONG[0]: another(TRUTH[WRONG[0]])}, usage)))
        assert it.stage == Stage.REFUSED
        told.add(it.problem)
    assert told == {reading.USAGE_STAYS}


MISTAKES = b"""
class ParticipantVisibleError(Exception):
    pass


def score(solution, submission, row_id_column_name) -> float:
    if len(solution) > 6 and (submission["label"] != solution["label"]).sum() == 5:
        raise KeyError("img_03.png is a dog")
    return float((submission["label"] != solution["label"]).sum())
"""


def test_a_metric_of_the_organisers_own_is_scored_with_and_taken_back(
    two_teams, begin, competition, host, monkeypatch, caplog
):
    # The trial costs a dozen child processes, and has tests of its own.
    monkeypatch.setattr(reading.samples, "proven", lambda *_: b"id,label\n")
    before = board(competition)
    own = CustomMetric.read(MISTAKES, "mistakes.py", "minimize")
    it = work(begin(metric="custom", custom_metric=own))
    assert it.unscorable.get().sentence == running.METRIC_FAILED  # on Bob's file
    assert "dog" not in caplog.text
    rescoring.apply(it, host)
    assert scores(competition) == {"Alice": "2.0000"}
    rescoring.undo(it, host, "Back to accuracy.")
    assert board(competition) == before
    assert fresh(competition).custom_metric is None


def test_a_metric_that_cannot_be_computed_on_these_rows_is_refused_before_any_file(
    two_teams, begin
):
    it = work(begin(metric="weighted_roc_auc"))  # for the classes 0 and 1
    assert (it.stage, it.after) == (Stage.REFUSED, None)
    assert "0 and 1" in it.problem


@pytest.mark.parametrize("note", ["", "  ", "x" * 501])
def test_everybody_is_told_why(competition, host, note):
    with pytest.raises(Refused):
        rescoring.begin(competition, host, note, None, [NEW])
    assert not Rescoring.objects.exists()


def test_what_would_change_nothing_or_cannot_be_is_not_begun(two_teams, begin, competition):
    with pytest.raises(Refused, match="Nothing would change"):
        begin()
    with pytest.raises(Refused, match="colour"):
        begin(metric_parameters={"colour": "red"})
    with pytest.raises(Refused, match="further digits"):
        begin(decimals=6)
    lifecycle.close_now(competition)
    begin(NEW)  # after the end, before the reveal: the usual moment
    with pytest.raises(NotReady, match="under way"):
        begin(NEW)


def test_after_the_reveal_no_score_changes_any_more(two_teams, begin, competition, host):
    done = work(begin(NEW))
    rescoring.apply(done)
    lifecycle.close_now(competition)
    reveal.reveal(competition, despite="The seal is not checked in this test.")
    for attempt in (lambda: begin(NEW), lambda: rescoring.undo(done, host, "Back.")):
        with pytest.raises(NotReady, match="revealed"):
            attempt()


def test_a_dropped_one_leaves_everything_as_it_was(two_teams, begin, competition, host):
    before = board(competition)
    it = work(begin(NEW))
    rescoring.drop(it, host)
    for attempt in (rescoring.drop, rescoring.apply):
        with pytest.raises(NotReady):
            attempt(it, host)
    assert rescoring.rung(it.pk) is None
    assert board(competition) == before
    assert Act.objects.first().kind == Kind.RESCORING_DROPPED


def test_every_scored_file_is_scored_again_whoevers_and_however_late(
    two_teams, begin, competition, scored, charlie, answers, team_of, alice
):
    moderation.disqualify(team_of(alice), "Two accounts.")
    moderation.exclude(two_teams[1], "The labels were in it.")
    late = scored(charlie, answers(3))
    Submission.objects.filter(pk=late.pk).update(is_late=True, lifetime_slot=None)
    it = work(begin(NEW))
    assert PublicScore.objects.filter(solution=it.after).count() == 3
    rescoring.apply(it)
    assert board(competition) == []


def test_files_that_come_while_it_waits_hold_the_switch_until_they_are_scored_too(
    two_teams, begin, competition, scored, charlie, answers
):
    it = work(begin(NEW))
    scored(charlie, answers(0))
    assert rescoring.progress(it) == rescoring.Progress(done=2, files=3)
    with pytest.raises(NotReady, match="1 files came in"):
        rescoring.apply(it)
    Rescoring.objects.update(rung_at=timezone.now() - timedelta(seconds=5))
    assert rescoring.behind(competition.pk) == [it.pk]
    work(it)
    assert rescoring.behind(competition.pk) == []
    rescoring.apply(it)
    assert scores(competition)["Charlie"] == "0.6667"


def test_a_bell_is_answered_once_and_a_lost_one_is_rung_again(two_teams, begin, monkeypatch):
    rung = []
    monkeypatch.setattr(tasks.rescore, "apply_async", lambda args, **_: rung.append(args))
    it = begin(NEW)
    tasks.sweep()
    tasks.sweep()
    assert len(rung) == 1
    tasks.rescore(*rung[0])
    tasks.rescore(*rung[0])  # delivered twice, the second time too late
    assert (len(rung), SolutionVersion.objects.count()) == (2, 2)
    # The worker dies over the second bell, which another one is given meanwhile.
    Rescoring.objects.update(rung_at=timezone.now() - timedelta(hours=1))
    tasks.rescore(*rung[1])
    it.refresh_from_db()
    assert it.stage == Stage.SCORING
    tasks.sweep()
    tasks.rescore(*rung[2])
    it.refresh_from_db()
    assert (it.stage, len(rung)) == (Stage.READY, 3)
    assert rescoring.waiting() == []


def test_without_a_queue_nothing_is_lost(two_teams, begin, monkeypatch, caplog):
    def away(*_args, **_options):
        raise BrokerError("away")

    monkeypatch.setattr(tasks.rescore, "apply_async", away)
    it = begin(NEW)
    tasks.enqueue_rescoring(it.pk)
    Rescoring.objects.update(rung_at=None)
    assert rescoring.waiting() == [it.pk]


def test_a_new_score_of_a_waiting_challenge_rings_for_the_rescoring_too(
    two_teams, begin, submit, charlie, answers, monkeypatch
):
    it = work(begin(NEW))
    Rescoring.objects.update(rung_at=timezone.now() - timedelta(seconds=5))
    rung = []
    monkeypatch.setattr(tasks.rescore, "apply_async", lambda args, **_: rung.append(args))
    tasks.score(submit(charlie, answers(0)).pk)
    assert [pk for pk, _ in rung] == [it.pk]


def test_a_fault_of_ours_is_no_score_and_is_counted_for_the_organiser(
    two_teams, begin, monkeypatch, caplog
):
    it = begin(NEW)
    rescoring.step(it.pk, rescoring.rung(it.pk))

    def broken(*_args):
        raise ZeroDivisionError("img_03.png is an owl")

    monkeypatch.setattr(solutions, "evaluate", broken)
    work(it)
    assert rescoring.preview(it).unscorable == 2
    assert "owl" not in it.unscorable.first().sentence + caplog.text


def test_a_missing_file_is_no_score_and_holds_up_no_other(two_teams, begin, host):
    it = begin(decimals=1)
    rescoring.step(it.pk, rescoring.rung(it.pk))
    files.storage("submissions").delete(two_teams[0].path)
    assert work(it).stage == Stage.READY
    assert it.unscorable.get().submission == two_teams[0]
    assert "missing from our storage" in it.unscorable.get().sentence
    assert PublicScore.objects.get(solution=it.after).submission == two_teams[1]


def test_a_file_that_cannot_be_read_now_waits_alone_and_the_organiser_is_told(
    two_teams, begin, monkeypatch, clients, host, competition
):
    it = begin(decimals=1)
    rescoring.step(it.pk, rescoring.rung(it.pk))
    real = files.read

    def read(place, path):
        if path == two_teams[0].path:
            raise PermissionError(path)
        return real(place, path)

    with monkeypatch.context() as patch:
        patch.setattr(files, "read", read)
        work(it)  # comes to an end: the sweep rings again in two minutes
        assert (it.stage, rescoring.progress(it)) == (Stage.SCORING, rescoring.Progress(1, 2))
        assert it.problem == running.UNREAD.format(1, two_teams[0].file_name)
        page = clients(host).get(f"/admin/competitions/competition/{competition.pk}/rescore/")
        assert it.problem in page.content.decode()
    assert (work(it).stage, it.problem) == (Stage.READY, "")


def test_a_solution_that_is_missing_is_said_and_frees_the_way(two_teams, begin):
    it = begin(NEW)
    files.storage("solutions").delete(it.inbox)
    assert (work(it).stage, it.problem) == (Stage.REFUSED, reading.MISSING)


def test_the_web_reads_no_labels(two_teams, begin, competition, host, monkeypatch):
    it = work(begin(NEW))

    def closed(*_args):
        raise AssertionError("the labels were opened")

    monkeypatch.setattr(files.storage("solutions"), "_open", closed)
    solutions.compiled.cache_clear()
    rescoring.preview(it)
    rescoring.apply(it, host)
    back, _ = rescoring.undo(it, host, "Back.")
    assert back.stage == Stage.APPLIED
    begin(mended({NAMES[5]: "cat"}))


def test_the_split_keeps_its_seal_and_the_new_labels_get_one_of_their_own(two_teams, begin):
    seed = b"sixteen secret bytes"
    place = files.storage("solutions")
    path = seed_path("0" * 64)
    if place.exists(path):
        place.delete(path)
    place.save(path, ContentFile(seed))
    it = work(begin(NEW))
    assert it.after.commitment == it.before.commitment == "0" * 64
    stored = files.read("solutions", it.after.path)
    assert it.after.label_seal == solution_commitment(salt_from(seed), stored)
    assert stored.splitlines()[0] == b"id,label,Usage"  # the columns that files are held against
    place.delete(path)


# --- the organiser's page ------------------------------------------------------------------------


@pytest.fixture
def visit(clients, host, competition, monkeypatch, django_capture_on_commit_callbacks):
    """``visit()`` is the page as the host sees it, ``visit(act="begin", …)`` after that act."""
    monkeypatch.setattr(tasks, "_ring_rescoring", lambda _pk: None)
    monkeypatch.setattr(tasks, "enqueue_insight", lambda _pk: None)
    address = reverse("admin:competitions_competition_rescore", args=[competition.pk])
    browser = clients(host)

    def open_it(**data: Any) -> str:
        with django_capture_on_commit_callbacks(execute=True):
            answer = browser.post(address, data, follow=True) if data else browser.get(address)
        assert answer.status_code == 200
        return html.unescape(answer.content.decode())

    return open_it


METRIC_FIELDS = {
    "metric": "accuracy",
    "metric_direction": "",
    "layout": "",
    "metric_parameters": "",
    "decimals": "4",
}


def test_an_organiser_rescores_in_the_browser_and_takes_it_back(
    two_teams, visit, competition, told, host
):
    before = board(competition)
    upload = SimpleUploadedFile("solution.csv", NEW)
    fields = {**METRIC_FIELDS, "note": NOTE, "solution_file": upload}
    assert "Nothing that anybody is shown changes" in visit(act="begin", **fields)
    it = Rescoring.objects.get()
    assert it.begun_by == host
    assert 'data-stage="reading"' in visit()
    rescoring.step(it.pk, rescoring.rung(it.pk))
    assert "0 of 2 files scored again" in visit()
    work(it)
    page = visit()
    assert "2 of 2 teams get another place" in page
    assert "First would be <strong>Alice</strong>, and not Bob any more" in page
    assert "2 labels differ" in page
    assert told() == []
    assert "everybody is told why" in visit(act="apply", rescoring=it.pk)
    assert [event["event"] for event in told()] == ["reset", "announcement"]
    assert scores(competition)["Alice"] == "1.0000"
    page = visit(act="undo", rescoring=it.pk, **{"undo-note": "They had been right."})
    assert "the board is the old one again" in page
    assert f"takes back number {it.pk}" in page
    assert board(competition) == before


def test_a_form_with_a_mistake_keeps_what_was_written_and_says_where(two_teams, visit):
    page = visit(act="begin", **{**METRIC_FIELDS, "metric": "log_loss", "layout": "labels"})
    assert "This field is required" in page  # the note
    wrong = {**METRIC_FIELDS, "note": NOTE, "metric": "log_loss", "layout": "labels"}
    page = visit(act="begin", **wrong)
    assert NOTE in page
    assert "<details open>" in page
    assert "labels" in page.split("Layout", 1)[1]
    assert "Nothing would change" in visit(act="begin", **METRIC_FIELDS, note=NOTE)
    assert not Rescoring.objects.exists()
    for act in ("apply", "drop", "undo", "dance"):
        visit(act=act, rescoring="1 or 1")  # not of this challenge: nothing happens


def test_what_cannot_be_is_said_on_the_page(two_teams, visit, begin, competition):
    it = begin(mended({NAMES[3]: "bat"}))
    assert "still being read" in visit(act="apply", rescoring=it.pk)
    work(it)
    assert "classes that this challenge has not: bat" in visit()
    it = work(begin(NEW))
    assert "Dropped" in visit(act="drop", rescoring=it.pk)
    lifecycle.close_now(competition)
    reveal.reveal(competition, despite="The seal is not checked in this test.")
    assert "no score changes any more" in visit()


def test_the_page_is_the_organisers_alone_and_tells_no_private_score(
    two_teams, visit, begin, clients, alice, competition
):
    work(begin(NEW))
    private = PrivateScore.objects.values_list("value", flat=True)
    assert not any(f"{value:.3f}"[:5] in visit() for value in private if value not in (0, 1))
    address = reverse("admin:competitions_competition_rescore", args=[competition.pk])
    for person in (alice, None):
        answer = clients(person).post(address, {"act": "apply"})
        assert answer.status_code in (302, 403)
        assert Rescoring.objects.get().stage == Stage.READY


# --- everybody at once ---------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_of_two_begun_at_once_one_is(competition, host):
    found = all_at_once(2, lambda _: rescoring.begin(competition, host, NOTE, None, [NEW]))
    assert sorted(type(one).__name__ for one in found) == ["NotReady", "Rescoring"]
    assert Rescoring.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_file_that_ends_while_the_solution_is_switched_is_scored_by_the_new_one(
    two_teams, begin, competition, submit, charlie, answers, monkeypatch
):
    """Claimed and evaluated under the old labels, it meets the switch before it can finish."""
    it = work(begin(NEW))
    sent = submit(charlie, answers(0))
    evaluated, switched = threading.Event(), threading.Event()
    evaluate = tasks._evaluate

    def slow(submission):
        report = evaluate(submission)
        evaluated.set()
        assert switched.wait(10)
        return report

    monkeypatch.setattr(tasks, "_evaluate", slow)
    worker = threading.Thread(target=lambda: (tasks.score(sent.pk), connections.close_all()))
    worker.start()
    assert evaluated.wait(10)
    rescoring.apply(it)
    switched.set()
    worker.join()
    sent.refresh_from_db()
    assert sent.status == Status.SCORED
    assert scores(competition)["Charlie"] == "0.6667"
    assert PublicScore.objects.get(submission=sent).solution == it.after


@pytest.mark.django_db(transaction=True)
def test_files_that_end_at_the_very_moment_of_the_switch_are_on_one_side_of_it(
    two_teams, begin, competition, submit, charlie, answers
):
    it = work(begin(NEW))
    waiting = [submit(charlie, answers(n)) for n in range(5)]

    def act(n: int) -> Any:
        return tasks.score(waiting[n].pk) if n < len(waiting) else _applied(it)

    assert all_at_once(6, act).count(None) == 6
    work(it)
    if it.stage == Stage.READY:  # every try met a file that had just ended
        rescoring.apply(it)
    counted = PublicScore.objects.filter(solution=it.after).count()
    assert counted == Submission.objects.filter(status=Status.SCORED).count() == 7
    assert scores(competition)["Charlie"] == "1.0000"


def _applied(it: Rescoring) -> None:
    for _ in range(20):
        try:
            rescoring.apply(it)
        except NotReady:
            work(Rescoring.objects.get(pk=it.pk))
        else:
            return
