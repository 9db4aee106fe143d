"""The life of a submission: who may move it from where to where, and what a crash leaves behind."""

import re
import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.core.files.base import ContentFile
from django.db import connection, connections
from django.utils import timezone

from competitions import attempts as limits
from competitions import files, standings, submissions, teams
from competitions.models import (
    PrivateScore,
    PublicScore,
    Standing,
    Status,
    Submission,
)
from competitions.models.submission import GIVEN_BACK, WAITING
from competitions.refusals import FileTooLarge, LimitReached, NotAMember, NotOpen
from tests.classroom import complaint, report_on

# expired: running, and the lease has run out. What only models end in: model_runs/test_life.py
STARTS = [*WAITING, "running", "scored", *GIVEN_BACK, "expired"]
VERBS = {
    "mark_queued": lambda one: submissions.mark_queued(one.pk),
    "claim": lambda one: submissions.claim(one.pk),
    "finish": lambda one: submissions.finish(
        one, report_on(one, files.read("submissions", one.path))
    ),
    "reject": lambda one: submissions.reject(one, complaint()),
    "fail": lambda one: submissions.fail(one, "Our disk is full."),
    "sweep": lambda one: sweep(),
}
MOVES = {
    ("received", "mark_queued"): "queued",
    ("received", "claim"): "running",
    ("queued", "claim"): "running",
    ("running", "finish"): "scored",
    ("running", "reject"): "invalid",
    ("running", "fail"): "failed",
    # A late worker's result counts as long as nobody else has begun.
    ("expired", "finish"): "scored",
    ("expired", "reject"): "invalid",
    ("expired", "fail"): "failed",
}


def state_of(pk):
    """Everything the database knows of a submission, to see that nothing moved."""
    return Submission.objects.filter(pk=pk).values().get()


def age(submission, **earlier):
    """Moves the row's times into the past: the database's clock stays what it is."""
    row = Submission.objects.get(pk=submission.pk)
    times = {name: getattr(row, name) - by for name, by in earlier.items()}
    Submission.objects.filter(pk=submission.pk).update(**times)


def expire(submission):
    age(submission, lease_until=submissions.LEASE + timedelta(seconds=1))


@pytest.fixture
def start(in_status):
    def bring(status):
        if status != "expired":
            return in_status(status)
        submission = in_status("running")
        expire(submission)
        return Submission.objects.select_related("team__competition__solution").get(
            pk=submission.pk
        )

    return bring


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("status", STARTS)
def test_each_verb_moves_only_what_it_may(start, status, verb):
    submission = start(status)
    before = state_of(submission.pk)
    VERBS[verb](submission)
    after = state_of(submission.pk)
    if (status, verb) in MOVES:
        assert after["status"] == MOVES[status, verb]
    elif (status, verb) == ("expired", "claim"):
        assert (after["status"], after["attempt"]) == ("running", 2)
    elif status in ("queued", "running", "expired") and verb == "mark_queued":
        assert {**after, "rung_at": None} == {**before, "rung_at": None}
    else:
        assert after == before


def test_only_one_module_writes_the_status(pytestconfig):
    writes = re.compile(r"(?:update|create|Submission)\([^()]*\bstatus=|\.status = ")
    writers = [
        path.name
        for path in (pytestconfig.rootpath / "competitions").rglob("*.py")
        if not {"migrations", "models", "baseline_runs"} & {*path.parts}  # whose runs are others
        and writes.search(path.read_text())
    ]
    assert writers == ["submissions.py"]


# --- taking a file -------------------------------------------------------------------------------


def test_a_file_is_kept_by_its_content_and_holds_the_first_slot(submit, alice, answers):
    submission = submit(alice, answers(1), message="  first try  ")
    assert submission.status == Status.RECEIVED
    assert (submission.slot, submission.message) == (1, "first try")
    assert submission.sha256 in submission.path
    assert files.read("submissions", submission.path) == answers(1)


def test_equal_files_are_stored_once(submit, alice, bob, answers):
    assert submit(alice, answers()).path == submit(bob, answers()).path


