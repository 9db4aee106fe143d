"""Baselines that the site trains: one worker each, fenced endings, and a way onto the board.

Softmax regression is really trained here, by the program that participants have.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from competitions import baseline_runs, deadlines, files, leaderboard, lifecycle, tasks
from competitions.baseline_runs import rows, sweeping, training
from competitions.models import (
    Act,
    BaselineRun,
    Competition,
    Finding,
    Member,
    PublicScore,
    Run,
    SolutionVersion,
    Submission,
    Team,
)
from competitions.refusals import NotReady, Refused
from tests.competitions.zips import image, packed, train_zip

WHY = "no baseline in this test"
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def ready(prepared):
    """Ten images of each class, so that a fifth can be held out; nothing is queued."""
    competition = prepared(train=train_zip(each=10))
    Finding.objects.all().delete()
    return deadlines.read(competition.pk)


@pytest.fixture
def run(ready):
    (made,) = baseline_runs.queue(ready, ["softmax"])
    return made


@pytest.fixture
def trained(run, ready):
    """Ready, without the minutes: its answers are the sample's."""
    claimed = baseline_runs.claim(run.pk)
    sample = files.read("data", ready.files.get(name=files.SAMPLE).path)
    assert rows.finish(claimed, sample, 1 / 3, 0.5)
    run.refresh_from_db()
    return run


def now_is(run, status):
    run.refresh_from_db()
    return run.status == status


def lease_is_over(run):
    BaselineRun.objects.filter(pk=run.pk).update(lease_until=timezone.now() - rows.LEASE)


def another_solution(competition):
    """What a rescoring switches to, or a new upload."""
    old = competition.solution
    values = SolutionVersion.objects.filter(pk=old.pk).values().get()
    new = SolutionVersion.objects.create(**{**values, "id": None, "version": old.version + 1})
    Competition.objects.filter(pk=competition.pk).update(solution=new)
    return new


# --- what is queued ------------------------------------------------------------------------------


def test_after_a_preparation_the_usual_ones_wait(ready, settings):
    found = baseline_runs.queue_usual(ready.pk)
    able = [arch for arch in baseline_runs.USUAL if training.can_run(arch != "softmax")]
    assert [one.arch for one in found] == able
    assert baseline_runs.queue_usual(ready.pk) == []  # they are under way
    settings.QUEUES = ["score"]
    another_solution(ready)
    assert baseline_runs.queue_usual(ready.pk) == []  # nobody would train them


def test_without_torch_only_what_runs_without(ready, monkeypatch):
    monkeypatch.setattr(training, "find_spec", lambda name: None)
    assert [one.arch for one in baseline_runs.queue_usual(ready.pk)] == ["softmax"]


def test_a_baseline_without_its_libraries_says_what_to_do(ready, monkeypatch):
    monkeypatch.setattr(training, "find_spec", lambda name: None)
    (run,) = baseline_runs.queue(ready, ["lenet5"])
    tasks.train_baseline(run.pk)
    assert now_is(run, Run.FAILED)
    assert "needs torch" in run.note


def test_what_cannot_be_trained_is_refused_in_words(ready, draft, competition, settings):
    with pytest.raises(Refused, match="No baseline is called alexnet"):
        baseline_runs.queue(ready, ["alexnet"])
    empty = Competition.objects.create(slug="empty", title="Empty")
    with pytest.raises(NotReady, match="Upload the files first"):
        baseline_runs.queue(empty, ["softmax"])
    lifecycle.close_now(competition)
    with pytest.raises(NotReady, match="over"):
        baseline_runs.queue(competition, ["softmax"])
    settings.QUEUES = ["score"]
    with pytest.raises(NotReady, match="No worker here"):
        baseline_runs.queue(ready, ["softmax"])


def test_a_person_who_asks_is_written_down_and_the_site_is_not(ready, host):
    baseline_runs.queue_usual(ready.pk)
    assert not Act.objects.exists()
    baseline_runs.queue(ready, ["resnet18"], host)
    assert Act.objects.get().actor == host


# --- one worker ----------------------------------------------------------------------------------


