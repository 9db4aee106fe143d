"""The challenge's row is locked first, bare, and the rest after it: then nobody waits in a ring."""

import threading
from dataclasses import replace

import pytest
from django.db import OperationalError, connection, connections
from django.test.utils import CaptureQueriesContext

from competitions import (
    lifecycle,
    moderation,
    picks,
    rescoring,
    reveal,
    standings,
    submissions,
    tasks,
    teams,
)
from competitions.insight import alarms, columns
from competitions.models import (
    Alarm,
    Competition,
    FinalStanding,
    PrivateScore,
    PublicScore,
    Rescoring,
    Status,
    Submission,
)
from competitions.rescoring import Settings, reading
from scoring.evidence import Evidence
from tests.classroom import report_on
from tests.competitions.test_submissions import all_at_once

# SQLite has one lock, taken as a transaction begins.
on_postgresql = pytest.mark.row_locks
LOCKING = ("FOR UPDATE", "FOR NO KEY UPDATE", "FOR SHARE")
WRITING = ("UPDATE", "INSERT", "DELETE")


@pytest.fixture
def claimed(submit, alice, answers):
    """Alice's file, which a worker holds."""
    return submissions.claim(submit(alice, answers(1)).pk)


@pytest.fixture
def file(scored, alice, answers):
    return scored(alice, answers(2))


@pytest.fixture
def begin(competition, host):
    """``begin()``: a rescoring by another number of decimals, not worked at yet."""

    def start():
        fresh = Competition.objects.get(pk=competition.pk)
        return rescoring.begin(competition, host, "why", replace(Settings.of(fresh), decimals=1))

    return start


def work(it):
    while rescoring.step(it.pk, rescoring.rung(it.pk)):
        pass
    return Rescoring.objects.get(pk=it.pk)


def raise_alarm(file, competition):
    known = columns.Known(Evidence("rows", 0.5, ()), gap=9.0)
    alarms.look(competition, [alarms.Suspect(file.team_id, file.pk, "a.csv")], {"a.csv": known})
    return Alarm.objects.get()


VERBS = {
    "choose": lambda file, where, begin: lambda: picks.choose(file),
    "withdraw": lambda file, where, begin: lambda: picks.withdraw(file),
    "hide": lambda file, where, begin: lambda: moderation.hide(file.team),
    "set_group": lambda file, where, begin: lambda: moderation.set_group(file.team, "North"),
    "rename, by the host": lambda file, where, begin: lambda: moderation.rename(file.team, "X"),
    "rename": lambda file, where, begin: lambda: teams.rename(file.team, "Others"),
    "exclude": lambda file, where, begin: lambda: moderation.exclude(file, "why"),
    "raise an alarm": lambda file, where, begin: lambda: raise_alarm(file, where),
    "read": lambda file, where, begin: (it := begin()) and (lambda: reading.read(it)),
    "drop": lambda file, where, begin: (it := begin()) and (lambda: rescoring.drop(it)),
    "apply": lambda file, where, begin: (it := work(begin())) and (lambda: rescoring.apply(it)),
}


def see(file, where, begin):
    alarm = raise_alarm(file, where)
    return lambda: moderation.see(alarm)


def score_again(file, where, begin):
    lost = {"status": Status.FAILED, "slot": None, "lifetime_slot": None, "error": "Our disk."}
    PublicScore.objects.all().delete()
    PrivateScore.objects.all().delete()
    Submission.objects.filter(pk=file.pk).update(**lost)
    return lambda: submissions.score_again(file)


def reveal_it(file, where, begin):
    lifecycle.close_now(where)
    return lambda: reveal.reveal(where, despite="no seal in this test")


VERBS |= {"see": see, "score again": score_again, "reveal": reveal_it}


def require_the_challenge_first(act):
    with CaptureQueriesContext(connection) as captured:
        act()
    locks = [
        sql
        for sql in (query["sql"] for query in captured.captured_queries)
        if sql.startswith(WRITING) or any(word in sql for word in LOCKING)
    ]
    assert '"competitions_competition"' in locks[0].split("WHERE")[0]
    # A joined row would be the one from before the wait.
    assert not [sql for sql in locks if "JOIN" in sql and not sql.startswith(WRITING)]


@on_postgresql
@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_locks_the_challenge_before_anything_else(file, competition, begin, verb):
    require_the_challenge_first(VERBS[verb](file, competition, begin))


@on_postgresql
def test_a_file_that_ends_locks_the_challenge_before_itself(claimed, answers):
    report = report_on(claimed, answers(1))
    require_the_challenge_first(lambda: submissions.finish(claimed, report))


