"""The end: what must be settled before it, who is first in it, and who may see it when."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from competitions import final, leaderboard, lifecycle, moderation, picks, reveal, submissions
from competitions.models import (
    Act,
    Alarm,
    BoardStatistics,
    Competition,
    FinalStanding,
    Kind,
    Rescoring,
    SolutionVersion,
    State,
    Submission,
    Team,
)
from competitions.refusals import NotReady
from tests.competitions.test_admin import admin, change_page

__all__ = ["admin"]  # fixtures

DESPITE = "The seal of this test is not real."


@pytest.fixture
def sealed(competition):
    """The competition after the workers: the seal is whole, and alarms were looked for."""
    now = timezone.now()
    SolutionVersion.objects.update(verified_at=now)
    BoardStatistics.objects.create(competition=competition, version=1, computed_at=now)
    return competition


@pytest.fixture
def close(sealed):
    def now():
        lifecycle.close_now(sealed)
        return Competition.objects.get(pk=sealed.pk)

    return now


def ranking():
    """Team, rank and displayed private score, best first."""
    return [
        (one.team.name, one.rank, leaderboard.displayed(one.score, 4))
        for one in FinalStanding.objects.select_related("team")
    ]


def missing(competition):
    return {check.name for check in reveal.checklist(competition) if not check.is_done}


# --- before it -----------------------------------------------------------------------------------


def test_it_is_refused_until_everything_is_settled(
    sealed, submit, scored, alice, bob, answers, host
):
    best = scored(alice, answers(1))
    waiting = submit(bob, answers(2))
    rescoring = Rescoring.objects.create(
        competition=sealed, before=sealed.solution, note="A label", old_metric={}, new_metric={}
    )
    Alarm.objects.create(team=best.team, submission=best, z=5.2, raised_at=timezone.now())
    SolutionVersion.objects.update(verified_at=None)

    def settle(name):
        match name:
            case "over":
                lifecycle.close_now(sealed)
            case "scored":
                Submission.objects.filter(pk=waiting.pk).delete()
            case "rescoring":
                rescoring.delete()

    names = ["over", "scored", "rescoring", "seal", "alarms"]
    for name in names[:3]:
        assert missing(Competition.objects.get()) == set(names)
        with pytest.raises(NotReady, match="It cannot be revealed yet"):
            reveal.reveal(sealed, host, despite=DESPITE)
        settle(name)
        names.remove(name)
    for despite in ("", "  "):
        with pytest.raises(NotReady, match="seal"):
            reveal.reveal(sealed, host, despite=despite)
    assert not FinalStanding.objects.exists()
    reveal.reveal(sealed, host, despite=DESPITE)
    assert Act.objects.get(kind=Kind.REVEALED).reason == DESPITE
    assert FinalStanding.objects.count() == 1
    with pytest.raises(NotReady, match="revealed already"):
        reveal.reveal(sealed, host, despite=DESPITE)


def test_nobody_looked_for_alarms_is_not_no_alarm(close, scored, alice, answers):
    scored(alice, answers(1))
    BoardStatistics.objects.all().delete()
    assert missing(close()) == {"alarms"}


def test_a_file_that_failed_by_our_fault_is_on_the_list_and_is_scored_again(close, in_status):
    """It keeps its moment, and holds an attempt again although its team has used them all."""
    failed = in_status("failed")
    Submission.objects.update(received_at=timezone.now() - timedelta(hours=1))
    competition = close()
    assert missing(competition) == {"failed"}
    for _ in range(2):
        submissions.score_again(Submission.objects.get(pk=failed.pk))
    again = Submission.objects.get(pk=failed.pk)
    assert (again.status, again.slot, again.lifetime_slot, again.error) == ("received", 1, 1, "")
    assert missing(competition) == {"scored"}
    assert Act.objects.filter(kind=Kind.SCORED_AGAIN).count() == 1


def test_a_late_file_holds_up_nothing(close, submit, bob, answers):
    sent = submit(bob, answers(2))
    Submission.objects.filter(pk=sent.pk).update(is_late=True, lifetime_slot=None)
    assert missing(close()) == set()


def test_a_broken_seal_says_what_is_broken(close, host):
    competition = close()
    SolutionVersion.objects.update(verification="The labels are not those that were sealed.")
    with pytest.raises(NotReady, match="not those that were sealed"):
        reveal.reveal(competition, host)


def test_nothing_is_published_before_it_is_revealed(close, host):
    with pytest.raises(NotReady, match="Reveal the private board first"):
        reveal.publish(close(), host)


# --- who is first --------------------------------------------------------------------------------


def test_the_better_of_two_picks_counts_and_without_one_the_best_public_file(
    close, scored, alice, bob, charlie, answers
):
    """Alice and Bob send the same two files; Bob trusts the one that looks worse in public."""
    for who in (alice, bob):
        scored(who, answers(wrong=0, wrong_private=6))
        modest = scored(who, answers(wrong=2, wrong_private=1))
        if who == bob:
            picks.choose(modest)
            picks.choose(Submission.objects.filter(team=modest.team).last())
    scored(charlie, answers(wrong=1, wrong_private=3))
    reveal.reveal(close())
    assert ranking() == [("Bob", 1, "0.9167"), ("Charlie", 2, "0.7500"), ("Alice", 3, "0.5000")]
    bobs = FinalStanding.objects.get(rank=1)
    assert (bobs.public_rank, bobs.public_score) == (1, 1.0)


def test_equal_private_scores_share_a_rank_and_the_earlier_stands_first(
    close, scored, alice, bob, charlie, answers
):
    for who, wrong in ((bob, 2), (alice, 0), (charlie, 1)):
        scored(who, answers(wrong, wrong_private=3 + (who == charlie)))
    reveal.reveal(close())
    assert ranking() == [("Bob", 1, "0.7500"), ("Alice", 1, "0.7500"), ("Charlie", 3, "0.6667")]


def test_where_less_is_better_the_least_is_first(close, scored, alice, bob, answers):
    """The scores of an accuracy, read as an error: what counted as better is worse."""
    for who, wrong in ((alice, 1), (bob, 5)):
        scored(who, answers(wrong, wrong_private=wrong))
    Competition.objects.update(metric="top_k_error", metric_parameters={"k": 1})
    reveal.reveal(close())
    assert [name for name, *_ in ranking()] == ["Bob", "Alice"]


def test_baselines_have_no_rank_and_who_is_out_or_late_has_no_line(close, scored, person, answers):
    names = ("base", "hidden", "out", "late", "excluded", "ranked")
    sent = {
        name: scored(person(name), answers(wrong=0, wrong_private=n))
        for n, name in enumerate(names)
    }
    moderation.mark_baseline(sent["base"].team)
    moderation.hide(sent["hidden"].team)
    moderation.disqualify(sent["out"].team, "Labelled by hand.")
    moderation.exclude(sent["excluded"], "Sent twice.")
    Submission.objects.filter(pk=sent["late"].pk).update(is_late=True, lifetime_slot=None)
    reveal.reveal(close())
    assert ranking() == [("base", None, "1.0000"), ("ranked", 1, "0.5833")]


# --- who sees it when ----------------------------------------------------------------------------


@pytest.fixture
def frozen(competition, scored, alice, bob, answers, sealed):
    """Closed, with a file of Bob's that came while the board stood still."""
    scored(alice, answers(wrong=1, wrong_private=4))
    Submission.objects.update(received_at=timezone.now() - timedelta(hours=1))
    now = timezone.now()
    Competition.objects.update(
        freeze_minutes=30,
        opens_at=now - timedelta(hours=2),
        closes_at=now + timedelta(minutes=10),
    )
    scored(bob, answers(wrong=0, wrong_private=1))
    lifecycle.close_now(competition)
    return Competition.objects.get(pk=competition.pk)


