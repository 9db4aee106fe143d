"""The life of a model: who may move its run, what is given back, what a lost worker leaves."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from competitions import attempts, model_runs, submissions
from competitions.model_runs import claiming, ending, sweeping
from competitions.models import Act, Kind, ModelRun, ModelStage, Status, Submission
from competitions.refusals import NotAMember, NotReady, Refused
from scoring import InvalidSubmission
from scoring.sandbox.contract import Ending, Format, Outcome

DONE = Outcome(Ending.DONE, images=18, seconds=2.0, load_seconds=0.5, batch_size=8, device="cpu")
ALL = list(Format)


def claimed(stage):
    run = model_runs.claim_next(ALL)
    assert run is not None and run.stage == stage
    return run


def running():
    """The first in the line, tried and taken for its run."""
    trial = claimed(ModelStage.TRYING)
    assert ending.tried(trial, DONE, 18)
    return claimed(ModelStage.RUNNING)


def status_of(run):
    return Submission.objects.get(pk=run.submission_id)


def lose(run):
    long_ago = timezone.now() - claiming.LEASE - timedelta(seconds=1)
    ModelRun.objects.filter(pk=run.pk).update(lease_until=long_ago)


# --- the way through -----------------------------------------------------------------------------


def test_a_model_is_tried_then_run_then_scored_like_a_file(send, alice, answers):
    sent = send(alice)
    assert submissions.claim(sent.submission_id) is None  # there is nothing to score yet
    trial = claimed(ModelStage.TRYING)
    assert status_of(trial).status == Status.RECEIVED
    assert ending.tried(trial, DONE, 18)
    run = claimed(ModelStage.RUNNING)
    assert run.attempt == 1
    assert run.expected_seconds == pytest.approx(2.5)
    assert status_of(run).status == Status.RUNNING
    assert submissions.claim(sent.submission_id) is None
    assert ending.finish(run, DONE, answers(1))
    run.refresh_from_db()
    assert (run.stage, run.images_per_second) == (ModelStage.DONE, 9.0)
    assert status_of(run).status == Status.QUEUED
    assert submissions.claim(sent.submission_id) is not None


def test_the_sweep_rings_the_scoring_of_what_has_run(send, alice, answers):
    send(alice)
    run = running()
    assert submissions.forgotten() == []
    ending.finish(run, DONE, answers())
    long_ago = timezone.now() - timedelta(minutes=1)
    Submission.objects.update(received_at=long_ago)
    assert submissions.forgotten() == [run.submission_id]


@pytest.mark.parametrize(
    ("how", "status", "slot"),
    [
        (Ending.REFUSED, Status.CRASHED, 1),
        (Ending.CRASHED, Status.CRASHED, 1),
        (Ending.TIMED_OUT, Status.TIMED_OUT, 1),
        (Ending.OUT_OF_MEMORY, Status.OUT_OF_MEMORY, 1),
    ],
)
def test_what_the_model_does_in_its_run_is_its_own_fault(send, alice, how, status, slot):
    send(alice)
    run = running()
    assert ending.end(run, Outcome(how, message="It did."))
    ended = status_of(run)
    assert (ended.status, ended.slot, ended.lifetime_slot, ended.error) == (
        status, slot, slot, "It did.",
    )  # fmt: skip


@pytest.mark.parametrize("how", [Ending.CRASHED, Ending.TIMED_OUT, Ending.OUT_OF_MEMORY])
def test_in_the_dry_run_nothing_is_spent(send, alice, competition, how):
    send(alice)
    trial = claimed(ModelStage.TRYING)
    assert ending.end(trial, Outcome(how, message="It did."))
    ended = status_of(trial)
    assert (ended.status, ended.slot) == (Status.INVALID, None)
    assert "before an attempt was spent: It did." in ended.error
    assert attempts.of(competition, ended.team).used == 0


def test_what_the_dry_run_measured_is_not_told_as_the_runs(send, alice):
    send(alice, parameters=7)
    run = running()
    assert (run.images_per_second, run.seconds, run.load_seconds, run.device) == (
        None, None, None, "",
    )  # fmt: skip
    assert (run.parameters, run.batch_size) == (7, 8)
    slow = Outcome(Ending.TIMED_OUT, "Too slow.", images=6, seconds=3.0, device="cpu", parameters=9)
    assert ending.end(run, slow)
    run.refresh_from_db()
    assert (run.images_per_second, run.device, run.parameters) == (2.0, "cpu", 9)


def test_answers_that_cannot_be_scored_cost_the_attempt(send, alice, answers):
    send(alice)
    run = running()
    ending.finish(run, DONE, answers())
    scoring = submissions.claim(run.submission_id)
    assert submissions.reject(scoring, InvalidSubmission(()))
    ended = status_of(run)
    assert (ended.status, ended.slot) == (Status.CRASHED, 1)


# --- the fence -----------------------------------------------------------------------------------


def test_a_lost_worker_is_replaced_and_its_result_dropped(send, alice, answers):
    send(alice)
    first = running()
    lose(first)
    second = claimed(ModelStage.RUNNING)
    assert second.attempt == 2
    assert not ending.renew(first)
    assert not ending.report_progress(first, 3, 1.0)
    assert not ending.finish(first, DONE, answers())
    assert ending.finish(second, DONE, answers(1))


def test_after_three_lost_workers_it_is_our_fault(send, alice):
    send(alice)
    run = running()
    for _ in range(claiming.MAX_ATTEMPTS - 1):
        lose(run)
        run = claimed(ModelStage.RUNNING)
    lose(run)
    assert model_runs.claim_next(ALL) is None
    assert sweeping.give_up() == [run.submission_id]
    ended = status_of(run)
    assert (ended.status, ended.slot) == (Status.FAILED, None)


def test_a_machine_that_cannot_run_it_puts_it_back(send, alice):
    send(alice)
    run = running()
    assert ending.give_back(run)
    assert status_of(run).status == Status.QUEUED
    again = claimed(ModelStage.RUNNING)
    assert again.attempt == 2
    assert again.began_at == run.began_at  # the model may have seen the images


def test_progress_is_told_and_keeps_the_lease(send, alice):
    send(alice)
    run = running()
    assert ending.expect_images(run, 18)
    lose(run)
    assert ending.report_progress(run, 12, 40.0)
    run.refresh_from_db()
    assert (run.images_done, run.images_per_second) == (12, 40.0)
    assert run.lease_until > timezone.now()


def test_a_failed_model_is_run_again_when_its_fault_is_mended(send, alice, host):
    send(alice)
    run = running()
    ending.fail(run)
    assert submissions.score_again(status_of(run), host)
    again = claimed(ModelStage.TRYING)
    assert (again.pk, again.began_at, again.batch_size) == (run.pk, None, None)
    assert model_runs.cancel(again.submission, alice).slot is None


# --- cancelling ----------------------------------------------------------------------------------


def test_cancelled_while_it_waits_it_gives_its_attempt_back(send, alice, competition):
    run = send(alice)
    cancelled = model_runs.cancel(run.submission, alice)
    assert (cancelled.status, cancelled.slot) == (Status.CANCELLED, None)
    assert "alice" in cancelled.error
    assert model_runs.claim_next(ALL) is None


def test_cancelled_in_its_dry_run_it_gives_its_attempt_back(send, alice):
    send(alice)
    trial = claimed(ModelStage.TRYING)
    assert model_runs.cancel(trial.submission, alice).slot is None
    assert not ending.tried(trial, DONE, 18)


def test_cancelled_while_it_runs_its_attempt_stays_spent(send, alice, answers):
    send(alice)
    run = running()
    cancelled = model_runs.cancel(run.submission, alice)
    assert (cancelled.status, cancelled.slot) == (Status.CANCELLED, 1)
    assert not ending.renew(run)  # so the worker stops it
    assert not ending.finish(run, DONE, answers())


def test_only_the_team_cancels_and_only_what_is_not_over(send, alice, bob, submit, answers):
    run = send(alice)
    with pytest.raises(NotAMember):
        model_runs.cancel(run.submission, bob)
    model_runs.cancel(run.submission, alice)
    with pytest.raises(NotReady):
        model_runs.cancel(run.submission, alice)
    with pytest.raises(Refused, match="Only models"):
        model_runs.cancel(submit(alice, answers()), alice)


def test_what_no_worker_takes_is_given_up_after_six_hours(send, alice, bob):
    run = send(alice)
    send(bob)
    assert sweeping.give_up() == []
    long_ago = timezone.now() - submissions.GIVE_UP_AFTER - timedelta(seconds=1)
    ModelRun.objects.filter(pk=run.pk).update(queued_at=long_ago)
    assert sweeping.give_up() == [run.submission_id]
    ended = status_of(run)
    assert (ended.status, ended.slot) == (Status.FAILED, None)
    assert "within six hours" in ended.error


def test_a_host_cancels_a_model_in_the_admin_and_it_is_written_down(send, alice, host, clients):
    run = send(alice)
    button = reverse("admin:competitions_submission_cancel_model", args=[run.submission_id])
    assert clients(alice).post(button, {"reason": "x", "_form_submitted": "on"}).status_code == 302
    assert not status_of(run).error
    filled_in = {"reason": "nobody runs it", "_form_submitted": "on"}
    assert clients(host).post(button, filled_in).status_code == 200
    ended = status_of(run)
    assert (ended.status, ended.slot) == (Status.CANCELLED, None)
    assert "the organiser" in ended.error
    assert Act.objects.get(kind=Kind.MODEL_CANCELLED).reason == "nobody runs it"


# --- bells ---------------------------------------------------------------------------------------


def test_what_was_never_rung_or_long_ago_is_rung(send, alice, bob):
    first, second = send(alice), send(bob)
    sweeping.rung(first.pk)
    assert model_runs.forgotten() == [second.pk]
    ModelRun.objects.filter(pk=first.pk).update(
        rung_at=timezone.now() - sweeping.RING_AGAIN_AFTER - timedelta(seconds=1)
    )
    assert model_runs.forgotten() == [first.pk, second.pk]


def test_a_lost_lease_is_rung_for(send, alice):
    run = send(alice)
    sweeping.rung(run.pk)
    trial = claimed(ModelStage.TRYING)
    assert model_runs.forgotten() == []
    ModelRun.objects.filter(pk=run.pk).update(
        rung_at=timezone.now() - timedelta(seconds=70),
        lease_until=timezone.now() - timedelta(seconds=1),
    )
    assert model_runs.forgotten() == [trial.pk]
