"""The host's screen: who needs somebody, who may see it, what its buttons do, what it costs."""

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from competitions import deadlines, lifecycle, moderation, queues, submissions
from competitions import host as screens
from competitions.host import Sort
from competitions.lights import IDLE, STUCK, Light, Seen, judge
from competitions.live import events
from competitions.live.audience import desk
from competitions.models import (
    Act,
    Announcement,
    Competition,
    Kind,
    Member,
    Mistakes,
    Organiser,
    Role,
    RosterEntry,
    Submission,
    Team,
)
from competitions.queues import Queue
from competitions.views import host as screen_view

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


def seen(**fields):
    return Seen(NOW, **{"since": NOW, "is_valid": True, "last_at": NOW, **fields})


# --- the rules -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "light", "words"),
    [
        ({}, Light.FINE, ""),
        ({"since": None}, Light.AWAY, "has not joined"),
        ({"disqualification": "Two accounts."}, Light.AWAY, "Two accounts."),
        ({"is_our_fault": True, "error": "Broken."}, Light.HELP, "Our fault, not theirs. Broken."),
        ({"refused": 1, "error": "No ids."}, Light.FINE, "Last file refused: No ids."),
        ({"refused": 2, "error": "No ids."}, Light.HELP, "Refused 2 times: No ids."),
        ({"refused": 6, "error": "No ids."}, Light.HELP, "Refused 6 times or more"),
        ({"below": "Below LeNet by 0.1"}, Light.WATCH, "Below LeNet by 0.1"),
        ({"dominant": "Predicts “frog”"}, Light.FINE, "Predicts “frog”"),
        ({"below": "Below LeNet", "dominant": "Frogs"}, Light.WATCH, "Below LeNet. Frogs"),
        ({"is_spent": True}, Light.FINE, "No attempts left today"),
    ],
)
def test_a_light_and_why(fields, light, words):
    found = judge(seen(**fields))
    assert found.light is light
    assert words in found.words


@pytest.mark.parametrize(
    ("idle", "fields", "light"),
    [
        (IDLE - SECOND, {}, Light.FINE),
        (IDLE, {}, Light.WATCH),
        (IDLE, {"is_spent": True}, Light.FINE),
        (IDLE, {"is_running": False}, Light.FINE),
    ],
)
def test_idle_is_who_sends_nothing_and_could(idle, fields, light):
    found = judge(seen(since=NOW - 2 * IDLE, last_at=NOW - idle, **fields))
    assert found.light is light
    assert found.at == (NOW - idle if light is Light.WATCH else None)


@pytest.mark.parametrize(
    ("here", "fields", "light"),
    [
        (STUCK - SECOND, {"last_at": NOW}, Light.FINE),
        (STUCK, {"last_at": NOW}, Light.HELP),
        (STUCK, {"last_at": None}, Light.HELP),
        (STUCK, {"last_at": NOW, "is_valid": True}, Light.FINE),
        (STUCK, {"last_at": None, "is_running": False}, Light.FINE),
    ],
)
def test_without_a_valid_file_after_half_an_hour_somebody_is_stuck(here, fields, light):
    assert judge(seen(**{"is_valid": False, "since": NOW - here, **fields})).light is light


# --- what it reads -------------------------------------------------------------------------------


@pytest.fixture
def read(competition):
    def look(sort=Sort.URGENCY):
        return screens.read(deadlines.read(competition.pk), sort)

    return look


def by_name(screen):
    return {person.name: person for person in screen.people}