def test_a_stranger_may_not_submit(competition, charlie, answers):
    with pytest.raises(NotAMember, match="Join"):
        submissions.submit(competition, charlie, ContentFile(answers(), name="a.csv"))


def test_a_file_name_of_any_length_is_taken(submit, alice, answers):
    assert submit(alice, answers(), name="é" * 300 + ".csv").file_name.endswith(".csv")


def test_a_nul_byte_in_the_name_or_the_message_stops_nothing(submit, alice, answers):
    """PostgreSQL takes no NUL in a text; SQLite would."""
    submission = submit(alice, answers(), name="a\x00b.csv", message="x\x00y")
    submission.refresh_from_db()
    assert "\x00" not in submission.file_name + submission.message


def test_a_file_that_is_too_large_is_refused_and_not_kept(submit, alice, monkeypatch):
    monkeypatch.setattr(files, "submission_limit", lambda _: 100)
    with pytest.raises(FileTooLarge):
        submit(alice, b"x" * 101)
    assert not Submission.objects.exists()


def test_the_day_has_only_so_many_slots(submit, alice, answers):
    slots = [submit(alice, answers(n)).slot for n in range(5)]
    assert slots == [1, 2, 3, 4, 5]
    with pytest.raises(LimitReached, match="00:00 UTC"):
        submit(alice, answers(1))


def test_nothing_is_kept_of_a_file_beyond_the_limit(submit, alice, answers, kept_files):
    for n in range(5):
        submit(alice, answers(n))
    before = kept_files()
    with pytest.raises(LimitReached, match="is not counted"):
        submit(alice, answers(1, wrong_private=7))
    assert kept_files() == before


@pytest.fixture
def kept_files(settings):
    return lambda: sorted(
        p.name for p in (settings.FILES / "submissions").rglob("*") if p.is_file()
    )


def test_each_team_has_its_own_limit(submit, alice, bob, answers):
    for n in range(5):
        submit(alice, answers(n))
    assert submit(bob, answers()).slot == 1


def test_a_new_day_brings_new_slots(competition, team_of, submit, alice, answers):
    for n in range(5):
        submit(alice, answers(n))
    for submission in Submission.objects.all():
        Submission.objects.filter(pk=submission.pk).update(day=submission.day - timedelta(days=1))
    assert submit(alice, answers()).slot == 1
    assert limits.of(competition, team_of(alice)).used == 1


def test_the_day_ends_at_midnight_utc_wherever_the_server_stands(
    frozen_clock, competition, team_of, submit, alice, answers
):
    with timezone.override("Pacific/Kiritimati"):  # there it is tomorrow already
        frozen_clock(datetime(2026, 5, 1, 23, 59, 59, 999000, tzinfo=UTC))
        assert str(submit(alice, answers()).day) == "2026-05-01"
        attempts = limits.of(competition, team_of(alice))
        assert (attempts.left, attempts.resets_at) == (4, datetime(2026, 5, 2, tzinfo=UTC))
        frozen_clock(datetime(2026, 5, 2, tzinfo=UTC))
        assert (str(submit(alice, answers()).day), submit(alice, answers()).slot) == (
            "2026-05-02",
            2,
        )


def test_a_lower_limit_holds_at_once(competition, team_of, submit, alice, answers):
    submit(alice, answers())
    submit(alice, answers())
    competition.daily_limit = 1
    competition.save()
    with pytest.raises(LimitReached):
        submit(alice, answers())
    assert limits.of(competition, team_of(alice)).left == 0


def test_too_many_refused_files_within_the_hour(submit, alice, answers, monkeypatch):
    monkeypatch.setattr(limits, "REFUSED_FILES_PER_HOUR", 3)
    for _ in range(3):
        submissions.reject(submissions.claim(submit(alice, answers()).pk), complaint())
    with pytest.raises(LimitReached, match="could not be scored within an hour"):
        submit(alice, answers())
    for submission in Submission.objects.all():
        age(submission, received_at=timedelta(minutes=61))
    assert submit(alice, answers()).slot == 1