def test_one_worker_has_it_and_a_lost_one_is_replaced(run):
    first = baseline_runs.claim(run.pk)
    assert first is not None
    assert baseline_runs.claim(run.pk) is None
    assert rows.renew(first)
    lease_is_over(run)
    second = baseline_runs.claim(run.pk)
    assert second is not None
    assert not rows.renew(first)
    assert not rows.finish(first, b"late", 1.0, 1.0)
    assert rows.fail(second, "No.")
    assert baseline_runs.claim(run.pk) is None


def test_what_was_lost_too_often_is_given_up(run):
    for _ in range(rows.MAX_ATTEMPTS):
        assert baseline_runs.claim(run.pk) is not None
        lease_is_over(run)
    assert baseline_runs.claim(run.pk) is None
    assert baseline_runs.give_up() == [run.pk]
    assert now_is(run, Run.FAILED)
    assert run.note == sweeping.GAVE_UP


def test_another_solution_overtakes_a_training(run, ready):
    claimed = baseline_runs.claim(run.pk)
    another_solution(ready)
    assert not rows.renew(claimed)
    assert not rows.finish(claimed, b"x", 1.0, 1.0)


def test_what_is_forgotten_is_rung_again(run):
    assert baseline_runs.forgotten() == [run.pk]
    baseline_runs.rung(run.pk)
    assert baseline_runs.forgotten() == []
    BaselineRun.objects.update(rung_at=Now() - sweeping.RING_AGAIN_AFTER)
    assert baseline_runs.forgotten() == [run.pk]
    baseline_runs.rung(run.pk)
    baseline_runs.claim(run.pk)
    assert baseline_runs.forgotten() == []


# --- training ------------------------------------------------------------------------------------


def test_softmax_is_trained_by_its_own_program_and_scored_on_the_public_rows(run, settings):
    tasks.train_baseline(run.pk)
    assert now_is(run, Run.READY), run.note
    assert 0 <= run.public_score <= 1
    assert run.seconds > 0
    header, *lines = files.read("submissions", run.answers).decode().splitlines()
    assert (header, len(lines)) == ("id,label", 30)
    assert not Submission.objects.exists()  # nothing is on a board before the opening
    assert list((settings.VAR / "baselines").iterdir()) == []


def test_the_program_sees_the_public_files_and_no_secret(run, monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "never passed on")
    monkeypatch.setenv("DATABASE_URL", "postgres://never")
    seen = []

    def look(words, folder, is_awaited):
        seen.append(sorted(path.name for path in (folder / "data").iterdir()))
        raise training.Failed("Enough.")

    monkeypatch.setattr(training, "_command", look)
    tasks.train_baseline(run.pk)
    assert seen == [["sample_submission.csv", "test.zip", "train.csv", "train.zip"]]
    assert not {"SECRET_KEY", "DATABASE_URL"} & set(training._environment())


def test_a_failure_is_the_programs_own_sentence_without_places(prepared, settings):
    few = packed({"cat/1.png": image(1), "dog/1.png": image(2), "owl/1.png": image(3)})
    (run,) = baseline_runs.queue(prepared(train=few), ["softmax"])
    tasks.train_baseline(run.pk)
    assert now_is(run, Run.FAILED)
    assert "at least 5 are needed" in run.note
    assert str(settings.VAR) not in run.note


def test_a_training_that_nobody_waits_for_is_ended(run, monkeypatch):
    monkeypatch.setattr(training, "LOOK_EVERY", 0.05)
    claimed = baseline_runs.claim(run.pk)
    with pytest.raises(training.Overtaken):
        training.train(claimed, lambda: False)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_step_never_outlives_its_worker(tmp_path, number):
    step, note = tmp_path / "step", tmp_path / "pid"
    step.write_text(f"#!/bin/sh\necho $$ > {note}\nexec sleep 60\n")
    step.chmod(0o700)
    code = (
        "import sys, pathlib, django\ndjango.setup()\n"
        "from competitions.baseline_runs import training\n"
        f"sys.executable = {str(step)!r}\n"
        f"training._command([], pathlib.Path({str(tmp_path)!r}), lambda: True)\n"
    )
    paths = f"{ROOT / 'platform'}{os.pathsep}{ROOT}"
    environment = {**os.environ, "PYTHONPATH": paths, "DJANGO_SETTINGS_MODULE": "holdout.settings"}
    worker = subprocess.Popen([sys.executable, "-c", code], env=environment)
    try:
        wait_until(lambda: note.exists() and note.read_text())
        worker.send_signal(number)
        worker.wait(20)
        wait_until(lambda: is_gone(int(note.read_text())))
    finally:
        worker.kill()
        worker.wait()


