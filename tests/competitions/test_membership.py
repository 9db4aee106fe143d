"""Teams of several: an invitation leads into one, and scores never change sides."""

import pytest

from competitions import membership, moderation, teams
from competitions.models import Competition, Member, State, Team
from competitions.refusals import LimitReached, NotFound, NotOpen, Refused

pytestmark = pytest.mark.django_db


@pytest.fixture
def invited(competition: Competition, alice) -> tuple[Team, str]:
    team = teams.join(competition, alice)
    return team, membership.invite(team)


def people(team: Team) -> list[str]:
    return [user.get_username() for user in membership.members(team)]


def test_an_invitation_leads_into_the_team(competition, alice, bob, invited):
    team, code = invited
    alone = teams.join(competition, bob)
    assert membership.accept(competition, bob, f" {code.lower()} ") == team
    assert people(team) == [alice.get_username(), bob.get_username()]
    assert not Team.objects.filter(pk=alone.pk).exists()
    assert teams.of(competition, bob) == team


def test_an_invitation_stays_until_it_is_taken_back(competition, bob, invited):
    team, code = invited
    assert membership.invite(team) == code
    membership.revoke(team)
    with pytest.raises(NotFound):
        membership.accept(competition, bob, code)


def test_an_invitation_is_good_in_its_own_challenge_alone(another, bob, invited):
    with pytest.raises(NotFound):
        membership.accept(another, bob, invited[1])


def test_whoever_has_sent_a_file_stays(competition, bob, scored, answers, invited):
    scored(bob, answers())
    with pytest.raises(Refused, match="has sent files already"):
        membership.accept(competition, bob, invited[1])


def test_a_full_team_takes_nobody(competition, bob, invited):
    Competition.objects.filter(pk=competition.pk).update(max_team_size=1)
    with pytest.raises(LimitReached, match="at most 1"):
        membership.accept(competition, bob, invited[1])


def test_after_the_end_teams_stay_as_they_are(competition, alice, bob, invited):
    teams.join(competition, bob)
    Competition.objects.filter(pk=competition.pk).update(state=State.CLOSED)
    with pytest.raises(NotOpen):
        membership.accept(competition, bob, invited[1])


def test_leaving_is_for_whoever_is_not_alone(competition, alice, bob, invited):
    team, code = invited
    with pytest.raises(Refused, match="alone"):
        membership.leave(team, alice)
    membership.accept(competition, bob, code)
    own = membership.leave(team, bob)
    assert (people(team), people(own)) == ([alice.get_username()], [bob.get_username()])


def test_whoever_sent_for_a_team_does_not_leave_it(
    competition, alice, bob, scored, answers, invited
):
    team, code = invited
    membership.accept(competition, bob, code)
    scored(bob, answers())
    with pytest.raises(Refused, match="bind you to it"):
        membership.leave(team, bob)


@pytest.mark.django_db(transaction=True)
def test_two_at_once_do_not_overfill_a_team(competition, person, invited, at_once):
    Competition.objects.filter(pk=competition.pk).update(max_team_size=2)
    people = [person(f"racer{n}") for n in range(3)]
    for each in people:
        teams.join(competition, each)
    waiting = list(people)

    def accept() -> str:
        try:
            membership.accept(competition, waiting.pop(), invited[1])
        except LimitReached:
            return "full"
        return "in"

    assert sorted(at_once(3, accept)) == ["full", "full", "in"]
    assert Member.objects.filter(team=invited[0]).count() == 2


def test_the_page_does_all_of_it(competition, clients, alice, bob, invited):
    team, code = invited
    address = f"/competitions/{competition.slug}/team/"
    assert code in clients(alice).get(address).content.decode()
    clients(alice).post(address, {"act": "rename", "name": "The Cats"})
    clients(bob).post(address, {"act": "accept", "invitation": code})
    page = clients(bob).get(address).content.decode()
    assert "The Cats" in page and "2 of at most" in page
    clients(bob).post(address, {"act": "leave"})
    assert people(team) == [alice.get_username()]
    clients(alice).post(address, {"act": "revoke"})
    team.refresh_from_db()
    assert team.invitation is None
    wrong = clients(bob).post(address, {"act": "accept", "invitation": "nope"}, follow=True)
    assert "No team has this invitation" in wrong.content.decode()


def test_whoever_has_not_joined_is_offered_to(competition, clients, alice):
    page = clients(alice).get(f"/competitions/{competition.slug}/team/").content.decode()
    assert "Join the challenge" in page
    assert clients(None).get(f"/competitions/{competition.slug}/team/").status_code == 302


def test_a_disqualification_is_not_left_behind(competition, bob, host, invited):
    team, code = invited
    membership.accept(competition, bob, code)
    moderation.disqualify(team, "Copied.", host)
    with pytest.raises(Refused, match="disqualified"):
        membership.leave(team, bob)