# --- slots come back -----------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["invalid", "failed"])
def test_a_slot_comes_back_once(competition, team_of, in_status, alice, status):
    def used():
        attempts = limits.of(competition, team_of(alice))
        return attempts.used, attempts.lifetime_used

    submission = in_status(status)
    assert used() == (0, 0)
    for verb in VERBS.values():
        verb(submission)
    assert used() == (0, 0)
    again = in_status("received")
    assert (again.slot, again.lifetime_slot) == (1, 1)


def test_a_slot_that_came_back_in_the_middle_is_given_out_again(submit, alice, answers):
    _, second, third = (submit(alice, answers(n)) for n in range(3))
    submissions.fail(submissions.claim(second.pk), "Our disk is full.")
    assert submit(alice, answers()).slot == second.slot
    assert submit(alice, answers()).slot == third.slot + 1


# --- fencing: one result per submission ----------------------------------------------------------


def test_a_late_worker_changes_nothing_after_another_has_begun(in_status, answers):
    late = in_status("running")
    expire(late)
    newer = submissions.claim(late.pk)
    before = state_of(late.pk)
    assert submissions.finish(late, report_on(late, answers(1))) is None
    assert submissions.reject(late, complaint()) is False
    assert submissions.fail(late, "late") is False
    assert state_of(late.pk) == before
    assert not PublicScore.objects.exists()
    assert submissions.finish(newer, report_on(newer, answers(1))) is not None


def test_a_claim_is_for_one_worker(in_status):
    submission = in_status("queued")
    assert submissions.claim(submission.pk) is not None
    assert submissions.claim(submission.pk) is None


def test_a_result_counts_once(in_status, answers):
    claimed = in_status("running")
    report = report_on(claimed, answers(1))
    assert submissions.finish(claimed, report) is not None
    before = state_of(claimed.pk)
    assert submissions.finish(claimed, report) is None
    assert state_of(claimed.pk) == before
    assert (PublicScore.objects.count(), PrivateScore.objects.count()) == (1, 1)
    assert Standing.objects.get().entries == 1


def test_nothing_is_scored_when_the_standing_cannot_be_written(in_status, answers, monkeypatch):
    claimed = in_status("running")
    report = report_on(claimed, answers(1))

    def broken(*_args):
        raise RuntimeError("no")

    monkeypatch.setattr(standings, "record", broken)
    with pytest.raises(RuntimeError):
        submissions.finish(claimed, report)
    assert state_of(claimed.pk)["status"] == Status.RUNNING
    assert not PublicScore.objects.exists()


def test_a_claim_of_nothing_is_nothing(db):
    assert submissions.claim(0) is None


def test_the_refusal_is_kept_for_the_team(in_status):
    submission = in_status("invalid")
    assert submission.error == "Line 7: There is no class 'bat'."
    assert submission.problems == [
        {"code": "unknown_class", "line": 7, "message": "There is no class 'bat'."}
    ]


def sweep():
    """What the sweep's task asks for: the numbers that were given up, and those to ring again."""
    return submissions.give_up(), submissions.forgotten()


# --- the sweep -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "waited", "rung"),
    [
        ("received", {"received_at": timedelta(seconds=9)}, False),
        ("received", {"received_at": timedelta(seconds=11)}, True),
        ("queued", {"rung_at": timedelta(seconds=59)}, False),
        ("queued", {"rung_at": timedelta(seconds=61)}, True),
        ("running", {"lease_until": timedelta(seconds=55)}, False),
        ("running", {"lease_until": timedelta(seconds=61)}, True),
    ],
)
def test_the_sweep_rings_for_what_was_forgotten(in_status, status, waited, rung):
    submission = in_status(status)
    age(submission, **waited)
    before = state_of(submission.pk)
    assert sweep() == ([], [submission.pk] if rung else [])
    assert state_of(submission.pk) == before


@pytest.mark.parametrize("status", ["received", "queued"])
def test_what_waited_for_six_hours_is_given_up(competition, team_of, alice, in_status, status):
    submission = in_status(status)
    age(submission, received_at=submissions.GIVE_UP_AFTER + timedelta(seconds=1))
    assert sweep() == ([submission.pk], [])
    submission.refresh_from_db()
    assert (submission.status, submission.slot) == (Status.FAILED, None)
    assert "given back" in submission.error
    assert limits.of(competition, team_of(alice)).used == 0


