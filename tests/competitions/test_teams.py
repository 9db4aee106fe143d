"""Joining: one team per person, one name per team, whatever is typed or clicked at once."""

import pytest
from django.core.exceptions import ValidationError

from competitions import teams
from competitions.models import Member, Team
from competitions.refusals import NameTaken, NotOpen, Refused
from tests.classroom import make_competition
from tests.competitions.test_submissions import all_at_once

INVISIBLE = "\u200b\u200d\u2066\u202e\ufeff"


def test_the_first_click_makes_a_team_of_one(competition, alice):
    team = teams.join(competition, alice)
    assert (team.name, team.is_baseline) == ("Alice", False)
    assert [member.user for member in team.members.all()] == [alice]


def test_the_second_click_changes_nothing(competition, alice):
    assert teams.join(competition, alice) == teams.join(competition, alice)
    assert (Team.objects.count(), Member.objects.count()) == (1, 1)


def test_each_competition_has_its_own_teams(competition, alice, solution_csv):
    other = make_competition("other", solution_csv)
    assert teams.join(competition, alice) != teams.join(other, alice)
    assert teams.of(other, alice).competition == other


def test_nobody_is_in_a_team_before_joining(competition, alice):
    assert teams.of(competition, alice) is None


def test_a_closed_competition_takes_no_newcomers_but_knows_its_members(competition, alice, bob):
    team = teams.join(competition, alice)
    type(competition).objects.filter(pk=competition.pk).update(state="closed")
    assert teams.join(competition, alice) == team
    with pytest.raises(NotOpen):
        teams.join(competition, bob)


def test_people_of_one_name_get_numbers(competition, person):
    people = [person(f"ada{n}", first_name="Ada") for n in range(3)]
    assert [teams.join(competition, one).name for one in people] == ["Ada", "Ada 2", "Ada 3"]


def test_a_name_that_contains_another_is_not_taken(competition, person):
    teams.join(competition, person("one", first_name="Adalbert"))
    assert teams.join(competition, person("two", first_name="Ada")).name == "Ada"


def test_capitals_make_no_new_name(competition, person):
    teams.join(competition, person("one", first_name="ADA"))
    assert teams.join(competition, person("two", first_name="ada")).name == "ada 2"


@pytest.mark.parametrize("name", ["Zoë", "ÄRGER", "Straße", "İstanbul", "ΟΔΥΣΣΕΥΣ"])
def test_capitals_of_any_alphabet_make_no_new_name(competition, person, name):
    """SQLite folds ASCII alone, PostgreSQL by its locale; both must see the same name."""
    teams.join(competition, person("one", first_name=name))
    other = teams.join(competition, person("two", first_name=name.swapcase()))
    assert other.name != name.swapcase()
    assert len({team.name.casefold() for team in Team.objects.all()}) == 2


def test_a_long_name_is_cut_and_still_numbered(competition, person):
    for n in range(2):
        teams.join(competition, person(f"p{n}", first_name="A" * 140))
    names = sorted(Team.objects.values_list("name", flat=True), key=len)
    assert [len(name) for name in names] == [57, 60]


def test_a_person_whose_name_is_invisible_can_join(competition, person):
    """Nobody is locked out by what stands in an imported account: the user name stands in."""
    assert teams.join(competition, person("ghost", first_name=INVISIBLE)).name == "ghost"


# --- names ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  Ada \t Lovelace\n", "Ada Lovelace"),
        (f"ad{INVISIBLE}min", "admin"),
        ("ﬁne", "fine"),
        ("\uff21\uff44\uff41", "Ada"),
        ("e\u0301", "\u00e9"),
        ("a\x00b", "ab"),
        ("\U000e0041x", "x"),
        ("🦉", "🦉"),
        ("Ada\ufe0f", "Ada"),
        ("x" * 61, "x" * 60),
        ("x" * 59 + " y", "x" * 59),
    ],
)
def test_what_looks_the_same_is_the_same(typed, kept):
    assert teams.clean_name(typed) == kept


@pytest.mark.parametrize("typed", ["", "   ", INVISIBLE, "\u3164", "\u2800", "\u115f"])
def test_a_name_must_be_visible(typed):
    with pytest.raises(Refused, match="visible"):
        teams.clean_name(typed)


def test_renaming(competition, alice, bob):
    team = teams.join(competition, alice)
    teams.rename(team, " The   Owls ")
    assert Team.objects.get(pk=team.pk).name == "The Owls"
    other = teams.join(competition, bob)
    with pytest.raises(NameTaken, match="the owls"):
        teams.rename(other, f"the o{INVISIBLE}wls")
    assert Team.objects.get(pk=other.pk).name == "Bob"


def test_a_form_says_that_a_name_is_taken(competition, alice, bob):
    team = teams.join(competition, alice)
    teams.join(competition, bob)
    team.name = "BOB"
    with pytest.raises(ValidationError, match="Another team"):
        team.full_clean()


def test_renaming_to_the_own_name_in_capitals(competition, alice):
    team = teams.join(competition, alice)
    teams.rename(team, "ALICE")
    assert Team.objects.get().name == "ALICE"


# --- at once -------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_two_clicks_at_once_make_one_team(competition, alice):
    made = all_at_once(6, lambda _: teams.join(competition, alice).pk)
    assert len(set(made)) == 1, made
    assert (Team.objects.count(), Member.objects.count()) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_people_of_one_name_at_once_all_get_in(competition, person):
    people = [person(f"ada{n}", first_name="Ada") for n in range(6)]
    names = all_at_once(6, lambda n: teams.join(competition, people[n]).name)
    assert len(set(names)) == 6, names


@pytest.mark.django_db(transaction=True)
def test_no_team_is_left_without_a_member(competition, alice, monkeypatch):
    def refused(**_fields):
        raise RuntimeError("no")

    monkeypatch.setattr(Member.objects, "create", refused)
    with pytest.raises(RuntimeError):
        teams.join(competition, alice)
    assert not Team.objects.exists()