def test_everybody_has_a_row(competition, read, scored, in_status, team_of, bob, charlie, answers):
    in_status("invalid")
    in_status("invalid")
    scored(bob, answers(2))
    baseline = scored(charlie, answers(1)).team
    moderation.mark_baseline(baseline)
    RosterEntry.objects.create(competition=competition, name="Carla Mendes")
    RosterEntry.objects.create(competition=competition, name="Bob Stone", user=bob)
    screen = read()
    assert [(one.name, one.judgement.light.value) for one in screen.people] == [
        ("Alice", "help"), ("Bob Stone", "watch"), ("Carla Mendes", "away"),
    ]  # fmt: skip
    found = by_name(screen)
    assert "There is no class 'bat'." in found["Alice"].judgement.words
    assert found["Bob Stone"].judgement.words == "Below Charlie by 0.1666"
    assert found["Bob Stone"].pips == [True, True, False]
    assert (found["Bob Stone"].best, found["Bob Stone"].left) == ("0.6667", 4)
    assert screen.tally == {"help": 1, "watch": 1, "fine": 0, "away": 1}
    assert (screen.baseline, screen.joined, screen.beating) == ("Charlie", 2, 0)


def test_who_beats_the_baseline_is_fine(read, scored, alice, bob, answers):
    scored(alice, answers(1))
    moderation.mark_baseline(scored(bob, answers(2)).team)
    (person,) = read().people
    assert (person.beats, person.judgement.light) == (True, Light.FINE)
    assert person.steps == "joined, valid file, beats the baseline"


def test_a_frozen_board_hides_nothing_from_the_host(competition, read, scored, alice, answers):
    scored(alice, answers(3))
    Competition.objects.filter(pk=competition.pk).update(closes_at=timezone.now() + 30 * MINUTE)
    lifecycle.freeze(competition)
    scored(alice, answers(0))
    assert read().people[0].best == "1.0000"


def test_hidden_scores_stay_hidden(competition, read, scored, alice, answers):
    Competition.objects.filter(pk=competition.pk).update(feedback="hidden")
    scored(alice, answers(3))
    (person,) = read().people
    assert (person.best, person.pips) == ("", [True, True, False])


def test_who_names_one_class_for_most_images_is_told(competition, read, scored, alice, answers):
    team = scored(alice, answers(0)).team
    told = {"submission": 1, "class": "frog", "share": 0.61}
    Mistakes.objects.create(
        competition=competition, version=1, computed_at=NOW, dominant={str(team.pk): told}
    )
    assert read().people[0].judgement.words == "Predicts “frog” for 61 % of the images"


def test_the_orders(read, scored, alice, bob, answers):
    scored(bob, answers(0))
    scored(alice, answers(2))
    assert [one.name for one in read(Sort.NAME).people] == ["Alice", "Bob"]
    assert [one.name for one in read(Sort.SCORE).people] == ["Bob", "Alice"]


def test_it_takes_as_many_queries_for_two_hundred_as_for_two(competition, read, person):
    def join(number):
        user = person(f"p{number}")
        team = Team.objects.create(competition=competition, name=f"Team {number}")
        Member.objects.create(competition=competition, team=team, user=user)
        RosterEntry.objects.create(competition=competition, name=f"Absent {number}")
        for n in range(3):
            Submission.objects.create(
                team=team, user=user, file_name="a.csv", path="x", size=1, sha256="0" * 64,
                day=NOW.date(), slot=n + 1, lifetime_slot=n + 1, received_at=NOW,
            )  # fmt: skip

    def counted():
        fresh = deadlines.read(competition.pk)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            screens.read(fresh)
        return len(queries)

    join(0)
    join(1)
    few = counted()
    for number in range(2, 60):
        join(number)
    assert few == counted() <= 8
    assert len(read().people) == 120


# --- who may see it ------------------------------------------------------------------------------


@pytest.fixture
def role(competition, person):
    def make(name):
        user = person(name)
        Organiser.objects.create(competition=competition, user=user, role=name)
        return user

    return make


@pytest.fixture
def visit(clients, competition):
    def ask(user, path="host/", data=None):
        client = clients(user)
        url = f"/competitions/{competition.slug}/{path}"
        return client.get(url) if data is None else client.post(url, data)

    return ask


def test_organisers_see_it_and_nobody_else(visit, role, team_of, alice, charlie, host):
    team_of(alice)
    organisers = [host, *map(role, Role.values)]
    assert [visit(user).status_code for user in organisers] == [200] * 5
    assert [visit(user).status_code for user in (alice, charlie)] == [403, 403]
    assert visit(None).status_code == 302
    assert [visit(user, "host/rows/").status_code for user in (alice, charlie)] == [403, 403]


