"""Whose turn it is: fair between challenges, then between teams, and one run for each worker."""

import threading

import pytest
from django.core.cache import cache
from django.db import connections
from django.utils import timezone

from competitions import model_runs
from competitions.model_runs import claiming, ending, workers, working
from competitions.model_runs import waiting as line
from competitions.models import ModelRules, ModelRun, ModelStage
from scoring.sandbox.contract import Ending, Format, Outcome

DONE = Outcome(Ending.DONE, images=18, seconds=2.0, device="cpu")
ALL = list(Format)


@pytest.fixture
def waiting(send):
    """A model that has had its dry run."""

    def make(user, where=None):
        return send(user, where, stage=ModelStage.WAITING)

    return make


def served(count, finished=True):
    """Who is served, one after the other."""
    order = []
    for _ in range(count):
        run = model_runs.claim_next(ALL)
        order.append((run.competition.slug, run.submission.user.username))
        if finished:
            assert ending.end(run, Outcome(Ending.CRASHED, message="It crashed."))
    return order


def test_teams_take_turns_however_many_models_one_sends(waiting, alice, bob):
    for _ in range(3):
        waiting(alice)
    waiting(bob)
    assert [who for _, who in served(4)] == ["alice", "bob", "alice", "alice"]


def test_challenges_take_turns_however_many_teams_one_has(
    waiting, another, alice, bob, charlie, person
):
    ModelRules.objects.create(competition=another, height=8, width=8)
    for user in (alice, bob, person("dora")):
        waiting(user)
    waiting(charlie, another)
    assert [where for where, _ in served(4)] == ["pets", "another", "pets", "pets"]


def test_a_challenge_with_nothing_running_comes_before_one_that_has(
    waiting, another, alice, bob, charlie
):
    ModelRules.objects.create(competition=another, height=8, width=8)
    waiting(alice)
    waiting(bob)
    waiting(charlie, another)
    assert [where for where, _ in served(3, finished=False)] == ["pets", "another", "pets"]


def test_a_dry_run_comes_before_every_run(waiting, send, alice, bob):
    waiting(alice)
    trial = send(bob)
    assert model_runs.claim_next(ALL).pk == trial.pk


def test_a_team_that_only_fails_dry_runs_does_not_stay_the_first(send, waiting, alice, bob):
    waiting(bob)
    for _ in range(2):
        send(alice)
        assert served(1) == [("pets", "alice")]
    ModelRun.objects.filter(team__members__user=bob).update(stage=ModelStage.TO_TRY)
    send(alice)
    assert served(2) == [("pets", "bob"), ("pets", "alice")]


def test_a_dry_run_has_half_a_minute_at_most(send, alice, rules, prepared, tmp_path):
    run = model_runs.read(send(alice).pk)
    for asked, given in ((600, 30.0), (5, 5.0)):
        run.competition.model_rules.seconds = asked
        assert working.trial_of(run, tmp_path).contract.budgets.seconds == given
        assert working.job_of(run, tmp_path).contract.budgets.seconds == asked


def test_only_formats_that_the_worker_runs_are_taken(send, alice):
    send(alice)
    assert model_runs.claim_next([Format.PT2]) is None
    assert model_runs.claim_next([]) is None
    assert model_runs.claim_next([Format.ONNX]) is not None


def test_the_place_in_the_line_is_the_order_of_the_claims(waiting, alice, bob):
    runs = [waiting(alice), waiting(alice), waiting(bob)]
    ModelRun.objects.update(expected_seconds=30)
    places = {run.pk: model_runs.place(run) for run in runs}
    assert [places[run.pk].position for run in runs] == [1, 3, 2]
    assert [places[run.pk].seconds for run in runs] == [0.0, 60.0, 30.0]
    order = [model_runs.claim_next(ALL).pk for _ in runs]
    assert order == sorted(places, key=lambda pk: places[pk].position)
    assert model_runs.place(model_runs.read(runs[0].pk)) is None


def test_two_workers_work_off_the_line_in_half_the_time(waiting, alice, bob):
    for name in ("one", "two"):
        workers.tell_of(workers.Worker(name, "CPU"))
    waiting(alice)
    second = waiting(bob)
    ModelRun.objects.update(expected_seconds=30)
    assert model_runs.place(second) == model_runs.Place(2, 15.0)


def test_what_runs_now_is_waited_for_by_what_is_left_of_it(waiting, alice, bob):
    waiting(alice)
    second = waiting(bob)
    ModelRun.objects.update(expected_seconds=30)
    running = model_runs.claim_next(ALL)
    ending.expect_images(running, 18)
    ending.report_progress(running, 9, 4.0)
    assert model_runs.place(second).seconds == 15.0


@pytest.fixture
def one_moment(monkeypatch):
    """What is reckoned stays fresh until ``later()``."""
    monkeypatch.setattr(line, "FRESH", 600)
    monkeypatch.setattr(line, "KEPT", 600)
    return lambda: cache.delete(line.RECKONED)


def test_however_many_pages_ask_the_line_is_reckoned_once(
    waiting, alice, bob, one_moment, django_assert_num_queries, django_assert_max_num_queries
):
    runs = [waiting(alice), waiting(alice), waiting(bob)]
    with django_assert_max_num_queries(3):  # the line, what runs now, what runs took lately
        assert model_runs.place(runs[0]).position == 1
    with django_assert_num_queries(0):
        for _ in range(500):
            assert [model_runs.place(run).position for run in runs] == [1, 3, 2]
    ModelRun.objects.filter(pk=runs[0].pk).update(stage=ModelStage.ENDED)
    one_moment()
    assert [model_runs.place(run).position for run in runs[1:]] == [1, 2]


def test_who_comes_or_goes_since_sees_it_at_once(
    waiting, alice, bob, one_moment, django_assert_num_queries
):
    first = waiting(alice)
    assert model_runs.place(first).position == 1
    second = waiting(bob)
    assert model_runs.place(second).position == 2
    model_runs.cancel(first.submission, alice)
    taken = model_runs.claim_next(ALL)
    assert taken.pk == second.pk
    first.refresh_from_db()
    with django_assert_num_queries(0):
        assert model_runs.place(first) is None
        assert model_runs.place(taken) is None


def test_what_a_lost_worker_had_stands_in_the_line_again(waiting, alice):
    waiting(alice)
    taken = model_runs.claim_next(ALL)
    assert model_runs.place(taken) is None
    ModelRun.objects.update(lease_until=timezone.now() - claiming.LEASE)
    assert model_runs.place(model_runs.read(taken.pk)).position == 1


def test_too_far_back_no_place_is_told_nor_asked_for_again(
    waiting, alice, one_moment, django_assert_num_queries, monkeypatch
):
    monkeypatch.setattr(line, "FORESEEN", 2)
    runs = [waiting(alice) for _ in range(3)]
    assert model_runs.place(runs[0]).position == 1
    with django_assert_num_queries(0):
        assert model_runs.place(runs[2]) is None


@pytest.mark.django_db(transaction=True)
def test_workers_that_ask_at_once_get_a_run_each(waiting, alice, bob):
    runs = {waiting(user).pk for user in (alice, alice, bob)}
    start, taken = threading.Barrier(5), []

    def ask():
        start.wait()
        try:
            run = model_runs.claim_next(ALL)
            taken.append(run and run.pk)
        finally:
            connections.close_all()

    workers = [threading.Thread(target=ask) for _ in range(5)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(taken) == 5
    assert {pk for pk in taken if pk} == runs
    assert taken.count(None) == 2