def wait_until(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def is_gone(pid):
    try:
        return "State:\tZ" in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return True


# --- onto the board ------------------------------------------------------------------------------


def test_an_opening_puts_it_on_the_board_without_a_rank(
    trained, ready, django_capture_on_commit_callbacks
):
    lifecycle.open_now(ready, despite=WHY)
    with django_capture_on_commit_callbacks(execute=True):
        tasks.post_baselines(ready.pk)
    assert now_is(trained, Run.POSTED)
    team = Team.objects.get()
    assert (team.name, team.is_baseline) == ("Softmax regression", True)
    assert not Member.objects.get().user.has_usable_password()
    tasks.score(trained.submission_id)
    board = leaderboard.board(deadlines.read(ready.pk))
    assert [row.team for row in board.rows] == ["Softmax regression"]
    assert PublicScore.objects.get().value == pytest.approx(1 / 3)
    assert baseline_runs.post(trained.pk) is None  # once


def test_the_sweep_posts_what_became_ready_later_or_opens_by_its_date(trained, ready):
    assert baseline_runs.postable() == []
    Competition.objects.filter(pk=ready.pk).update(opens_at=Now() + rows.LEASE)
    lifecycle.open_now(ready, despite=WHY)
    tasks.sweep()
    assert now_is(trained, Run.READY)  # it opens in a minute
    Competition.objects.filter(pk=ready.pk).update(opens_at=Now() - rows.LEASE)
    tasks.sweep()
    assert now_is(trained, Run.POSTED)


def test_a_person_of_the_same_name_keeps_account_and_team(trained, ready, person, team_of):
    lifecycle.open_now(ready, despite=WHY)
    theirs = person("softmax", first_name="Softmax", last_name="Regression")
    team_of(theirs, ready)
    sent = baseline_runs.post(trained.pk)
    assert sent.user.username == "softmax.baseline"
    assert sent.team.name == "Softmax regression (2)"


def test_what_the_limits_refuse_is_a_failure_in_words(trained, ready):
    lifecycle.open_now(ready, despite=WHY)
    sent = baseline_runs.post(trained.pk)
    Competition.objects.filter(pk=ready.pk).update(daily_limit=1)
    BaselineRun.objects.filter(pk=trained.pk).update(status=Run.READY, submission=None)
    assert baseline_runs.post(trained.pk) is None
    assert now_is(trained, Run.FAILED)
    assert "used its 1 submissions of today" in trained.note
    assert Submission.objects.get() == sent


# --- another solution ----------------------------------------------------------------------------


def test_in_a_draft_it_is_trained_anew(trained, ready):
    new = another_solution(ready)
    assert baseline_runs.renew_outdated() == [trained.pk]
    assert now_is(trained, Run.WAITING)
    assert (trained.answers, trained.solution, trained.attempt) == ("", new, 0)


def test_in_an_open_challenge_its_answers_are_scored_anew(trained, ready, monkeypatch):
    Competition.objects.filter(pk=ready.pk).update(opens_at=Now() + rows.LEASE)
    lifecycle.open_now(ready, despite=WHY)
    new = another_solution(ready)
    baseline_runs.renew_outdated()
    monkeypatch.setattr(training, "train", None)  # not asked
    tasks.train_baseline(trained.pk)
    assert now_is(trained, Run.READY)
    assert (trained.solution, trained.public_score) == (new, pytest.approx(1 / 3))


def test_what_is_posted_takes_the_score_of_its_file(trained, ready):
    lifecycle.open_now(ready, despite=WHY)
    tasks.score(baseline_runs.post(trained.pk).pk)
    new = another_solution(ready)
    assert baseline_runs.renew_outdated() == []  # its file is not scored by the new one yet
    PublicScore.objects.create(submission_id=Submission.objects.get().pk, solution=new, value=0.25)
    assert baseline_runs.renew_outdated() == [trained.pk]
    assert now_is(trained, Run.POSTED)
    assert (trained.solution, trained.public_score) == (new, 0.25)