def test_a_viewer_has_no_buttons_and_a_judge_does_not_close(visit, role, team_of, alice):
    team = team_of(alice)
    judge_, viewer = role("judge"), role("viewer")
    told = visit(viewer).content.decode()
    assert "data-ask" not in told
    assert "You look on" in told
    paths = ["host/pause/", f"host/teams/{team.pk}/"]
    assert [visit(viewer, path).status_code for path in paths] == [403, 403]
    assert [visit(judge_, path).status_code for path in paths] == [200, 200]
    assert visit(judge_, "host/close/", {}).status_code == 302
    assert not Act.objects.exists()


def test_no_label_and_no_private_score_is_on_it(visit, host, scored, alice, answers):
    scored(alice, answers(1, 3))
    told = visit(host).content.decode()
    assert "0.8333" in told
    assert "0.7500" not in told


def test_the_fragment_has_the_rows_of_the_teams_asked_for(visit, host, scored, alice, bob, answers):
    mine = scored(alice, answers(1)).team
    scored(bob, answers(2))
    told = visit(host, f"host/rows/?sort=name&teams={mine.pk}").content.decode()
    assert re.findall(r'data-team="(\d+)"', told) == [str(mine.pk)]
    order = re.search(r'data-order="([^"]*)"', told)[1].split()
    assert len(order) == 2
    assert "Bob" in visit(host, "host/rows/?teams=").content.decode()
    assert visit(host, "host/rows/?teams=x,-1&sort=nonsense").status_code == 200


# --- its buttons ---------------------------------------------------------------------------------


def test_every_button_asks_and_acts(
    visit, host, competition, told, django_capture_on_commit_callbacks
):
    closes = timezone.now() + 30 * MINUTE
    Competition.objects.filter(pk=competition.pk).update(closes_at=closes)

    def press(name, **data):
        assert visit(host, f"host/{name}/").status_code == 200
        with django_capture_on_commit_callbacks(execute=True):
            assert visit(host, f"host/{name}/", data).status_code == 302

    press("announce", text="Ten more minutes!")
    press("pause")
    press("resume")
    press("extend", minutes="15", seen=closes.isoformat())
    press("freeze")
    press("thaw")
    press("close")
    kinds = list(Act.objects.order_by("pk").values_list("kind", flat=True))
    changed = Kind.SETTINGS_CHANGED
    assert kinds == ["announced", "paused", "resumed", "extended", changed, changed, "closed"]
    assert Announcement.objects.get().text == "Ten more minutes!"
    assert [one["event"] for one in told()].count("clock") == 6
    assert visit(host, "host/nonsense/").status_code == 404


def test_an_extension_counts_from_the_end_that_was_seen(visit, host, competition):
    closes = timezone.now() + 30 * MINUTE
    Competition.objects.filter(pk=competition.pk).update(closes_at=closes)
    asked = {"minutes": "15", "seen": (closes - MINUTE).isoformat()}
    answer = visit(host, "host/extend/", asked)
    assert answer.status_code == 400
    assert "given more meanwhile" in answer.content.decode()
    assert not Act.objects.exists()


def test_more_for_one_team_from_its_dialog(
    visit, host, competition, team_of, alice, told, django_capture_on_commit_callbacks
):
    closes = timezone.now() - MINUTE
    team = team_of(alice)
    Competition.objects.filter(pk=competition.pk).update(closes_at=closes)
    path = f"host/teams/{team.pk}/"
    assert "More for this team" in visit(host, path).content.decode()
    asked = {"do": "allow", "minutes": "10", "attempts": "2", "seen": f"{closes.isoformat()}/0"}
    assert visit(host, path, asked).status_code == 400  # no reason
    with django_capture_on_commit_callbacks(execute=True):
        assert visit(host, path, {**asked, "reason": "The laptop broke."}).status_code == 302
    team.refresh_from_db()
    assert team.extra_attempts == 2
    assert team.closes_at > timezone.now() + 9 * MINUTE
    assert [(one["event"], one["team"]) for one in told()] == [
        ("allowance", str(team.pk)), ("host", events.TO_HOSTS),
    ]  # fmt: skip
    assert "may still send files" in visit(host).content.decode()
    # The same click once more: the team's end is another one by now.
    assert visit(host, path, {**asked, "reason": "Twice."}).status_code == 400
    visit(host, path, {"do": "take_back", "reason": ""})
    team.refresh_from_db()
    assert (team.extra_attempts, team.closes_at) == (0, None)