def publish(client, competition, **data):
    return client.post(reverse("competitions:publish", args=[competition.slug]), data)


def reveal_page(competition):
    return reverse("admin:competitions_competition_reveal", args=[competition.pk])


def test_from_the_checklist_over_the_ceremony_to_everybody(
    frozen, admin, clients, alice, bob, told, django_capture_on_commit_callbacks
):
    log, home = "/competitions/pets/submissions/", "/competitions/pets/"
    board = leaderboard.board(frozen)
    assert [row.team for row in board.rows] == ["Alice"]
    assert "The challenge is over." in admin.get(reveal_page(frozen)).content.decode()

    with django_capture_on_commit_callbacks(execute=True):
        page = admin.post(reveal_page(frozen), {"for_ceremony": "on"}, follow=True)
    assert "revealed, to organisers only" in page.content.decode()
    assert f"{home}ceremony/" in page.content.decode()
    assert [event["event"] for event in told()] == ["clock"]
    assert [row.team for row in leaderboard.board(Competition.objects.get()).rows] == ["Alice"]
    for who in (alice, bob):
        page = clients(who).get(home).content.decode() + clients(who).get(log).content.decode()
        assert "Results are being announced" in page
        assert "0.9167" not in page and "Private score" not in page
    assert "results are being announced" in clients().get("/").content.decode()

    with django_capture_on_commit_callbacks(execute=True):
        answer = publish(admin, frozen, next=reveal_page(frozen))
    assert answer.url == reveal_page(frozen)
    assert [event["event"] for event in told()][1:] == ["clock", "reset"]
    rows = leaderboard.board(Competition.objects.get()).rows
    assert [row.team for row in rows] == ["Bob", "Alice"]
    page = clients(bob).get(home).content.decode()
    assert "Your result" in page and "0.9167" in page and "1st <small>of 2" in page
    page = clients(bob).get(log).content.decode()
    assert "Private score" in page and "0.9167" in page
    assert "0.9167" not in clients(alice).get(log).content.decode()
    one = Submission.objects.get(team__name="Bob")
    assert "0.9167" in clients(bob).get(f"{log}{one.public_id}/").content.decode()
    assert publish(admin, frozen).url == "/competitions/pets/leaderboard/"
    assert Act.objects.filter(kind=Kind.PUBLISHED).count() == 1


