"""The final picks: two files of a team's own choice, settled to the millisecond by the end."""

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from competitions import lifecycle, moderation, picks
from competitions.models import Competition, PrivateScore, PublicScore, Submission
from competitions.refusals import NotOpen, Refused
from tests.competitions.test_submissions import all_at_once

END = datetime(2999, 5, 1, 12, tzinfo=UTC)
TICK = timedelta(milliseconds=1)


@pytest.fixture
def three(scored, alice, answers):
    """Alice's files, each better than the one before, the last two equal."""
    return [
        scored(alice, answers(wrong), name=f"{wrong}-{n}.csv") for n, wrong in enumerate((2, 1, 1))
    ]


def picked():
    return dict(Submission.objects.filter(pick__isnull=False).values_list("pick", "file_name"))


def test_two_may_be_picked_and_taken_back(three):
    first, second, third = three
    assert [picks.choose(first), picks.choose(second), picks.choose(first)] == [1, 2, 1]
    with pytest.raises(Refused, match="Take one of them back first"):
        picks.choose(third)
    picks.withdraw(first)
    picks.withdraw(first)
    assert picks.choose(third) == 1
    assert picked() == {1: third.file_name, 2: second.file_name}


@pytest.mark.parametrize("status", ["received", "running", "invalid", "failed"])
def test_what_has_no_score_is_not_picked(in_status, status):
    with pytest.raises(Refused, match="Only a scored file"):
        picks.choose(in_status(status))


def test_what_does_not_count_is_not_picked_and_loses_its_pick(three):
    late, excluded, _ = three
    Submission.objects.filter(pk=late.pk).update(is_late=True, lifetime_slot=None)
    picks.choose(excluded)
    moderation.exclude(excluded, "Sent by another team.")
    for one in (late, excluded):
        with pytest.raises(Refused, match="Only a scored file"):
            picks.choose(one)
    assert picked() == {}


def test_what_a_correction_left_without_a_score_is_not_picked_and_nobodys_final_file(three):
    """Its score under the old solution is there; the reveal would pass over it in silence."""
    first, second, _ = three
    picks.choose(second)
    for scores in (PublicScore, PrivateScore):
        scores.objects.filter(submission=first).update(solution=another_version(first))
    with pytest.raises(Refused, match="cannot be scored any more"):
        picks.choose(first)
    assert picked() == {1: second.file_name}


def another_version(submission):
    version = submission.team.competition.solution
    version.pk, version.version = None, version.version + 1
    version.save()
    return version


@pytest.mark.parametrize(
    ("moment", "is_open"), [(END - TICK, True), (END, False), (END + TICK, False)]
)
def test_the_end_settles_them_to_the_millisecond(three, frozen_clock, moment, is_open):
    first, second, _ = three
    picks.choose(first)
    Competition.objects.update(closes_at=END)
    frozen_clock(moment)
    if is_open:
        picks.choose(second)
        picks.withdraw(first)
        assert picked() == {2: second.file_name}
        return
    for act in (picks.choose, picks.withdraw):
        with pytest.raises(NotOpen, match="settled when the challenge closed"):
            act(first)
    assert picked() == {1: first.file_name}


@pytest.mark.django_db(transaction=True)
def test_of_many_picks_at_once_two_are_made(three):
    results = all_at_once(9, lambda n: picks.choose(three[n % 3]))
    assert sorted(picked()) == [1, 2]
    assert {type(one) for one in results} <= {int, Refused}, results


@pytest.mark.django_db(transaction=True)
def test_a_pick_racing_the_end_is_made_before_it_or_refused(three, competition):
    """Whoever comes second sees what the first one did, whole."""
    acts = (lambda: lifecycle.close_now(competition), lambda: picks.choose(three[0]))
    results = all_at_once(2, lambda n: acts[n]())
    assert all(isinstance(one, NotOpen | int | None) for one in results), results
    refused = [one for one in results if isinstance(one, NotOpen)]
    assert bool(refused) == (picked() == {})
    with pytest.raises(NotOpen):
        picks.choose(three[1])