def test_after_three_dead_workers_it_is_given_up(in_status):
    submission = in_status("received")
    for attempt in (1, 2, 3):
        claimed = submissions.claim(submission.pk)
        assert claimed.attempt == attempt
        expire(claimed)
    assert submissions.claim(submission.pk) is None
    assert sweep() == ([submission.pk], [])
    submission.refresh_from_db()
    assert submission.status == Status.FAILED


def test_a_running_third_attempt_is_left_alone(in_status, answers):
    submission = in_status("running")
    Submission.objects.filter(pk=submission.pk).update(attempt=3)
    assert sweep() == ([], [])
    submission.refresh_from_db()
    assert submissions.finish(submission, report_on(submission, answers())) is not None


def test_the_sweep_does_not_give_up_what_was_claimed_meanwhile(in_status, monkeypatch):
    """Between the sweep's look and its write a worker may begin, and then it counts."""
    submission = in_status("received")
    age(submission, received_at=submissions.GIVE_UP_AFTER + timedelta(seconds=1))
    hopeless = submissions._is_hopeless

    def claimed_meanwhile(row, now):
        submissions.claim(row.pk)
        return hopeless(row, now)

    monkeypatch.setattr(submissions, "_is_hopeless", claimed_meanwhile)
    assert sweep() == ([], [])
    submission.refresh_from_db()
    assert submission.status == Status.RUNNING


def test_one_expired_lease_is_one_bell(in_status):
    submission = in_status("running")
    expire(submission)
    assert sweep() == ([], [submission.pk])
    submissions.mark_queued(submission.pk)
    assert sweep() == ([], [])
    submission.refresh_from_db()
    assert submission.status == Status.RUNNING
    age(submission, rung_at=submissions.RING_AGAIN_AFTER + timedelta(seconds=1))
    expire(submission)
    assert sweep() == ([], [submission.pk])


# --- everybody at once ---------------------------------------------------------------------------


def all_at_once(count, work):
    """Runs the work in that many threads, each with a connection of its own, from one signal."""
    gate, results = threading.Barrier(count), []

    def run(n):
        gate.wait()
        try:
            results.append(work(n))
        except Exception as error:
            results.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@pytest.mark.django_db(transaction=True)
def test_fifty_uploads_at_once_take_five_slots(competition, team_of, alice, answers):
    team = team_of(alice)
    results = all_at_once(
        50,
        lambda n: (
            submissions.submit(
                competition, alice, ContentFile(answers(n % 6), name=f"{n}.csv")
            ).slot
        ),
    )
    assert sorted(slot for slot in results if isinstance(slot, int)) == [1, 2, 3, 4, 5]
    assert {type(result) for result in results if not isinstance(result, int)} == {LimitReached}
    assert Submission.objects.filter(team=team).count() == 5


@pytest.mark.django_db(transaction=True)
def test_as_many_uploads_at_once_as_are_left_in_all_are_taken(
    competition, team_of, submit, alice, answers
):
    """Two were sent on an earlier day, and one of them was refused."""
    refused, scored = submit(alice, answers(1)), submit(alice, answers(2))
    submissions.reject(submissions.claim(refused.pk), complaint())
    Submission.objects.update(day=scored.day - timedelta(days=1))
    type(competition).objects.update(lifetime_limit=4)
    upload = answers(3)
    results = all_at_once(
        12,
        lambda n: submissions.submit(competition, alice, ContentFile(upload, name=f"{n}.csv")),
    )
    taken = [one for one in results if isinstance(one, Submission)]
    assert sorted(one.lifetime_slot for one in taken) == [1, 3, 4]
    assert {type(one) for one in results} == {Submission, LimitReached}, results
    attempts = limits.of(type(competition).objects.get(), team_of(alice))
    assert (attempts.left, attempts.lifetime_left, attempts.is_spent) == (0, 0, True)
    type(competition).objects.update(state="closed", late_submissions=True)
    late = submissions.submit(competition, alice, ContentFile(upload, name="late.csv"))
    assert (late.is_late, late.lifetime_slot) == (True, None)
    assert limits.of(competition, team_of(alice)).left == 1