def someone_waits():
    """Until a connection waits for another one's lock; False where none did."""
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    for _ in range(500):
        with connection.cursor() as cursor:
            cursor.execute(waiting)
            if cursor.fetchone()[0]:
                return True
        threading.Event().wait(0.01)
    return False


def while_it_holds(act, other):
    """Both acts: the other one begins inside the first one's transaction, and must wait for it."""
    results = []

    def run():
        try:
            results.append(other())
        except Exception as error:
            results.append(error)
        finally:
            connections.close_all()

    waiter = threading.Thread(target=run)
    act(lambda: (waiter.start(), someone_waits()))
    waiter.join()
    return results[0]


@on_postgresql
@pytest.mark.django_db(transaction=True)
def test_a_reveal_that_waits_for_a_rescoring_is_made_by_the_new_solution(
    file, competition, begin, monkeypatch
):
    it = work(begin())
    lifecycle.close_now(competition)
    real, waits = standings.rebuild, []

    def apply(start_the_other):
        def rebuild(where):
            real(where)
            waits.append(start_the_other()[1])

        monkeypatch.setattr(standings, "rebuild", rebuild)
        rescoring.apply(it)

    result = while_it_holds(apply, lambda: reveal.reveal(competition, despite="no seal"))
    assert (result, waits) == (None, [True])
    final = FinalStanding.objects.get()
    assert final.low is not None and final.low < final.score


@on_postgresql
@pytest.mark.django_db(transaction=True)
def test_a_name_that_somebody_takes_by_joining_is_waited_for_by_a_rename(
    file, competition, person, monkeypatch
):
    """The new team refers to the challenge, whose row the rename holds: not a ring."""
    newcomer, real, waits = person("bea", first_name="Bea"), teams.Member.objects.create, []

    def join(start_the_other):
        def create(**fields):
            waits.append(start_the_other()[1])  # the new team's name is taken, not committed
            return real(**fields)

        monkeypatch.setattr(teams.Member.objects, "create", create)
        teams.join(competition, newcomer)

    result = while_it_holds(join, lambda: moderation.rename(file.team, "Bea"))
    assert isinstance(result, teams.NameTaken)
    assert waits == [True]


@pytest.mark.django_db(transaction=True)
def test_ends_renames_picks_and_bans_at_once_all_come_through(
    competition, submit, scored, alice, bob, answers
):
    """Of one team and its running file, in whatever order they come."""
    claimed = submissions.claim(submit(alice, answers(1)).pk)
    report, other = report_on(claimed, answers(1)), scored(bob, answers(2))

    def again(pk):
        return Submission.objects.select_related("team").get(pk=pk)

    acts = (
        lambda: submissions.finish(claimed, report),
        lambda: picks.withdraw(again(claimed.pk)),
        lambda: moderation.exclude(again(claimed.pk), "why"),
        lambda: moderation.rename(again(claimed.pk).team, "Others"),
        lambda: moderation.hide(again(claimed.pk).team),
        lambda: picks.choose(again(other.pk)),
    )
    results = all_at_once(len(acts), lambda n: acts[n]())
    assert not [one for one in results if isinstance(one, Exception)], results
    claimed.refresh_from_db()
    assert (claimed.status, claimed.exclusion) == (Status.SCORED, "why")
    assert (again(claimed.pk).team.name, again(other.pk).pick) == ("Others", 1)


def undone(code):
    error, cause = OperationalError("undone"), Exception("undone")
    cause.sqlstate = code
    error.__cause__ = cause
    return error


@pytest.mark.parametrize("code", sorted(tasks.LOST_RACES))
def test_what_the_database_undid_for_another_ones_sake_is_written_once_more(
    submit, alice, answers, monkeypatch, code
):
    sent, real, errors = submit(alice, answers(1)), submissions.finish, [undone(code)]

    def finish(*arguments):
        if errors:
            raise errors.pop()
        return real(*arguments)

    monkeypatch.setattr(submissions, "finish", finish)
    tasks.score(sent.pk)
    sent.refresh_from_db()
    assert (sent.status, sent.attempt) == (Status.SCORED, 1)


def test_a_database_that_is_away_is_left_to_the_sweep(submit, alice, answers, monkeypatch):
    sent, tries = submit(alice, answers(1)), []

    def finish(*arguments):
        tries.append(arguments)
        raise undone("08006")

    monkeypatch.setattr(submissions, "finish", finish)
    with pytest.raises(OperationalError):
        tasks.score(sent.pk)
    assert len(tries) == 1


def test_who_lost_the_file_moves_no_board(claimed, answers, competition):
    report = report_on(claimed, answers(1))
    Submission.objects.filter(pk=claimed.pk).update(attempt=2)  # given to another worker
    assert submissions.finish(claimed, report) is None
    assert Competition.objects.get(pk=competition.pk).board_version == 0