def test_a_script_that_publishes_hears_yes_or_why_not_and_is_led_nowhere(frozen, admin, clients):
    address = reverse("competitions:publish", args=[frozen.slug])

    def ask(client):
        answer = client.post(address, headers={"Accept": "application/json"})
        return answer.status_code, Competition.objects.get().published_at is not None

    refused = admin.post(address, headers={"Accept": "application/json"})
    assert refused.status_code == 409
    assert refused.json()["error"]["message"] == "Reveal the private board first."
    reveal.reveal(frozen, despite=DESPITE)
    assert ask(clients()) == (302, False)  # signed out meanwhile: the script takes it for a no
    assert ask(admin) == (204, True)
    assert "Everybody sees" not in admin.get("/").content.decode()


def test_without_a_ceremony_everybody_sees_it_at_once(
    frozen, admin, told, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        admin.post(reveal_page(frozen), {"despite": ""})
    fresh = Competition.objects.get()
    assert (fresh.state, fresh.published_at is not None) == (State.REVEALED, True)
    assert [event["event"] for event in told()] == ["clock", "reset"]


def test_the_page_asks_for_a_reason_where_one_can_be_given(frozen, admin):
    SolutionVersion.objects.update(verified_at=None)
    page = admin.get(reveal_page(frozen)).content.decode()  # just over: a worker is at it
    assert "data-awaited" in page and "Waiting" in page
    assert 'name="despite"' not in page and "With a reason" not in page
    Competition.objects.update(closes_at=timezone.now() - timedelta(minutes=3))
    page = admin.get(reveal_page(frozen)).content.decode()
    assert "data-awaited" not in page and "Missing" in page
    assert 'name="despite"' in page and "With a reason you may go on without it." in page
    page = admin.post(reveal_page(frozen), {"for_ceremony": "on"}, follow=True).content.decode()
    assert "It cannot be revealed yet." in page
    Submission.objects.filter(team__name="Bob").update(status="queued", finished_at=None)
    page = admin.get(reveal_page(frozen)).content.decode()
    assert "Files without a score yet: 1." in page and 'name="despite"' not in page


def test_an_organiser_alone_publishes(frozen, clients, alice, person, host):
    reveal.reveal(frozen, host)
    assert publish(clients(), frozen).url.startswith("/accounts/login/")
    for user in (alice, person("assistant", is_staff=True)):
        assert publish(clients(user), frozen).status_code == 403
    assert publish(clients(host, enforce_csrf_checks=True), frozen).status_code == 403
    assert Competition.objects.get().published_at is None
    address = reverse("competitions:publish", args=[frozen.slug])
    assert clients(host).get(address).status_code == 405


def test_no_private_score_is_read_before_the_publication(frozen, host, django_assert_num_queries):
    sent = list(Submission.objects.all())
    reveal.reveal(frozen, host)
    fresh, team = Competition.objects.get(), Team.objects.get(name="Bob")
    with django_assert_num_queries(0):
        assert final.private_scores(fresh, sent) == {}
        assert (final.own_result(fresh, team), final.ranked(fresh)) == (None, 0)
    reveal.publish(fresh, host)
    told = final.private_scores(Competition.objects.get(), sent)
    assert sorted(told.values()) == ["0.6667", "0.9167"]


# --- alarms --------------------------------------------------------------------------------------


def test_an_alarm_is_for_organisers_and_is_marked_as_seen(frozen, admin, clients, alice, host):
    best = Submission.objects.get(team__name="Alice")
    alarm = Alarm.objects.create(
        team=best.team, submission=best, z=5.2679, raised_at=timezone.now()
    )
    address = reverse("admin:competitions_alarm_changelist")
    page = admin.get(address).content.decode()
    assert "5.3" in page and "5.26" not in page
    assert "show it to no participant" in page
    assert admin.get(address, {"z__gt": "5.26"}).status_code == 400
    assert clients(alice).get(address).status_code == 302
    assert "alarms" in missing(frozen)
    seen = reverse("admin:competitions_alarm_mark_seen", args=[alarm.pk])
    data = {"_form_submitted": "on", "reason": "An honest team."}
    assert admin.post(seen, data)["HX-Redirect"] == address
    assert "alarms" not in missing(frozen)
    act = Act.objects.get(kind=Kind.ALARM_SEEN)
    assert (act.actor, act.reason, act.subject) == (host, "An honest team.", "Alice")
    assert admin.get(change_page(frozen)).status_code == 200