def test_a_team_is_hidden_and_shown(visit, host, scored, alice, answers):
    team = scored(alice, answers(1)).team
    path = f"host/teams/{team.pk}/"
    visit(host, path, {"do": "hide", "reason": "A joke name."})
    assert Team.objects.get(pk=team.pk).is_hidden
    assert "hidden" in visit(host).content.decode()
    visit(host, path, {"do": "show"})
    assert not Team.objects.get(pk=team.pk).is_hidden
    assert visit(host, path, {"do": "delete"}).status_code == 404
    assert visit(host, "host/teams/999999/").status_code == 404


# --- live ----------------------------------------------------------------------------------------


def test_hosts_hear_which_team_and_no_more(submit, alice, answers, told):
    sent = submit(alice, answers(1))
    claimed = submissions.claim(sent.pk)
    events.publish_submission(claimed)
    submissions.fail(claimed, "Our disk is full.")
    claimed.refresh_from_db()
    events.publish_submission(claimed)
    heard = [one for one in told() if one["team"] == events.TO_HOSTS]
    assert [json.loads(one["data"]) for one in heard] == [
        {"team_id": sent.team_id, "status": "failed"}
    ]


@pytest.mark.django_db(transaction=True)
def test_only_those_who_run_the_room_listen_as_hosts(competition, role, clients, team_of, alice):
    desk.forget()
    team = team_of(alice)

    def hears(user):
        session = clients(user).session.session_key
        return desk._look_up(type("Q", (), {"slug": competition.slug, "session": session})()).teams

    assert hears(alice) == {str(team.pk)}
    assert hears(role("judge")) == {events.TO_HOSTS}
    assert hears(role("viewer")) == set()


# --- the workers ---------------------------------------------------------------------------------


def test_the_queues_are_read_from_valkey(valkey):
    assert {queue.is_well for queue in queues.read()} == {False}
    timed = timezone.now().timestamp()
    valkey.client.set("holdout:consumed:score", timed)
    valkey.client.lpush("score", "a message", "another")
    score = next(queue for queue in queues.read() if queue.name == "score")
    assert (score.is_well, score.waiting) == (True, 2)
    valkey.stop()
    assert queues.read() is None


@pytest.mark.parametrize(
    ("found", "is_well", "words"),
    [
        (None, False, "does not answer"),
        ([Queue("score", 0, None)], False, "No worker answers for scoring"),
        ([Queue("score", 0, 99.0), Queue("insight", 0, 1.0)], False, "for scoring"),
        ([Queue("score", 0, 1.0)], True, "Nothing waits"),
    ],
)
def test_the_health_in_words(found, is_well, words):
    told = screen_view.health(screens.Screen([], "", 0, None), found)
    assert told.is_well is is_well
    assert words in told.words


def test_after_a_pause_nobody_was_idle(competition, team_of, alice, frozen_clock):
    team_of(alice)
    now = timezone.now()
    frozen_clock(now + timedelta(minutes=5))
    lifecycle.pause(competition)
    frozen_clock(now + timedelta(minutes=65))
    lifecycle.resume(competition)
    Act.objects.filter(kind=Kind.RESUMED).update(at=now + timedelta(minutes=65))
    frozen_clock(now + timedelta(minutes=66))
    (row,) = screens.read(Competition.objects.get(pk=competition.pk)).people
    assert row.judgement.light == "fine"