def test_without_a_pick_the_best_public_file_counts_the_earlier_of_equals(
    three, competition, alice
):
    team = three[0].team
    assert picks.by_default(competition, team) == three[1]
    Submission.objects.filter(pk=three[1].pk).update(is_late=True, lifetime_slot=None)
    assert picks.by_default(competition, team) == three[2]
    Competition.objects.update(metric="top_k_error")  # less is better
    assert picks.by_default(Competition.objects.get(), team) == three[0]


# --- through the doors ---------------------------------------------------------------------------


def log(competition):
    return reverse("competitions:submissions", args=[competition.slug])


def page_of(one):
    return reverse("competitions:pick", args=["pets", one.public_id])


def test_a_team_picks_on_its_log_without_any_script(competition, three, clients, alice):
    browser = clients(alice, enforce_csrf_checks=True)
    page = browser.get(log(competition)).content.decode()
    assert f"No final pick: <b>{three[1].file_name}</b>, your best public score, counts." in page
    assert page.count('aria-pressed="false"') == 3
    assert browser.post(page_of(three[2]), {"wanted": "yes"}).status_code == 403
    token = {"csrfmiddlewaretoken": browser.cookies["csrftoken"].value}
    answer = browser.post(page_of(three[2]), {**token, "wanted": "yes"}, follow=True)
    page = answer.content.decode()
    assert f"{three[2].file_name} is picked for the final ranking. 1 of 2 picks made." in page
    assert page.count('aria-pressed="true"') == 1
    answer = browser.post(page_of(three[2]), {**token, "wanted": "no"}, follow=True)
    assert "is no longer picked. 0 of 2" in answer.content.decode()
    lifecycle.close_now(competition)
    page = browser.get(log(competition)).content.decode()
    assert "aria-pressed" not in page
    assert "The picks were settled when the challenge closed" in page and ">Counts<" in page
    answer = browser.post(page_of(three[2]), {**token, "wanted": "yes"}, follow=True)
    assert "The picks were settled" in answer.content.decode()
    assert picked() == {}


def test_nobody_else_picks_for_a_team(competition, three, clients, bob, host, team_of):
    team_of(bob)
    assert clients().post(page_of(three[0])).url.startswith("/accounts/login/")
    for person in (bob, host):
        assert clients(person).post(page_of(three[0]), {"wanted": "yes"}).status_code == 404
        api = clients(person).post(f"/api/submissions/{three[0].public_id}/pick/")
        assert api.status_code == 404
    assert clients(bob).get(page_of(three[0])).status_code == 405
    assert picked() == {}


def test_a_pick_leads_back_to_this_site_only(three, clients, alice):
    browser = clients(alice)
    there = browser.post(page_of(three[0]), {"wanted": "yes", "next": "/competitions/pets/?x=1#a"})
    assert there.url == "/competitions/pets/?x=1#a"
    away = browser.post(page_of(three[0]), {"wanted": "no", "next": "https://elsewhere.example/"})
    assert away.url == "/competitions/pets/submissions/"


def test_a_program_picks_too(competition, three, clients, alice):
    client = clients(alice)
    address = f"/api/submissions/{three[0].public_id}/"
    assert client.get(address).json()["pick"] is None
    assert client.post(f"{address}pick/").json()["pick"] == 1
    assert client.delete(f"{address}pick/").json()["pick"] is None
    for one in three[1:]:
        client.post(f"/api/submissions/{one.public_id}/pick/")
    refused = client.post(f"{address}pick/")
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "refused")
    lifecycle.close_now(competition)
    refused = client.delete(f"/api/submissions/{three[1].public_id}/pick/")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "not_open")
    told = client.get(address).json()
    assert (told["is_late"], told["excluded"], told["remarks"]) == (False, "", [])