@pytest.mark.django_db(transaction=True)
def test_of_many_workers_one_gets_the_submission(in_status):
    submission = in_status("queued")
    claims = all_at_once(8, lambda _: submissions.claim(submission.pk))
    assert sum(isinstance(claim, Submission) for claim in claims) == 1
    assert claims.count(None) == 7


@pytest.mark.django_db(transaction=True)
def test_many_results_at_once_leave_a_right_standing(
    competition, team_of, submit, alice, bob, answers
):
    """Four files of two teams end at the same moment: no entry and no version is lost."""
    claimed = [
        submissions.claim(submit(who, answers(wrong)).pk)
        for who in (alice, bob)
        for wrong in (2, 0, 3, 1)
    ]
    reports = [report_on(one, files.read("submissions", one.path)) for one in claimed]
    results = all_at_once(8, lambda n: submissions.finish(claimed[n], reports[n]))
    assert all(isinstance(result, Standing) for result in results), results
    competition.refresh_from_db()
    assert competition.board_version == 8
    assert {(s.entries, s.score) for s in Standing.objects.all()} == {(4, 1.0)}


@pytest.mark.django_db(transaction=True)
def test_one_result_delivered_many_times_counts_once(in_status, answers):
    claimed = in_status("running")
    report = report_on(claimed, answers(1))
    results = all_at_once(8, lambda _: submissions.finish(claimed, report))
    assert sum(isinstance(result, Standing) for result in results) == 1
    assert results.count(None) == 7
    assert Standing.objects.get().entries == 1


@pytest.mark.django_db(transaction=True)
def test_the_sweep_and_a_worker_at_once_end_it_once(competition, in_status, answers):
    """The third attempt's lease has run out; the worker comes back while the sweep gives up."""
    submission = in_status("running")
    Submission.objects.filter(pk=submission.pk).update(attempt=3)
    submission.attempt = 3
    expire(submission)
    report = report_on(submission, answers(1))
    all_at_once(
        2,
        lambda n: submissions.finish(submission, report) if n else sweep(),
    )
    submission.refresh_from_db()
    assert submission.status in (Status.SCORED, Status.FAILED)
    assert PublicScore.objects.count() == (submission.status == Status.SCORED)
    assert Submission.objects.filter(slot__isnull=False).count() == PublicScore.objects.count()


def test_closing_races_no_submission_in(competition, submit, alice, answers, team_of):
    """Closed between the early look and the insert: decided where the row is written."""
    team_of(alice)

    class ClosesWhileItIsRead(ContentFile):
        def chunks(self, chunk_size=None):
            type(competition).objects.filter(pk=competition.pk).update(state="closed")
            return super().chunks(chunk_size)

    with pytest.raises(NotOpen):
        submissions.submit(competition, alice, ClosesWhileItIsRead(answers(), name="a.csv"))
    assert not Submission.objects.exists()


def test_taking_a_file_costs_few_queries(competition, team_of, alice, answers):
    team_of(alice)
    upload = ContentFile(answers(), name="a.csv")
    with CountedQueries() as queries:
        submissions.submit(competition, alice, upload)
    # team; team, open?, patience, slots; files?; size limit; begin; the four again, now decisive;
    # savepoint, insert, release; commit
    assert len(queries) <= 16, queries


class CountedQueries:
    def __enter__(self):
        self.seen = []
        self.wrapper = connection.execute_wrapper(self)
        self.wrapper.__enter__()
        return self.seen

    def __call__(self, execute, sql, *rest):
        self.seen.append(sql)
        return execute(sql, *rest)

    def __exit__(self, *reason):
        self.wrapper.__exit__(*reason)


def test_everyone_in_the_team_shares_its_limit(competition, team_of, alice, bob, answers):
    team = team_of(alice)
    team.members.create(competition=competition, user=bob)
    for person in (alice, bob, alice, bob, alice):
        submissions.submit(competition, person, ContentFile(answers(), name="a.csv"))
    assert teams.of(competition, bob) == team
    with pytest.raises(LimitReached):
        submissions.submit(competition, bob, ContentFile(answers(), name="a.csv"))
