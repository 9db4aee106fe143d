"""The queue's door. A message may come twice, late or never; the row decides.

The tasks are called here as functions; the journeys run them in real workers.
"""

import json

import pytest
from celery import current_app
from django.core.files.base import ContentFile
from django.db import OperationalError, connection
from kombu.exceptions import OperationalError as BrokerError

from competitions import files, solutions, submissions, tasks
from competitions.models import PrivateScore, PublicScore, Standing, Status, Submission
from tests.competitions.test_submissions import age, all_at_once, expire, state_of


def statuses(told):
    return [json.loads(e["data"])["status"] for e in told() if e["event"] == "submission"]


def test_a_good_file_is_scored_and_told(submit, alice, answers, told):
    submission = submit(alice, answers(1))
    tasks.score(submission.pk)
    submission.refresh_from_db()
    assert submission.status == Status.SCORED
    assert PublicScore.objects.get().value == pytest.approx(5 / 6)
    assert PrivateScore.objects.get().value == 1.0
    assert statuses(told) == ["running", "scored"]
    assert [event["event"] for event in told()] == ["submission", "board", "submission", "host"]


def test_the_team_alone_is_told_of_its_submission(submit, team_of, alice, answers, told):
    tasks.score(submit(alice, answers()).pk)
    team = str(team_of(alice).pk)
    assert {(event["event"], event["team"]) for event in told()} == {
        ("submission", team),
        ("host", "hosts"),
        ("board", ""),
    }


def test_a_wrong_file_is_refused_with_its_line_and_leaves_the_board_alone(
    submit, alice, answers, told, competition
):
    submission = submit(alice, answers().replace(b"img_07.png,dog", b"img_07.png,bat"))
    tasks.score(submission.pk)
    submission.refresh_from_db()
    assert (submission.status, submission.slot) == (Status.INVALID, None)
    assert "Line 9" in submission.error
    assert "bat" in submission.error
    assert [problem["line"] for problem in submission.problems] == [9]
    assert statuses(told) == ["running", "invalid"]
    assert not Standing.objects.exists()
    competition.refresh_from_db()
    assert competition.board_version == 0


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x89PNG\r\n\x1a\n\x00\x00",
        b"id,label\n",
        b"x",
        b"\xff\xfe",
        b'id,label\n"',
        b"\n" * 9,
    ],
)
def test_whatever_is_sent_it_ends_as_the_teams_own_mistake(submit, alice, content):
    submission = submit(alice, content)
    tasks.score(submission.pk)
    submission.refresh_from_db()
    assert submission.status == Status.INVALID
    assert submission.error


@pytest.mark.parametrize("content", ["good", "wrong"])
def test_a_message_that_comes_twice_changes_nothing(submit, alice, answers, content, told):
    submission = submit(alice, answers(1) if content == "good" else b"nonsense")
    tasks.score(submission.pk)
    before, events = state_of(submission.pk), told()
    tasks.score(submission.pk)
    assert state_of(submission.pk) == before
    assert all(event in events for event in told())  # heard twice at most, nothing new


@pytest.mark.django_db(transaction=True)
def test_a_message_that_comes_to_many_workers_at_once_counts_once(submit, alice, answers, told):
    submission = submit(alice, answers(1))
    all_at_once(6, lambda _: tasks.score(submission.pk))
    submission.refresh_from_db()
    assert (submission.status, submission.attempt) == (Status.SCORED, 1)
    assert Standing.objects.get().entries == 1
    # Those who come too late tell the end again, in case its worker did not live to tell it.
    assert set(statuses(told)) == {"running", "scored"}


def test_our_own_mistake_is_not_the_teams(submit, alice, answers, monkeypatch, told, caplog):
    def broken(*_args):
        raise ZeroDivisionError("img_03.png is an owl")

    monkeypatch.setattr(solutions, "evaluate", broken)
    submission = submit(alice, answers())
    tasks.score(submission.pk)
    submission.refresh_from_db()
    assert (submission.status, submission.slot) == (Status.FAILED, None)
    assert submission.error == tasks.OUR_FAULT
    assert statuses(told) == ["running", "failed"]
    assert "owl" not in json.dumps(told())


@pytest.mark.parametrize("trouble", [OperationalError("database is locked"), OSError("disk")])
def test_what_may_pass_is_tried_again(submit, alice, answers, monkeypatch, trouble):
    submission = submit(alice, answers())

    def away(*_args):
        raise trouble

    with monkeypatch.context() as patch:
        patch.setattr(files, "read", away)
        with pytest.raises(type(trouble)):
            tasks.score(submission.pk)
    submission.refresh_from_db()
    assert submission.status == Status.RUNNING
    expire(submission)
    assert submissions.forgotten() == [submission.pk]
    tasks.score(submission.pk)
    submission.refresh_from_db()
    assert (submission.status, submission.attempt) == (Status.SCORED, 2)


def test_an_upload_that_is_gone_from_the_disk_is_given_up_in_the_end(submit, alice, answers):
    submission = submit(alice, answers())
    files.storage("submissions").delete(submission.path)
    for _ in range(submissions.MAX_ATTEMPTS):
        with pytest.raises(OSError, match="No such file"):
            tasks.score(submission.pk)
        submission.refresh_from_db()
        expire(submission)
    tasks.sweep()
    submission.refresh_from_db()
    assert submission.status == Status.FAILED


def test_a_worker_that_hangs_is_dead_before_its_lease_ends():
    assert tasks.score.time_limit < submissions.LEASE.total_seconds()
    assert tasks.score.soft_time_limit < tasks.score.time_limit


def test_the_broker_gives_a_message_back_only_after_the_work_must_be_over():
    """Otherwise a long task would be started again beside itself."""
    conf = current_app.conf
    assert conf.broker_transport_options["visibility_timeout"] > conf.task_time_limit
    assert (conf.task_acks_late, conf.worker_prefetch_multiplier) == (True, 1)


# --- the bell ------------------------------------------------------------------------------------


def queued(valkey):
    return valkey.client.llen(tasks.SCORE)


def test_the_bell_rings_after_the_commit(
    submit, alice, answers, valkey, django_capture_on_commit_callbacks
):
    submission = submit(alice, answers())
    with django_capture_on_commit_callbacks(execute=True):
        tasks.enqueue(submission)
        assert queued(valkey) == 0
    assert queued(valkey) == 1
    submission.refresh_from_db()
    assert submission.status == Status.QUEUED
    assert submission.rung_at is not None


def test_the_message_holds_the_number_and_nothing_else(submit, alice, answers, valkey):
    tasks._ring(submit(alice, answers()).pk)
    message = valkey.client.lindex(tasks.SCORE, 0).decode()
    assert "img_" not in message
    assert "answers.csv" not in message


@pytest.mark.parametrize("error", [BrokerError("away"), ConnectionRefusedError()])
def test_without_a_broker_nothing_is_lost(
    submit, alice, answers, monkeypatch, error, django_capture_on_commit_callbacks
):
    submission = submit(alice, answers())

    def away(*_args, **_options):
        raise error

    monkeypatch.setattr(tasks.score, "apply_async", away)
    with django_capture_on_commit_callbacks(execute=True):
        tasks.enqueue(submission)
    submission.refresh_from_db()
    assert submission.status == Status.RECEIVED
    age(submission, received_at=submissions.FORGOTTEN_AFTER)
    assert submissions.forgotten() == [submission.pk]


def test_a_broker_that_is_really_away_stops_no_upload(
    submit, alice, answers, valkey, django_capture_on_commit_callbacks
):
    submission = submit(alice, answers())
    valkey.stop()
    with django_capture_on_commit_callbacks(execute=True):
        tasks.enqueue(submission)
    submission.refresh_from_db()
    assert submission.status == Status.RECEIVED


def test_scoring_goes_on_without_the_live_stream(submit, alice, answers, valkey):
    submission = submit(alice, answers())
    valkey.stop()
    tasks.score(submission.pk)
    submission.refresh_from_db()
    assert submission.status == Status.SCORED


def test_the_sweep_rings_again(in_status, valkey):
    submission = in_status("received")
    age(submission, received_at=submissions.FORGOTTEN_AFTER)
    tasks.sweep()
    submission.refresh_from_db()
    assert (submission.status, queued(valkey)) == (Status.QUEUED, 1)
    tasks.sweep()
    assert queued(valkey) == 1


def test_what_the_sweep_gives_up_is_told(in_status, told):
    submission = in_status("received")
    age(submission, received_at=submissions.GIVE_UP_AFTER)
    tasks.sweep()
    assert statuses(told) == ["failed"]


def test_a_bell_for_what_is_scored_tells_again(scored, alice, answers, told):
    """The worker was killed between its commit and its events."""
    submission = scored(alice, answers())
    assert told() == []
    tasks.score(submission.pk)
    assert [event["event"] for event in told()] == ["board", "submission", "host"]
    assert json.loads(told()[0]["data"])["row"]["team_id"] == submission.team_id


def test_a_sweep_that_finds_nothing_writes_nothing(scored, alice, answers, valkey):
    scored(alice, answers())
    with Written() as written:
        tasks.sweep()
    assert written.statements == []
    assert queued(valkey) == 0


class Written:
    """The statements that are not a SELECT."""

    def __enter__(self):
        self.statements = []
        self.wrapper = connection.execute_wrapper(self)
        self.wrapper.__enter__()
        return self

    def __call__(self, execute, sql, *rest):
        if not sql.startswith("SELECT"):
            self.statements.append(sql)
        return execute(sql, *rest)

    def __exit__(self, *reason):
        self.wrapper.__exit__(*reason)


def test_the_heartbeat_leaves_its_mark(valkey):
    tasks.heartbeat("score")
    assert float(valkey.client.get("holdout:consumed:score")) > 0


def test_a_task_of_a_submission_that_is_gone_does_nothing(db, told):
    tasks.score(123456)
    assert told() == []


def test_the_same_file_may_be_sent_again(competition, submit, alice, answers):
    first, second = (submit(alice, answers(1)) for _ in range(2))
    for submission in (first, second):
        tasks.score(submission.pk)
    assert Submission.objects.filter(status=Status.SCORED, path=first.path).count() == 2
    assert Standing.objects.get().entries == 2
    assert ContentFile(files.read("submissions", second.path)).read() == answers(1)
